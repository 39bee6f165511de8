// chainsim calibrate: captures to a profile, with what was measured, matched, and could not be identified.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "calibration/fit/calibrate.h"
#include "calibration/fit/summary.h"
#include "scenarios/input_error.h"
#include "tools/calibrate_events.h"
#include "tools/options.h"
#include "tools/tables.h"
#include "tools/verbs.h"

namespace tools {
namespace {

struct Arguments {
  std::vector<std::string> captures;
  std::vector<std::string> workloads;
  std::string defaults = "calibration/profiles/defaults.yaml";
  std::string out;
  std::string machine;
  std::string kernel;
  std::vector<std::string> variants;
  bool no_match = false;
  int evaluations = 150;
  bool json = false;
  bool verbose = false;
};

using calibration::Calibration;

std::string measured_table(const Calibration& result) {
  Table table{{"COST", "p50 us", "p99 us", "samples", "KS", "form", "from"}};
  table.left(5);
  table.left(6);
  for (const calibration::CalibratedCost& cost : result.direct) {
    const sim::Distribution& value = result.profile[cost.cost]->value.value;
    table.row({std::string{models::cost_list[static_cast<std::size_t>(cost.cost)].name},
               microseconds(value.quantile_ns(0.5)), microseconds(value.quantile_ns(0.99)),
               std::to_string(cost.count), cost.ks < 0 ? "-" : number(cost.ks), cost.form, cost.source});
  }
  return table.text();
}

std::string matched_table(const Calibration& result) {
  Table table{{"COST", "p50 us", "p99 us", "captured us", "simulated us", "matched to"}};
  table.left(5);
  for (const calibration::MatchResult& match : result.matched) {
    const sim::Distribution& value = result.profile[match.match.cost]->value.value;
    table.row({std::string{models::cost_list[static_cast<std::size_t>(match.match.cost)].name},
               microseconds(value.quantile_ns(0.5)), microseconds(value.quantile_ns(0.99)),
               microseconds(match.captured_ns), microseconds(match.simulated_ns),
               fmt::format("{} {} of {}.{}{}", match.match.quantity, to_string(match.match.statistic),
                           match.match.load, to_string(match.match.program),
                           match.identified ? "" : " (NOT IDENTIFIED: default kept)")});
  }
  return table.text();
}

std::string unidentified_text(const Calibration& result) {
  std::string names;
  for (const models::Cost cost : result.unidentified) {
    names +=
        (names.empty() ? "" : ", ") + std::string{models::cost_list[static_cast<std::size_t>(cost)].name};
  }
  return wrapped(
      fmt::format("Not identifiable from these captures, taken from the defaults ({} of {} costs): {}",
                  result.unidentified.size(), models::cost_count, names));
}

std::string flaws_text(const Calibration& result) {
  std::string text = "Flaws of the captures, and what was done\n";
  for (const calibration::MeasuredCapture& capture : result.captures) {
    for (const calibration::Flaw& flaw : capture.flaws) {
      text += wrapped(fmt::format("  {}.{}  {}: {}; {}", capture.entry.load, to_string(capture.program),
                                  flaw.name, flaw.seen, flaw.done),
                      4);
    }
  }
  return text;
}

std::string text_of(const Calibration& result, const Arguments& arguments) {
  std::string text;
  if (!result.captures.empty()) {
    text += arguments.verbose ? summary(result.captures) + "\n" : flaws_text(result) + "\n";
    text += "Measured directly\n" + measured_table(result) + "\n";
  }
  text += events_text(result, arguments.verbose) + steps_text(result);
  if (!result.matched.empty()) {
    text += "Matched by simulating the captured load under the same tracer\n" + matched_table(result) + "\n";
  }
  text += unidentified_text(result);
  return text + (arguments.out.empty() ? "\nNo --out: nothing was written.\n"
                                       : "\nProfile: " + arguments.out + "\n");
}

nlohmann::ordered_json json_of(const Calibration& result, const Arguments& arguments) {
  using Json = nlohmann::ordered_json;
  const auto cost_json = [&](models::Cost cost) {
    const scenarios::ProfileCost& entry = *result.profile[cost];
    Json json{{"p50_ns", entry.value.value.quantile_ns(0.5)},
              {"p99_ns", entry.value.value.quantile_ns(0.99)},
              {"mean_ns", entry.value.value.mean_ns()},
              {"basis", entry.basis == models::Basis::calibrated ? "calibrated" : "default"},
              {"source", entry.source},
              {"count", entry.count}};
    if (entry.ks) {
      json["ks"] = *entry.ks;
    }
    return json;
  };
  Json costs = Json::object();
  for (const models::CostEntry& entry : models::cost_list) {
    costs[std::string{entry.name}] = cost_json(entry.id);
  }
  Json matched = Json::array();
  for (const calibration::MatchResult& match : result.matched) {
    matched.push_back({{"cost", models::cost_list[static_cast<std::size_t>(match.match.cost)].name},
                       {"load", match.match.load},
                       {"program", to_string(match.match.program)},
                       {"quantity", match.match.quantity},
                       {"statistic", to_string(match.match.statistic)},
                       {"captured_ns", match.captured_ns},
                       {"simulated_ns", match.simulated_ns},
                       {"identified", match.identified}});
  }
  Json flaws = Json::array();
  for (const calibration::MeasuredCapture& capture : result.captures) {
    for (const calibration::Flaw& flaw : capture.flaws) {
      flaws.push_back({{"capture", capture.entry.rows.filename().string()},
                       {"name", flaw.name},
                       {"seen", flaw.seen},
                       {"count", flaw.count},
                       {"done", flaw.done}});
    }
  }
  Json json{{"schema", 1},    {"kind", "calibration"}, {"profile", arguments.out},
            {"costs", costs}, {"matched", matched},    {"flaws", flaws}};
  if (!result.events.captures.empty()) {
    json["events"] = events_json(result);
  }
  if (!result.steps.costs.empty()) {
    json["steps"] = steps_json(result);
  }
  return json;
}

void calibrate(const Arguments& arguments) {
  calibration::CalibrateOptions options;
  options.captures.assign(arguments.captures.begin(), arguments.captures.end());
  options.workloads = parse_workloads(arguments.workloads);
  options.defaults = arguments.defaults;
  options.machine = arguments.machine;
  options.kernel = arguments.kernel;
  options.variants = arguments.variants;
  options.match_steps = !arguments.no_match;
  options.matching.evaluations = arguments.evaluations;
  const Calibration result = calibration::calibrate(options);
  if (!arguments.out.empty()) {
    scenarios::write_profile(arguments.out, result.profile);
  }
  print(arguments.json ? json_of(result, arguments).dump(2) + "\n" : text_of(result, arguments));
}

}  // namespace

// LOAD=SCENARIO, repeatable.
std::vector<std::pair<std::string, std::string>> parse_workloads(const std::vector<std::string>& arguments) {
  std::vector<std::pair<std::string, std::string>> workloads;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == arguments[i].size()) {
      scenarios::input_error({"--workload", static_cast<std::int64_t>(i) + 1, 1}, "'" + arguments[i] + "'",
                             "LOAD=SCENARIO, for example idle=scenarios/captured/idle.yaml");
    }
    workloads.emplace_back(arguments[i].substr(0, equals), arguments[i].substr(equals + 1));
  }
  return workloads;
}

