// The agents' own timing of their steps: the file `LOAD.PROGRAM.steps.csv`, one row per step,
// `agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns`, by CLOCK_MONOTONIC.
//
//   intended start   start        tool done      read done      parse done
//        |  timer_late  |     tool     |     read     |     parse     |
//        |<------------------------- step ------------------------->|
//
// `start_ns` is the time after the sleep, so a step's intended start is start - timer_late.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace calibration {

struct StepRow {
  std::int64_t agent = 0;
  std::int64_t start_ns = 0;  // CLOCK_MONOTONIC, which bpftrace's nsecs also reads
  std::int64_t timer_late_ns = 0;
  std::int64_t tool_ns = 0;
  std::int64_t read_ns = 0;
  std::int64_t parse_ns = 0;

  std::int64_t step_ns() const { return timer_late_ns + tool_ns + read_ns + parse_ns; }
  std::int64_t end_ns() const { return start_ns + tool_ns + read_ns + parse_ns; }
};

struct Steps {
  std::vector<StepRow> rows;
  bool partial_last_line = false;  // dropped

  // From the first intended start to the last end; both 0 without rows.
  std::int64_t first_ns() const;
  std::int64_t last_ns() const;
  double span_s() const { return static_cast<double>(last_ns() - first_ns()) * 1e-9; }
};

// Throws InputError: a wrong header, a field that is no number, a negative time, one of a year or more.
Steps read_steps(const std::filesystem::path& path);

}  // namespace calibration
