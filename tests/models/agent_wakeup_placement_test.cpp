// An agent resumes at home, else on a quiet CPU nearby, else where the kernel puts others.
#include <catch2/catch.hpp>

#include "tests/support/sched_placement_bench.h"

namespace models {
namespace {

struct AgentBench : PlacementBench {
  AgentBench() : PlacementBench{8, 4, policy_named("agent_wakeup_placement")} {}
  Worker& agent(int home) {
    Worker& agent = worker("agent", 0, 1ms, {}, Role::agent);
    agent.task.latency_class = LatencyClass::agent_interactive;
    agent.task.home_cpu = static_cast<CpuId>(home);
    return agent;
  }
  // Hardirqs, or softirqs, take a fifth of those CPUs' time for a while; afterwards they are idle again.
  void make_hot(std::initializer_list<int> which, bool in_softirq) {
    for (const int cpu : which) {
      for (int i = 0; i < 200; ++i) {
        const sim::Nanos when = now() + i * 500us + 1us;
        in_softirq ? softirq_at(when, cpu, 100us, [] {}) : interrupt_at(when, cpu, 100us, [] {});
      }
    }
    run_until(now() + 100ms);
  }
};

TEST_CASE("an agent goes home, wherever it slept and whoever woke it", "[placement]") {
  AgentBench bench;

  CHECK(bench.place(bench.agent(2), 6, 0) == 2);
  CHECK(bench.place(bench.agent(2), 2, 0) == 2);
  CHECK(bench.place(bench.agent(6), 2, 0) == 6);
}

TEST_CASE("an agent whose home is busy takes the next idle CPU of its home's LLC, then one beyond",
          "[placement]") {
  AgentBench bench;
  bench.busy({2});
  CHECK(bench.place(bench.agent(2), 2, 0) == 3);

  bench.busy({0, 1, 3});
  CHECK(bench.place(bench.agent(2), 2, 0) == 4);
}

TEST_CASE("an agent avoids a home that interrupts or softirqs keep hot, and hot CPUs near it",
          "[placement]") {
  const bool in_softirq = GENERATE(false, true);
  AgentBench bench;
  bench.make_hot({2}, in_softirq);
  CHECK(bench.place(bench.agent(2), 2, 6) == 3);

  bench.make_hot({2, 3}, in_softirq);
  CHECK(bench.place(bench.agent(2), 2, 6) == 0);
}

TEST_CASE("a home cools down: PELT forgets half of an interrupt load every 34 ms", "[placement]") {
  AgentBench bench;
  bench.make_hot({2}, false);
  REQUIRE(bench.place(bench.agent(2), 2, 6) != 2);

  bench.run_until(bench.now() + 60ms);

  CHECK(bench.place(bench.agent(2), 2, 6) == 2);
}

TEST_CASE("a home in the middle of a softirq is not quiet, however cool it is", "[placement]") {
  AgentBench bench;
  int chosen = -1;
  auto& agent = bench.agent(2);
  bench.softirq_at(1ms, 2, 50us, [] {});
  bench.interrupt_at(1'020us, 6, 0us, [&] { chosen = bench.place(agent, 2, 6); });

  bench.run_until(2ms);

  CHECK(chosen == 3);
}

TEST_CASE("the interrupt that wakes an agent at home does not drive it away", "[placement]") {
  AgentBench bench;
  int chosen = -1;
  auto& agent = bench.agent(2);
  bench.interrupt_at(1ms, 2, 10us, [&] { chosen = bench.place(agent, 2, 2); });

  bench.run_until(2ms);

  CHECK(chosen == 2);
}

TEST_CASE("without a home the previous CPU is home", "[placement]") {
  AgentBench bench;

  CHECK(bench.place(bench.agent(-1), 5, 0) == 5);
}

TEST_CASE("an agent that finds nothing idle and quiet is placed as the kernel places others", "[placement]") {
  AgentBench bench;
  bench.busy({0, 1, 2, 3, 4, 5, 6, 7});

  CHECK(bench.place(bench.agent(2), 5, 5) == 5);
}

TEST_CASE("affinity binds an agent too, and other tasks are not agents", "[placement]") {
  AgentBench bench;
  auto& bound = bench.agent(2);
  bound.task.allowed.reset(2);
  CHECK(bench.place(bound, 5, 0) == 3);

  auto& stranger = bench.agent(2);
  stranger.task.latency_class = LatencyClass::normal;
  CHECK(bench.place(stranger, 5, 0) == 5);
}

}  // namespace
}  // namespace models
