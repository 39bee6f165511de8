// Why tasks are woken: wake_cause for everyone, agent_wakeup for who carries a context.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "tests/support/busy_host.h"

namespace models {
namespace {

// A run recorded with the truth.
struct CausedRun {
  explicit CausedRun(const HostConfig& config, sim::Nanos duration = 200ms,
                     TraceOptions options = {.agent_wakeups = true, .wake_causes = true})
      : trace{1'000'000, options}, host{config, 1, &trace} {
    host.run(0ns, duration);
  }
  std::vector<ExplainedWakeup> all(Tracepoint point, const std::string& wakee) const {
    std::vector<ExplainedWakeup> found;
    for (const TraceRecord& record : trace.records()) {
      if (record.point == point && host.task_name(static_cast<TaskId>(record.a)) == wakee) {
        found.push_back(ExplainedWakeup::of(record));
      }
    }
    return found;
  }
  std::vector<ExplainedWakeup> causes_of(const std::string& wakee, WakeSource source) const {
    std::vector<ExplainedWakeup> found = all(Tracepoint::wake_cause, wakee);
    std::erase_if(found, [&](const ExplainedWakeup& wakeup) { return wakeup.cause.source != source; });
    return found;
  }
  std::string name_of(std::int64_t task) const {
    return std::string{host.task_name(static_cast<TaskId>(task))};
  }

