// chainsim validate: captured loads, simulated under the tracer that watched them, against what was captured.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "calibration/fit/calibrate.h"
#include "calibration/traces/capture_set.h"
#include "calibration/validate/captured_loads.h"
#include "scenarios/input_error.h"
#include "tools/options.h"
#include "tools/tables.h"
#include "tools/validate_replay.h"
#include "tools/validate_runs.h"
#include "tools/verbs.h"

namespace tools {
namespace {

struct Arguments {
  std::vector<std::string> captures;
  std::vector<std::string> workloads;
  std::string profile;
  double seconds = 60;
  std::uint64_t seed = 1;
  bool json = false;
  ReplayArguments replay;
  ValidateRunsArguments runs;
};

struct Result {
  std::vector<calibration::ComparedQuantity> rows;
  std::vector<calibration::UntracedStep> untraced;
};

std::string captured_and_simulated(const calibration::ComparedQuantity& row, std::size_t i) {
  return fmt::format("{}/{}", microseconds(row.simulated_ns[i]), microseconds(row.captured_ns[i]));
}

std::string percent(const calibration::ComparedQuantity& row, std::size_t i) {
  const double error = row.error(i);
  const std::string mark = !row.enough[i] ? "~" : row.within_aim(i) ? "" : "!";
  return std::isinf(error) ? "-" + mark : fmt::format("{:+.0f}%{}", error * 100, mark);
}

std::string text_of(const Result& result) {
  Table table{{"QUANTITY", "captured n", "p50 us", "", "p90 us", "", "p99 us", "", "p99.9 us", ""}};
  std::string group;
  for (const calibration::ComparedQuantity& row : result.rows) {
    const std::string name = row.load + " under " + row.program;
    if (name != group) {
      table.heading(name);
      group = name;
    }
    std::vector<std::string> cells{"  " + row.quantity, std::to_string(row.captured_count)};
    for (std::size_t i = 0; i < row.captured_ns.size(); ++i) {
      cells.push_back(captured_and_simulated(row, i));
      cells.push_back(percent(row, i));
    }
    table.row(std::move(cells));
  }
  int judged = 0;
  int met = 0;
  for (const calibration::ComparedQuantity& row : result.rows) {
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
      judged += row.enough[i] ? 1 : 0;
      met += row.enough[i] && row.within_aim(i) ? 1 : 0;
    }
  }
  std::string text =
      "simulated/captured, and the simulation's error. ! misses the aim (p50 10 % or 1 us, p99 30 %);\n"
      "~ fewer than 10 captured values above it: not judged.\n\n" +
      table.text() + fmt::format("\n{} of {} judged percentiles (p50, p99) within the aim.\n", met, judged);
  Table steps{{"UNTRACED STEP", "simulated n", "p50 us", "p90 us", "p99 us", "p99.9 us"}};
  for (const calibration::UntracedStep& row : result.untraced) {
    steps.row({row.load, std::to_string(row.count), microseconds(row.simulated_ns[0]),
               microseconds(row.simulated_ns[1]), microseconds(row.simulated_ns[2]),
               microseconds(row.simulated_ns[3])});
  }
  return text + "\n" + steps.text();
}

nlohmann::ordered_json json_of(const Result& result) {
  using Json = nlohmann::ordered_json;
  Json rows = Json::array();
  for (const calibration::ComparedQuantity& row : result.rows) {
    rows.push_back({{"load", row.load},
                    {"program", row.program},
                    {"quantity", row.quantity},
                    {"captured_count", row.captured_count},
                    {"simulated_count", row.simulated_count},
                    {"percentiles", calibration::judged_percentiles},
                    {"captured_ns", row.captured_ns},
                    {"simulated_ns", row.simulated_ns},
                    {"judged", row.enough}});
  }
  Json untraced = Json::array();
  for (const calibration::UntracedStep& row : result.untraced) {
    untraced.push_back({{"load", row.load}, {"count", row.count}, {"simulated_ns", row.simulated_ns}});
  }
  return {{"schema", 1}, {"kind", "validation"}, {"quantities", rows}, {"untraced_steps", untraced}};
}

void validate(const Arguments& arguments, bool seconds_given) {
  if (arguments.replay.replay) {
    return validate_replay(arguments.captures, arguments.replay, arguments.json, arguments.seed);
  }
  if (are_real_runs(arguments.captures)) {
    ValidateRunsArguments runs = arguments.runs;
    runs.workloads = arguments.workloads;
    runs.profile = arguments.profile;
    runs.seconds = seconds_given ? arguments.seconds : 0;
    runs.seed = arguments.seed;
    runs.json = arguments.json;
    return validate_real_runs(arguments.captures, runs);
  }
  if (arguments.workloads.empty() || arguments.profile.empty()) {
    throw scenarios::InputError{{.file = "chainsim validate",
                                 .found = arguments.profile.empty() ? "no --profile" : "no --workload",
                                 .expected = "--profile and --workload, or --replay"}};
  }
  std::vector<std::filesystem::path> paths(arguments.captures.begin(), arguments.captures.end());
  const auto captures = calibration::measure(calibration::find_captures(paths));
  const auto workloads = calibration::load_workloads(parse_workloads(arguments.workloads), arguments.profile);
  const scenarios::Profile profile = scenarios::load_profile(arguments.profile);
  const calibration::ValidateOptions options{
      sim::Nanos{static_cast<std::int64_t>(arguments.seconds * 1e9)}, arguments.seed,
      calibration::tracer_rows_per_wake(captures, profile.domain.loads)};
  const Result result{compare_loads(captures, workloads, profile, options),
                      untraced_steps(workloads, profile, options)};
  print(arguments.json ? json_of(result).dump(2) + "\n" : text_of(result));
}

}  // namespace

