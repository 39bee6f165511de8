// The gallery's scenarios come out as their first lines say they must (scenarios/gallery/*.yaml;
// docs/gallery.md).
#include <catch2/catch.hpp>
#include <string>

#include "models/host.h"
#include "scenarios/experiment.h"
#include "scenarios/scenario.h"

namespace {

using models::Counter;
using models::Metric;
using models::Metrics;

// The first replication of a variant, as `chainsim run scenarios/gallery/NAME.yaml --variant VARIANT` has it.
Metrics run(const std::string& name, const std::string& variant) {
  const scenarios::Scenario scenario =
      scenarios::load_scenario(CHAINSIM_SOURCE_DIR "/scenarios/gallery/" + name + ".yaml");
  models::Host host{scenarios::find_variant(scenario, variant).host,
                    scenarios::replication_seed(scenario.run.seed, 0)};
  host.run(scenario.run.warmup, scenario.run.duration);
  return host.metrics();
}

double mean_us(const Metrics& metrics, Metric metric) { return metrics[metric].mean() / 1e3; }
double percentile_us(const Metrics& metrics, Metric metric, double q) {
  return static_cast<double>(metrics[metric].percentile(q)) / 1e3;
}
double max_us(const Metrics& metrics, Metric metric) {
  return static_cast<double>(metrics[metric].max()) / 1e3;
}
double background_share(const Metrics& metrics) {
  return static_cast<double>(metrics[Counter::background_cpu_ns]) /
         static_cast<double>(metrics.measured.count());
}

double ipis_per_step(const Metrics& metrics) {
  return static_cast<double>(metrics[Counter::interrupts_ipi]) / static_cast<double>(metrics[Counter::steps]);
}

TEST_CASE("two hogs and one waker: it waits twice its computation in the mean, at once or for a tick",
          "[gallery]") {
  const std::string variant = GENERATE("two_hogs", "two_hogs_6_18");
  const Metrics metrics = run("two_hogs_one_waker", variant);

  CHECK(mean_us(metrics, Metric::wake_to_run) == Approx(1000).epsilon(0.05));
  CHECK(percentile_us(metrics, Metric::wake_to_run, 0.5) < 10);
  CHECK(percentile_us(metrics, Metric::wake_to_run, 0.9) > 2000);
  CHECK(max_us(metrics, Metric::wake_to_run) < 8010);
  CHECK(background_share(metrics) == Approx(0.977).epsilon(0.01));
}

TEST_CASE("one hog and one waker: the mean wait is at most the computation", "[gallery]") {
  const Metrics metrics = run("two_hogs_one_waker", "one_hog");

  CHECK(mean_us(metrics, Metric::wake_to_run) > 50);
  CHECK(mean_us(metrics, Metric::wake_to_run) < 500);
}

TEST_CASE("a custom slice shorter than the hog's turns most waits into preemptions", "[gallery]") {
  const Metrics base = run("custom_slice", "base_slice");
  const Metrics brief = run("custom_slice", "short_slice");

  CHECK(mean_us(base, Metric::wake_to_run) == Approx(380).epsilon(0.15));
  CHECK(max_us(base, Metric::wake_to_run) < 4010);
  CHECK(mean_us(brief, Metric::wake_to_run) == Approx(137).epsilon(0.15));
  CHECK(max_us(brief, Metric::wake_to_run) < 1710);
}

TEST_CASE("nice divides a CPU by the weights", "[gallery]") {
  const auto check = [](const std::string& variant, double weight) {
    CAPTURE(variant);
    const Metrics metrics = run("nice", variant);
    const double share = weight / (1024 + weight);
    CHECK(mean_us(metrics, Metric::compute) == Approx(100'000 / share).epsilon(0.03));
    CHECK(background_share(metrics) == Approx(1 - share).epsilon(0.03));
  };
  check("nice_5", 335);
  check("nice_0", 1024);
  check("nice_minus_5", 3121);
}

TEST_CASE("autogroup gives a session with one task as much as a session with three", "[gallery]") {
  const auto check = [](const std::string& variant, double share) {
    CAPTURE(variant);
    const Metrics metrics = run("autogroup", variant);
    CHECK(mean_us(metrics, Metric::compute) == Approx(100'000 / share).epsilon(0.03));
    CHECK(background_share(metrics) == Approx(1 - share).epsilon(0.03));
  };
  check("two_sessions", 0.5);
  check("one_session", 0.25);
  check("no_autogroup", 0.25);
}

TEST_CASE("a FIFO hog leaves the fair class nothing, or what the fair server gives it", "[gallery]") {
  const Metrics alone = run("fifo_hog", "no_fair_server");
  CHECK(alone[Counter::steps] == 0);
  CHECK(background_share(alone) > 0.99);

  const Metrics metrics = run("fifo_hog", "fair_server");
  CHECK(metrics[Counter::steps] >= 9);
  CHECK(background_share(metrics) == Approx(1 - 54.0 / 1004).epsilon(0.01));
  CHECK(mean_us(metrics, Metric::step) == Approx(8.92e6).epsilon(0.02));
}

TEST_CASE("a remote wakeup costs the way out of the idle state, and an IPI only from HLT", "[gallery]") {
  const Metrics c1 = run("deep_idle", "c1");
  CHECK(percentile_us(c1, Metric::wake_to_run, 0.5) == Approx(7).epsilon(0.01));
  CHECK(ipis_per_step(c1) < 0.05);

  const Metrics c6 = run("deep_idle", "c6");
  CHECK(percentile_us(c6, Metric::wake_to_run, 0.5) == Approx(105).epsilon(0.01));
  CHECK(ipis_per_step(c6) < 0.05);

  const Metrics hlt = run("deep_idle", "hlt");
  CHECK(percentile_us(hlt, Metric::wake_to_run, 0.5) == Approx(29).epsilon(0.01));
  CHECK(ipis_per_step(hlt) == Approx(2).margin(0.05));
}

TEST_CASE("ksoftirqd beside an agent takes half of its CPU", "[gallery]") {
  const Metrics same = run("ksoftirqd_and_agent", "same_cpu");
  CHECK(mean_us(same, Metric::compute) == Approx(200'000).epsilon(0.03));
  CHECK(same[Counter::rx_drops] > 0);

  const Metrics other = run("ksoftirqd_and_agent", "other_cpu");
  CHECK(mean_us(other, Metric::compute) == Approx(100'000).epsilon(0.03));
}

}  // namespace
