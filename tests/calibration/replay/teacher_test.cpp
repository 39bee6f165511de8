#include <catch2/catch.hpp>

#include "calibration/traces/simulated_events.h"
#include "tests/calibration/replay/replay_script.h"
#include "tests/support/host_bench.h"

using namespace calibration;

namespace {

constexpr int hog = 1, agent = 2, server = 3;

// A hog of CPU 0, and 200 us later an agent that wakes there.
struct HogAndWakee : ReplayScript {
  explicit HogAndWakee(bool asks) {
    wakes(100, 0, hog, 0, 0);
    yields_to(101, 0, hog);
    wakes(300, 0, agent, 0, 0, asks);
  }
};

// Bursts and agents that share a CPU; switches and wakeups take no time, so that events carry the clocks that
// the scheduler decided by. (With two CPUs a wakeup from the other may come between a pick and its
// sched_switch.)
models::HostConfig busy_host(int cpus) {
  using namespace models;
  HostConfig config;
  config.topology.cpus = cpus;
  config.topology.idle = {{IdleState::hlt, 0ns}};
  config.kernel.irq_time_accounting = false;
  for (std::size_t i = 0; i < cost_count; ++i) {
    config.costs.models[i].value = sim::Distribution::constant(0ns);
  }
  config.costs[Cost::virtio_blk_request].value = sim::Distribution::exponential(80us);
  config.devices = {VirtioBlkConfig{}};
  AgentConfig reader;
  reader.name = "agent";
  reader.count = 3;
  reader.think = sim::Distribution::exponential(1ms);
  reader.read = {.device = "vda", .count = 2, .size = sim::Bytes{4096}, .ring = RingMode::plain};
  reader.compute = sim::Distribution::exponential(300us);
  config.agents = {reader};
  BackgroundConfig burst;
  burst.name = "burst";
  burst.kind = BackgroundKind::burst;
  burst.count = 3;
  burst.busy = sim::Distribution::exponential(2ms);
  burst.sleep = sim::Distribution::exponential(2ms);
  config.background = {burst};
  return config;
}

TeacherResult replay_of(const models::HostConfig& config) {
  Names names;
  ReplayInputReader reader{names};
  simulate_events(config, {.duration = std::chrono::seconds{2}}, names,
                  {.event = [&](const Event& event) { reader.add(event); }});
  ReplayKernel kernel;
  kernel.config = config.kernel;
  return replay_teacher_forced(reader.finish("simulated", kernel, 1), {});
}

}  // namespace

TEST_CASE("a wakee without lag does not preempt a task within its slice", "[replay]") {
  HogAndWakee script{false};
  script.blocks(900, 0, agent);
  script.blocks(950, 0, 0);

  const TeacherResult result = replay_teacher_forced(script.input(), {});

  CHECK(score_of(result, Decision::wakeup_resched).n == 1);
  CHECK(score_of(result, Decision::wakeup_resched).errors == 0);
  CHECK(score_of(result, Decision::preempted).n == 1);
  CHECK(score_of(result, Decision::preempted).errors == 0);
}

