#include "calibration/traces/steps.h"
#include "tests/fuzz/harness.h"

namespace fuzz {

void steps(std::string_view input) {
  if (compressed(input)) {
    return;
  }
  may_refuse([&] {
    const calibration::Steps steps = calibration::read_steps(path_of(input));
    for (const calibration::StepRow& row : steps.rows) {
      promise(row.step_ns() >= 0 && row.end_ns() >= row.start_ns, "a step takes time");
    }
    promise(steps.rows.empty() || steps.first_ns() <= steps.last_ns(), "the first step precedes the last");
    promise(steps.span_s() >= 0, "the steps span time");
  });
}

}  // namespace fuzz
