#include "calibration/fit/match_steps.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/fit/step_stalls.h"
#include "calibration/fit/tabulate.h"
#include "calibration/validate/simulated_runs.h"
#include "scenarios/scenario.h"

using namespace calibration;
using namespace std::chrono_literals;
using models::Cost;
using models::Metric;

namespace {

const std::string source = CHAINSIM_SOURCE_DIR;

scenarios::Profile profile() {
  return scenarios::load_profile(source + "/calibration/profiles/guest-6.18.yaml");
}

models::HostConfig lone_agent() {
  return scenarios::load_scenario(source + "/scenarios/captured/idle.yaml").base.host;
}

// Steps of a machine whose costs are known: what live runs would have measured of it.
StepLoad measured(const scenarios::Profile& truth) {
  StepLoad load{.name = "idle", .host = lone_agent(), .repetitions = {}};
  for (std::uint64_t seed = 11; seed <= 13; ++seed) {
    models::HostConfig host = lone_agent();
    host.costs = scenarios::costs_of(truth);
    load.repetitions.push_back(
        simulate_run({.host = host, .seed = seed, .warmup = 100ms, .duration = 4s}).steps);
  }
  return load;
}

MatchStepsOptions quick() {
  MatchStepsOptions options;
  options.warmup = 100ms;
  options.duration = 4s;
  options.evaluations = 30;
  return options;
}

StepRow row(std::int64_t timer_late, std::int64_t read) {
  return {.agent = 0,
          .start_ns = 0,
          .timer_late_ns = timer_late,
          .tool_ns = 200'000,
          .read_ns = read,
          .parse_ns = 30'000};
}

}  // namespace

TEST_CASE("costs that were changed are found again from the steps that they made", "[match_steps]") {
  scenarios::Profile truth = profile();
  truth[Cost::idle_exit_hlt]->value = tabulated(truth[Cost::idle_exit_hlt]->value.value.shifted(6us));
  truth[Cost::virtio_blk_request]->value =
      tabulated(truth[Cost::virtio_blk_request]->value.value.scaled(1.4));
  scenarios::Profile found = profile();

  const StepMatch match = match_steps(found, {measured(truth)},
                                      {{Cost::idle_exit_hlt, Adjust::shift, -5'000, 20'000, "exit"},
                                       {Cost::virtio_blk_request, Adjust::scale, 0.5, 3, "service"}},
                                      quick());

  REQUIRE(match.costs.size() == 2);
  CHECK(match.costs[0].identified);
  CHECK(match.costs[0].adjustment == Approx(6000).margin(600));
  CHECK(match.costs[1].identified);
  CHECK(match.costs[1].adjustment == Approx(1.4).epsilon(0.04));
  CHECK(match.loss_after < match.loss_before / 10);
  CHECK(found[Cost::idle_exit_hlt]->value.value.quantile_ns(0.5) ==
        Approx(truth[Cost::idle_exit_hlt]->value.value.quantile_ns(0.5)).epsilon(0.04));
}

TEST_CASE("a cost that no step depends on is not identified and stays as it was", "[match_steps]") {
  scenarios::Profile found = profile();
  const double before = found[Cost::nvme_read_4k]->value.value.quantile_ns(0.5);

  const StepMatch match = match_steps(found, {measured(profile())},
                                      {{Cost::nvme_read_4k, Adjust::scale, 0.5, 3, "service"}}, quick());

  REQUIRE(match.costs.size() == 1);
  CHECK(!match.costs[0].identified);
  CHECK(found[Cost::nvme_read_4k]->value.value.quantile_ns(0.5) == Approx(before).epsilon(0.001));
}

TEST_CASE("steps are matched by what the loads exercise and events have not told", "[match_steps]") {
  const auto has = [](const std::vector<FreeCost>& free, Cost cost) {
    return std::any_of(free.begin(), free.end(), [&](const FreeCost& each) { return each.cost == cost; });
  };
  const std::vector<StepLoad> loads{{.name = "idle", .host = lone_agent(), .repetitions = {}}};

  const std::vector<FreeCost> all = free_costs({}, loads, StepsTraced::yes);
  const std::vector<FreeCost> fewer = free_costs({Cost::tick, Cost::syscall_entry}, loads, StepsTraced::yes);

  CHECK(has(all, Cost::virtio_blk_request));
  CHECK(!has(all, Cost::nvme_read_4k));     // no such device
  CHECK(!has(all, Cost::virtio_blk_128k));  // no writer
  CHECK(has(all, Cost::tick));
  CHECK(!has(fewer, Cost::tick));
  CHECK(all.front().cost == Cost::syscall_entry);  // with the rest of the kernel's path
  CHECK(fewer.front().cost == Cost::syscall_exit);
  CHECK(fewer.front().also.size() + 1 == all.front().also.size());
}

TEST_CASE("what a tracer slows on a timer's way may only become faster by untraced steps", "[match_steps]") {
  const std::vector<StepLoad> loads{{.name = "idle", .host = lone_agent(), .repetitions = {}}};
  const std::vector<Cost> identified{Cost::timer_delivery, Cost::tick, Cost::syscall_exit};

  const std::vector<FreeCost> traced = free_costs(identified, loads, StepsTraced::yes);
  const std::vector<FreeCost> untraced = free_costs(identified, loads, StepsTraced::no);

  REQUIRE(untraced.size() == traced.size() + 1);
  CHECK(untraced.back().cost == Cost::timer_delivery);
  CHECK(untraced.back().high < 1.001);
}

TEST_CASE("stalls are counted by the time in which they could be seen", "[match_steps]") {
  StepLoad load{.name = "idle", .host = lone_agent(), .repetitions = {{}}};
  std::int64_t end = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t read_ns = i % 700 == 1 ? 9'000'000 : 100'000;  // the disk's stall, not the CPU's
    StepRow step = row(i % 500 == 0 ? 2'030'000 : 30'000, read_ns);
    step.start_ns = end + 1'000'000 + step.timer_late_ns;  // 1 ms of thinking
    end = step.end_ns();
    load.repetitions[0].push_back(step);
  }

  const auto steal = stalls_of({load});

  REQUIRE(steal);
  // 20 stalls of 2 ms, longer than the thinking: 0.6 s of columns (less the stalled ones) and 9999 ms of it.
  CHECK(steal->interval.value.mean_ns() == Approx((599'400'000 + 9'999'000'000.0) / 20.0).epsilon(0.001));
  CHECK(steal->length.value.quantile_ns(0.5) == Approx(2'000'000));

  load.host.background.push_back({.name = "hog", .kind = models::BackgroundKind::hog});
  CHECK(!stalls_of({load}));  // waiting behind a hog is no stall
}

TEST_CASE("the spread of repetitions is relative, by column and percentile", "[match_steps]") {
  const StepLoad load{.name = "idle",
                      .host = lone_agent(),
                      .repetitions = {std::vector<StepRow>(100, row(30'000, 90'000)),
                                      std::vector<StepRow>(100, row(30'000, 110'000))}};

  const auto spreads = repeat_spread_of({load});

  const auto of = [&](Metric column) {
    for (const scenarios::RepeatSpread& each : spreads) {
      if (each.column == models::metric_name(column)) {
        return each.relative[0];
      }
    }
    return -1.0;
  };
  CHECK(of(Metric::timer_late) == 0);
  CHECK(of(Metric::read) == Approx(0.1 * std::sqrt(2.0)));  // 90 and 110: deviation 14.1 of 100
  CHECK(repeat_spread_of({{.name = "once", .host = lone_agent(), .repetitions = {load.repetitions[0]}}})
            .empty());
}
