#include "models/agent.h"

#include <catch2/catch.hpp>

#include "tests/support/host_bench.h"

namespace models {
namespace {

// A timer's way into userspace on a CPU that sleeps in HLT.
constexpr sim::Nanos timer_late =
    cost_of(Cost::timer_delivery, Cost::idle_exit_hlt, Cost::hardirq_entry, Cost::hrtimer_interrupt,
            Cost::try_to_wake_up, Cost::clockevent_program, Cost::hardirq_exit, Cost::idle_loop_exit,
            Cost::context_switch, Cost::syscall_exit);

HostConfig one_agent(const AgentConfig& agent) {
  HostConfig config = quiet_host(2);
  config.agents.push_back(agent);
  return config;
}

AgentConfig reader(int count) {
  AgentConfig agent = quiet_agent(0);
  agent.read.device = "nvme0";
  agent.read.count = count;
  return agent;
}

HostConfig with_nic(const AgentConfig& agent, sim::BytesPerSecond link_rate) {
  HostConfig config = one_agent(agent);
  NicConfig nic;
  nic.irq_cpus = {1};
  nic.link_rate = link_rate;
  config.devices.emplace_back(nic);
  return config;
}

// Steps that take `first`, and no other time.
void check_all(const Metrics& metrics, Metric metric, sim::Nanos value) {
  CHECK(metrics[metric].min() == value.count());
  CHECK(metrics[metric].max() == value.count());
}

TEST_CASE("a step without calls is the timer's lateness and the compute", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.compute = constant(123us);

  TracedRun run{one_agent(agent), 1s};

  check_all(run.metrics(), Metric::timer_late, timer_late);
  check_all(run.metrics(), Metric::compute, 123us);
  check_all(run.metrics(), Metric::step, timer_late + 123us);
  check_all(run.metrics(), Metric::chain_timer, timer_late);
  CHECK(run.metrics()[Metric::tool].empty());
  CHECK(run.metrics()[Metric::read].empty());
  CHECK(run.metrics()[Metric::epoll_blocked].empty());
}

TEST_CASE("the loop is closed: a step's end begins the next think time", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.compute = constant(10ms);

  TracedRun run{one_agent(agent), 1s};

  const std::vector<TraceRecord> timers = run.all(Tracepoint::hrtimer_expire_entry);
  REQUIRE(timers.size() > 10);
  for (std::size_t i = 2; i < timers.size(); ++i) {
    CHECK(timers[i].b - timers[i - 1].b == ns(50ms + timer_late + 10ms));
  }
  CHECK(run.metrics()[Counter::steps] == 16);
}

TEST_CASE("a step with reads waits for all of them", "[agent]") {
  HostConfig config = one_agent(reader(2));
  config.devices.emplace_back(NvmeConfig{});

  TracedRun run{config, 1s};

  const Metrics& metrics = run.metrics();
  const auto steps = static_cast<std::uint64_t>(metrics[Counter::steps]);
  CHECK(metrics[Metric::read].count() == steps);
  CHECK(metrics[Metric::chain_block].count() == 2 * steps);
  CHECK(metrics[Metric::completion_to_cqe].count() == 2 * steps);
  CHECK(metrics[Counter::completions] == static_cast<std::int64_t>(3 * steps));  // the timer's too
  CHECK(metrics[Metric::step].sum() == metrics[Metric::timer_late].sum() + metrics[Metric::read].sum());
}

TEST_CASE("a step with a local tool waits for the server's service and both ways", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.tool.device = "veth0";
  agent.tool.service = constant(5ms);
  agent.server_sched.cpus = {1};
  HostConfig config = one_agent(agent);
  config.devices.emplace_back(VethConfig{.name = "veth0"});

  TracedRun run{config, 1s};

  const Metrics& metrics = run.metrics();
  const auto steps = static_cast<std::uint64_t>(metrics[Counter::steps]);
  CHECK(steps > 10);
  CHECK(metrics[Metric::tool].count() == steps);
  CHECK(metrics[Metric::tool].min() > ns(5ms));
  CHECK(metrics[Metric::tool].max() < ns(7ms));
  CHECK(metrics[Metric::chain_network].count() == steps);
  CHECK(metrics[Counter::completions] == static_cast<std::int64_t>(2 * steps));
  CHECK(metrics[Metric::step].sum() == metrics[Metric::timer_late].sum() + metrics[Metric::tool].sum());
}

TEST_CASE("a remote tool answers after its service and twice the way", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.tool.device = "eth0";
  agent.tool.service = constant(5ms);
  agent.tool.one_way = 300us;
  agent.tool.reply = sim::Bytes{1000};

  TracedRun run{with_nic(agent, NicConfig{}.link_rate), 1s};

  CHECK(run.metrics()[Metric::tool].min() > ns(5600us));
  CHECK(run.metrics()[Metric::tool].max() < ns(6500us));
  CHECK(run.metrics()[Metric::chain_network].count() ==
        static_cast<std::uint64_t>(run.metrics()[Counter::steps]));
}

// At these rates the three frames of a reply come 120 us to 1.5 ms apart: the agent is woken by the first,
// and the others find it asleep again, in epoll_wait, or in recv.
TEST_CASE("a reply whose frames come apart is read until it is whole", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.tool.device = "eth0";
  agent.tool.reply = sim::Bytes{4096};
  for (std::int64_t rate = 1'000'000; rate < 13'000'000; rate += 50'000) {
    TracedRun run{with_nic(agent, sim::BytesPerSecond{rate}), 150ms};

    const Metrics& metrics = run.metrics();
    REQUIRE(metrics[Counter::steps] == 2);
    REQUIRE(metrics[Metric::chain_network].count() == 2);
    REQUIRE(metrics[Metric::chain_network].min() > 0);
    REQUIRE(metrics[Metric::tool].min() > sim::to_nanos(sim::Bytes{4096}, sim::BytesPerSecond{rate}).count());
  }
}

TEST_CASE("a step that ends after its deadline is a miss", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.compute = constant(123us);

  agent.deadline = timer_late + 123us;
  CHECK(TracedRun{one_agent(agent), 1s}.metrics()[Counter::deadline_misses] == 0);
  agent.deadline -= 1ns;
  TracedRun late{one_agent(agent), 1s};
  CHECK(late.metrics()[Counter::deadline_misses] == late.metrics()[Counter::steps]);
}

TEST_CASE("a session is the sum of its steps, thinking excluded, and begins after the warm-up", "[agent]") {
  AgentConfig agent = quiet_agent(0);
  agent.compute = constant(123us);
  agent.steps_per_session = 4;

  TracedRun run{one_agent(agent), 1s};
  CHECK(run.metrics()[Counter::steps] == 19);
  CHECK(run.metrics()[Counter::sessions] == 4);
  check_all(run.metrics(), Metric::session, 4 * (timer_late + 123us));

  TracedRun warm{one_agent(agent), 900ms, 110ms};  // two steps before: the first session does not count
  CHECK(warm.metrics()[Counter::sessions] == 4);
  CHECK(TracedRun(one_agent(agent), 800ms, 110ms).metrics()[Counter::sessions] == 3);
}

TEST_CASE("agents of one entry are numbered, and their draws differ", "[agent]") {
  AgentConfig agent;
  agent.count = 3;
  agent.think = sim::Distribution::exponential(5ms);
  TracedRun run{one_agent(agent), 1s};

  CHECK(run.host.task_name(TaskId{2}) == "agent-0");
  CHECK(run.host.task_name(TaskId{4}) == "agent-2");
  std::vector<std::int64_t> expiries;
  for (const TraceRecord& each : run.all(Tracepoint::hrtimer_expire_entry)) {
    expiries.push_back(each.b);
  }
  CHECK(std::adjacent_find(expiries.begin(), expiries.end()) == expiries.end());
}

}  // namespace
}  // namespace models