void add_validate(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* verb =
      app.add_subcommand("validate", "Simulated with a profile against what was really run or captured");
  verb->add_option("CAPTURE", arguments->captures,
                   "A directory of live runs; or captures of events with steps beside them, or of the five "
                   "bpftrace programs, or with --replay of scheduling events; or directories of them")
      ->required();
  verb->add_option("--workload", arguments->workloads,
                   "LOAD=SCENARIO: the scenario that describes a captured load")
      ->allow_extra_args(false);
  verb->add_option("--profile", arguments->profile, "The costs to simulate with");
  CLI::Option* seconds =
      verb->add_option(
              "--seconds", arguments->seconds,
              "Simulated seconds per load and program, or per variant and replication (default: 60, or as "
              "long as the real run)")
          ->check(CLI::Range(0.1, 1e5));
  verb->add_option("--seed", arguments->seed, "Random seed")->capture_default_str();
  verb->add_flag("--json", arguments->json, "Print JSON instead of tables");
  add_runs_options(*verb, arguments->runs);
  add_replay_options(*verb, arguments->replay);
  verb->footer(
      "Examples:\n"
      "  chainsim validate runs --profile profile.yaml                  what `chainsim live --out runs` "
      "left\n"
      "  chainsim validate runs --profile profile.yaml --markdown       the tables of docs/validation.md\n"
      "  chainsim validate calibration/captures/host --profile profile.yaml \\\n"
      "      --workload k8-all=scenarios/captured/mixed.yaml --verbose\n"
      "  chainsim validate calibration/captures/bpftrace-seed --profile calibration/profiles/guest-6.18.yaml "
      "\\\n"
      "      --workload mixed=scenarios/captured/mixed.yaml\n"
      "  chainsim validate --replay captures/lab                        every capture there, decision by "
      "decision\n"
      "  chainsim validate --replay k8-all.trace.zst --placement pack_on_running --worst 20\n"
      "  chainsim validate --replay my.dat --release 6.12 --mode both\n\n" +
      std::string{exit_codes});
  verb->callback([arguments, seconds] { validate(*arguments, seconds->count() > 0); });
}

}  // namespace tools
