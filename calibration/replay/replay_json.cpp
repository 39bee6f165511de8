#include "calibration/replay/replay.h"

namespace calibration {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const DecisionScore& score) {
  const Interval agrees = wilson(score.n - score.errors, score.n);
  Json baselines = Json::array();
  for (const Baseline& each : score.baselines) {
    if (!each.name.empty()) {
      baselines.push_back({{"name", each.name}, {"errors", each.errors}});
    }
  }
  Json classes = Json::array();
  for (const auto& [key, each] : score.classes) {
    if (each.errors > 0) {
      classes.push_back(
          {{"situation", key}, {"n", each.n}, {"errors", each.errors}, {"first_error_ns", each.first_error}});
    }
  }
  Json json = {{"n", score.n},
               {"errors", score.errors},
               {"agreement", score.agreement()},
               {"agreement_low", agrees.low},
               {"agreement_high", agrees.high},
               {"baselines", baselines}};
  if (!baselines.empty()) {
    const Interval removed = score.errors_removed_interval();
    json["better_baseline"] = score.better_baseline().name;
    json["errors_removed"] = score.errors_removed();
    json["errors_removed_low"] = removed.low;
    json["errors_removed_high"] = removed.high;
  }
  json["not_scored"] = score.not_scored;
  json["disagreements_by_situation"] = classes;
  return json;
}

Json json_of(const TeacherResult& result, std::size_t worst) {
  Json by_decision = Json::object();
  for (std::size_t i = 0; i < decisions; ++i) {
    by_decision[std::string{to_string(static_cast<Decision>(i))}] = json_of(result.scores[i]);
  }
  Json listed = Json::array();
  for (const DecisionDisagreement* each : worst_disagreements(result, worst)) {
    listed.push_back({{"time_ns", each->time},
                      {"cpu", each->cpu},
                      {"decision", to_string(each->decision)},
                      {"situation", each->key},
                      {"kernel", each->kernel},
                      {"model", each->model},
                      {"candidates", each->candidates}});
  }
  return {{"decisions", by_decision}, {"corrections", result.corrections}, {"worst", listed}};
}

}  // namespace

Json json_of(const CaptureReplay& replay, std::size_t worst) {
  const ReplayInput& input = replay.input;
  Json json = {{"capture", input.name},
               {"kernel",
                {{"release", input.kernel.release},
                 {"release_source", input.kernel.release_source},
                 {"autogroup", input.kernel.autogroup},
                 {"autogroup_source", input.kernel.autogroup_source},
                 {"preemption_source", input.kernel.preemption_source},
                 {"hz", input.kernel.config.hz}}},
               {"placement", replay.placement},
               {"cpus", input.cpus},
               {"tasks", input.tasks.size()},
               {"switches", input.losses.switches},
               {"broken_switches", input.losses.broken_switches},
               {"lost_events", input.losses.lost_events}};
  if (replay.teacher) {
    json["teacher_forced"] = json_of(*replay.teacher, worst);
  }
  if (replay.free) {
    json["free_running"] = json_of(input, *replay.free);
  }
  return json;
}

}  // namespace calibration
