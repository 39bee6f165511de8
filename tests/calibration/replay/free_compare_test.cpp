#include "calibration/replay/free_compare.h"

#include <catch2/catch.hpp>

#include "calibration/replay/free_report.h"
#include "tests/calibration/replay/free_story.h"

using calibration::FreeComparison;
using calibration::FreeProgram;
using calibration::FreeRun;
using calibration::ReplayedWake;
using calibration::WaitCause;

namespace {

// One wakeup of agent a on CPU 0, 1000 us into the capture, that waited 20 us behind c; and a replay of it
// that did the same.
struct OneWake {
  OneWake() {
    program.tasks.resize(story.input.tasks.size());
    program.tasks[0].agent = true;
    calibration::FreeWake wake;
    wake.task = task_a;
    wake.waking_at = 1000 * us;
    wake.wakeup_at = 1001 * us;
    wake.switch_at = 1020 * us;
    wake.to_cpu = wake.run_cpu = 0;
    wake.behind = task_c;
    wake.first_next = task_a;
    program.wakes = {wake};
    mine.waking_at = 1000 * us;
    mine.wakeup_at = 1001 * us;
    mine.switch_at = 1020 * us;
    mine.to_cpu = mine.run_cpu = 0;
    mine.behind = task_c;
    mine.first_next = task_a;
  }
  FreeComparison compare() {
    run.wakes = {mine};
    return compare_free(story.input, program, run);
  }
  WaitCause cause() {
    mine.switch_at += 100 * us;
    const FreeComparison comparison = compare();
    REQUIRE(comparison.largest.size() == 1);
    return comparison.largest[0].cause;
  }

  FreeStory story;
  FreeProgram program;
  FreeRun run;
  ReplayedWake mine;
};

}  // namespace

TEST_CASE("waits agree within 5 us or 10 %", "[replay]") {
  OneWake bench;

  bench.mine.switch_at += 5 * us;
  CHECK(bench.compare().within() == 1);
  bench.mine.switch_at += 1 * us;
  CHECK(bench.compare().within() == 0);
  bench.program.wakes[0].switch_at = 1060 * us;
  bench.mine.switch_at = 1066 * us;
  CHECK(bench.compare().within() == 1);
  CHECK(bench.compare().agents_within() == 1);
}

TEST_CASE("a disagreement has the first cause that applies", "[replay]") {
  OneWake waker, cpu, situation, migration, preemption, next, idle, before;
  waker.mine.waking_at -= 6 * us;
  waker.mine.to_cpu = 1;
  cpu.mine.to_cpu = 1;
  situation.mine.behind = idle_task;
  migration.mine.run_cpu = 1;
  preemption.mine.first_preempts = true;
  next.mine.first_next = task_b;
  idle.program.wakes[0].behind = idle.mine.behind = idle_task;
  idle.program.wakes[0].found_idle = true;

  CHECK(waker.cause() == WaitCause::waker);
  CHECK(cpu.cause() == WaitCause::other_cpu);
  CHECK(situation.cause() == WaitCause::situation);
  CHECK(migration.cause() == WaitCause::migration);
  CHECK(preemption.cause() == WaitCause::preemption);
  CHECK(next.cause() == WaitCause::other_next);
  CHECK(idle.cause() == WaitCause::idle_exit);
  CHECK(before.cause() == WaitCause::before);
}

TEST_CASE("a wakeup that came early in the replay is counted and not compared", "[replay]") {
  OneWake bench;
  bench.mine.early = true;

  const FreeComparison comparison = bench.compare();

  CHECK(comparison.wakes == 1);
  CHECK(comparison.early == 1);
  CHECK(comparison.compared == 0);
}

TEST_CASE("percentiles are nearest rank, and judged with ten values above them", "[replay]") {
  OneWake bench;
  bench.program.wakes.resize(1000, bench.program.wakes[0]);
  bench.run.wakes.resize(1000, bench.mine);
  for (std::size_t i = 0; i < 1000; ++i) {
    bench.program.wakes[i].switch_at = (1000 + static_cast<std::int64_t>(i) + 1) * us;
    bench.run.wakes[i].switch_at = (1000 + 2 * (static_cast<std::int64_t>(i) + 1)) * us;
  }

  const FreeComparison comparison = compare_free(bench.story.input, bench.program, bench.run);

  const calibration::WaitComparison& agents = comparison.waits.at(0);
  CHECK(agents.count == 1000);
  CHECK(agents.at[0].captured == 500 * us);
  CHECK(agents.at[0].replayed == 1000 * us);
  CHECK(agents.at[0].error() == Approx(1.0));
  CHECK(agents.at[2].judged);
  CHECK_FALSE(agents.at[3].judged);
}

TEST_CASE("an error of one stamp's resolution is within the aim", "[replay]") {
  calibration::WaitPercentile at;
  at.captured = 12 * us;
  at.replayed = 11 * us;

  CHECK(calibration::within_aim(at, 0.05, 1 * us));
  CHECK_FALSE(calibration::within_aim(at, 0.05, 1));
}