void add_calibrate(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb = app.add_subcommand(
      "calibrate",
      "Captures of events, live runs, or captures of the five bpftrace programs to a profile of costs");
  verb->add_option(
          "CAPTURE", arguments->captures,
          "Captures (LOAD.trace, LOAD.chain.txt, or LOAD.PROGRAM.txt of the five programs; .gz, .zst, .xz), "
          "directories of them, or a directory of live runs")
      ->required();
  verb->add_option(
          "--workload", arguments->workloads,
          "LOAD=SCENARIO: the scenario that describes a captured load; only such loads are used to calibrate")
      ->allow_extra_args(false);
  verb->add_option("--variant", arguments->variants, "Of live runs: a variant to calibrate on (default: all)")
      ->allow_extra_args(false);
  verb->add_flag("--no-match", arguments->no_match,
                 "Of live runs: only what events tell, no matching to steps");
  verb->add_option("--evaluations", arguments->evaluations,
                   "Most simulations of all loads that matching may take")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  verb->add_option("--defaults", arguments->defaults, "Costs that the captures cannot identify")
      ->capture_default_str();
  verb->add_option("--out", arguments->out, "Profile to write");
  verb->add_option("--machine", arguments->machine, "One line for the profile: where the captures come from");
  verb->add_option("--kernel", arguments->kernel, "One line for the profile: release and preemption model");
  verb->add_flag("--json", arguments->json, "Print JSON instead of tables");
  verb->add_flag("--verbose", arguments->verbose,
                 "Print every quantity of every capture, not only its flaws");
  verb->footer(
      "Example:\n"
      "  chainsim calibrate calibration/captures/bpftrace-seed --workload idle=scenarios/captured/idle.yaml "
      "\\\n"
      "      --workload n4=scenarios/captured/n4.yaml --out profile.yaml\n"
      "  chainsim calibrate k1-idle.trace.zst k2-n4.trace.zst --out profile.yaml\n"
      "  chainsim calibrate runs --variant n1 --variant n4 --out profile.yaml\n\n" +
      std::string{exit_codes});
  verb->callback([arguments] { calibrate(*arguments); });
}

}  // namespace tools
