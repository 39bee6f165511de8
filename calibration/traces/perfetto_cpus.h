// The rows of each CPU in a Perfetto trace: its hardirqs, its softirqs, and how many tasks it has to run.
//
//   CPUs ── CPU 0 irq         "irq 36 virtio1-req.0"; marks of what happened with interrupts interrupted
//        ├─ CPU 0 softirq     "NET_RX", with an arrow from each raise since its last run
//        └─ CPU 0 run queue   tasks runnable or running (rq->nr_running), as far as the events tell
//
// A slice whose end was lost is ended where the CPU shows that it must have: at the next of its kind, a
// sched_switch, or the tracer's word that events were lost.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/perfetto_stream.h"

namespace calibration {

class PerfettoCpus {
 public:
  static constexpr std::int32_t max_cpus = 8192;  // NR_CPUS of a distribution's kernel

  PerfettoCpus(PerfettoStream& stream, const Names& names) : stream_{stream}, names_{names} {}

  Track irq(std::int32_t cpu) { return at(cpu).irq; }
  Track softirq(std::int32_t cpu) { return at(cpu).softirq; }
  bool in_irq(std::int32_t cpu) { return at(cpu).in_handler; }
  bool in_softirq(std::int32_t cpu) { return at(cpu).vec >= 0; }

  void handler_entry(const Event& event);
  void handler_exit(const Event& event);
  FlowId raised(const Event& event);  // an arrow to the vector's next entry; none past the kept_raises-th
  void softirq_entry(const Event& event);
  void softirq_exit(const Event& event);
  void close(std::int32_t cpu, std::int64_t time);  // whatever is open

  // A task more or less to run.
  void runnable(std::int32_t cpu, int change, std::int64_t time);

  void finish(std::int64_t time);

 private:
  static constexpr std::size_t vectors = 10;
  static constexpr std::size_t kept_raises = 8;  // of a vector, between two runs

  struct Cpu {
    Track irq = Track::none;
    Track softirq = Track::none;
    Track queue = Track::none;
    bool in_handler = false;
    std::int32_t vec = -1;
    int runnable = 0;
    std::array<std::vector<FlowId>, vectors> raises;
  };

  Cpu& at(std::int32_t cpu);

  PerfettoStream& stream_;
  const Names& names_;
  Track group_ = Track::none;
  std::vector<Cpu> cpus_;
};

}  // namespace calibration
