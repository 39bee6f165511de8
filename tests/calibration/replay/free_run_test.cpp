#include "calibration/replay/free_run.h"

#include <catch2/catch.hpp>

#include "calibration/replay/free_compare.h"
#include "tests/calibration/replay/free_story.h"

using calibration::CostMode;
using calibration::FreeProgram;
using calibration::FreeRun;
using calibration::FreeRunOptions;
using calibration::make_free_program;
using calibration::run_free;

namespace {

// a wakes by a timer, sends to b in an inline softirq, sleeps; b answers nothing.
FreeStory sender_and_receiver() {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.softirq(1030, 0, ReplayKind::softirq_raise, 3);
  story.softirq(1030, 0, ReplayKind::softirq_entry, 3);
  story.wakes(1034, 0, task_b, ReplayContext::softirq, 0);
  story.softirq(1040, 0, ReplayKind::softirq_exit, 3);
  story.switches(1045, 0, task_b);
  story.switches(1060, 0, idle_task);
  story.add(3000, 0, ReplayKind::idle_entry);
  return story;
}

}  // namespace

TEST_CASE("with imposed costs a scripted capture replays as it was", "[replay]") {
  const FreeStory story = sender_and_receiver();
  const FreeProgram program = make_free_program(story.input);

  const FreeRun run = run_free(story.input, program, {.costs = CostMode::imposed, .impose_cpus = true});

  CHECK(switches_of(run) == "1010:0a 1045:0b 1060:0idle");
  CHECK(run.drawn_costs == 0);
}

TEST_CASE("an inline softirq's wakeup keeps its offset in the sender's own progress", "[replay]") {
  const FreeStory story = sender_and_receiver();
  FreeProgram program = make_free_program(story.input);
  program.tasks[0].bursts.at(0).steps.at(0).offset += 50 * us;  // the sender computes 50 us longer before
  program.tasks[0].bursts[0].length += 50 * us;

  const FreeRun run = run_free(story.input, program, {.costs = CostMode::imposed, .impose_cpus = true});

  CHECK(run.wakes.at(1).waking_at == 1084 * us);
  CHECK(switches_of(run) == "1010:0a 1095:0b 1110:0idle");
}

TEST_CASE("a wakeup that comes before its task sleeps is remembered", "[replay]") {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.switches(1100, 0, idle_task);
  story.timer(1150, 0, task_a);
  story.switches(1160, 0, task_a);
  story.switches(1200, 0, idle_task);
  story.add(3000, 0, ReplayKind::idle_entry);
  FreeProgram program = make_free_program(story.input);
  program.tasks[0].bursts.at(0).length += 80 * us;  // until 1180

  const FreeRun run = run_free(story.input, program, {.costs = CostMode::imposed});

  CHECK(run.early_wakes == 1);
  CHECK(switches_of(run) == "1010:0a 1220:0idle");
  const calibration::FreeComparison comparison = compare_free(story.input, program, run);
  CHECK(comparison.early == 1);
  CHECK(comparison.compared == 1);
}

TEST_CASE("a remote wakeup of an idle CPU takes the captured delivery and the captured way out", "[replay]") {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.add(500, 1, ReplayKind::idle_entry);
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.wakes(1020, 0, task_b, ReplayContext::task, 1, 1045);
  story.switches(1052, 1, task_b);
  story.switches(1080, 0, idle_task);
  story.switches(1090, 1, idle_task);
  story.add(3000, 0, ReplayKind::idle_entry);
  const FreeProgram program = make_free_program(story.input);

  const FreeRun run = run_free(story.input, program, {.costs = CostMode::imposed, .impose_cpus = true});

  CHECK(run.wakes.at(1).wakeup_at == 1045 * us);
  CHECK(switches_of(run) == "1010:0a 1052:1b 1080:0idle 1090:1idle");
}

TEST_CASE("an hrtimer's wakeup follows its task to the CPU that it slept on", "[replay]") {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.add(500, 1, ReplayKind::idle_entry);
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.switches(1020, 0, idle_task);
  story.timer(2000, 0, task_a);
  story.switches(2010, 0, task_a);
  story.switches(2020, 0, idle_task);
  story.add(3000, 0, ReplayKind::idle_entry);
  FreeProgram program = make_free_program(story.input);
  program.wakes.at(0).from_cpu = program.wakes[0].to_cpu = 1;  // it began on the other CPU
  program.hardirqs.at(0).cpu = 1;

  const FreeRun followed = run_free(story.input, program, {.costs = CostMode::imposed});
  const FreeRun kept = run_free(story.input, program, {.costs = CostMode::imposed, .follow = false});

  CHECK(followed.wakes.at(1).waker_cpu == 1);
  CHECK(kept.wakes.at(1).waker_cpu == 0);
}

TEST_CASE("a busy CPU that the capture shows no tick for gets ticks on the capture's grid", "[replay]") {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.add(4000, 1, ReplayKind::tick, ReplayContext::hardirq);
  story.add(4002, 1, ReplayKind::softirq_raise, ReplayContext::hardirq).vec = 9;
  story.timer(5000, 0, task_a);
  story.switches(5010, 0, task_a);
  story.switches(14010, 0, idle_task);
  story.add(20000, 0, ReplayKind::idle_entry);
  const FreeProgram program = make_free_program(story.input);

  const FreeRun run = run_free(story.input, program, {.costs = CostMode::imposed});

  CHECK(run.added_ticks == 2);  // at 8 and 12 ms
}

TEST_CASE("the same capture and seed replay to the same switches", "[replay]") {
  const FreeStory story = sender_and_receiver();
  const FreeProgram program = make_free_program(story.input);

  const FreeRun first = run_free(story.input, program, {.seed = 3});
  const FreeRun second = run_free(story.input, program, {.seed = 3});

  CHECK(switches_of(first) == switches_of(second));
}

TEST_CASE("with the kernel's CPUs imposed, its balancing moves a waiting task too", "[replay]") {
  FreeStory story;
  story.add(500, 0, ReplayKind::idle_entry);
  story.add(500, 1, ReplayKind::idle_entry);
  story.timer(1000, 0, task_a);
  story.switches(1010, 0, task_a);
  story.wakes(1020, 0, task_b, ReplayContext::task, 0);
  calibration::ReplayEvent& move = story.add(1040, 1, ReplayKind::migrate);
  move.task = task_b;
  move.from_cpu = 0;
  move.to_cpu = 1;
  story.switches(1042, 1, task_b);
  story.switches(1070, 1, idle_task);
  story.switches(1100, 0, idle_task);
  story.add(3000, 0, ReplayKind::idle_entry);
  const FreeProgram program = make_free_program(story.input);

  const FreeRun run = run_free(story.input, program, {.costs = CostMode::imposed, .impose_cpus = true});

  CHECK(run.wakes.at(1).to_cpu == 0);
  CHECK(run.wakes.at(1).run_cpu == 1);
  CHECK(run.wakes.at(1).switch_at == 1040 * us);
}