  TraceRecorder trace;
  Host host;
};

HostConfig veth_host() {
  HostConfig config = quiet_host(2);
  config.devices.emplace_back(VethConfig{.name = "veth0"});
  AgentConfig agent = quiet_agent(0);
  agent.name = "reader";
  agent.tool.device = "veth0";
  agent.tool.service = constant(5ms);
  agent.server_sched.cpus = {1};
  config.agents.push_back(agent);
  return config;
}

}  // namespace

TEST_CASE("an explained wakeup survives its way through a record", "[wake_cause]") {
  const ExplainedWakeup wakeup{
      TaskId{7}, {WakeSource::block, DeviceId{2}, 0xfffffffffff}, 3, 2'000'000'000, LatencyClass::background};
  const ExplainedWakeup nobody{
      TaskId{0}, {WakeSource::task, DeviceId::none, -1}, -1, 0, LatencyClass::normal};

  for (const ExplainedWakeup& each : {wakeup, nobody}) {
    TraceRecord record{};
    record.a = each.a();
    record.b = each.b();
    record.c = each.c();
    record.d = each.d();
    const ExplainedWakeup back = ExplainedWakeup::of(record);
    CHECK(back.task == each.task);
    CHECK(back.cause == each.cause);
    CHECK(back.agent_id == each.agent_id);
    CHECK(back.step_id == each.step_id);
    CHECK(back.latency_class == each.latency_class);
  }
}

TEST_CASE("a reply over a veth is by its server, the request by its agent", "[wake_cause]") {
  const CausedRun run{veth_host()};

  const auto replies = run.causes_of("reader-0", WakeSource::net);
  const auto requests = run.causes_of("reader-0-server", WakeSource::net);
  REQUIRE(replies.size() >= 2);
  REQUIRE(requests.size() >= 2);
  CHECK(run.name_of(replies[0].cause.cookie) == "reader-0-server");
  CHECK(run.name_of(requests[0].cause.cookie) == "reader-0");
  CHECK(requests[0].agent_id == -1);  // a server is no agent
}

TEST_CASE("the end of a sleep is by the sleeper's own timer", "[wake_cause]") {
  const CausedRun run{veth_host()};

  for (const std::string task : {"reader-0", "reader-0-server"}) {
    const auto sleeps = run.causes_of(task, WakeSource::timer);
    REQUIRE(sleeps.size() >= 2);
    CHECK(run.name_of(sleeps[0].cause.cookie) == task);
  }
}

TEST_CASE("of several reads each wakeup names the one that ended it", "[wake_cause]") {
  HostConfig config = quiet_host(2);
  config.devices.emplace_back(VethConfig{.name = "veth0"});
  config.devices.emplace_back(VirtioBlkConfig{});
  config.costs[Cost::virtio_blk_request].value = constant(1ms);
  AgentConfig agent = quiet_agent(0);
  agent.name = "reader";
  agent.read.device = "vda";
  agent.read.count = 2;
  agent.read.ring = GENERATE(RingMode::plain, RingMode::defer_taskrun);
  config.agents.push_back(agent);
  const CausedRun run{config, 120ms};

  std::vector<std::int64_t> completed;
  for (const TraceRecord& record : run.trace.records()) {
    if (record.point == Tracepoint::block_rq_complete) {
      completed.push_back(record.a);
      CHECK(record.d == 1);
    }
  }
  const auto wakeups = run.causes_of("reader-0", WakeSource::block);
  REQUIRE(completed.size() == 4);
  REQUIRE(wakeups.size() >= 2);
  CHECK(wakeups[0].cause.device == DeviceId{1});
  CHECK(wakeups[0].cause.cookie == completed[agent.read.ring == RingMode::plain ? 0 : 1]);
}

TEST_CASE("another machine's reply has no sender here", "[wake_cause]") {
  HostConfig config = quiet_host(1);
  config.devices.emplace_back(NicConfig{});
  AgentConfig agent = quiet_agent(0);
  agent.name = "caller";
  agent.tool.device = "eth0";
  agent.tool.service = constant(5ms);
  config.agents.push_back(agent);
  const CausedRun run{config};

  const auto replies = run.causes_of("caller-0", WakeSource::net);
  REQUIRE(replies.size() >= 2);
  CHECK(replies[0].cause.cookie == -1);
}

TEST_CASE("tasks of every role are woken for a reason", "[wake_cause]") {
  HostConfig config = busy_host();
  config.kernel.netdev_budget = 40;
  config.background[1].rate = sim::BytesPerSecond{600'000'000};
  config.tracer.program = TracerProgram::wakeup;
  config.tracer.rows_per_wake = 10;
  const CausedRun run{config, 300ms};

  std::map<std::string, int> without;
  for (const TraceRecord& record : run.trace.records()) {
    if (record.point == Tracepoint::wake_cause &&
        ExplainedWakeup::of(record).cause.source == WakeSource::none) {
      ++without[run.name_of(record.a)];
    }
  }
  // The host starts each task but the kernel's own, once.
  std::size_t started = 0;
  for (int i = 0; i < run.host.task_count(); ++i) {
    started += run.host.task_role(static_cast<TaskId>(i)) != "kernel" ? 1 : 0;
  }
  CHECK(without.size() == started);
  CHECK(std::all_of(without.begin(), without.end(), [](const auto& task) { return task.second == 1; }));
  CHECK(run.causes_of("bpftrace", WakeSource::task).size() > 10);
  std::size_t ksoftirqd = 0;
  for (int cpu = 0; cpu < 4; ++cpu) {
    ksoftirqd += run.causes_of("ksoftirqd/" + std::to_string(cpu), WakeSource::task).size();
  }
  CHECK(ksoftirqd > 10);
  CHECK(run.causes_of("bulk-rx-0", WakeSource::net).size() > 10);
  CHECK(run.causes_of("writer-0", WakeSource::block).size() > 10);
  CHECK(run.causes_of("flow-0", WakeSource::net).size() > 10);
}

TEST_CASE("agent_wakeup tells the agent, its step and its class", "[wake_cause]") {
  HostConfig config = veth_host();
  config.agents[0].latency_class = LatencyClass::agent_interactive;
  const CausedRun run{config};

  const auto wakeups = run.all(Tracepoint::agent_wakeup, "reader-0");
  const std::vector<WakeSource> sources{WakeSource::timer, WakeSource::net, WakeSource::timer,
                                        WakeSource::net};
  REQUIRE(wakeups.size() >= 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(wakeups[i].agent_id == 0);
    CHECK(wakeups[i].step_id == static_cast<std::int32_t>(1 + i / 2));
    CHECK(wakeups[i].latency_class == LatencyClass::agent_interactive);
    CHECK(wakeups[i].cause.source == sources[i]);
  }
  CHECK(run.all(Tracepoint::agent_wakeup, "reader-0-server").empty());
}

TEST_CASE("only attribution brings agent_wakeup along, and nothing brings wake_cause", "[wake_cause]") {
  const auto count = [](bool attribution, Tracepoint point) {
    HostConfig config = veth_host();
    if (attribution) {
      config.policies.push_back({.name = "attribution"});
    }
    return TracedRun{config}.all(point).size();
  };

  CHECK(count(false, Tracepoint::agent_wakeup) == 0);
  CHECK(count(true, Tracepoint::agent_wakeup) >= 4);
  CHECK(count(true, Tracepoint::wake_cause) == 0);
}

// ---- recorder ----

TEST_CASE("a recorder hands on every record, and keeps the first ones", "[wake_cause][recorder]") {
  struct Counted {
    std::size_t records = 0;
    sim::SimTime last{};
    void record(const TraceRecord& record) {
      CHECK(record.time >= last);
      last = record.time;
      ++records;
    }
  };
  const auto run = [](TraceRecorder& recorder, Counted& counted) {
    recorder.sink.connect<&Counted::record>(counted);
    Host host{veth_host(), 1, &recorder};
    host.run(0ns, 200ms);
  };
  TraceRecorder both{50};
  TraceRecorder streams{TraceOptions{}};
  Counted by_both;
  Counted by_stream;

  run(both, by_both);
  run(streams, by_stream);

  CHECK(by_both.records > 100);
  CHECK(by_stream.records == by_both.records);
  CHECK(both.records().size() == 50);
  CHECK(both.lost() == by_both.records - 50);
  CHECK(streams.records().empty());
  CHECK(streams.lost() == 0);
}

// ---- stamps ----

TEST_CASE("finished completions come with their stamps and what they were", "[wake_cause][stamps]") {
  struct Finished {
    std::vector<Completion> all;
    void take(const Completion& completion) { all.push_back(completion); }
  };
  HostConfig config = veth_host();
  config.devices.emplace_back(VirtioBlkConfig{});
  config.agents[0].read.device = "vda";
  config.agents[0].read.count = 1;
  Host host{config, 1};
  Finished finished;
  host.finished().connect<&Finished::take>(finished);

  host.run(0ns, 120ms);

  REQUIRE(finished.all.size() >= 3);
  CHECK(finished.all[0].cause.source == WakeSource::timer);
  CHECK(finished.all[1].cause.source == WakeSource::net);
  CHECK(finished.all[2].cause.source == WakeSource::block);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(host.task_name(finished.all[i].waiter) == "reader-0");
    CHECK(finished.all[i].ctx.step_id == 1);
    for (const Stage stage : {Stage::waking, Stage::runnable, Stage::running, Stage::user}) {
      CHECK(finished.all[i].has(stage));
    }
  }
  CHECK(finished.all[0].when(Stage::timer) == finished.all[0].when(Stage::waking));
  CHECK(finished.all[1].when(Stage::delivered) == finished.all[1].when(Stage::waking));
  CHECK(finished.all[2].when(Stage::completed) == finished.all[2].when(Stage::waking));
}

}  // namespace models
