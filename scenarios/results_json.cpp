#include "scenarios/results_json.h"

#include <cmath>
#include <optional>
#include <string_view>

#include "scenarios/quantity.h"
#include "scenarios/results.h"

namespace scenarios {
namespace {

using Json = nlohmann::ordered_json;
using models::Counter;
using models::Metric;

// JSON has no infinity: an end that is not bounded is null.
Json bound(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string interval_name(IntervalKind kind) {
  switch (kind) {
    case IntervalKind::replications:
      return "replications";
    case IntervalKind::order_statistics:
      return "order_statistics";
    case IntervalKind::none:
      break;
  }
  return "none";
}

std::string verdict_name(sim::Verdict verdict) {
  switch (verdict) {
    case sim::Verdict::lower:
      return "lower";
    case sim::Verdict::higher:
      return "higher";
    case sim::Verdict::cannot_tell:
      break;
  }
  return "cannot_tell";
}

Json percentile_json(const Estimate& estimate) {
  return {{"value_ns", static_cast<std::int64_t>(estimate.value)},
          {"low_ns", bound(estimate.interval.low)},
          {"high_ns", bound(estimate.interval.high)},
          {"interval", interval_name(estimate.kind)},
          {"samples_above", estimate.above},
          {"judged", estimate.judged}};
}

Json metric_json(const Replications& runs, Metric metric) {
  const sim::Histogram& values = runs.merged[metric];
  Json json{{"count", values.count()}};
  if (values.empty()) {
    return json;
  }
  json["mean_ns"] = values.mean();
  json["min_ns"] = values.min();
  json["max_ns"] = values.max();
  for (std::size_t i = 0; i < reported_percentiles.size(); ++i) {
    if (const auto estimate = percentile(runs, metric, reported_percentiles[i])) {
      json["percentiles"][percentile_names[i]] = percentile_json(*estimate);
    }
  }
  return json;
}

Json deadline_json(const Replications& runs) {
  const auto estimate = deadline_miss_percent(runs);
  if (!estimate) {
    return nullptr;
  }
  const bool has_interval = estimate->kind != IntervalKind::none;
  return {{"value", estimate->value},
          {"low", has_interval ? bound(estimate->interval.low) : Json(nullptr)},
          {"high", has_interval ? bound(estimate->interval.high) : Json(nullptr)}};
}

Json cpu_json(const models::Metrics& metrics) {
  const CpuShares shares = cpu_shares(metrics);
  return {{"user", shares.user},           {"system", shares.system},   {"softirq", shares.softirq},
          {"ksoftirqd", shares.ksoftirqd}, {"hardirq", shares.hardirq}, {"idle", shares.idle},
          {"other", shares.other}};
}

Json step_json(const models::Metrics& metrics, const models::HostConfig& host) {
  const StepShares shares = step_shares(metrics, host);
  return {{"calibrated_costs", shares.calibrated},
          {"default_costs", shares.defaults},
          {"given_by_scenario", shares.given},
          {"waiting", shares.waiting}};
}

bool is_time(Counter counter) { return models::counter_name(counter).ends_with("_ns"); }

// null: a counter that a real machine cannot tell.
Json counters_json(const Report& report, const models::Metrics& metrics) {
  Json json = Json::object();
  for (std::size_t i = 0; i < models::counter_count; ++i) {
    const auto counter = static_cast<Counter>(i);
    json[std::string{models::counter_name(counter)}] =
        report.counted(counter) ? Json(metrics.counters[i]) : Json(nullptr);
  }
  return json;
}

Json rates_json(const Report& report, const models::Metrics& metrics) {
  Json json = Json::object();
  for (std::size_t i = 0; i < models::counter_count; ++i) {
    const auto counter = static_cast<Counter>(i);
    if (!is_time(counter)) {
      json[std::string{models::counter_name(counter)}] =
          report.counted(counter) ? Json(rate(metrics, counter)) : Json(nullptr);
    }
  }
  return json;
}

Json variant_json(const Report& report, const Variant& variant, const Replications& runs) {
  const models::Metrics& merged = runs.merged;
  Json metrics = Json::object();
  for (std::size_t i = 0; i < models::metric_count; ++i) {
    const auto metric = static_cast<Metric>(i);
    metrics[std::string{models::metric_name(metric)}] = metric_json(runs, metric);
  }
  const int calibrated = calibrated_costs(variant.profile);
  return {{"name", variant.name},
          {"title", variant.title},
          {"question", variant.question},
          {"settings", variant.settings},
          {"cpus", variant.host.topology.cpus},
          {"profile",
           {{"path", variant.profile.path},
            {"machine", variant.profile.machine},
            {"kernel", variant.profile.kernel},
            {"costs_calibrated", calibrated},
            {"costs_default", static_cast<int>(models::cost_count) - calibrated}}},
          {"outside_calibrated_domain", variant.outside_domain},
          {"replications_completed", runs.completed()},
          {"measured_ns", merged.measured.count()},
          {"events", merged.events},
          {"metrics", metrics},
          {"deadline_miss_percent", deadline_json(runs)},
          {"counters", counters_json(report, merged)},
          {"per_second", rates_json(report, merged)},
          {"cpu_percent", cpu_json(merged)},
          {"ksoftirqd_percent_of_softirq", cpu_shares(merged).ksoftirqd_of_softirq()},
          {"step_time_percent", step_json(merged, variant.host)}};
}

Json differences_json(const Report& report) {
  Json json = Json::array();
  for (std::size_t v = 1; v < report.variants.size(); ++v) {
    for (std::size_t m = 0; m < models::metric_count; ++m) {
      for (std::size_t i = 0; i < reported_percentiles.size(); ++i) {
        const auto metric = static_cast<Metric>(m);
        const auto found =
            difference(report.result.variants[v], report.result.variants[0], metric, reported_percentiles[i]);
        if (found) {
          json.push_back({{"variant", report.variants[v]->name},
                          {"reference", report.variants[0]->name},
                          {"metric", models::metric_name(metric)},
                          {"percentile", percentile_names[i]},
                          {"difference_ns", found->mean},
                          {"low_ns", bound(found->interval.low)},
                          {"high_ns", bound(found->interval.high)},
                          {"difference_percent", 100 * found->relative},
                          {"judged", found->judged},
                          {"verdict", verdict_name(found->verdict)}});
        }
      }
    }
  }
  return json;
}

}  // namespace

Json results_json(const Report& report) {
  const Scenario& scenario = *report.scenario;
  Json variants = Json::array();
  for (std::size_t i = 0; i < report.variants.size(); ++i) {
    variants.push_back(variant_json(report, *report.variants[i], report.result.variants[i]));
  }
  Json json{{"schema", 1},
            {"kind", "results"},
            {"program", {{"name", "chainsim"}, {"version", report.version}}},
            {"command", report.command},
            {"scenario",
             {{"path", scenario.path},
              {"title", scenario.title},
              {"question", scenario.question},
              {"expect", scenario.expect},
              {"sets", scenario.sets},
              {"digest", scenario.digest}}},
            {"run",
             {{"seed", report.run.seed},
              {"replications", report.run.replications},
              {"warmup_ns", report.run.warmup.count()},
              {"duration_ns", report.run.duration.count()},
              {"warmup_rule", warmup_rule(report)},
              {"confidence", 0.95},
              {"interrupted", report.result.interrupted}}},
            {"variants", variants},
            {"differences", differences_json(report)}};
  if (!report.live.is_null()) {
    json["live"] = report.live;
  }
  return json;
}

int calibrated_costs(const Profile& profile) {
  int count = 0;
  for (const auto& cost : profile.costs) {
    count += cost && cost->basis == models::Basis::calibrated ? 1 : 0;
  }
  return count;
}

std::string warmup_rule(const Report& report) {
  return "the first " + format_time(report.run.warmup) + " of each " +
         (report.live.is_null() ? "replication is simulated" : "repetition is run") + " and not measured";
}

}  // namespace scenarios
