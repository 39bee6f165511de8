#include "models/devices/cable.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "tests/models/devices/bench.h"
#include "tests/support/host_bench.h"

namespace models {
namespace {

constexpr QueueId q0{0};

// 1 Gbit/s: a byte takes 8 ns. 20 us to the other end, where DMA takes 1 us.
NicConfig gigabit(const char* name, const char* peer) {
  NicConfig config;
  config.name = name;
  config.peer = peer;
  config.link_rate = sim::BytesPerSecond{125'000'000};
  config.cable = 20us;
  return config;
}

struct CableBench {
  explicit CableBench(const NicConfig& from_config, const NicConfig& to_config)
      : from{engine, from_config}, to{engine, to_config}, cable{engine, from, to} {
    from.cost.connect<&StubCosts::draw>(costs);
    to.cost.connect<&StubCosts::draw>(costs);
    from.irq.connect<&InterruptLog::hit_queue>(from_irqs);
    from.wire.connect<&Cable::sent>(cable);
    from.tx_irq.connect<&CableBench::transmitted>(*this);
    to.irq.connect<&InterruptLog::hit_queue>(irqs);
  }
  void transmitted() { tx_irqs.push_back(engine.now().time_since_epoch()); }
  void at(sim::Nanos when) { engine.run_until(sim::SimTime{when}); }
  std::vector<std::int32_t> poll_all() {
    std::vector<std::int32_t> lengths;
    Packet frame;
    while (to.poll(q0, frame)) {
      lengths.push_back(frame.bytes);
      ends += frame.ends_message ? 1 : 0;
    }
    cable.poll_made_room();
    to.irq_enable(q0);
    return lengths;
  }

  sim::Engine engine;
  StubCosts costs;
  Nic from, to;
  Cable cable;
  InterruptLog from_irqs{engine};
  InterruptLog irqs{engine};
  Times tx_irqs;
  int ends = 0;
};

using Lengths = std::vector<std::int32_t>;

Packet message(std::int32_t bytes) { return {.flow = FlowId{1}, .bytes = bytes, .ends_message = true}; }

TEST_CASE("a request crosses the cable: its time on the wire, the latency, the DMA", "[cable]") {
  CableBench bench{gigabit("eth1", "eth0"), gigabit("eth0", "eth1")};

  bench.at(5us);
  bench.cable.transmit(message(64));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{5us + (64 + frame_overhead) * 8ns + 20us + 1us});
  CHECK(bench.poll_all() == Lengths{64});
  CHECK(bench.ends == 1);
}

TEST_CASE("a reply of 2048 bytes is two frames, of which the first interrupts", "[cable]") {
  CableBench bench{gigabit("eth0", "eth1"), gigabit("eth1", "eth0")};

  bench.cable.transmit(message(2048));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{(1448 + frame_overhead) * 8ns + 20us + 1us});
  CHECK(bench.poll_all() == Lengths{1448, 600});
  CHECK(bench.ends == 1);
}

TEST_CASE("a throttled vector is not silenced by its interrupt, only slowed down", "[cable][msix]") {
  NicConfig to = gigabit("eth1", "eth0");
  to.moderation = {.rx_usecs = 50us, .mode = ModerationMode::throttle};
  CableBench bench{gigabit("eth0", "eth1"), to};

  bench.cable.transmit(message(2048));
  bench.at(1ms);

  const sim::Nanos first = (1448 + frame_overhead) * 8ns + 20us + 1us;
  CHECK(bench.irqs.at == Times{first, first + 50us});
}

TEST_CASE("frames that have left interrupt who sent them, once until its NAPI has polled", "[cable]") {
  NicConfig from = gigabit("eth0", "eth1");
  from.tx_interrupt = NicTxInterrupt::napi;
  CableBench bench{from, gigabit("eth1", "eth0")};
  const sim::Nanos full = (1448 + frame_overhead) * 8ns;

  bench.cable.transmit(message(3 * 1448));
  bench.at(2 * full);
  CHECK(bench.tx_irqs == Times{full});
  bench.from.tx_clean();
  bench.from.tx_irq_enable();
  bench.at(1ms);

  CHECK(bench.tx_irqs == Times{full, 3 * full});
}