TEST_CASE("a kernel that preempts where the model would not is a disagreement with its context", "[replay]") {
  HogAndWakee script{true};
  script.yields_to(310, 0, agent);
  script.blocks(330, 0, hog);
  script.blocks(900, 0, 0);

  const TeacherResult result = replay_teacher_forced(script.input(), {});

  CHECK(score_of(result, Decision::wakeup_resched).errors == 1);
  CHECK(score_of(result, Decision::preempted).errors == 1);
  CHECK(score_of(result, Decision::preempted).better_baseline().errors == 0);  // "always" gets it right
  REQUIRE_FALSE(result.disagreements.empty());
  const DecisionDisagreement& first = result.disagreements.front();
  CHECK(first.time == 300'000);
  CHECK(first.kernel == "reschedules for task-2-2");
  CHECK(first.candidates.size() == 2);
}

// While the agent waited it was owed service; its next wakeup finds the hog ahead of it.
TEST_CASE("a wakee that has waited preempts the next time", "[replay]") {
  HogAndWakee script{false};
  script.ticks(4000, 0);
  script.yields_to(4010, 0, agent);
  script.blocks(4020, 0, hog);
  script.wakes(4500, 0, agent, 0, 0, true);
  script.yields_to(4503, 0, agent);
  script.blocks(4510, 0, hog);
  script.blocks(4900, 0, 0);

  const TeacherResult result = replay_teacher_forced(script.input(), {});

  CHECK(score_of(result, Decision::wakeup_resched).n == 2);
  CHECK(score_of(result, Decision::wakeup_resched).errors == 0);
  CHECK(score_of(result, Decision::tick_resched).n == 1);
  CHECK(score_of(result, Decision::tick_resched).errors == 0);
  CHECK(score_of(result, Decision::next_task).errors == 0);
}

TEST_CASE("of two that wait the first woken runs first, and FIFO says so too", "[replay]") {
  HogAndWakee script{false};
  script.wakes(400, 0, server, 0, 0, false);
  script.blocks(900, 0, agent);
  script.blocks(950, 0, server);
  script.blocks(990, 0, 0);

  const TeacherResult result = replay_teacher_forced(script.input(), {});

  CHECK(score_of(result, Decision::next_task).n == 1);
  CHECK(score_of(result, Decision::next_task).errors == 0);
  CHECK(score_of(result, Decision::next_task).better_baseline().errors == 0);
}

TEST_CASE("a wakee whose CPU is idle stays there", "[replay]") {
  ReplayScript script;
  script.wakes(100, 1, agent, 0, 0);
  script.yields_to(101, 0, agent);
  script.blocks(200, 0, 0);

  const TeacherResult result = replay_teacher_forced(script.input(), {});

  CHECK(score_of(result, Decision::cpu).n == 1);
  CHECK(score_of(result, Decision::cpu).errors == 0);
}

TEST_CASE("after a broken switch nothing counts until the CPU has been idle", "[replay]") {
  HogAndWakee script{false};
  script.switches(900, 0, 77, TaskState::interruptible, server);  // it had not entered 77
  script.wakes(950, 0, hog, 0, 0, true);
  script.wakes(960, 0, agent, 0, 0);
  script.blocks(970, 0, agent);
  script.blocks(980, 0, hog);
  script.blocks(990, 0, 0);
  script.wakes(1100, 0, hog, 0, 0);
  script.yields_to(1101, 0, hog);
  script.wakes(1200, 0, agent, 0, 0);
  script.blocks(1300, 0, agent);
  script.blocks(1400, 0, 0);

  const TeacherResult result = replay_teacher_forced(script.input(), {});

  CHECK(score_of(result, Decision::next_task).n == 0);
  CHECK(score_of(result, Decision::next_task).not_scored.at("the queue is not known yet") == 1);
  CHECK(score_of(result, Decision::preempted).not_scored.at("the queue is not known yet") == 2);
  CHECK(score_of(result, Decision::preempted).n == 1);
  CHECK(score_of(result, Decision::preempted).errors == 0);
}

TEST_CASE("a simulated run agrees with the models that it came from", "[replay]") {
  const TeacherResult result = replay_of(busy_host(1));

  for (const Decision decision : {Decision::cpu, Decision::still_queued, Decision::next_task,
                                  Decision::tick_resched, Decision::wakeup_resched, Decision::preempted}) {
    INFO(to_string(decision));
    CHECK(score_of(result, decision).n > 50);
    CHECK(score_of(result, decision).errors == 0);
  }
}

TEST_CASE("a simulated run's wakeups go to the CPUs that its placement chose", "[replay]") {
  const TeacherResult result = replay_of(busy_host(2));

  CHECK(score_of(result, Decision::cpu).n > 1000);
  CHECK(score_of(result, Decision::cpu).agreement() > 0.99);  // wakeups may cross in the same instant
}

TEST_CASE("the interval of a share is Wilson's", "[replay]") {
  const Interval half = wilson(5, 10);
  const Interval none = wilson(0, 10);

  CHECK(half.low == Approx(0.2366).epsilon(0.001));
  CHECK(half.high == Approx(0.7634).epsilon(0.001));
  CHECK(none.low == Approx(0).margin(1e-9));
  CHECK(none.high == Approx(0.2775).epsilon(0.001));
}
