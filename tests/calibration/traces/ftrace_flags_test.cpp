#include "calibration/traces/ftrace_flags.h"

#include <catch2/catch.hpp>
#include <string>

using namespace models;
using calibration::EventFlags;
using calibration::flags_column;
using calibration::FtraceFlags;

namespace {

constexpr TaskId idle = TaskId::none;
constexpr TaskId agent{4};
constexpr TaskId server{5};
constexpr std::uint8_t task = 0;  // TraceRecord::context
constexpr std::uint8_t softirq = 1;
constexpr std::uint8_t hardirq = 2;

std::string column(const EventFlags& flags) {
  const auto text = flags_column(flags);
  return {text.data(), text.size()};
}

// The columns of records on CPU 1, one after another.
struct Bench {
  Bench& at(std::int64_t us) {
    now = sim::SimTime{sim::Nanos{us * 1000}};
    return *this;
  }
  Bench& fire(Tracepoint point, TaskId current, std::uint8_t context, std::int64_t a, std::int64_t b = 0,
              std::int64_t c = 0, bool need_resched = false) {
    const TraceRecord record{now, a, b, c, current, CpuId{1}, point, context, false, need_resched};
    columns += (columns.empty() ? "" : " ") + column(flags.next(record));
    return *this;
  }

  FtraceFlags flags{2, 8};
  std::string columns;
  sim::SimTime now{};
};

}  // namespace

TEST_CASE("the column of flags is the kernel's", "[ftrace_flags]") {
  CHECK(column({}) == ".....");
  CHECK(column({.known = true, .irqs_off = true}) == "d....");
  CHECK(column({.known = true, .bh_off = true}) == "b....");
  CHECK(column({.known = true, .irqs_off = true, .bh_off = true, .need_resched = true}) == "DN...");
  CHECK(column({.known = true, .hardirq = true, .preempt_depth = 1}) == "..h1.");
  CHECK(column({.known = true, .softirq = true, .preempt_depth = 9}) == "..s9.");
  CHECK(column({.known = true, .hardirq = true, .softirq = true, .preempt_depth = 15}) == "..Hf.");
}

TEST_CASE("the flags tell an interrupt of a softirq from one of a task", "[ftrace_flags]") {
  Bench bench;
  bench.fire(Tracepoint::irq_handler_entry, agent, hardirq, 32)
      .fire(Tracepoint::softirq_raise, agent, hardirq, 3)
      .fire(Tracepoint::irq_handler_exit, agent, hardirq, 32)
      .fire(Tracepoint::softirq_entry, agent, softirq, 3)
      .fire(Tracepoint::irq_handler_entry, agent, hardirq, 34)
      .fire(Tracepoint::block_rq_complete, agent, hardirq, 1, 4096, 0, true)
      .fire(Tracepoint::irq_handler_exit, agent, hardirq, 34, 0, 0, true)
      .fire(Tracepoint::softirq_exit, agent, softirq, 3, 0, 0, true)
      .fire(Tracepoint::irq_handler_entry, agent, hardirq, 32);

  CHECK(bench.columns == "d.h.. d.h.. d.h.. ..s.. d.H.. dNH.. dNH.. .Ns.. d.h..");
}

TEST_CASE("the preempt depth counts the locks of the wakeup's path", "[ftrace_flags]") {
  Bench bench;
  bench.at(1).fire(Tracepoint::sys_enter_epoll_wait, agent, task, 4);
  bench
      .at(2)  // a socket's reader in a softirq at local_bh_enable: one that reads, one in epoll_wait
      .fire(Tracepoint::softirq_raise, server, task, 3)
      .fire(Tracepoint::softirq_entry, server, softirq, 3)
      .fire(Tracepoint::sched_waking, server, softirq, 7)
      .fire(Tracepoint::sched_wakeup, server, softirq, 7)
      .fire(Tracepoint::sched_waking, server, softirq, 4)
      .fire(Tracepoint::sched_wakeup, server, softirq, 4)
      .fire(Tracepoint::softirq_exit, server, softirq, 3);
  bench.at(3).fire(Tracepoint::sched_waking, idle, softirq, 5);
  bench.at(4).fire(Tracepoint::sched_wakeup, idle, hardirq, 5, 0, 0, true);  // by the wake list

  CHECK(bench.columns == "..... D..1. ..s1. d.s5. d.s6. d.s7. d.s8. ..s1. d.s3. dNh2.");
}
