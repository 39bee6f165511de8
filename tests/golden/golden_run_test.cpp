// The same configuration and seed give the same bytes: in one thread, in several, and as they were when
// tests/golden/golden_run.txt was written. That file changes only with a reason:
//
//   chainsim_tests "[golden-write]"     writes it anew; the commit says what changed the results
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <thread>

#include "tests/support/host_bench.h"

namespace models {
namespace {

constexpr const char* kept_file = CHAINSIM_SOURCE_DIR "/tests/golden/golden_run.txt";

// Something of everything, for a short time: two LLCs, every device, agents over NIC and veth, every
// background.
HostConfig golden_host(bool experiment_d) {
  HostConfig config;
  config.topology.cpus = 4;
  config.topology.llc_cpus = 2;
  config.topology.idle = {{IdleState::c1, 1us}, {IdleState::c6, 600us}};
  for (std::size_t i = 0; i < cost_count; ++i) {
    const sim::Nanos median = cost_of(static_cast<Cost>(i)) / 40;
    config.costs.models[i].value = sim::Distribution::lognormal_p99(median, 3 * median);
  }
  config.costs[Cost::nvme_read_4k].value = sim::Distribution::lognormal_p99(80us, 200us);
  config.costs[Cost::nvme_write_4k].value = sim::Distribution::lognormal_p99(20us, 60us);
  config.costs[Cost::virtio_blk_128k].value = sim::Distribution::lognormal_p99(200us, 400us);
  config.devices = {NicConfig{.queues = 2, .moderation = {.rx_usecs = 16us, .rx_frames = 32}},
                    NvmeConfig{.queues = 4}, VirtioBlkConfig{}, VethConfig{.name = "veth0"}};

  AgentConfig remote;
  remote.name = "remote";
  remote.count = 4;
  remote.latency_class = LatencyClass::agent_interactive;
  remote.think = sim::Distribution::exponential(1ms);
  remote.tool = {.device = "eth0",
                 .service = sim::Distribution::exponential(300us),
                 .one_way = 30us,
                 .request = sim::Bytes{256},
                 .reply = sim::Bytes{4096}};
  remote.read = {.device = "nvme0", .count = 2, .size = sim::Bytes{4096}, .ring = RingMode::plain};
  remote.compute = sim::Distribution::lognormal_p99(50us, 200us);
  remote.deadline = 2ms;
  AgentConfig local = remote;
  local.name = "local";
  local.count = 2;
  local.latency_class = LatencyClass::normal;
  local.tool.device = "veth0";
  local.read.device = "vda";
  local.read.ring = RingMode::defer_taskrun;
  config.agents = {remote, local};

  const auto load = [&](const char* name, BackgroundKind kind, const char* device, std::int64_t rate) {
    BackgroundConfig background;
    background.name = name;
    background.kind = kind;
    background.device = device;
    background.rate = sim::BytesPerSecond{rate};
    background.busy = sim::Distribution::exponential(1ms);
    background.sleep = sim::Distribution::exponential(2ms);
    config.background.push_back(background);
  };
  load("burst", BackgroundKind::burst, "", 0);
  load("flow", BackgroundKind::flow, "eth0", 100'000'000);
  load("bulk", BackgroundKind::bulk, "veth0", 50'000'000);
  load("writer", BackgroundKind::writer, "nvme0", 30'000'000);
  if (experiment_d) {
    config.policies = {{.name = "agent_wakeup_placement"},
                       {.name = "latency_bounded_napi"},
                       {.name = "block_completion_class"},
                       {.name = "attribution"}};
    config.tracer.program = TracerProgram::wakeup;
    config.tracer.rows_per_wake = 20;
  }
  return config;
}

// FNV-1a, 64 bits.
class Digest {
 public:
  void add(std::int64_t value) {
    for (int byte = 0; byte < 8; ++byte) {
      hash_ = (hash_ ^ (static_cast<std::uint64_t>(value) >> (8 * byte) & 0xff)) * 0x100000001b3U;
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

// Everything that a run measured; the digest also covers each bucket of each histogram.
std::string summary(const Host& host) {
  const Metrics& metrics = host.metrics();
  std::ostringstream out;
  Digest digest;
  out << std::left;
  for (std::size_t i = 0; i < metric_count; ++i) {
    const sim::Histogram& h = metrics.histograms[i];
    out << std::setw(26) << metric_name(static_cast<Metric>(i)) << " count " << std::setw(7) << h.count()
        << " p50 " << std::setw(8) << (h.empty() ? 0 : h.percentile(0.5)) << " p99 " << std::setw(9)
        << (h.empty() ? 0 : h.percentile(0.99)) << " max " << std::setw(9) << h.max() << " sum " << h.sum()
        << '\n';
    h.for_each([&](std::int64_t low, std::int64_t, std::uint64_t count) {
      digest.add(low);
      digest.add(static_cast<std::int64_t>(count));
    });
  }
  for (std::size_t i = 0; i < counter_count; ++i) {
    out << std::setw(26) << counter_name(static_cast<Counter>(i)) << ' ' << metrics.counters[i] << '\n';
    digest.add(metrics.counters[i]);
  }
  for (const std::int64_t cost : metrics.agent_cost_ns) {
    digest.add(cost);
  }
  for (const TracerRow& row : host.tracer_rows()) {
    digest.add(row.key);
    digest.add(row.duration_us);
  }
  out << std::setw(26) << "events" << ' ' << metrics.events << '\n';
  out << std::setw(26) << "digest" << ' ' << std::hex << digest.value() << '\n';
  return out.str();
}

std::string run(bool experiment_d, std::uint64_t seed = 7) {
  Host host{golden_host(experiment_d), seed};
  host.run(50ms, 200ms);
  return summary(host);
}

std::string golden_text() {
  return "# kernel default\n" + run(false) + "\n# experiment D, traced\n" + run(true);
}

TEST_CASE("two runs of one seed give the same bytes, another seed does not", "[golden]") {
  const std::string first = run(true);

  CHECK(run(true) == first);
  CHECK(run(true, 8) != first);
}

TEST_CASE("runs in parallel threads give the same bytes as one alone", "[golden]") {
  std::array<std::string, 2> results;
  std::thread one{[&] { results[0] = run(true); }};
  std::thread two{[&] { results[1] = run(true); }};
  one.join();
  two.join();

  const std::string alone = run(true);
  CHECK(results[0] == alone);
  CHECK(results[1] == alone);
}

TEST_CASE("recording a trace changes nothing", "[golden]") {
  TraceRecorder trace{100};
  Host host{golden_host(true), 7, &trace};
  host.run(50ms, 200ms);

  CHECK(summary(host) == run(true));
  CHECK(trace.lost() > 0);
}

TEST_CASE("measuring in steps changes nothing", "[golden]") {
  Host host{golden_host(false), 7};
  for (sim::Nanos at = 10ms; at <= 250ms; at += 10ms) {
    host.advance(sim::SimTime{at}, 50ms);
  }
  host.finish();

  CHECK(summary(host) == run(false));
}

TEST_CASE("a run gives what it gave when tests/golden/golden_run.txt was written", "[golden]") {
  std::ifstream file{kept_file};
  REQUIRE(file.good());
  std::ostringstream kept;
  kept << file.rdbuf();

  CHECK(golden_text() == kept.str());
}

TEST_CASE("write tests/golden/golden_run.txt anew", "[.][golden-write]") {
  std::ofstream file{kept_file};
  file << golden_text();
  REQUIRE(file.good());
}

}  // namespace
}  // namespace models
