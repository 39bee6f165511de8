#include "calibration/replay/free_program.h"

#include <catch2/catch.hpp>

#include "tests/calibration/replay/free_story.h"

using calibration::FreeProgram;
using calibration::make_free_program;
using calibration::StepKind;

namespace {

const calibration::FreeTask& task_of(const FreeProgram& program, ReplayTaskId id) {
  return program.tasks[static_cast<std::size_t>(id)];
}

}  // namespace

TEST_CASE("a burst is the task's own computing, without interrupts on top and without waiting", "[replay]") {
  FreeStory story;
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.add(1050, 0, ReplayKind::irq_entry, ReplayContext::hardirq).irq = 7;
  story.add(1057, 0, ReplayKind::irq_exit, ReplayContext::hardirq).irq = 7;
  story.switches(1100, 0, task_b, false);  // preempted
  story.switches(1400, 0, task_a);
  story.switches(1420, 0, idle_task);

  const FreeProgram program = make_free_program(story.input);

  REQUIRE(task_of(program, task_a).bursts.size() == 1);
  CHECK(task_of(program, task_a).bursts[0].length == (40 + 43 + 20) * us);
  CHECK(program.hardirqs.size() == 3);  // the timer, the device, and what made b run
}

TEST_CASE("what a softirq wakes stands at its own offset, and its run belongs to its raise", "[replay]") {
  FreeStory story;
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.softirq(1029, 0, ReplayKind::softirq_raise, 3);
  story.softirq(1030, 0, ReplayKind::softirq_entry, 3);
  story.wakes(1034, 0, task_b, ReplayContext::softirq, 0);
  story.softirq(1040, 0, ReplayKind::softirq_exit, 3);
  story.switches(1045, 0, task_b);
  story.switches(1060, 0, idle_task);

  const FreeProgram program = make_free_program(story.input);

  const calibration::FreeBurst& sender = task_of(program, task_a).bursts.at(0);
  CHECK(sender.length == 25 * us);
  REQUIRE(sender.steps.size() == 1);
  CHECK(sender.steps[0].kind == StepKind::raise);
  CHECK(sender.steps[0].offset == 20 * us);  // where softirqs are enabled again
  const std::int32_t run = program.raises.at(static_cast<std::size_t>(sender.steps[0].what)).run;
  const calibration::FreeSection& softirq = program.softirqs.at(static_cast<std::size_t>(run));
  CHECK(softirq.length == 10 * us);
  REQUIRE(softirq.steps.size() == 1);
  CHECK(softirq.steps[0].offset == 4 * us);
}

TEST_CASE("the way out of idle is measured without the interrupts on top of it", "[replay]") {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.timer(1000, 0, task_a);
  story.add(1003, 0, ReplayKind::irq_entry, ReplayContext::hardirq).irq = 7;
  story.add(1008, 0, ReplayKind::irq_exit, ReplayContext::hardirq).irq = 7;
  story.switches(1020, 0, task_a);
  story.switches(1030, 0, idle_task);

  const FreeProgram program = make_free_program(story.input);

  const calibration::FreeWake& wake = program.wakes.at(0);
  CHECK(wake.ends_idle);
  CHECK(wake.exit == 12 * us);
  CHECK(program.costs.exits[static_cast<std::size_t>(calibration::ExitSource::timer)][1] ==
        std::vector<std::int64_t>{12 * us});
}

TEST_CASE("the tick's phase is where the earliest ticks fall in the period", "[replay]") {
  FreeStory story;
  story.switches(3000, 0, task_a);
  for (int i = 1; i <= 8; ++i) {
    story.add(4000 * i + 3990 + i % 3 * 8, 0, ReplayKind::tick, ReplayContext::hardirq);
  }
  story.switches(50000, 0, idle_task);

  const FreeProgram program = make_free_program(story.input);

  CHECK(program.tick_period == 4000 * us);
  CHECK(program.tick_phase == 3990 * us);
}

TEST_CASE("a wakeup of a task that then sleeps on was none", "[replay]") {
  FreeStory story;
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.wakes(1015, 1, task_a, ReplayContext::hardirq, 0);  // a still runs
  story.switches(1020, 0, idle_task);
  story.timer(2000, 0, task_a);
  story.switches(2010, 0, task_a);
  story.switches(2020, 0, idle_task);

  const FreeProgram program = make_free_program(story.input);

  CHECK(program.void_wakes == 1);
  CHECK_FALSE(program.wakes.at(1).valid);
  CHECK(task_of(program, task_a).bursts.size() == 2);
}
