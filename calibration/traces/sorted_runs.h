// The events of one or several sorted runs in the order of time. event_reader.h says which of two events at
// the same time comes first.
//
//   run 1 (lines 1..51374)  ──┐
//   run 2 (lines 51375..)   ──┴─► next()
//
// Memory: of each run one event and its file's block.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "calibration/traces/capture_file.h"
#include "calibration/traces/event_reader.h"

namespace calibration {

class SortedRuns {
 public:
  static constexpr std::int64_t longest_jump_back = 1'000'000;  // ns, within a run
  using TimeOf = bool (*)(std::string_view line, std::int64_t& time);

  // Adds the next run. `file`: the text that `source` takes its lines from; nullptr where it takes none, and
  // then a jump back is left as it is. `time_of` as in TextFormat.
  void add(std::unique_ptr<CaptureFile> file, std::unique_ptr<EventSource> source, TimeOf time_of = nullptr);

  // The next event; false at the end. Throws UnsortedCapture, of a single run only, and what the sources
  // throw.
  bool next(Event& event);

  double progress() const;  // of the last run, 0..1

 private:
  struct Run {
    std::unique_ptr<CaptureFile> file;
    std::unique_ptr<EventSource> source;
    TimeOf time_of = nullptr;
    Event event;  // the next one, when several runs are merged
    bool more = false;
    std::int64_t latest = 0;  // ns; no tracer stamps a time before 0
  };

  bool take(Run& run, Event& event);
  bool merge(Event& event);
  bool precedes(const Event& a, const Event& b) const;
  int closeness(const Event& event) const;
  [[noreturn]] void find_runs(Run& run, std::int64_t time);
  static bool next_time(Run& run, std::int64_t& time);

  std::vector<Run> runs_;
  std::vector<std::int32_t> current_;  // by CPU, while merging: the pid that it runs; -1 unknown
  bool merging_ = false;
};

}  // namespace calibration
