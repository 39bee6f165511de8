#include "calibration/traces/chain_rows.h"
#include "calibration/traces/event_fields.h"
#include "calibration/traces/foreign_text.h"
#include "calibration/traces/ftrace_text.h"
#include "calibration/traces/perf_script.h"
#include "tests/fuzz/events.h"
#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

bool inside(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace

void event_line(std::string_view input) {
  calibration::Names names;
  calibration::EventFields fields{names};
  for (const auto split : {calibration::split_ftrace_line, calibration::split_perf_line}) {
    calibration::EventLine parts;
    if (split(input, parts)) {
      promise(inside(parts.comm, input) && inside(parts.text, input),
              "the parts of a line are views into it");
      calibration::Event event;
      if (fields.read(parts.text, event)) {
        event.time = parts.time;
        event.cpu = parts.cpu;
        check_event(event, names);
      }
    }
  }
  if (calibration::Event event; fields.read(input, event)) {
    event.time = 0;
    event.cpu = 0;
    check_event(event, names);
  }
  if (calibration::ChainRow row; calibration::parse_chain_row(input, row)) {
    check_event(calibration::decode(row, names), names);
  }
  promise(!calibration::recognise_foreign_text(input).suggestion.empty(), "a refusal says what to do");
}

}  // namespace fuzz
