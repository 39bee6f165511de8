#include "models/background.h"

#include <catch2/catch.hpp>

#include "tests/support/host_bench.h"

namespace models {
namespace {

BackgroundConfig background(BackgroundKind kind, int cpu) {
  BackgroundConfig load;
  load.kind = kind;
  load.sched.cpus = {cpu};
  return load;
}

HostConfig host_with(int cpus, std::initializer_list<BackgroundConfig> loads) {
  HostConfig config = quiet_host(cpus);
  config.costs = Costs{};  // nothing costs anything
  config.background.assign(loads);
  return config;
}

TEST_CASE("a burst works and sleeps in turn", "[background]") {
  BackgroundConfig burst = background(BackgroundKind::burst, 0);
  burst.busy = constant(2ms);
  burst.sleep = constant(3ms);

  TracedRun run{host_with(1, {burst}), 1s};

  CHECK(run.metrics()[Counter::background_cpu_ns] == ns(200 * 2ms));
  CHECK(run.all(Tracepoint::sched_switch).size() == 400);
}

TEST_CASE("a hog leaves no idle time", "[background]") {
  TracedRun run{host_with(1, {background(BackgroundKind::hog, 0)}), 1s, 100ms};

  CHECK(run.metrics()[Counter::cpu_idle_ns] == 0);
  CHECK(run.metrics()[Counter::cpu_user_ns] == ns(1s));
}

TEST_CASE("two hogs share a CPU evenly, and niceness weighs them", "[background]") {
  const auto shares = [](int nice) {
    BackgroundConfig first = background(BackgroundKind::hog, 0);
    BackgroundConfig second = first;
    second.name = "second";
    second.sched.nice = nice;
    HostConfig config = host_with(1, {first, second});
    config.kernel.hz = 250;
    TracedRun run{config, 10s, 100ms};
    std::int64_t ran[2]{};
    std::int64_t from = 0;
    for (const TraceRecord& each : run.all(Tracepoint::sched_switch)) {
      if (from != 0) {
        ran[each.a - 1] += sim::count(each.time) - from;  // tasks: ksoftirqd/0, background-0, second-0
      }
      from = sim::count(each.time);
    }
    return static_cast<double>(ran[0]) / static_cast<double>(ran[1]);
  };

  CHECK(shares(0) == Approx(1.0).epsilon(0.01));
  CHECK(shares(5) == Approx(1024.0 / 335.0).epsilon(0.02));
}

TEST_CASE("a writer writes at its rate", "[background]") {
  BackgroundConfig writer = background(BackgroundKind::writer, 0);
  writer.device = "nvme0";
  writer.size = sim::Bytes{131'072};
  writer.rate = sim::BytesPerSecond{60'000'000};
  HostConfig config = host_with(1, {writer});
  config.devices.emplace_back(NvmeConfig{});
  config.costs[Cost::nvme_write_4k].value = constant(100us);

  TracedRun run{config, 2s};

  const std::int64_t written = run.metrics()[Counter::background_bytes];
  CHECK(std::abs(written - 120'000'000) <= 2 * 131'072);
  CHECK(written == static_cast<std::int64_t>(run.all(Tracepoint::block_rq_complete).size()) * 131'072);
}

TEST_CASE("a writer that cannot keep up writes as fast as the disk", "[background]") {
  BackgroundConfig writer = background(BackgroundKind::writer, 0);
  writer.device = "nvme0";
  writer.size = sim::Bytes{4096};
  writer.rate = sim::BytesPerSecond{60'000'000};
  HostConfig config = host_with(1, {writer});
  config.devices.emplace_back(NvmeConfig{});
  config.costs[Cost::nvme_write_4k].value = constant(1ms);

  TracedRun run{config, 1s};

  CHECK(run.metrics()[Counter::background_bytes] / 4096 == 999);
}

TEST_CASE("a bulk sender's bytes reach its receiver, at its rate, without an interrupt", "[background]") {
  BackgroundConfig bulk = background(BackgroundKind::bulk, 0);
  bulk.device = "veth0";
  bulk.size = sim::Bytes{65'536};
  bulk.rate = sim::BytesPerSecond{250'000'000};
  HostConfig config = host_with(2, {bulk});
  config.devices.emplace_back(VethConfig{.name = "veth0"});

  TracedRun run{config, 1s};

  CHECK(std::abs(run.metrics()[Counter::background_bytes] - 250'000'000) <= 2 * 65'536);
  CHECK(run.metrics()[Counter::interrupts_device] == 0);
  for (const TraceRecord& each : run.all(Tracepoint::netif_receive_skb)) {
    REQUIRE(each.cpu == CpuId{0});  // the sender's
  }
}

TEST_CASE("flows come through a NIC at their rate, or are counted as dropped", "[background]") {
  const auto received = [](int ring) {
    BackgroundConfig flow = background(BackgroundKind::flow, 0);
    flow.count = 4;
    flow.device = "eth0";
    flow.rate = sim::BytesPerSecond{100'000'000};
    HostConfig config = host_with(2, {flow});
    NicConfig nic;
    nic.ring = ring;
    nic.irq_cpus = {1};
    config.devices.emplace_back(nic);
    config.costs[Cost::nic_irq_handler].value = constant(10us);
    TracedRun run{config, 1s};
    const std::int64_t mss = default_mss;
    const std::int64_t frames = run.metrics()[Counter::background_bytes] / mss;
    CHECK(static_cast<double>((frames + run.metrics()[Counter::rx_drops]) * mss) ==
          Approx(1e8).epsilon(0.03));
    return run.metrics()[Counter::rx_drops];
  };

  CHECK(received(1024) == 0);
  CHECK(received(4) > 10'000);  // bursts of eight
}

}  // namespace
}  // namespace models
