#include "models/policies/policies.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/host_bench.h"
#include "tests/support/kernel_bench.h"

namespace models {
namespace {

TEST_CASE("every policy is made by its name", "[policies]") {
  KernelBench bench{{}};

  for (const std::string_view name : policy_names()) {
    PolicyConfig config;
    config.name = name;
    const AnyPolicy policy = make_policy(*bench.sched, config);
    CHECK(std::visit([](const auto& each) { return std::decay_t<decltype(each)>::name; }, policy) == name);
  }
  CHECK(std::set<std::string_view>(policy_names().begin(), policy_names().end()).size() ==
        policy_names().size());
  CHECK(policy_names()[0] == "kernel_default");
}

// ---- latency_bounded_napi ----

TEST_CASE("latency_bounded_napi bounds a NAPI only while a tagged agent waits behind it", "[policies]") {
  KernelBench bench{{}};
  PolicyConfig config;
  config.packet_budget = 16;
  config.time_budget = 100us;
  LatencyBoundedNapi policy{*bench.sched, config};
  Napi napi;

  const PollBounds alone = policy.poll_bounds(napi, 64);
  CHECK(alone.packets == 64);
  CHECK(alone.time == 0ns);
  CHECK_FALSE(alone.agents_at_once);

  napi.agent_waiters = 1;
  const PollBounds waited_for = policy.poll_bounds(napi, 64);
  CHECK(waited_for.packets == 16);
  CHECK(waited_for.time == 100us);
  CHECK(waited_for.agents_at_once);
  CHECK(policy.poll_bounds(napi, 8).packets == 8);  // never more than the weight
}

// A burst of 64 frames every 10 ms; the agent sleeps in epoll_wait most of the time.
std::set<std::int64_t> full_polls(LatencyClass latency_class, bool with_policy) {
  HostConfig config = quiet_host(2);
  NicConfig nic;
  nic.irq_cpus = {1};
  config.devices.emplace_back(nic);
  AgentConfig agent = quiet_agent(0);
  agent.latency_class = latency_class;
  agent.think = constant(1ms);
  agent.tool.device = "eth0";
  agent.tool.service = constant(100ms);
  config.agents.push_back(agent);
  BackgroundConfig flow;
  flow.kind = BackgroundKind::flow;
  flow.device = "eth0";
  flow.sched.cpus = {0};
  flow.rate = sim::BytesPerSecond{30'000'000};  // more than 20 us a frame let it keep up with
  config.background.push_back(flow);
  config.costs[Cost::napi_packet].value = constant(60us);
  if (with_policy) {
    config.policies = {{.name = "latency_bounded_napi", .time_budget = 1s},
                       {.name = "block_completion_class"}};
  }
  TracedRun run{config, 300ms, 100ms};
  std::set<std::int64_t> work;
  for (const TraceRecord& poll : run.all(Tracepoint::napi_poll)) {
    if (poll.b >= 16) {
      work.insert(poll.b);
    }
  }
  return work;
}

TEST_CASE("in a host, polls are cut short for a tagged agent's flow and for no other", "[policies]") {
  const std::set<std::int64_t> bounded = full_polls(LatencyClass::agent_interactive, true);
  CHECK(bounded.contains(16));
  CHECK(full_polls(LatencyClass::normal, true) == std::set<std::int64_t>{64});
  CHECK(full_polls(LatencyClass::agent_interactive, false) == std::set<std::int64_t>{64});
}

// ---- block_completion_class ----

TEST_CASE("block_completion_class prefers tagged requests alone", "[policies]") {
  KernelBench bench{{}};
  BlockCompletionClass policy{*bench.sched, {}};

  CHECK(policy.completes_first({.latency_class = LatencyClass::agent_interactive}));
  CHECK_FALSE(policy.completes_first({.latency_class = LatencyClass::normal}));
  CHECK_FALSE(policy.completes_first({.latency_class = LatencyClass::background}));
  CHECK_FALSE(
      KernelDefault(*bench.sched, {}).completes_first({.latency_class = LatencyClass::agent_interactive}));
}

TEST_CASE("on a single-queue disk the class skips the BLOCK softirq, others do not", "[policies]") {
  const auto softirqs = [](LatencyClass latency_class, bool with_policy) {
    HostConfig config = quiet_host(2);
    config.devices.emplace_back(VirtioBlkConfig{});
    AgentConfig agent = quiet_agent(0);
    agent.latency_class = latency_class;
    agent.read.device = "vda";
    config.agents.push_back(agent);
    if (with_policy) {
      config.policies.push_back({.name = "block_completion_class"});
    }
    TracedRun run{config, 300ms};
    REQUIRE(run.metrics()[Counter::steps] > 3);
    return run.all(Tracepoint::softirq_raise).size();
  };

  CHECK(softirqs(LatencyClass::agent_interactive, true) == 0);
  CHECK(softirqs(LatencyClass::normal, true) > 3);
  CHECK(softirqs(LatencyClass::agent_interactive, false) > 3);
}

// ---- attribution ----

// An agent that thinks and computes: each step hits hrtimer_expire_entry, sched_waking, agent_wakeup and one
// sched_switch before its end, nothing else that attribution is attached to.
TEST_CASE("attribution costs where its tracepoints fire and nowhere else", "[policies]") {
  const auto step = [](bool attributed) {
    HostConfig config = quiet_host(1);
    AgentConfig agent = quiet_agent(0);
    agent.compute = constant(100us);
    config.agents.push_back(agent);
    if (attributed) {
      config.policies.push_back({.name = "attribution"});
    }
    const TracedRun run{config, 1s};
    const sim::Histogram& steps = run.metrics()[Metric::step];
    CHECK(steps.min() == steps.max());
    return sim::Nanos{steps.min()};
  };

  CHECK(step(true) - step(false) == 4 * cost_of(Cost::attribution_tracepoint));
}

TEST_CASE("attribution takes CPU time for each hit, and decides nothing", "[policies]") {
  const auto run_with = [](bool attributed, bool free) {
    HostConfig config = quiet_host(2);
    config.devices.emplace_back(NvmeConfig{.queues = 2});
    config.devices.emplace_back(VethConfig{.name = "veth0"});
    AgentConfig agent = quiet_agent(0);
    agent.tool.device = "veth0";
    agent.server_sched.cpus = {1};
    agent.read.device = "nvme0";
    config.agents.push_back(agent);
    if (free) {
      config.costs[Cost::attribution_tracepoint].value = constant(0ns);
    }
    if (attributed) {
      config.policies.push_back({.name = "attribution"});
    }
    return TracedRun{config, 1s};
  };

  const TracedRun without = run_with(false, false);
  const TracedRun at_no_cost = run_with(true, true);
  std::vector<TraceRecord> kernels;  // all but what attribution itself adds
  std::copy_if(at_no_cost.records().begin(), at_no_cost.records().end(), std::back_inserter(kernels),
               [](const TraceRecord& record) { return record.point != Tracepoint::agent_wakeup; });
  REQUIRE(kernels.size() < at_no_cost.records().size());
  REQUIRE(without.records().size() == kernels.size());
  CHECK(std::equal(without.records().begin(), without.records().end(), kernels.begin(),
                   [](const TraceRecord& a, const TraceRecord& b) {
                     return a.time == b.time && a.point == b.point && a.cpu == b.cpu && a.a == b.a &&
                            a.b == b.b;
                   }));
  CHECK(run_with(true, false).metrics()[Metric::step].min() > without.metrics()[Metric::step].max());
}

// ---- combinations ----

TEST_CASE("each hook goes to the last policy of the list that redefines it", "[policies]") {
  CHECK(redefines(&KernelDefault::poll_bounds, &LatencyBoundedNapi::poll_bounds));
  CHECK_FALSE(redefines(&KernelDefault::poll_bounds, &BlockCompletionClass::poll_bounds));
  CHECK_FALSE(redefines(&KernelDefault::select_task_rq, &LatencyBoundedNapi::select_task_rq));

  HostConfig config = quiet_host(2);
  config.devices.emplace_back(VirtioBlkConfig{});
  AgentConfig agent = quiet_agent(0);
  agent.latency_class = LatencyClass::agent_interactive;
  agent.read.device = "vda";
  config.agents.push_back(agent);
  config.policies = {{.name = "block_completion_class"}, {.name = "latency_bounded_napi"}};
  TracedRun run{config, 300ms};

  CHECK(run.all(Tracepoint::softirq_raise).empty());  // the second one did not take the first one's hook away
}

}  // namespace
}  // namespace models
