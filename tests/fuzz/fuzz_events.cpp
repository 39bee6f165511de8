#include <algorithm>
#include <cstdint>
#include <vector>

#include "calibration/traces/event_reader.h"
#include "tests/fuzz/events.h"
#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

void read_all(calibration::EventReader& reader) {
  std::uint64_t events = 0;
  std::uint64_t other = 0;
  for (calibration::Event event; reader.next(event); ++events) {
    check_event(event, reader.names());
    other += event.kind == calibration::EventKind::other ? 1 : 0;
  }
  const calibration::CaptureLog& log = reader.log();
  promise(events > 0 && log.events == events && log.other_events == other, "every event is counted");
  promise(log.warnings.size() <= log.kept_warnings, "few warnings are kept");
  promise(log.first_time >= 0 && log.first_time <= log.last_time, "a capture's time goes forward");
  promise(log.unknown_lines <= log.lines, "unknown lines are lines");
}

}  // namespace

void events(std::string_view input) {
  if (compressed(input) || input.starts_with("\x17\x08\x44tracing")) {
    return;  // a trace.dat is read by a process of its own
  }
  may_refuse([&] {
    std::vector<std::int64_t> runs;
    try {
      calibration::EventReader reader{path_of(input)};
      read_all(reader);
    } catch (const calibration::UnsortedCapture& unsorted) {
      runs = unsorted.runs;
      promise(!runs.empty() && runs.front() > 1 && std::is_sorted(runs.begin(), runs.end()) &&
                  std::adjacent_find(runs.begin(), runs.end()) == runs.end(),
              "runs begin one behind the other");
    }
    if (!runs.empty()) {
      calibration::EventReader reader{path_of(input), runs};
      read_all(reader);
    }
  });
}

}  // namespace fuzz
