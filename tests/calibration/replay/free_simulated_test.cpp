// A simulated run, exported as a capture's events and replayed freely, is an answer that is known.
#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/replay/free_compare.h"
#include "calibration/replay/free_run.h"
#include "calibration/traces/simulated_events.h"
#include "tests/support/host_bench.h"

using namespace models;
using calibration::CostMode;
using calibration::FreeComparison;
using calibration::FreeProgram;
using calibration::ReplayInput;

namespace {

// Three agents over veth and virtio-blk on two CPUs, with two bursts of other work: queues, preemption,
// inline softirqs, remote wakeups.
HostConfig small_host() {
  HostConfig config;
  config.topology.cpus = 2;
  config.topology.idle = {{IdleState::hlt, sim::Nanos{0}}};
  config.kernel.irq_time_accounting = false;
  for (std::size_t i = 0; i < cost_count; ++i) {
    const sim::Nanos median = cost_of(static_cast<Cost>(i)) / 40;
    config.costs.models[i].value = sim::Distribution::lognormal_p99(median, 3 * median);
  }
  config.costs[Cost::virtio_blk_request].value = sim::Distribution::lognormal_p99(80us, 200us);
  config.devices = {VirtioBlkConfig{}, VethConfig{.name = "veth0"}};
  AgentConfig agent;
  agent.name = "agent";
  agent.count = 3;
  agent.think = sim::Distribution::exponential(1ms);
  agent.tool = {.device = "veth0",
                .service = sim::Distribution::exponential(300us),
                .request = sim::Bytes{64},
                .reply = sim::Bytes{2048}};
  agent.read = {.device = "vda", .count = 2, .size = sim::Bytes{4096}, .ring = RingMode::plain};
  agent.compute = constant(30us);
  config.agents = {agent};
  BackgroundConfig burst;
  burst.name = "burst";
  burst.kind = BackgroundKind::burst;
  burst.count = 2;
  burst.busy = sim::Distribution::exponential(1ms);
  burst.sleep = sim::Distribution::exponential(3ms);
  config.background = {burst};
  return config;
}

ReplayInput simulated_capture(const HostConfig& config) {
  calibration::Names names;
  calibration::ReplayInputReader reader{names};
  simulate_events(config, {.warmup = 20ms, .duration = 500ms}, names,
                  {.event = [&](const calibration::Event& event) { reader.add(event); }});
  calibration::ReplayKernel kernel;
  kernel.config = config.kernel;
  return reader.finish("simulated", kernel, 1);
}

}  // namespace

TEST_CASE("a simulated run replays to its own waits when its costs and CPUs are imposed", "[replay]") {
  const ReplayInput input = simulated_capture(small_host());
  const FreeProgram program = make_free_program(input);

  const calibration::FreeRun run =
      run_free(input, program, {.costs = CostMode::imposed, .impose_cpus = true, .follow = false});
  const FreeComparison comparison = compare_free(input, program, run);

  const calibration::WaitComparison& agents = comparison.waits.at(0);
  REQUIRE(agents.count > 500);
  CHECK(static_cast<double>(comparison.compared) > 0.98 * static_cast<double>(comparison.wakes));
  CHECK(comparison.within() > 0.9);
  CHECK(std::abs(agents.at[0].error()) < 0.02);
  CHECK(std::abs(agents.at[2].error()) < 0.1);
}

TEST_CASE("a simulated run replays to the distribution of its waits when costs are drawn", "[replay]") {
  const ReplayInput input = simulated_capture(small_host());
  const FreeProgram program = make_free_program(input);

  const FreeComparison comparison = compare_free(input, program, run_free(input, program, {}));

  CHECK(std::abs(comparison.waits.at(0).at[0].error()) < 0.05);
  CHECK(comparison.waits.at(0).wasserstein < 0.15);
}
