#include "tools/options.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "scenarios/output.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

namespace tools {

void add_scenario_arguments(CLI::App& verb, ExperimentArguments& arguments) {
  verb.add_option("SCENARIO", arguments.scenario, "scenario file (docs/scenario.md)")->required();
  verb.add_option(
          "--set", arguments.sets,
          "change a value of the scenario before it is read, in every variant; elements of lists by name: "
          "agents.reader.count=8, policies=[{name: attribution}]; may be repeated")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  verb.add_flag("--json", arguments.json, "print JSON (docs/results.md) instead of tables");
}

void add_experiment_arguments(CLI::App& verb, ExperimentArguments& arguments) {
  add_scenario_arguments(verb, arguments);
  verb.add_option("--out", arguments.out, "also write DIR/results.json; the directory is created")
      ->type_name("DIR");
  verb.add_option("--seed", arguments.seed, "instead of the scenario's run.seed");
  verb.add_option("--replications", arguments.replications, "instead of the scenario's run.replications")
      ->check(CLI::Range(1, 100'000));
  verb.add_option("--jobs", arguments.jobs, "threads; any number gives the same bytes (default: all CPUs)")
      ->check(CLI::Range(1, 1024));
  verb.footer(std::string{exit_codes});
}

scenarios::Scenario load(const ExperimentArguments& arguments) {
  scenarios::Scenario scenario = scenarios::load_scenario(arguments.scenario, arguments.sets);
  scenario.run.seed = arguments.seed.value_or(scenario.run.seed);
  scenario.run.replications = arguments.replications.value_or(scenario.run.replications);
  return scenario;
}

scenarios::Report run_report(const ExperimentArguments& arguments, const std::string& command,
                             const scenarios::Scenario& scenario,
                             std::vector<const scenarios::Variant*> variants) {
  if (!arguments.out.empty()) {
    scenarios::prepare_directory(arguments.out);  // before the work, not after it
  }
  ProgressLine line;
  const auto hardware = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  scenarios::ExperimentOptions options{
      .run = scenario.run,
      .jobs = arguments.jobs > 0 ? arguments.jobs : hardware,
      .stop = &interrupted(),
      .progress = [&](const scenarios::Progress& progress) { line(progress); }};
  scenarios::Report report{.command = command,
                           .version = CHAINSIM_VERSION,
                           .scenario = &scenario,
                           .variants = std::move(variants),
                           .run = scenario.run,
                           .result = {}};
  report.result = scenarios::run_experiment(report.variants, options);
  return report;
}

void deliver(const ExperimentArguments& arguments, const scenarios::Report& report, const std::string& text) {
  const std::string json = scenarios::results_json(report).dump(2) + "\n";
  if (!arguments.out.empty()) {
    scenarios::write_file(arguments.out + "/results.json", json);
  }
  print(arguments.json ? json : text);
  if (!arguments.out.empty() && !arguments.json) {
    print("written: " + arguments.out + "/results.json\n");
  }
  if (report.result.interrupted) {
    throw Interrupted{};
  }
}

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw scenarios::OutputError{std::string{"standard output: cannot be written: "} + std::strerror(errno)};
  }
}

}  // namespace tools
