// Nothing is lost and nothing appears: what went in came out, was turned away, or is still inside.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "tests/support/host_bench.h"
#include "tests/support/nic_bench.h"

namespace models {
namespace {

TEST_CASE("frames on the cable are delivered, dropped by the ring, or on their way", "[chain][property]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    sim::Stream random = sim::Rng{seed}.stream("frames");
    const auto up_to = [&](int most) {
      return 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(most)));
    };
    KernelSetup setup{.costs = {{Cost::nic_dma, 1us},
                                {Cost::msi_delivery, 1us},
                                {Cost::idle_exit_hlt, 5us},
                                {Cost::napi_poll_fixed, 2us},
                                {Cost::napi_packet, 300ns},
                                {Cost::tcp_deliver, 1us}}};
    NicConfig config{.ring = up_to(80)};
    config.moderation.rx_usecs = sim::Nanos{up_to(20'000)};
    config.moderation.rx_frames = up_to(32);
    NicBench bench{setup, config};
    std::int64_t sent = 0;
    sim::Nanos at{0};
    const auto delivered = [&] {
      return std::accumulate(bench.delivered.begin(), bench.delivered.end(), std::int64_t{0},
                             [](std::int64_t sum, const Packet& packet) { return sum + packet.bytes; });
    };
    const auto dropped = [&] { return bench.nic.counters(QueueId{0}).drops * default_mss; };
    for (int i = 0; i < 200; ++i) {
      const int frames = up_to(16);
      bench.nic.receive_burst({.flow = FlowId{i % 3}, .bytes = default_mss, .ends_message = i % 2 == 0},
                              frames);
      sent += std::int64_t{frames} * default_mss;
      at += sim::Nanos{up_to(30'000)};
      bench.run_until(at);
      const std::int64_t inside = sent - delivered() - dropped();
      REQUIRE(inside >= 0);
      // In the ring, held by GRO, or on the rx_list.
      const int held = setup.kernel.dev_weight + setup.kernel.gro_normal_batch;
      REQUIRE(inside <= (config.ring + held) * std::int64_t{default_mss});
    }
    bench.run_until(at + 1s);

    REQUIRE(delivered() + dropped() == sent);
  }
}

// Four agents that read from a disk with room for three requests.
TEST_CASE("requests are completed, rejected, or in the disk", "[chain][property]") {
  HostConfig config = quiet_host(2);
  for (CostModel& cost : config.costs.models) {
    cost.value = cost.value.scaled(0.1);
  }
  config.devices.emplace_back(VirtioBlkConfig{.queue_size = 3});
  AgentConfig agent;
  agent.count = 4;
  agent.think = sim::Distribution::exponential(300us);
  agent.read.device = "vda";
  agent.read.count = 3;
  config.agents.push_back(agent);

  const TracedRun run{config, 2s};

  const auto issued = static_cast<std::int64_t>(run.all(Tracepoint::block_rq_issue).size());
  const auto completed = static_cast<std::int64_t>(run.all(Tracepoint::block_rq_complete).size());
  const std::int64_t rejected = run.metrics()[Counter::rejected_requests];
  const auto called = static_cast<std::int64_t>(run.all(Tracepoint::sys_enter_io_uring_enter).size());
  const auto returned = static_cast<std::int64_t>(run.all(Tracepoint::sys_exit_io_uring_enter).size());
  CHECK(rejected > 100);
  CHECK(issued - completed >= 0);
  CHECK(issued - completed <= 3);
  CHECK(issued + rejected <= 3 * called);
  CHECK(issued + rejected >= 3 * returned);
  CHECK(called - returned <= 4);
  CHECK(run.metrics()[Counter::steps] <= returned);
  // Each CQE is posted once, those of rejected requests too.
  const auto posted = static_cast<std::int64_t>(run.all(Tracepoint::io_uring_complete).size());
  CHECK(posted <= completed + rejected);
  CHECK(posted >= 3 * returned);
}

}  // namespace
}  // namespace models
