// The rows of one capture as counts per task or vector, first as printed, then without what is no duration.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "calibration/fit/plausible.h"
#include "calibration/fit/value_counts.h"
#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/roles.h"

namespace calibration {

struct PrintedRows {
  using KeyAndRet = std::pair<std::int64_t, std::int64_t>;

  std::map<KeyAndRet, ValueCounts> durations;  // us
  BpftraceLog log;
  // The tracer's rows between the first and the last row of an agent: bpftrace runs before and after the
  // agents too, and the rows carry no time to tell by.
  std::uint64_t tracer_meanwhile = 0;
};

// Printed numbers that are no durations, by the key of their rows.
struct Races {
  std::map<std::int64_t, std::uint64_t> uptime;
  std::map<std::int64_t, std::uint64_t> start_after_end;
  std::map<std::int64_t, std::uint64_t> impossible;

  std::uint64_t on(std::int64_t key) const;  // uptime and start_after_end: proof of two CPUs at once
};

bool has_tasks(BpftraceProgram program);  // keyed by task; irq and softirq rows are not

// Throws InputError (see traces/bpftrace_rows.h).
PrintedRows read_printed_rows(const std::filesystem::path& path, const TaskRoles& roles);

// Moves what is no duration out of the rows.
Races take_out_races(PrintedRows& rows, const PlausibleDuration& rule);

// The task that behaves as bpftrace does: most of all epoll rows, nearly all of them over at once. The
// other programs' rows give no such sign.
std::optional<std::int64_t> guess_tracer(const PrintedRows& rows);

}  // namespace calibration
