#include "calibration/traces/sorted_runs.h"

#include <algorithm>
#include <string>
#include <utility>

namespace calibration {

void SortedRuns::add(std::unique_ptr<CaptureFile> file, std::unique_ptr<EventSource> source, TimeOf time_of) {
  runs_.push_back({.file = std::move(file), .source = std::move(source), .time_of = time_of, .event = {}});
}

bool SortedRuns::next(Event& event) { return runs_.size() == 1 ? take(runs_.front(), event) : merge(event); }

bool SortedRuns::take(Run& run, Event& event) {
  if (!run.source->next(event)) {
    return false;
  }
  if (event.time < run.latest - longest_jump_back && run.file != nullptr) [[unlikely]] {
    find_runs(run, event.time);
  }
  run.latest = std::max(run.latest, event.time);
  return true;
}

bool SortedRuns::merge(Event& event) {
  if (!std::exchange(merging_, true)) {
    for (Run& run : runs_) {
      run.more = take(run, run.event);
    }
  }
  Run* first = nullptr;
  for (Run& run : runs_) {
    if (run.more && (first == nullptr || precedes(run.event, first->event))) {
      first = &run;
    }
  }
  if (first == nullptr) {
    return false;
  }
  event = first->event;
  first->more = take(*first, first->event);
  if (event.kind == EventKind::sched_switch && event.cpu >= 0) {
    const auto cpu = static_cast<std::size_t>(event.cpu);
    current_.resize(std::max(current_.size(), cpu + 1), -1);
    current_[cpu] = event.sched_switch.next_pid;
  }
  return true;
}

// Whether `a`, of a later run than `b`, comes before it.
bool SortedRuns::precedes(const Event& a, const Event& b) const {
  return a.time != b.time ? a.time < b.time : closeness(a) < closeness(b);
}

// 0: by the task that its CPU runs, or where that is not known; 1: the end of that task's turn; 2: by another
// task, to which a switch of the same time has yet to lead.
int SortedRuns::closeness(const Event& event) const {
  const auto cpu = static_cast<std::size_t>(event.cpu);
  if (event.cpu >= 0 && cpu < current_.size() && current_[cpu] >= 0 && event.pid >= 0 &&
      event.pid != current_[cpu]) {
    return 2;
  }
  return event.kind == EventKind::sched_switch ? 1 : 0;
}

// `run` has jumped back to `time`, so another run begins at the line just read: looks through the rest for
// more.
void SortedRuns::find_runs(Run& run, std::int64_t time) {
  const auto refuse = [&](std::string suggestion) {
    throw run.file->error(0, "time going back by " + std::to_string((run.latest - time) / 1'000'000) + " ms",
                          "events in the order of time", std::move(suggestion));
  };
  if (!run.file->regular()) {
    refuse("save it to a file: sorted runs in a file are merged");
  }
  if (run.file->line_number() ==
      0) {  // all events of a JSON map are in one line, which the source reads itself
    refuse("print the map as text, without -f json");
  }
  constexpr std::string_view sort_it = "sort it by time; trace-cmd report, for one, prints events in order";
  if (runs_.size() > 1) {  // the first reading found them all, so this one would go on forever
    refuse(std::string{sort_it});
  }
  UnsortedCapture found;
  do {
    if (time < run.latest - longest_jump_back) {
      if (found.runs.size() + 1 >= EventReader::most_runs) {
        refuse(std::string{sort_it});
      }
      found.runs.push_back(run.file->line_number());
      run.latest = time;
    }
    run.latest = std::max(run.latest, time);
  } while (next_time(run, time));
  throw found;
}

// The time of the run's next event, whatever else it says; false at the end.
bool SortedRuns::next_time(Run& run, std::int64_t& time) {
  if (run.time_of == nullptr) {
    Event event;
    const bool more = run.source->next(event);
    time = event.time;
    return more;
  }
  std::string_view line;
  bool read = false;
  while (!read && run.file->next_line(line)) {
    read = run.time_of(line, time);
  }
  return read;
}

double SortedRuns::progress() const {
  const Run& last = runs_.back();
  return last.file == nullptr ? last.source->progress() : last.file->progress();
}

}  // namespace calibration
