// docs/validation.schema.json has the form.
#include <cmath>

#include "tools/validate_runs.h"

namespace tools {
namespace {

using Json = nlohmann::ordered_json;
using calibration::PercentileComparison;

Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json interval_json(const sim::Interval& interval) { return {finite(interval.low), finite(interval.high)}; }

std::string verdict_name(sim::Equivalence verdict) {
  switch (verdict) {
    case sim::Equivalence::equivalent:
      return "equivalent";
    case sim::Equivalence::different:
      return "different";
    case sim::Equivalence::cannot_tell:
      break;
  }
  return "cannot_tell";
}

Json percentile_json(const PercentileComparison& row, std::size_t i) {
  Json json{{"p", calibration::compared_percentiles[i]},
            {"judged", row.judged},
            {"real_ns", row.real_ns},
            {"simulated_ns", row.simulated_ns},
            {"real_pooled_ns", row.real_pooled_ns},
            {"simulated_pooled_ns", row.simulated_pooled_ns},
            {"real_each_ns", row.real_each_ns},
            {"simulated_each_ns", row.simulated_each_ns},
            {"real_samples_above", row.real_above},
            {"error", row.error},
            {"error_95", interval_json(row.error_interval)},
            {"aim", calibration::aimed_errors[i]},
            {"aim_met", row.aim_met(i)},
            {"equivalence",
             {{"verdict", verdict_name(row.equivalence.verdict)},
              {"p_value", row.equivalence.p_value},
              {"log_ratio_90", interval_json(row.equivalence.interval)}}},
            {"prediction",
             {{"value_ns", row.prediction.value},
              {"interval_ns", interval_json(row.prediction.interval)},
              {"replication_sd", row.prediction.replication},
              {"calibration_sd", row.prediction.calibration},
              {"repeat_sd", row.prediction.repeat},
              {"held", row.predicted},
              {"of", row.predictions}}}};
  json["spread"] = row.spread ? Json{{"low_ns", row.spread->low_ns},
                                     {"high_ns", row.spread->high_ns},
                                     {"relative_sd", row.spread->relative},
                                     {"inside", row.inside_spread}}
                              : Json(nullptr);
  return json;
}

Json columns_json(const std::vector<calibration::ColumnComparison>& columns) {
  Json json = Json::object();
  for (const calibration::ColumnComparison& column : columns) {
    Json percentiles = Json::array();
    for (std::size_t i = 0; i < column.percentiles.size(); ++i) {
      percentiles.push_back(percentile_json(column.percentiles[i], i));
    }
    json[std::string{to_string(column.column)}] = {{"real_mean_ns", column.real_mean_ns},
                                                   {"simulated_mean_ns", column.simulated_mean_ns},
                                                   {"wasserstein", column.distances.wasserstein},
                                                   {"wasserstein_floor", column.distances.wasserstein_floor},
                                                   {"ks", column.distances.ks},
                                                   {"ks_floor", column.distances.ks_floor},
                                                   {"percentiles", percentiles}};
  }
  return json;
}

Json contributions_json(const calibration::Contributions& contributions) {
  Json parts = Json::array();
  for (const calibration::Contribution& part : contributions.parts) {
    parts.push_back({{"part", part.part},
                     {"real_ns", part.real_ns},
                     {"simulated_ns", part.simulated_ns},
                     {"difference_ns", part.difference_ns()},
                     {"share", part.share}});
  }
  return {{"real_steps", contributions.real_steps},
          {"simulated_steps", contributions.simulated_steps},
          {"real_ns", contributions.real_ns},
          {"simulated_ns", contributions.simulated_ns},
          {"parts", parts}};
}

Json load_json(const calibration::LoadUse& use) {
  Json json{{"steps_per_second", use.steps_per_second}};
  json["background_bytes_per_second"] =
      use.background_bytes_per_second ? Json(*use.background_bytes_per_second) : Json(nullptr);
  json["cpu_percent"] = use.cpu ? Json{{"user", use.cpu->user},       {"system", use.cpu->system},
                                       {"softirq", use.cpu->softirq}, {"hardirq", use.cpu->hardirq},
                                       {"idle", use.cpu->idle},       {"steal", use.cpu->steal}}
                                : Json(nullptr);
  return json;
}

Json stages_json(const calibration::CaptureComparison& capture) {
  Json stages = Json::array();
  for (const calibration::StageComparison& row : capture.stages) {
    Json json{{"stage", info(row.stage).name},
              {"group", row.group},
              {"real_count", row.real_count},
              {"simulated_count", row.simulated_count},
              {"real_per_second", row.real_per_second},
              {"simulated_per_second", row.simulated_per_second},
              {"real_mean_ns", row.real_mean_ns},
              {"simulated_mean_ns", row.simulated_mean_ns},
              {"real_ns", row.real_ns},
              {"simulated_ns", row.simulated_ns},
              {"judged", row.judged}};
    json["wasserstein"] = row.wasserstein ? Json(*row.wasserstein) : Json(nullptr);
    stages.push_back(std::move(json));
  }
  return {{"name", capture.name},
          {"real_seconds", capture.real_seconds},
          {"simulated_seconds", capture.simulated_seconds},
          {"time_resolution_ns", capture.time_resolution_ns},
          {"lost_events", capture.lost_events},
          {"switches", capture.switches},
          {"broken_switches", capture.broken_switches},
          {"stages", stages},
          {"only_real", capture.only_real},
          {"only_simulated", capture.only_simulated},
          {"all_steps", contributions_json(capture.all_steps)},
          {"slowest_steps", contributions_json(capture.slowest_steps)}};
}

Json variant_json(const calibration::VariantValidation& variant) {
  Json captures = Json::array();
  for (std::size_t i = 0; i < variant.captures.size(); ++i) {
    captures.push_back(stages_json(variant.captures[i]));
    captures.back()["step_p50_slowdown"] =
        i < variant.capture_slowdown.size() ? Json(variant.capture_slowdown[i]) : Json(nullptr);
  }
  return {{"name", variant.name},
          {"title", variant.title},
          {"calibrated", variant.calibrated},
          {"traced", variant.traced},
          {"time_blocks", variant.blocks},
          {"repetitions", variant.repetitions},
          {"replications", variant.replications},
          {"real_seconds", variant.real_seconds},
          {"simulated_seconds", variant.simulated_seconds},
          {"real_steps", variant.real_steps},
          {"simulated_steps", variant.simulated_steps},
          {"columns", columns_json(variant.columns)},
          {"load", {{"real", load_json(variant.real_use)}, {"simulated", load_json(variant.simulated_use)}}},
          {"all_steps", contributions_json(variant.all_steps)},
          {"slowest_steps", contributions_json(variant.slowest_steps)},
          {"captures", captures},
          {"warnings", variant.warnings},
          {"outside_calibrated_domain", variant.outside_domain}};
}

Json difference_json(const sim::PairedDifference& difference) {
  return {{"mean_ns", difference.mean}, {"interval_ns", interval_json(difference.interval)}};
}

Json effect_json(const calibration::Effect& effect) {
  Json columns = Json::object();
  for (const calibration::ColumnEffect& column : effect.columns) {
    Json percentiles = Json::array();
    for (std::size_t i = 0; i < column.percentiles.size(); ++i) {
      const calibration::PercentileEffect& each = column.percentiles[i];
      percentiles.push_back({{"p", calibration::compared_percentiles[i]},
                             {"judged", each.judged},
                             {"reference_ns", each.reference_ns},
                             {"real", difference_json(each.real)},
                             {"simulated", difference_json(each.simulated)},
                             {"exceeds_noise", each.exceeds_noise()},
                             {"sign_right", each.sign_right()},
                             {"size", each.size()},
                             {"size_right", each.size_right()}});
    }
    columns[std::string{to_string(column.column)}] = percentiles;
  }
  return {{"variant", effect.variant},
          {"against", effect.against},
          {"pairs", effect.pairs},
          {"columns", columns}};
}

Json coverage_json(const calibration::Validation& validation, bool calibrated) {
  Json columns = Json::object();
  for (std::size_t column = 0; column < calibration::step_columns; ++column) {
    const auto id = static_cast<calibration::StepColumn>(column);
    Json percentiles = Json::array();
    for (std::size_t i = 0; i < calibration::compared_percentiles.size(); ++i) {
      const calibration::Coverage coverage = validation.coverage(id, i, calibrated);
      percentiles.push_back({{"p", calibration::compared_percentiles[i]},
                             {"held", coverage.predicted},
                             {"of", coverage.predictions}});
    }
    columns[std::string{to_string(id)}] = percentiles;
  }
  return columns;
}

}  // namespace

Json validation_json(const ValidationReport& report) {
  Json variants = Json::array();
  for (const calibration::VariantValidation& variant : report.validation.variants) {
    variants.push_back(variant_json(variant));
  }
  Json effects = Json::array();
  for (const calibration::Effect& effect : report.validation.effects) {
    effects.push_back(effect_json(effect));
  }
  return {{"schema", 1},
          {"kind", "live_validation"},
          {"source", report.source},
          {"scenario", report.scenario},
          {"profile", report.profile},
          {"machine", report.machine},
          {"kernel", report.kernel},
          {"calibrated_on", report.calibrated_on},
          {"margin", report.margin},
          {"interrupted", report.validation.interrupted},
          {"variants", variants},
          {"effects", effects},
          {"coverage",
           {{"held_out", coverage_json(report.validation, false)},
            {"calibrated", coverage_json(report.validation, true)}}}};
}

}  // namespace tools
