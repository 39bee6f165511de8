#include "tools/calibrate_events.h"

#include <fmt/format.h>

#include "models/metrics.h"
#include "tools/tables.h"

namespace tools {
namespace {

using calibration::Calibration;
using calibration::EventCost;
using Json = nlohmann::ordered_json;

std::string name_of(models::Cost cost) {
  return std::string{models::cost_list[static_cast<std::size_t>(cost)].name};
}

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }
std::string signed_percent(double share) { return fmt::format("{:+.1f} %", share * 100); }

std::string captures_table(const Calibration& result) {
  Table table{{"CAPTURE", "events", "lost", "seconds", "clock", "tracer ns", "stamps"}};
  for (const calibration::ReadEventCapture& capture : result.events.captures) {
    table.row({capture.name, std::to_string(capture.events), std::to_string(capture.lost),
               fmt::format("{:.2f}", capture.seconds), capture.resolution_ns >= 1000 ? "us" : "ns",
               fmt::format("{:.0f}", capture.probe_ns),
               capture.stamps == calibration::Stamps::model ? "simulated" : "kernel"});
  }
  return table.text();
}

std::string costs_table(const Calibration& result) {
  Table table{
      {"COST", "p50 us", "+-", "p99 us", "+-", "samples", "KS", "form", "lag 1", "spread", "interval"}};
  table.left(7);
  table.left(10);
  for (const EventCost& cost : result.events.costs) {
    const sim::Distribution& value = cost.fit.value.value;
    table.row({name_of(cost.cost), microseconds(value.quantile_ns(0.5)), percent(cost.rse_p50),
               microseconds(value.quantile_ns(0.99)), percent(cost.rse_p99), std::to_string(cost.fit.count),
               number(cost.fit.ks), cost.fit.form,
               fmt::format("{:.2f}{}", cost.autocorrelation, cost.depends ? "!" : " "),
               percent(cost.conflict), std::string{calibration::interval_row(cost.interval).name}});
  }
  return table.text();
}

std::string held_out_table(const Calibration& result) {
  Table table{{"HELD OUT", "samples", "KS", "p50", "p99", "wasserstein"}};
  for (const EventCost& cost : result.events.costs) {
    const calibration::SumError& error = cost.held_out;
    if (error.count > 0) {
      table.row({name_of(cost.cost), std::to_string(error.count), number(error.ks), signed_percent(error.p50),
                 signed_percent(error.p99), percent(error.wasserstein)});
    }
  }
  return table.text();
}

std::string conditions_text(const Calibration& result) {
  std::string text;
  for (const calibration::ConditionTable& condition : result.events.conditions) {
    if (condition.rows.empty()) {
      continue;
    }
    Table table{{condition.title, "samples", "p50 us", "p99 us"}};
    for (const calibration::ConditionRow& row : condition.rows) {
      table.row(
          {row.condition, std::to_string(row.count), microseconds(row.p50_ns), microseconds(row.p99_ns)});
    }
    text += table.text() + "\n";
  }
  return text;
}

}  // namespace

std::string events_text(const Calibration& result, bool conditions) {
  if (result.events.captures.empty()) {
    return {};
  }
  std::string text = captures_table(result) + "\n";
  text +=
      "From events: standard errors by blocks of time; lag 1: correlation of successive values, ! where it "
      "matters;\n"
      "spread: between the captures' medians\n" +
      costs_table(result) + "\n";
  text += "The last fifth of each capture, which was not fitted\n" + held_out_table(result) + "\n";
  if (conditions) {
    text += conditions_text(result);
  }
  const calibration::Stalls& stalls = result.events.stalls;
  if (stalls.count > 0) {
    text += fmt::format("Gaps in straight-line kernel code: {} in {:.2f} s, taken for the hypervisor's\n\n",
                        stalls.count, stalls.seconds);
  }
  text += "Not identifiable from these events\n";
  for (const calibration::NotIdentified& each : result.events.not_identified) {
    text += wrapped(fmt::format("  {}: {}", name_of(each.cost), each.why), 4);
  }
  return text + "\n";
}

