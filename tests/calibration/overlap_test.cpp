// Two CPUs that serve one vector, measured as the softirq program measures them.
#include "calibration/fit/overlap.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "sim/distribution.h"
#include "sim/rng.h"

using namespace calibration;
using namespace std::chrono_literals;

namespace {

struct Edge {
  std::int64_t at_ns;
  bool entry;
};

struct TwoCpus {
  ValueCounts real_us;
  ValueCounts printed_us;
  std::uint64_t lost = 0;  // one row per overlapping pair
  double span_us = 0;
};

// Each CPU alternates an exponential gap and a run for `seconds`.
TwoCpus run_two_cpus(const sim::Distribution& run, sim::Nanos mean_gap, std::int64_t seconds) {
  const sim::Rng rng{7};
  const sim::Distribution gap = sim::Distribution::exponential(mean_gap);
  const std::int64_t end_ns = seconds * 1'000'000'000;
  TwoCpus result;
  result.span_us = static_cast<double>(end_ns) / 1000;
  std::vector<Edge> edges;
  for (std::uint64_t cpu = 0; cpu < 2; ++cpu) {
    sim::Stream stream = rng.stream("cpu", cpu);
    for (std::int64_t now = 0; now < end_ns;) {
      now += gap.sample(stream).count();
      const std::int64_t length = run.sample(stream).count();
      result.real_us.add(length / 1000);
      edges.push_back({now, true});
      edges.push_back({now + length, false});
      now += length;
    }
  }
  std::stable_sort(edges.begin(), edges.end(),
                   [](const Edge& a, const Edge& b) { return a.at_ns < b.at_ns; });
  std::int64_t soft_start = 0;  // the program's map, with its one key; 0 when deleted
  for (const Edge& edge : edges) {
    if (edge.entry) {
      soft_start = edge.at_ns;
    } else if (soft_start != 0) {
      result.printed_us.add((edge.at_ns - soft_start) / 1000);
      soft_start = 0;
    }
  }
  result.lost = result.real_us.count() - result.printed_us.count();
  return result;
}

}  // namespace

TEST_CASE("the expected number of overlapping pairs is that of two independent CPUs", "[overlap]") {
  const TwoCpus cpus = run_two_cpus(sim::Distribution::lognormal(4us, 0.9), 120us, 20);

  const OverlapEstimate estimate = estimate_overlap(cpus.printed_us, cpus.span_us);

  CHECK(cpus.lost > 5000);
  CHECK(estimate.pairs == Approx(static_cast<double>(cpus.lost)).epsilon(0.12));
}

TEST_CASE("correcting overlaps restores rows and length, at most to what was real", "[overlap]") {
  const TwoCpus cpus = run_two_cpus(sim::Distribution::lognormal(4us, 0.9), 120us, 20);
  const double bias = cpus.real_us.mean() - cpus.printed_us.mean();

  const ValueCounts corrected = without_overlap(cpus.printed_us, cpus.span_us);

  // Half strength, since real CPUs depend on each other and these do not.
  const double restored = (corrected.mean() - cpus.printed_us.mean()) / bias;
  CHECK(restored > 0.4);
  CHECK(restored < 0.7);
  CHECK(corrected.count() > cpus.printed_us.count());
  CHECK(corrected.count() < cpus.real_us.count());
}

TEST_CASE("rare runs are left as they are", "[overlap]") {
  ValueCounts printed;
  printed.add(5, 10);
  printed.add(20, 3);

  CHECK(without_overlap(printed, 10e6) == printed);
  CHECK(estimate_overlap(printed, 10e6).row_share < 1e-4);
}
