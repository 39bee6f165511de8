#include "models/tcp_bbr.h"

#include <catch2/catch.hpp>

#include "models/packet.h"
#include "tests/support/host_bench.h"

namespace models {
namespace {

sim::SimTime at(sim::Nanos when) { return sim::SimTime{when}; }

// Writes of one skb, each acknowledged `rtt` after it left, `gap` apart.
struct Writer {
  void write(sim::Nanos rtt, std::int64_t bytes = gso_max_bytes, sim::Nanos gap = 262us) {
    bbr.sendmsg();
    bbr.sent(at(now), bytes);
    total += bytes;
    bbr.acked(at(now + rtt), total);
    now += gap;
  }
  TcpBbr bbr;
  sim::Nanos now = 1ms;
  std::int64_t total = 0;
};

// 45 segments in 20 us, times 739/256, less 1 %.
constexpr double startup_rate = 45 * 1448 / 20e-6 * 739 / 256 * 0.99;

TEST_CASE("the rate is STARTUP's gain times what was delivered per round trip", "[tcp][bbr]") {
  Writer writer;
  writer.write(20us);

  CHECK(static_cast<double>(writer.bbr.pacing_rate()) == Approx(startup_rate).epsilon(1e-5));
  CHECK(writer.bbr.startup());
}

TEST_CASE("limited by the application, the estimate only grows, and STARTUP does not end", "[tcp][bbr]") {
  Writer writer;
  writer.write(20us);
  for (int i = 0; i < 100; ++i) {
    writer.write(50us);
  }
  CHECK(static_cast<double>(writer.bbr.pacing_rate()) == Approx(startup_rate).epsilon(1e-5));

  writer.write(10us);
  CHECK(static_cast<double>(writer.bbr.pacing_rate()) == Approx(2 * startup_rate).epsilon(1e-5));
  CHECK(writer.bbr.startup());
}

TEST_CASE("after a pause the next skb waits half of what the one before takes at the rate", "[tcp][bbr]") {
  Writer writer;
  writer.write(20us);

  writer.bbr.sendmsg();
  writer.bbr.sent(at(writer.now), gso_max_bytes);
  const double length = gso_max_bytes / startup_rate * 1e9;
  CHECK(static_cast<double>((writer.bbr.departure() - at(writer.now)).count()) ==
        Approx(length / 2).margin(2));

  // The second one left then: nothing is forgiven.
  const sim::SimTime second = writer.bbr.departure();
  writer.bbr.sent(second, gso_max_bytes);
  CHECK(static_cast<double>((writer.bbr.departure() - second).count()) == Approx(length).margin(2));
}

TEST_CASE("the first ten segments are not paced", "[tcp][bbr]") {
  Writer writer;
  writer.write(20us, 1448);
  writer.bbr.sendmsg();
  writer.bbr.sent(at(writer.now), 8 * 1448);  // nine so far
  CHECK(writer.bbr.departure() == at(writer.now));
  writer.bbr.sent(at(writer.now), 1448);
  CHECK(writer.bbr.departure() > at(writer.now));
}

TEST_CASE(
    "three rounds without growth that the network limits end STARTUP; a restart is paced at the bandwidth",
    "[tcp][bbr]") {
  Writer writer;
  writer.write(20us);
  for (int i = 0; i < 6 && writer.bbr.startup(); ++i) {
    // Two skbs in one write, the second sent after the first was acknowledged: no longer application-limited.
    writer.write(20us, gso_max_bytes, 30us);
    writer.bbr.sent(at(writer.now), gso_max_bytes);
    writer.total += gso_max_bytes;
    writer.bbr.acked(at(writer.now + 20us), writer.total);
    writer.now += 262us;
  }
  CHECK_FALSE(writer.bbr.startup());

  writer.bbr.sendmsg();
  writer.bbr.sent(at(writer.now), gso_max_bytes);
  CHECK(static_cast<double>(writer.bbr.pacing_rate()) == Approx(startup_rate * 256 / 739).epsilon(1e-5));
}

// ---- on a host ----

HostConfig bulk_host(CongestionControl control) {
  HostConfig config = quiet_host(2);
  for (CostModel& cost : config.costs.models) {
    cost.value = constant(500ns);
  }
  config.costs[Cost::copy_per_kib].value = constant(50ns);
  config.kernel.tcp_congestion_control = control;
  config.devices.emplace_back(VethConfig{.name = "veth0"});
  BackgroundConfig bulk;
  bulk.name = "bulk";
  bulk.kind = BackgroundKind::bulk;
  bulk.device = "veth0";
  bulk.size = sim::Bytes{65'536};
  bulk.rate = sim::BytesPerSecond{250'000'000};
  config.background.push_back(bulk);
  return config;
}

std::int64_t kicks(const TracedRun& run) {
  std::int64_t found = 0;
  for (const TraceRecord& timer : run.all(Tracepoint::hrtimer_expire_entry)) {
    found += timer.a == pace_kick ? 1 : 0;
    CHECK((timer.a != pace_kick || timer.context == 1));  // in softirq
  }
  return found;
}

TEST_CASE("a bulk sender under bbr sends everything, what its pace holds back after a timer", "[tcp][bbr]") {
  HostConfig config = bulk_host(CongestionControl::bbr);
  config.costs[Cost::backlog_packet].value = constant(200ns);  // the tail of a write comes before its time
  config.costs[Cost::tcp_recvmsg].value = constant(20us);
  const TracedRun paced{config, 1s};
  config.kernel.tcp_congestion_control = CongestionControl::cubic;
  const TracedRun unpaced{config, 1s};

  CHECK(kicks(paced) > 3'000);
  CHECK(kicks(unpaced) == 0);
  CHECK(std::abs(paced.metrics()[Counter::background_bytes] - 250'000'000) <= 2 * 65'536);
  CHECK(std::abs(unpaced.metrics()[Counter::background_bytes] - 250'000'000) <= 2 * 65'536);
  CHECK(paced.metrics()[Counter::interrupts_timer] > unpaced.metrics()[Counter::interrupts_timer] + 3'000);
}

}  // namespace
}  // namespace models
