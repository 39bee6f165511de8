#include "calibration/traces/roles.h"
#include "tests/fuzz/harness.h"

namespace fuzz {

void roles(std::string_view input) {
  if (compressed(input)) {
    return;
  }
  may_refuse([&] {
    const calibration::TaskRoles roles = calibration::TaskRoles::read(path_of(input));
    promise(roles.known(), "a roles file was read");
    for (const auto& [tid, role] : roles.all()) {
      promise(tid >= 0 && !role.empty() && roles.of(tid) == role, "a task has the role of its row");
    }
    promise(roles.of(-1) == "other", "a task without a row is another");
  });
}

}  // namespace fuzz
