// FairBench with cpu.max: its timers, and tasks that stop at their return to user mode.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/models/fair_bench.h"

namespace models {

// Tasks return to user mode as soon as they run, unless `in_kernel`.
struct QuotaBench : FairBench {
  struct Timer {
    GroupId group;
    BandwidthTimer kind;
    std::int64_t at;
  };

  explicit QuotaBench(KernelRelease release, int count = 1) : FairBench{release, count} {
    fair.bandwidth.now.connect<&QuotaBench::now>(*this);
    fair.bandwidth.start_timer.connect<&QuotaBench::start_timer>(*this);
    fair.bandwidth.unthrottle.connect<&QuotaBench::unthrottle>(*this);
  }

  GroupId limited(sim::Nanos quota, sim::Nanos period = std::chrono::milliseconds{100},
                  GroupId parent = GroupId::root) {
    TaskGroupConfig config;
    config.parent = parent;
    config.quota = quota;
    config.period = period;
    return fair.add_group(config);
  }

  std::int64_t now() { return clock; }
  void start_timer(GroupId group, BandwidthTimer kind, std::int64_t at) {
    timers.push_back({group, kind, at});
  }
  void unthrottle(CpuId cpu) {
    fair.unthrottle(cpu, clock);
    if (running(cpu) == nullptr || fair.need_resched(cpu)) {
      reschedule(cpu);
    }
  }

  void reschedule(CpuId cpu) {
    schedule(cpu);
    while (!in_kernel && running(cpu) != nullptr && fair.throttle_work(*running(cpu))) {
      if (fair.throttle_task(cpu, clock)) {
        schedule(cpu);
      }
    }
  }

  // Timers come before the tick of the same instant.
  void run_quota(sim::Nanos span) {
    const std::int64_t end = clock + span.count();
    while (clock < end) {
      std::int64_t next = std::min(end, (clock / tick + 1) * tick);
      for (const Timer& timer : timers) {
        next = std::min(next, timer.at);
      }
      clock = next;
      for (std::size_t i = 0; i < timers.size();) {
        if (timers[i].at <= clock) {
          const Timer timer = timers[i];
          timers.erase(timers.begin() + static_cast<std::ptrdiff_t>(i));
          fair.bandwidth_timer(timer.group, timer.kind);
        } else {
          ++i;
        }
      }
      if (clock % tick == 0) {
        for (int i = 0; i < cpus; ++i) {
          const auto cpu = static_cast<CpuId>(i);
          fair.tick(cpu, clock);
          if (fair.need_resched(cpu)) {
            reschedule(cpu);
          }
        }
      }
    }
  }

  std::vector<Timer> timers;
  bool in_kernel = false;
};

}  // namespace models
