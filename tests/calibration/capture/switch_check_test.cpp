#include "calibration/capture/switch_check.h"

#include <catch2/catch.hpp>

using namespace calibration;

namespace {

Event switched(std::int32_t cpu, std::int32_t from, std::int32_t to) {
  Event event;
  event.cpu = cpu;
  event.kind = EventKind::sched_switch;
  event.sched_switch = {.prev_comm = Name::none, .prev_pid = from, .next_comm = Name::none, .next_pid = to};
  return event;
}

}  // namespace

TEST_CASE("switches that follow from one another are whole, each CPU by itself", "[switch_check]") {
  SwitchCheck check;
  for (const Event& event : {switched(0, 1, 2), switched(1, 7, 8), switched(0, 2, 3), switched(1, 8, 7)}) {
    check.see(event);
  }

  CHECK(check.checked() == 2);
  CHECK(check.broken() == 0);
  CHECK(check.silent_tasks().empty());
}

TEST_CASE("a task that is entered and never leaves is told apart from a switch that was lost",
          "[switch_check]") {
  SwitchCheck check;
  // 9 is entered twice and never leaves; 2 left once, and once did not
  for (const Event& event : {switched(0, 1, 9), switched(0, 2, 9), switched(0, 1, 2), switched(0, 1, 3)}) {
    check.see(event);
  }

  CHECK(check.checked() == 3);
  CHECK(check.broken() == 3);
  CHECK(check.silent_tasks() == std::vector<std::int32_t>{9});
  CHECK(check.broken_by_silent() == 2);
}
