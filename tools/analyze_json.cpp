#include "scenarios/results.h"
#include "sim/statistics.h"
#include "tools/analyze_report.h"

namespace tools {
namespace {

using Json = nlohmann::ordered_json;
using calibration::Analysis;
using calibration::Blame;
using calibration::BlameCohort;
using calibration::Rule;
using calibration::StageId;
using calibration::TaskClass;

Json distribution(const sim::Histogram& values) {
  Json percentiles = Json::object();
  for (std::size_t i = 0; i < scenarios::reported_percentiles.size(); ++i) {
    const double p = scenarios::reported_percentiles[i];
    const sim::Interval interval = sim::quantile_interval(values, p);
    const std::uint64_t above = values.count() - sim::nearest_rank(p, values.count());
    percentiles[std::string{scenarios::percentile_names[i]}] = {
        {"value", values.percentile(p)},
        {"interval_95", {interval.low, interval.high}},
        {"judged", above >= scenarios::samples_to_judge}};
  }
  return {{"count", values.count()},
          {"mean", values.mean()},
          {"min", values.min()},
          {"max", values.max()},
          {"percentiles", percentiles}};
}

Json stages_json(const Analysis& analysis) {
  Json rows = Json::array();
  const calibration::StageTable& stages = analysis.stages();
  for (std::size_t i = 0; i < calibration::stage_ids; ++i) {
    const auto stage = static_cast<StageId>(i);
    for (calibration::StageTable::Group group = 0; group < stages.groups(); ++group) {
      if (const sim::Histogram* values = stages.find(group, stage)) {
        Json row{
            {"stage", info(stage).name},         {"proposal_stage", info(stage).row},
            {"from", info(stage).from},          {"to", info(stage).to},
            {"group", stages.group_name(group)}, {"unit", stage == StageId::napi_work ? "packets" : "ns"}};
        row.update(distribution(*values));
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

Json attribution_json(const Analysis& analysis) {
  Json classes = Json::object();
  for (const TaskClass each : {TaskClass::agent, TaskClass::other, TaskClass::kernel, TaskClass::tracer}) {
    const calibration::RuleCounts& counts = analysis.attribution(each);
    Json rules = Json::object();
    for (std::size_t i = 0; i < calibration::rule_count; ++i) {
      if (counts.by_rule[i] > 0) {
        rules[std::string{to_string(static_cast<Rule>(i))}] = counts.by_rule[i];
      }
    }
    classes[std::string{to_string(each)}] = {{"wakeups", counts.total()},
                                             {"linked", counts.proved()},
                                             {"by_nested_hardirq", counts.nested},
                                             {"rules", rules}};
  }
  return classes;
}

Json cohort_json(const BlameCohort& cohort) {
  Json own = Json::object();
  Json peer = Json::object();
  for (std::size_t i = 0; i < calibration::blames; ++i) {
    const std::string name{to_string(static_cast<Blame>(i))};
    own[name] = cohort.sums.own[i];
    peer[name] = cohort.sums.peer[i];
  }
  return {{"steps", cohort.steps},
          {"duration_ns_low", cohort.duration_low},
          {"duration_ns_high", cohort.duration_high},
          {"sum_ns", own},
          {"peer_sum_ns", peer},
          {"fan_in",
           {{"steps", cohort.fan_in.gates},
            {"last_by_order_of_issue", cohort.fan_in.last_was},
            {"waited_beyond_ns", cohort.fan_in.waited_beyond_ns}}}};
}

Json slow_json(const Analyzed& analyzed, const calibration::SlowStep& slow) {
  Json pieces = Json::array();
  for (auto piece = slow.path.pieces.rbegin(); piece != slow.path.pieces.rend(); ++piece) {
    pieces.push_back({{"at_ns", piece->from - slow.step.intended},
                      {"for_ns", piece->to - piece->from},
                      {"cpu", piece->cpu},
                      {"blame", to_string(piece->blame)},
                      {"peer", piece->peer},
                      {"pid", piece->pid},
                      {"what", piece_text(analyzed, *piece)}});
  }
  Json reads = Json::array();
  for (const calibration::FanInRequest& read : slow.step.reads) {
    reads.push_back({{"sector", read.sector},
                     {"issued_ns", read.issued - slow.step.intended},
                     {"completed_ns", read.completed - slow.step.intended}});
  }
  return {{"agent", analyzed.analysis->task_name(slow.step.pid)},
          {"pid", slow.step.pid},
          {"step", slow.step.number},
          {"intended_ns", slow.step.intended},
          {"duration_ns", slow.step.duration()},
          {"cut_off", slow.path.cut_off},
          {"reads", reads},
          {"critical_path", pieces}};
}

Json quality_json(const calibration::AttributionQuality& quality) {
  Json rules = Json::object();
  for (std::size_t i = 0; i < calibration::rule_count; ++i) {
    const auto& score = quality.rule(static_cast<Rule>(i));
    if (score.links > 0) {
      rules[std::string{to_string(static_cast<Rule>(i))}] = {{"links", score.links}, {"right", score.right}};
    }
  }
  Json sources = Json::object();
  for (std::size_t i = 0; i < calibration::wake_sources; ++i) {
    const auto& score = quality.source(static_cast<models::WakeSource>(i));
    if (score.wakeups > 0) {
      sources[std::string{calibration::to_string(static_cast<models::WakeSource>(i))}] = {
          {"wakeups", score.wakeups}, {"found", score.found}};
    }
  }
  return {{"rules", rules}, {"sources", sources}, {"unpaired", quality.unpaired()}};
}

Json capture_json(const Analyzed& analyzed) {
  const calibration::Losses& losses = analyzed.analysis->losses();
  Json kinds = Json::object();
  for (std::size_t i = 0; i < calibration::event_kinds; ++i) {
    if (analyzed.analysis->events()[i] > 0) {
      kinds[std::string{to_string(static_cast<calibration::EventKind>(i))}] = analyzed.analysis->events()[i];
    }
  }
  Json capture{{"name", analyzed.name},
               {"format", analyzed.reader ? to_string(analyzed.reader->log().format) : "simulated"},
               {"sorted_runs", analyzed.runs},
               {"interrupted", analyzed.interrupted},
               {"span_ns", analyzed.analysis->span()},
               {"events", kinds},
               {"switches", losses.switches},
               {"broken_switches", losses.broken_switches},
               {"lost_events", losses.lost_events},
               {"cut_chains", losses.cut_chains},
               {"cut_steps", losses.cut_steps},
               {"cut_paths", losses.cut_paths},
               {"unmatched_requests", losses.unmatched_requests},
               {"unmatched_cqes", losses.unmatched_cqes},
               {"woken_while_running", losses.woken_while_running},
               {"negative_durations", analyzed.analysis->stages().negative()}};
  if (analyzed.reader) {
    const calibration::CaptureLog& log = analyzed.reader->log();
    Json warnings = Json::array();
    for (const calibration::CaptureWarning& warning : log.warnings) {
      warnings.push_back({{"line", warning.line}, {"text", warning.text}});
    }
    capture["lines"] = log.lines;
    capture["unknown_lines"] = log.unknown_lines;
    capture["time_resolution_ns"] = log.time_resolution;
    capture["warnings"] = warnings;
  }
  return capture;
}

}  // namespace

Json analysis_json(const Analyzed& analyzed) {
  const Analysis& analysis = *analyzed.analysis;
  Json slowest = Json::array();
  for (const calibration::SlowStep& slow : analysis.slowest()) {
    slowest.push_back(slow_json(analyzed, slow));
  }
  Json json{{"schema", 1},
            {"kind", "analysis"},
            {"capture", capture_json(analyzed)},
            {"stages", stages_json(analysis)},
            {"attribution", attribution_json(analysis)},
            {"blame",
             {{"median", cohort_json(analysis.blame().cohort(0.4, 0.6))},
              {"slowest_percent", cohort_json(analysis.blame().cohort(0.99, 1.0))}}},
            {"slowest_steps", slowest}};
  if (analyzed.quality) {
    json["attribution_quality"] = {{"plain", quality_json(analyzed.quality->plain)},
                                   {"with_tracepoints", quality_json(analyzed.quality->with_tracepoints)}};
  }
  return json;
}

}  // namespace tools
