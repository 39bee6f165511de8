#include <cmath>
#include <nlohmann/json.hpp>

#include "calibration/replay/free_report.h"

namespace calibration {
namespace {

using Json = nlohmann::ordered_json;

Json bound(double ns) { return std::isinf(ns) ? Json(nullptr) : Json(static_cast<std::int64_t>(ns)); }

Json json_of(const WaitComparison& wait, const ReplayInput& input) {
  Json percentiles = Json::array();
  for (std::size_t i = 0; i < wait_percentiles.size() && wait.count > 0; ++i) {
    const WaitPercentile& at = wait.at[i];
    percentiles.push_back(
        {{"p", wait_percentiles[i]},
         {"captured_ns", at.captured},
         {"captured_low_ns", bound(at.captured_interval.low)},
         {"captured_high_ns", bound(at.captured_interval.high)},
         {"replayed_ns", at.replayed},
         {"replayed_low_ns", bound(at.replayed_interval.low)},
         {"replayed_high_ns", bound(at.replayed_interval.high)},
         {"error", std::isinf(at.error()) ? Json(nullptr) : Json(at.error())},
         {"within_resolution", std::abs(at.replayed - at.captured) <= input.time_resolution},
         {"judged", at.judged}});
  }
  return {{"name", wait.name},
          {"count", wait.count},
          {"percentiles", percentiles},
          {"wasserstein", wait.wasserstein}};
}

Json task_name(const ReplayInput& input, ReplayTaskId id) {
  return id >= ReplayTaskId{0}      ? Json(input.task(id).name + "-" + std::to_string(input.task(id).pid))
         : id == ReplayTaskId::idle ? Json("idle")
                                    : Json(nullptr);
}

Json json_of(const Disagreement& each, const ReplayInput& input, const FreeProgram& program,
             const FreeRun& run) {
  const FreeWake& captured = program.wakes[static_cast<std::size_t>(each.wake)];
  const ReplayedWake& mine = run.wakes[static_cast<std::size_t>(each.wake)];
  const auto side = [&](std::int64_t waking, std::int64_t wait, int cpu, ReplayTaskId behind,
                        ReplayTaskId next, bool preempts) {
    return Json{{"waking_ns", waking},
                {"wake_to_run_ns", wait},
                {"cpu", cpu},
                {"behind", task_name(input, behind)},
                {"next", task_name(input, next)},
                {"preempts", preempts}};
  };
  return {{"task", task_name(input, captured.task)},
          {"cause", to_string(each.cause)},
          {"captured", side(captured.waking_at, each.captured, captured.to_cpu, captured.behind,
                            captured.first_next, captured.first_preempts)},
          {"replayed", side(mine.waking_at, each.replayed, mine.to_cpu, mine.behind, mine.first_next,
                            mine.first_preempts)}};
}

Json json_of(const FreeVariant& variant, const ReplayInput& input, const FreeProgram& program) {
  const FreeComparison& comparison = variant.comparison;
  Json causes = Json::object();
  for (std::size_t i = 0; i < wait_causes; ++i) {
    causes[std::string{to_string(static_cast<WaitCause>(i))}] = {{"all", comparison.causes[i]},
                                                                 {"agents", comparison.agent_causes[i]}};
  }
  Json waits = Json::array();
  for (const WaitComparison& wait : comparison.waits) {
    waits.push_back(json_of(wait, input));
  }
  Json largest = Json::array();
  for (const Disagreement& each : comparison.largest) {
    largest.push_back(json_of(each, input, program, variant.run));
  }
  return {{"name", variant_name(variant.options)},
          {"costs", variant.options.costs == CostMode::drawn ? "drawn" : "imposed"},
          {"cpus_imposed", variant.options.impose_cpus},
          {"policy", variant.options.policy.name},
          {"seed", variant.options.seed},
          {"wakeups", comparison.wakes},
          {"compared", comparison.compared},
          {"early", comparison.early},
          {"swapped", comparison.swapped},
          {"missing", comparison.missing},
          {"same_cpu", comparison.same_cpu},
          {"within", comparison.within()},
          {"agents_within", comparison.agents_within()},
          {"costs_imposed", variant.run.imposed_costs},
          {"costs_drawn", variant.run.drawn_costs},
          {"waits", waits},
          {"causes", causes},
          {"largest", largest}};
}

}  // namespace

nlohmann::ordered_json json_of(const ReplayInput& input, const FreeReport& report) {
  Json variants = Json::array();
  for (const FreeVariant& variant : report.variants) {
    variants.push_back(json_of(variant, input, report.program));
  }
  return {{"capture", input.name},
          {"wakeups", report.program.wakes.size()},
          {"interrupts", report.program.hardirqs.size()},
          {"softirq_runs", report.program.softirqs.size()},
          {"variants", variants}};
}

}  // namespace calibration
