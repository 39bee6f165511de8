#include "scenarios/results.h"

#include <catch2/catch.hpp>

#include "tests/scenarios/scratch.h"

using namespace scenarios;
using models::Counter;
using models::Metric;
using models::Metrics;
using sim::Nanos;

namespace {

// One replication per element; each records 1..n us, times its factor.
Replications replications(const std::vector<double>& factors, int n) {
  Replications runs;
  for (const double factor : factors) {
    Metrics& metrics = runs.at.emplace_back().emplace();
    for (int i = 1; i <= n; ++i) {
      metrics[Metric::step].record(static_cast<std::int64_t>(factor * i * 1000));
    }
    metrics[Counter::steps] = n;
    metrics.measured = Nanos{1'000'000'000};
    runs.merged.merge(metrics);
  }
  return runs;
}

}  // namespace

TEST_CASE("a percentile pools the replications, its interval spans their own percentiles", "[results]") {
  const auto estimate = percentile(replications({1.0, 1.1, 0.9}, 1000), Metric::step, 0.5);

  REQUIRE(estimate);
  CHECK(estimate->value == Approx(500'000).epsilon(0.02));
  CHECK(estimate->kind == IntervalKind::replications);
  // s = 50 us over 3 replications, t(2, 0.975) = 4.303: half the interval is 4.303 * 50 / sqrt(3).
  CHECK(estimate->half_width() == Approx(124'000).epsilon(0.02));
}

TEST_CASE("one replication has an interval of order statistics, and says so", "[results]") {
  const auto estimate = percentile(replications({1.0}, 1000), Metric::step, 0.5);

  REQUIRE(estimate);
  CHECK(estimate->kind == IntervalKind::order_statistics);
  CHECK(estimate->interval.low == Approx(469'000).epsilon(0.01));
  CHECK(estimate->interval.high == Approx(532'000).epsilon(0.01));
}

TEST_CASE("a percentile with fewer than 10 samples above it is not judged", "[results]") {
  CHECK(percentile(replications({1.0}, 1000), Metric::step, 0.99)->above == 10);
  CHECK(percentile(replications({1.0}, 1000), Metric::step, 0.99)->judged);
  CHECK_FALSE(percentile(replications({1.0}, 999), Metric::step, 0.99)->judged);
  CHECK_FALSE(percentile(replications({1.0}, 1000), Metric::step, 0.999)->judged);
  CHECK_FALSE(percentile(replications({1.0}, 10), Metric::session, 0.5).has_value());
}

TEST_CASE("differences are paired by replication, so what both share cancels", "[results]") {
  const Replications reference = replications({1.0, 2.0, 3.0}, 1000);
  const Replications value = replications({0.9, 1.9, 2.9}, 1000);

  const auto found = difference(value, reference, Metric::step, 0.5);

  REQUIRE(found);
  CHECK(found->mean == Approx(-50'000).epsilon(0.1));
  CHECK(found->verdict == sim::Verdict::lower);
  CHECK(found->judged);
}

TEST_CASE("an abandoned replication takes its pair along, and too few samples take the verdict",
          "[results]") {
  const Replications reference = replications({1.0, 2.0, 3.0}, 1000);
  Replications value = replications({0.9, 1.9, 2.9}, 1000);
  value.at[1].reset();
  CHECK(difference(value, reference, Metric::step, 0.5).has_value());
  value.at[0].reset();
  CHECK_FALSE(difference(value, reference, Metric::step, 0.5).has_value());

  const auto few =
      difference(replications({1.0, 1.0}, 100), replications({2.0, 2.0}, 100), Metric::step, 0.99);
  REQUIRE(few);
  CHECK_FALSE(few->judged);
  CHECK(few->verdict == sim::Verdict::cannot_tell);
}

TEST_CASE("step time is divided into calibrated, default, given and waiting", "[results]") {
  models::HostConfig host;
  host.costs[models::Cost::tick].basis = models::Basis::calibrated;
  models::AgentConfig agent;
  agent.tool.device = "eth0";
  agent.tool.service = sim::Distribution::constant(Nanos{200'000});
  agent.tool.one_way = Nanos{25'000};
  host.agents = {agent};
  Metrics metrics;
  metrics[Metric::step].record(Nanos{1'000'000});
  metrics[Metric::tool].record(Nanos{400'000});
  metrics[Metric::compute].record(Nanos{50'000});
  metrics.agent_cost_ns[static_cast<std::size_t>(models::Cost::tick)] = 100'000;
  metrics.agent_cost_ns[static_cast<std::size_t>(models::Cost::nic_dma)] = 20'000;

  const StepShares shares = step_shares(metrics, host);

  CHECK(shares.calibrated == Approx(10));
  CHECK(shares.defaults == Approx(2));
  CHECK(shares.given == Approx(30));
  CHECK(shares.waiting == Approx(58));
  metrics.agent_cost_ns[0] = 5'000'000;
  CHECK(step_shares(metrics, host).waiting == 0);
}

TEST_CASE("rates are per simulated second, shares are of all CPU time, nothing is 0", "[results]") {
  Metrics metrics;
  CHECK(rate(metrics, Counter::steps) == 0);
  CHECK(cpu_shares(metrics).user == 0);
  metrics.measured = Nanos{2'000'000'000};
  metrics[Counter::steps] = 100;
  metrics[Counter::cpu_softirq_ns] = 30;
  metrics[Counter::cpu_ksoftirqd_ns] = 10;
  metrics[Counter::cpu_idle_ns] = 60;

  CHECK(rate(metrics, Counter::steps) == Approx(50));
  CHECK(cpu_shares(metrics).all_softirq() == Approx(40));
  CHECK(cpu_shares(metrics).ksoftirqd_of_softirq() == Approx(25));
}

TEST_CASE("deadline misses are a share of steps", "[results]") {
  Replications runs = replications({1.0, 1.0}, 100);
  runs.at[0]->operator[](Counter::deadline_misses) = 4;
  runs.merged[Counter::deadline_misses] = 4;

  CHECK(deadline_miss_percent(runs)->value == Approx(2));
  CHECK_FALSE(deadline_miss_percent(Replications{}).has_value());
}
