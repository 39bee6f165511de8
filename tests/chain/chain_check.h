// Follows one completion through a trace: each hop is the next of its tracepoint, on the CPU and after the
// time that the hops' costs add up to.
#pragma once

#include <catch2/catch.hpp>
#include <cstddef>
#include <vector>

#include "tests/support/host_bench.h"

namespace models {

struct Hop {
  Tracepoint point;
  int cpu;
  sim::Nanos after;  // since the hop before
};

// From the first record of the first hop's tracepoint at or after `from`, whose own `after` does not count.
inline void check_chain(const TracedRun& run, sim::Nanos from, const std::vector<Hop>& hops) {
  const std::vector<TraceRecord>& records = run.records();
  std::size_t at = 0;
  while (at < records.size() && records[at].time.time_since_epoch() < from) {
    ++at;
  }
  sim::SimTime before{};
  for (std::size_t i = 0; i < hops.size(); ++i) {
    INFO("hop " << i);
    while (at < records.size() && records[at].point != hops[i].point) {
      ++at;
    }
    REQUIRE(at < records.size());
    CHECK(static_cast<int>(records[at].cpu) == hops[i].cpu);
    if (i > 0) {
      CHECK((records[at].time - before).count() == hops[i].after.count());
    }
    before = records[at++].time;
  }
}

// From a device's message to the handler of a CPU that sleeps in HLT.
inline constexpr sim::Nanos into_sleeping_cpu =
    cost_of(Cost::msi_delivery, Cost::idle_exit_hlt, Cost::hardirq_entry);
// From the wakeup in a hardirq to the switch from idle.
inline constexpr sim::Nanos out_of_idle =
    cost_of(Cost::hardirq_exit, Cost::idle_loop_exit, Cost::context_switch);
// From sched_waking on another CPU to sched_wakeup: the wake list, drained in its IPI.
inline constexpr sim::Nanos remote_wakeup =
    cost_of(Cost::ipi_delivery, Cost::idle_exit_hlt, Cost::hardirq_entry, Cost::ipi_handler);

}  // namespace models
