#include "tools/validate_runs.h"

#include <algorithm>
#include <filesystem>
#include <thread>

#include "calibration/validate/predict.h"
#include "calibration/validate/step_captures.h"
#include "scenarios/input_error.h"
#include "tools/interrupt.h"
#include "tools/options.h"
#include "tools/progress.h"
#include "tools/verbs.h"

namespace tools {
namespace {

using calibration::LiveRun;
using calibration::RealVariant;
using scenarios::InputError;

constexpr std::size_t least_steps = 100;  // ten in each block of time

std::vector<std::filesystem::path> paths_of(const std::vector<std::string>& captures) {
  return {captures.begin(), captures.end()};
}

bool is_live(const std::vector<std::string>& captures) {
  return captures.size() == 1 && calibration::has_live_runs(captures.front());
}

// What is simulated: scenarios that live as long as the variants that point into them.
struct Input {
  std::vector<std::unique_ptr<scenarios::Scenario>> scenarios;
  std::vector<RealVariant> real;
  sim::Nanos warmup{0};
  ValidationReport report;
};

std::unique_ptr<scenarios::Scenario> load_with_profile(const std::string& path, std::vector<std::string> sets,
                                                       const std::string& profile) {
  sets.push_back("host.costs=" + std::filesystem::absolute(profile).string());
  return std::make_unique<scenarios::Scenario>(scenarios::load_scenario(path, sets));
}

// In the order of the scenario; what was run and is no longer there is an error.
std::vector<const scenarios::Variant*> variants_of(const scenarios::Scenario& scenario) {
  std::vector<const scenarios::Variant*> variants{&scenario.base};
  for (const scenarios::Variant& variant : scenario.variants) {
    variants.push_back(&variant);
  }
  return variants;
}

RealVariant real_variant(const scenarios::Variant& variant, calibration::LiveVariant runs) {
  RealVariant real{&variant, runs.name, std::move(runs.repetitions), false, std::move(runs.captured)};
  if (real.repetitions.empty()) {
    real.repetitions = real.captured;
    real.traced = true;
  }
  for (const LiveRun& run : real.repetitions) {
    if (run.steps.size() < least_steps) {
      throw InputError{{.file = run.variant + " repetition " + std::to_string(run.repetition),
                        .found = std::to_string(run.steps.size()) + " steps",
                        .expected = "at least " + std::to_string(least_steps) + " to compare"}};
    }
  }
  return real;
}

Input live_input(const std::string& directory, const ValidateRunsArguments& arguments) {
  Input input;
  calibration::LiveRuns runs = calibration::read_live_runs(directory, arguments.variants);
  const std::string path = arguments.scenario.empty() ? runs.scenario : arguments.scenario;
  if (path.empty()) {
    throw InputError{{.file = directory,
                      .found = "no results.json that names the scenario",
                      .expected = "it, or --scenario FILE"}};
  }
  input.scenarios.push_back(load_with_profile(path, runs.sets, arguments.profile));
  const scenarios::Scenario& scenario = *input.scenarios.back();
  for (const scenarios::Variant* variant : variants_of(scenario)) {
    const auto ran = std::find_if(runs.variants.begin(), runs.variants.end(),
                                  [&](const auto& each) { return each.name == variant->name; });
    if (ran != runs.variants.end()) {
      input.real.push_back(real_variant(*variant, std::move(*ran)));
      runs.variants.erase(ran);
    }
  }
  if (!runs.variants.empty()) {
    throw InputError{{.file = directory,
                      .found = "runs of variant " + scenarios::quoted(runs.variants.front().name),
                      .expected = "a variant of " + path,
                      .suggestion = "give the scenario that was run with --scenario"}};
  }
  input.warmup = scenario.run.warmup;
  input.report.machine = runs.machine;
  input.report.kernel = runs.kernel;
  input.report.scenario = path;
  return input;
}

Input capture_input(const std::vector<std::string>& captures, const ValidateRunsArguments& arguments) {
  Input input;
  const auto found = calibration::find_step_captures(paths_of(captures));
  for (const auto& [load, path] : parse_workloads(arguments.workloads)) {
    const auto capture =
        std::find_if(found.begin(), found.end(), [&](const auto& each) { return each.load == load; });
    if (capture == found.end()) {
      throw InputError{{.file = captures.front(),
                        .found = "no event capture " + scenarios::quoted(load) + " with steps beside it",
                        .expected = "LOAD.trace.zst and LOAD.steps.csv.gz, or the like"}};
    }
    input.scenarios.push_back(load_with_profile(path, {}, arguments.profile));
    LiveRun run = calibration::read_step_capture(*capture);
    input.real.push_back({&input.scenarios.back()->base, load, {run}, true, {run}});
    input.warmup = std::max(input.warmup, input.scenarios.back()->run.warmup);
    input.report.scenario += (input.report.scenario.empty() ? "" : ", ") + path;
  }
  if (input.real.empty()) {
    throw InputError{{.file = "chainsim validate",
                      .found = "no --workload",
                      .expected = "LOAD=SCENARIO for each capture to compare, such as " +
                                  (found.empty() ? "k8-all" : found.front().load) +
                                  "=scenarios/captured/mixed.yaml"}};
  }
  return input;
}

// "10%" or "10".
double margin_of(const std::string& text) {
  std::size_t read = 0;
  double percent = 0;
  try {
    percent = std::stod(text, &read);
  } catch (const std::logic_error&) {  // no number, or one too large
    read = 0;
  }
  const bool whole = read > 0 && (read == text.size() || text.substr(read) == "%");
  if (!whole || !(percent >= 0.1 && percent <= 100)) {
    throw InputError{{.file = "--margin",
                      .found = scenarios::quoted(text),
                      .expected = "a share of a percentile between 0.1% and 100%, such as 10%"}};
  }
  return percent / 100;
}

calibration::ValidationOptions options_of(const ValidateRunsArguments& arguments, sim::Nanos warmup) {
  calibration::ValidationOptions options;
  options.compare.margin = margin_of(arguments.margin);
  options.compare.seed = arguments.seed;
  options.warmup = warmup;
  options.duration = sim::Nanos{static_cast<std::int64_t>(arguments.seconds * 1e9)};
  options.replications = arguments.replications;
  options.draws = arguments.draws;
  options.seed = arguments.seed;
  options.threads = arguments.jobs > 0 ? arguments.jobs
                                       : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.stop = &interrupted();
  return options;
}

}  // namespace

bool are_real_runs(const std::vector<std::string>& captures) {
  return is_live(captures) || !calibration::find_step_captures(paths_of(captures)).empty();
}

void validate_real_runs(const std::vector<std::string>& captures, const ValidateRunsArguments& arguments) {
  if (arguments.profile.empty()) {
    throw InputError{{.file = "chainsim validate", .found = "no --profile", .expected = "--profile FILE"}};
  }
  const scenarios::Profile profile = scenarios::load_profile(arguments.profile);
  Input input =
      is_live(captures) ? live_input(captures.front(), arguments) : capture_input(captures, arguments);
  ProgressLine progress;
  calibration::ValidationOptions options = options_of(arguments, input.warmup);
  options.progress = [&](double share) { progress.share("simulating", share); };
  ValidationReport& report = input.report;
  report.validation = calibration::validate_runs(input.real, profile, options);
  report.source = captures.front();
  report.profile = arguments.profile;
  report.calibrated_on = profile.domain.loads;
  report.margin = options.compare.margin;
  report.uncertainties = calibration::has_uncertainties(profile);
  report.repeat_spread = !profile.repeat_spread.empty();
  print(arguments.json       ? validation_json(report).dump(2) + "\n"
        : arguments.markdown ? validation_markdown(report)
                             : validation_text(report, arguments.verbose));
  if (report.validation.interrupted) {
    throw Interrupted{};
  }
}

void add_runs_options(CLI::App& verb, ValidateRunsArguments& arguments) {
  const std::string group = "Of live runs, and of event captures with steps";
  verb.add_option("--scenario", arguments.scenario, "What was run (default: what the live runs name)")
      ->group(group);
  verb.add_option("--variant", arguments.variants, "Only this variant; may be repeated")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_option("--margin", arguments.margin, "Margin of equivalence, of a percentile")
      ->capture_default_str()
      ->group(group);
  verb.add_option("--replications", arguments.replications,
                  "Simulated runs of each variant (default: as many as real ones, at least 5)")
      ->check(CLI::Range(2, 1000))
      ->group(group);
  verb.add_option("--draws", arguments.draws, "Simulations with uncertain costs drawn anew, for predictions")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--jobs", arguments.jobs, "Threads; any number gives the same bytes (default: all CPUs)")
      ->check(CLI::Range(1, 1024))
      ->group(group);
  verb.add_flag("--markdown", arguments.markdown, "Print the whole error table as Markdown")->group(group);
  verb.add_flag("--verbose", arguments.verbose, "Print every column and stage of every variant")
      ->group(group);
}

}  // namespace tools
