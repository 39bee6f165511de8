#include "calibration/fit/printed_rows.h"

namespace calibration {
namespace {

std::uint64_t count_of(const std::map<std::int64_t, std::uint64_t>& counts, std::int64_t key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

class TracerMeanwhile {
 public:
  explicit TracerMeanwhile(const TaskRoles& roles) : roles_{roles} {}

  void see(std::int64_t tid) {
    const std::string& role = roles_.of(tid);
    if (role == "agent") {
      rows_ += agent_seen_ ? since_agent_ : 0;
      since_agent_ = 0;
      agent_seen_ = true;
    } else if (role == "tracer") {
      ++since_agent_;
    }
  }
  std::uint64_t rows() const { return rows_; }

 private:
  const TaskRoles& roles_;
  std::uint64_t rows_ = 0;
  std::uint64_t since_agent_ = 0;
  bool agent_seen_ = false;
};

}  // namespace

std::uint64_t Races::on(std::int64_t key) const {
  return count_of(uptime, key) + count_of(start_after_end, key);
}

bool has_tasks(BpftraceProgram program) {
  return program != BpftraceProgram::irq && program != BpftraceProgram::softirq;
}

PrintedRows read_printed_rows(const std::filesystem::path& path, const TaskRoles& roles) {
  BpftraceReader reader{path};
  TracerMeanwhile meanwhile{roles};
  PrintedRows rows;
  for (BpftraceRow row; reader.next(row);) {
    rows.durations[{row.key, row.ret}].add(row.duration_us);
    if (has_tasks(row.program)) {
      meanwhile.see(row.key);
    }
  }
  rows.log = reader.log();
  rows.tracer_meanwhile = meanwhile.rows();
  return rows;
}

Races take_out_races(PrintedRows& rows, const PlausibleDuration& rule) {
  Races races;
  for (auto& [key, printed] : rows.durations) {
    ValueCounts durations;
    for (const auto& [value, times] : printed.values()) {
      switch (classify(value, rule)) {
        case DurationKind::plausible:
          durations.add(value, times);
          break;
        case DurationKind::uptime:
          races.uptime[key.first] += times;
          break;
        case DurationKind::start_after_end:
          races.start_after_end[key.first] += times;
          break;
        case DurationKind::impossible:
          races.impossible[key.first] += times;
          break;
      }
    }
    printed = std::move(durations);
  }
  return races;
}

std::optional<std::int64_t> guess_tracer(const PrintedRows& rows) {
  constexpr std::int64_t at_once_us = 2;
  if (rows.log.program != BpftraceProgram::epoll) {
    return std::nullopt;
  }
  std::map<std::int64_t, ValueCounts> tasks;
  std::uint64_t all = 0;
  for (const auto& [key, durations] : rows.durations) {
    tasks[key.first].add(durations);
    all += durations.count();
  }
  for (const auto& [tid, durations] : tasks) {
    if (2 * durations.count() > all && durations.quantile(0.9) <= at_once_us) {
      return tid;
    }
  }
  return std::nullopt;
}

}  // namespace calibration
