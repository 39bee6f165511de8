// The analysis of a simulated run against what the simulator knows: stages to the nanosecond, causes of
// wakeups, steps.
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "calibration/analysis/analysis.h"
#include "calibration/analysis/attribution_quality.h"
#include "calibration/traces/simulated_events.h"
#include "tests/support/busy_host.h"

using namespace models;
using calibration::Analysis;
using calibration::AttributionQuality;
using calibration::ChainKind;
using calibration::ChainTruth;
using calibration::CompletionChain;
using calibration::Event;
using calibration::EventKind;
using calibration::Rule;

namespace {

const calibration::AnalysisOptions busy_agents{.agents = {"remote-?", "local-?", "reader-?"}};

// Times that mean nothing to compare: before the trace began, a chain has only a part of its events.
constexpr std::int64_t settled_ns = 20'000'000;

struct AnalysedRun {
  explicit AnalysedRun(const HostConfig& config, std::uint64_t seed, bool tracepoints = false)
      : analysis{names, busy_agents} {
    analysis.chain_done = [&](const CompletionChain& chain) { found.push_back(chain); };
    analysis.wakeup_linked = [&](const calibration::WakeLink& link) { quality.linked(link); };
    analysis.step_done = [&](const calibration::AgentStep& step, const calibration::CriticalPath& path) {
      wrong_sums += path.sums.total() == step.duration() ? 0 : 1;
      ++steps;
    };
    const calibration::SimulationOptions options{
        .seed = seed, .warmup = 20ms, .duration = 500ms, .agent_wakeups = tracepoints};
    metrics = calibration::simulate_events(
        config, options, names,
        {.event = [&](const Event& event) { analysis.add(event); },
         .wake = [&](const calibration::WakeTruth& truth) { quality.truth(truth); },
         .chain = [&](const ChainTruth& chain) { truths.push_back(chain); }});
    analysis.finish();
    begin = options.warmup.count() + settled_ns;
  }

  calibration::Names names;
  Analysis analysis;
  AttributionQuality quality;
  std::vector<CompletionChain> found;
  std::vector<ChainTruth> truths;
  Metrics metrics;
  std::int64_t begin = 0;
  int wrong_sums = 0, steps = 0;
};

using Key = std::tuple<std::int32_t, std::uint64_t, std::int64_t>;  // pid, sector or 0, completed or waking

Key key_of(const CompletionChain& chain) {
  const bool block = chain.kind == ChainKind::block;
  return {chain.pid, block ? chain.sector : 0, chain[block ? Stage::completed : Stage::waking]};
}

Key key_of(const ChainTruth& chain) {
  const bool block = chain.source == WakeSource::block;
  return {chain.pid, block ? chain.cookie : 0, chain.when(block ? Stage::completed : Stage::waking)};
}

bool has_tracepoint(Stage stage) { return stage != Stage::device_done && stage != Stage::irq; }

}  // namespace

TEST_CASE("the analysis of a simulated trace gives the model's own stamps, for every stage and chain",
          "[analysis]") {
  const std::uint64_t seed = GENERATE(1U, 2U);
  HostConfig config = busy_host();
  config.kernel.preemption = seed == 1 ? Preemption::voluntary : Preemption::full;
  const AnalysedRun run{config, seed};

  std::map<Key, const CompletionChain*> found;
  for (const CompletionChain& chain : run.found) {
    found.emplace(key_of(chain), &chain);
  }
  std::map<std::string, int> wrong;
  std::map<WakeSource, int> compared;
  for (const ChainTruth& truth : run.truths) {
    // What woke nobody has no waking to find it by; a wait that began before the trace has no beginning.
    if (std::get<2>(key_of(truth)) < run.begin) {
      continue;
    }
    ++compared[truth.source];
    const auto chain = found.find(key_of(truth));
    if (chain == found.end()) {
      ++wrong["not found " + std::string{calibration::to_string(truth.source)}];
      continue;
    }
    for (std::size_t i = 0; i < stage_count; ++i) {
      const auto stage = static_cast<Stage>(i);
      if (has_tracepoint(stage) && (*chain->second)[stage] != truth.when(stage)) {
        ++wrong[std::string{stage_name(stage)} + " " + std::string{calibration::to_string(truth.source)}];
      }
    }
  }

  std::string told;
  for (const auto& [what, count] : wrong) {
    told += what + ": " + std::to_string(count) + "; ";
  }
  CHECK(told == "");
  CHECK(compared[WakeSource::timer] > 500);
  CHECK(compared[WakeSource::net] > 200);
  CHECK(compared[WakeSource::block] > 1000);
}

TEST_CASE("every link of a proving rule names the true cause", "[analysis]") {
  const AnalysedRun run{busy_host(), 3};

  CHECK(run.quality.unpaired() == 0);
  for (std::size_t i = 0; i < calibration::rule_count; ++i) {
    const auto rule = static_cast<Rule>(i);
    const auto& score = run.quality.rule(rule);
    INFO(to_string(rule) << " " << score.right << " of " << score.links);
    if (proves(rule)) {
      CHECK(score.right == score.links);
    }
  }
  CHECK(run.quality.rule(Rule::hrtimer_wakeup).links > 500);
  CHECK(run.quality.rule(Rule::request).links > 500);
  CHECK(run.quality.rule(Rule::peer_send).links > 100);
  CHECK(run.quality.rule(Rule::device_packet).links > 100);
}

TEST_CASE("with the attribution tracepoints every wakeup of an agent is linked rightly", "[analysis]") {
  const AnalysedRun run{busy_host(), 3, true};

  const auto& told = run.quality.rule(Rule::agent_wakeup);
  CHECK(told.links > 1000);
  CHECK(told.right == told.links);
  CHECK(run.analysis.attribution(calibration::TaskClass::agent).proved() ==
        run.analysis.attribution(calibration::TaskClass::agent).total());
}

TEST_CASE("the steps found in a simulated trace are the model's, and their blame adds up", "[analysis]") {
  const AnalysedRun run{busy_host(), 4};

  // The model counts a step when it ends; the trace shows the end when the next sleep's timer wakes the
  // agent.
  const auto counted = static_cast<int>(run.metrics[Counter::steps]);
  const int agents = 4 + 3 + 3;
  CHECK(run.steps <= counted);
  CHECK(run.steps >= counted - 3 * agents);
  CHECK(run.wrong_sums == 0);
  CHECK(run.analysis.losses().broken_switches == 0);
}
