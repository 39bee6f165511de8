// Where the time of a CPU goes, under random interrupts, softirqs and wakeups: all of it is booked, each part
// to the context that used it, to the nanosecond.
#include <array>
#include <catch2/catch.hpp>
#include <numeric>
#include <ostream>
#include <vector>

#include "tests/properties/for_all.h"
#include "tests/support/sched_bench.h"

namespace models {

// "CPU 1 at +30us: softirq of 5us wakes b": what happens `gap` after the one before. Wakes nobody: task -1.
struct Event {
  int gap_us = 0;
  int cpu = 0;
  int cost_us = 0;
  bool in_softirq = false;
  int task = -1;
};

inline void showValue(const Event& event, std::ostream& out) {
  out << "+" << event.gap_us << "us on CPU " << event.cpu << ": "
      << (event.in_softirq ? "softirq" : "hardirq") << " of " << event.cost_us << "us";
  if (event.task >= 0) {
    out << " wakes " << static_cast<char>('a' + event.task);
  }
}

}  // namespace models

namespace rc {

template <>
struct Arbitrary<models::Event> {
  static Gen<models::Event> arbitrary() {
    return gen::build<models::Event>(
        gen::set(&models::Event::gap_us, gen::inRange(0, 3000)),
        gen::set(&models::Event::cpu, gen::inRange(0, 2)),
        gen::set(&models::Event::cost_us, gen::inRange(0, 400)),
        gen::set(&models::Event::in_softirq, gen::arbitrary<bool>()),
        gen::set(&models::Event::task, gen::map(gen::inRange(0, 5), [](int n) { return n - 1; })));
  }
};

}  // namespace rc

namespace models {
namespace {

using Events = std::vector<Event>;

// Two CPUs, and four tasks of 70, 170, 270 and 370 us that are pinned alternately. Nothing else costs time,
// so what each context used is known from the script.
struct BookedBench : SchedBench {
  explicit BookedBench(bool irq_time_accounting)
      : SchedBench{
            KernelSetup{.cpus = 2, .kernel = {.irq_time_accounting = irq_time_accounting}, .traced = false}} {
    for (int i = 0; i < 4; ++i) {
      SchedConfig pinned;
      pinned.cpus = {i % 2};
      tasks[static_cast<std::size_t>(i)] = &worker(std::string(1, static_cast<char>('a' + i)), i % 2,
                                                   sim::Nanos{70'000 + 100'000 * i}, pinned);
    }
  }

  void play(const Events& events) {
    sim::Nanos at{0};
    for (const Event& event : events) {
      at += sim::Nanos{1000} * event.gap_us;
      const sim::Nanos cost = sim::Nanos{1000} * event.cost_us;
      const Do action =
          event.task < 0 ? Do{[] {}} : wake(*tasks[static_cast<std::size_t>(event.task)], event.cpu);
      if (event.in_softirq) {
        softirq_at(at, event.cpu, cost, action);
        softirq += cost.count();
      } else {
        interrupt_at(at, event.cpu, cost, action);
        hardirq += cost.count();
      }
    }
    end = at + 100ms;  // everything has run by then
    run_until(end);
  }
  std::array<std::int64_t, cpu_time_count> booked(int cpu) {
    cpus[static_cast<std::size_t>(cpu)]->account_now();
    return cpus[static_cast<std::size_t>(cpu)]->accounted();
  }

  std::array<Worker*, 4> tasks{};
  std::int64_t hardirq = 0;
  std::int64_t softirq = 0;
  sim::Nanos end{0};
};

TEST_CASE("every nanosecond of a CPU is booked once, to the context that used it", "[property][cpu]") {
  const bool accounting = GENERATE(true, false);
  support::for_all({.count = 150, .size = 40}, [accounting](const Events& events) {
    BookedBench bench{accounting};
    bench.play(events);

    std::array<std::int64_t, cpu_time_count> total{};
    for (int cpu = 0; cpu < 2; ++cpu) {
      const auto times = bench.booked(cpu);
      RC_ASSERT(std::accumulate(times.begin(), times.end(), std::int64_t{0}) == bench.end.count());
      for (std::size_t i = 0; i < times.size(); ++i) {
        RC_ASSERT(times[i] >= 0);
        total[i] += times[i];
      }
    }
    const auto of = [&](CpuTime time) { return total[static_cast<std::size_t>(time)]; };
    std::int64_t worked = 0;
    for (const auto* task : bench.tasks) {
      worked += task->work.count() * task->rounds;
    }
    RC_ASSERT(of(CpuTime::hardirq) == bench.hardirq);
    RC_ASSERT(of(CpuTime::softirq) + of(CpuTime::ksoftirqd) == bench.softirq);
    RC_ASSERT(of(CpuTime::user) == worked);
    RC_ASSERT(of(CpuTime::idle) == 2 * bench.end.count() - bench.hardirq - bench.softirq - worked);
  });
}

// Without IRQ time accounting tasks pay for the interrupts that they meet. With it they do not, but the books
// are made at the ends of interrupts: what a wakeup in the middle of one has counted for the running task is
// taken back from what that CPU's tasks run next (update_rq_clock_task).
TEST_CASE("tasks are charged what they worked, but for the interrupts that they met", "[property][cpu]") {
  const bool accounting = GENERATE(true, false);
  support::for_all({.count = 150, .size = 40}, [accounting](const Events& events) {
    BookedBench bench{accounting};
    bench.play(events);

    std::int64_t worked = 0;
    std::int64_t charged = 0;
    for (const auto* task : bench.tasks) {
      worked += task->work.count() * task->rounds;
      charged += task->task.se.sum_exec_runtime;
    }
    const std::int64_t interrupts = bench.hardirq + bench.softirq;
    RC_ASSERT(charged >= worked - (accounting ? interrupts : 0));
    RC_ASSERT(charged <= worked + interrupts);
  });
}

}  // namespace
}  // namespace models