TEST_CASE("nothing is lost on a cable, whatever the rings hold", "[cable]") {
  NicConfig from = gigabit("eth0", "eth1");
  from.tx_ring = 4;
  NicConfig to = gigabit("eth1", "eth0");
  to.ring = 8;
  CableBench bench{from, to};

  bench.cable.transmit(message(65'160));
  bench.cable.transmit(message(64));
  Lengths lengths;
  for (int poll = 1; poll <= 200; ++poll) {
    bench.at(poll * 150us);
    const Lengths polled = bench.poll_all();
    lengths.insert(lengths.end(), polled.begin(), polled.end());
  }

  CHECK(lengths.size() == 46);
  CHECK(lengths.back() == 64);
  CHECK(std::accumulate(lengths.begin(), lengths.end(), 0) == 65'160 + 64);
  CHECK(bench.ends == 2);
  CHECK(bench.cable.frames() == 46);
  CHECK(bench.cable.resent() > 0);
  CHECK(bench.from.transmit_drops() == 0);
}

// The lab's pair: e1000e for the agents, virtio-net for the servers, both rx vectors on CPU 0.
HostConfig paired_host(int ring) {
  HostConfig config = quiet_host(2);
  for (CostModel& cost : config.costs.models) {
    cost.value = cost.value.scaled(0.1);
  }
  NicConfig agents_end = gigabit("eth1", "eth0");
  agents_end.moderation = {.rx_usecs = 50us, .mode = ModerationMode::throttle};
  agents_end.tx_interrupt = NicTxInterrupt::hardirq;
  agents_end.irq_cpus = {0};
  agents_end.tx_irq_cpu = 1;
  agents_end.ring = ring;
  NicConfig servers_end = gigabit("eth0", "eth1");
  servers_end.tx_interrupt = NicTxInterrupt::napi;
  servers_end.irq_cpus = {0};
  servers_end.tx_irq_cpu = 1;
  servers_end.tso = false;
  config.devices.emplace_back(agents_end);
  config.devices.emplace_back(servers_end);
  AgentConfig agent;
  agent.name = "agent";
  agent.think = constant(5ms);
  agent.tool.device = "eth1";
  agent.tool.service = constant(2ms);
  agent.tool.request = sim::Bytes{64};
  agent.tool.reply = sim::Bytes{2048};
  config.agents.push_back(agent);
  return config;
}

TEST_CASE("a step over the pair has the interrupts, polls and ACKs of the captures", "[cable][chain]") {
  const TracedRun run{paired_host(256), 1s};
  const auto steps = static_cast<double>(run.metrics()[Counter::steps]);
  const auto per_step = [&](auto&& predicate, Tracepoint point) {
    const auto all = run.all(point);
    return static_cast<double>(std::count_if(all.begin(), all.end(), predicate)) / steps;
  };
  const auto irqs = [&](const char* name) {
    return per_step([&](const TraceRecord& r) { return run.host.irq_name(static_cast<int>(r.a)) == name; },
                    Tracepoint::irq_handler_entry);
  };
  const auto skbs = [&](std::int64_t bytes) {
    return per_step([&](const TraceRecord& r) { return r.b == bytes; }, Tracepoint::netif_receive_skb);
  };

  REQUIRE(steps > 100);
  CHECK(irqs("eth1-tx-0") == Approx(2).epsilon(0.02));  // a request and the reply's ACK
  CHECK(irqs("eth0-rx-0") == Approx(2).epsilon(0.02));
  CHECK(irqs("eth1-rx-0") >= 1.98);  // both frames of the reply
  CHECK(irqs("eth0-tx-0") >= 0.99);
  CHECK(skbs(64) == Approx(1).epsilon(0.02));
  CHECK(skbs(2048) == Approx(1).epsilon(0.02));  // GRO has made one of both
  CHECK(skbs(0) == Approx(1).epsilon(0.02));
}

TEST_CASE("agents and bulk over the pair lose neither bytes nor wakeups, with rings that overflow too",
          "[cable][chain]") {
  const int ring = GENERATE(256, 4);
  HostConfig config = paired_host(ring);
  config.agents[0].count = 4;
  BackgroundConfig bulk;
  bulk.name = "bulk";
  bulk.kind = BackgroundKind::bulk;
  bulk.device = "eth1";
  bulk.size = sim::Bytes{16'384};
  bulk.rate = sim::BytesPerSecond{7'500'000};
  config.background.push_back(bulk);
  const TracedRun run{config, 1s};

  CAPTURE(ring);
  CHECK(run.metrics()[Counter::steps] > 400);
  CHECK(run.metrics()[Counter::background_bytes] > 7'300'000);
  CHECK(run.metrics()[Counter::background_bytes] <= 7'600'000);
  CHECK((run.metrics()[Counter::rx_drops] > 0) == (ring == 4));
}

}  // namespace
}  // namespace models