std::string steps_text(const Calibration& result) {
  if (result.steps.costs.empty()) {
    return {};
  }
  Table costs{{"COST", "adjusted", "+-", "identified", "stands for"}};
  costs.left(4);
  for (const calibration::MatchedCost& cost : result.steps.costs) {
    const bool scaled = cost.free.adjust == calibration::Adjust::scale;
    costs.row({name_of(cost.free.cost),
               scaled ? fmt::format("x {:.3f}", cost.adjustment)
                      : fmt::format("{:+.1f} us", cost.adjustment / 1000),
               scaled ? fmt::format("{:.3f}", cost.standard_error)
                      : fmt::format("{:.1f} us", cost.standard_error / 1000),
               cost.identified ? "yes" : "NO: kept", cost.free.why});
  }
  Table targets{{"STEPS", "column", "p", "measured us", "before us", "after us", "noise"}};
  targets.left(1);
  for (const calibration::MatchedTarget& each : result.steps.targets) {
    const std::string& load = result.steps.loads[each.target.load];
    if (each.target.p == 0) {  // a share of time, by 1e9
      targets.row({load, "CPUs busy", "", percent(each.target.measured_ns * 1e-9),
                   percent(each.before_ns * 1e-9), percent(each.after_ns * 1e-9),
                   percent(each.target.noise)});
    } else {
      targets.row({load, std::string{models::metric_name(each.target.column)},
                   fmt::format("{}", each.target.p), microseconds(each.target.measured_ns),
                   microseconds(each.before_ns), microseconds(each.after_ns), percent(each.target.noise)});
    }
  }
  return fmt::format("Matched to steps: loss {:.1f} -> {:.1f}, {} simulations, condition {:.0f}\n{}\n{}\n",
                     result.steps.loss_before, result.steps.loss_after, result.steps.simulations,
                     result.steps.condition, costs.text(), targets.text());
}

nlohmann::ordered_json events_json(const Calibration& result) {
  Json costs = Json::array();
  for (const EventCost& cost : result.events.costs) {
    const sim::Distribution& value = cost.fit.value.value;
    Json captures = Json::array();
    for (const calibration::CaptureMedian& each : cost.captures) {
      captures.push_back({{"capture", each.capture}, {"count", each.count}, {"p50_ns", each.p50_ns}});
    }
    costs.push_back({{"cost", name_of(cost.cost)},
                     {"interval", calibration::interval_row(cost.interval).name},
                     {"count", cost.fit.count},
                     {"form", cost.fit.form},
                     {"ks", cost.fit.ks},
                     {"p50_ns", value.quantile_ns(0.5)},
                     {"p99_ns", value.quantile_ns(0.99)},
                     {"rse_p50", cost.rse_p50},
                     {"rse_p99", cost.rse_p99},
                     {"autocorrelation", cost.autocorrelation},
                     {"captures", captures},
                     {"held_out",
                      {{"count", cost.held_out.count},
                       {"ks", cost.held_out.ks},
                       {"p50_error", cost.held_out.p50},
                       {"p99_error", cost.held_out.p99},
                       {"wasserstein", cost.held_out.wasserstein}}}});
  }
  Json captures = Json::array();
  for (const calibration::ReadEventCapture& capture : result.events.captures) {
    captures.push_back({{"name", capture.name},
                        {"events", capture.events},
                        {"lost", capture.lost},
                        {"seconds", capture.seconds},
                        {"resolution_ns", capture.resolution_ns},
                        {"probe_ns", capture.probe_ns}});
  }
  Json unidentified = Json::array();
  for (const calibration::NotIdentified& each : result.events.not_identified) {
    unidentified.push_back({{"cost", name_of(each.cost)}, {"why", each.why}});
  }
  return {{"captures", captures}, {"costs", costs}, {"not_identified", unidentified}};
}

nlohmann::ordered_json steps_json(const Calibration& result) {
  Json costs = Json::array();
  for (const calibration::MatchedCost& cost : result.steps.costs) {
    costs.push_back({{"cost", name_of(cost.free.cost)},
                     {"adjust", cost.free.adjust == calibration::Adjust::scale ? "scale" : "shift"},
                     {"adjustment", cost.adjustment},
                     {"standard_error", cost.standard_error},
                     {"identified", cost.identified}});
  }
  return {
      {"loss_before", result.steps.loss_before}, {"loss_after", result.steps.loss_after}, {"costs", costs}};
}

}  // namespace tools
