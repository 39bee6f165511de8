#include "scenarios/experiment.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/scenarios/scratch.h"

using namespace scenarios;

namespace {

ExperimentResult run(const Scenario& scenario, int jobs, const std::atomic<bool>* stop = nullptr) {
  const std::vector<const Variant*> variants{&scenario.variants[0], &scenario.variants[1]};
  return run_experiment(variants, {.run = scenario.run, .jobs = jobs, .stop = stop, .progress = {}});
}

Scenario load() {
  const Scratch scratch;
  return load_scenario(scratch.write("s.yaml", small_scenario()), {"run.warmup=2ms", "run.duration=20ms"});
}

}  // namespace

TEST_CASE("replications are kept by index, whatever the number of threads", "[experiment]") {
  const Scenario scenario = load();

  const ExperimentResult one = run(scenario, 1);
  const ExperimentResult three = run(scenario, 3);

  REQUIRE(one.variants.size() == 2);
  CHECK_FALSE(one.interrupted);
  for (std::size_t v = 0; v < 2; ++v) {
    REQUIRE(one.variants[v].completed() == 3);
    for (std::size_t r = 0; r < 3; ++r) {
      CHECK(one.variants[v].at[r]->histograms == three.variants[v].at[r]->histograms);
      CHECK(one.variants[v].at[r]->counters == three.variants[v].at[r]->counters);
    }
    CHECK(one.variants[v].merged.events == three.variants[v].merged.events);
  }
  CHECK(one.variants[0].at[0]->histograms != one.variants[0].at[1]->histograms);
}

TEST_CASE("a stopped experiment keeps nothing that is not whole", "[experiment]") {
  const std::atomic<bool> stop{true};

  const ExperimentResult result = run(load(), 2, &stop);

  CHECK(result.interrupted);
  CHECK(result.variants[0].completed() == 0);
  CHECK(result.variants[0].merged.events == 0);
}

TEST_CASE("progress ends at all replications and all simulated time", "[experiment]") {
  const Scenario scenario = load();
  const std::vector<const Variant*> variants{&scenario.base};
  Progress last;

  run_experiment(
      variants,
      {.run = scenario.run, .jobs = 2, .stop = nullptr, .progress = [&](const Progress& p) { last = p; }});

  CHECK(last.done == 3);
  CHECK(last.total == 3);
  CHECK(last.share == Approx(1));
  CHECK(last.events > 0);
}

TEST_CASE("every replication of every seed has a seed of its own", "[experiment]") {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (int index = 0; index < 50; ++index) {
      seeds.insert(replication_seed(seed, index));
    }
  }
  CHECK(seeds.size() == 2500);
}
