// A directory of live runs as `chainsim live` leaves it, made from simulated runs: what validation must find
// equal to itself.
#pragma once

#include <cstdint>
#include <string>

#include "calibration/validate/simulated_runs.h"
#include "scenarios/scenario.h"
#include "tests/scenarios/scratch.h"

class LiveDirectory : public Scratch {
 public:
  // `stem`: "n4.r1" or "n4.c1".
  void run(const std::string& stem, const calibration::SimulatedRun& run, sim::Nanos warmup) const {
    std::string csv = "agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n";
    for (const calibration::StepRow& row : run.steps) {
      csv += std::to_string(row.agent) + "," + std::to_string(row.start_ns) + "," +
             std::to_string(row.timer_late_ns) + "," + std::to_string(row.tool_ns) + "," +
             std::to_string(row.read_ns) + "," + std::to_string(row.parse_ns) + "\n";
    }
    write(stem + ".steps.csv", csv);
    const models::Metrics& metrics = run.metrics;
    std::string counters;
    for (std::size_t i = 0; i < models::counter_count; ++i) {
      const auto counter = static_cast<models::Counter>(i);
      counters += (i == 0 ? "\"" : ", \"") + std::string{counter_name(counter)} +
                  "\": " + std::to_string(metrics[counter]);
    }
    write(stem + ".run.json",
          R"({"schema": 1, "kind": "live_run", "capture": "none", "capture_complete": true, "start_ns": )" +
              std::to_string(warmup.count()) + R"(, "end_ns": )" +
              std::to_string((warmup + metrics.measured).count()) + R"(, "counters": {)" + counters +
              R"(}, "cpu_percent": null, "background": {}, "settings": []})");
  }

  // Repetitions 1 to `repetitions` of a variant, with seeds that validation does not use.
  void repetitions(const scenarios::Variant& variant, sim::Nanos warmup, sim::Nanos duration,
                   int repetitions) const {
    for (int i = 1; i <= repetitions; ++i) {
      run(variant.name + ".r" + std::to_string(i),
          calibration::simulate_run({.host = variant.host,
                                     .seed = 1'000'000 + static_cast<std::uint64_t>(i),
                                     .warmup = warmup,
                                     .duration = duration}),
          warmup);
    }
  }
};
