// chainsim live: a scenario's agents and loads on this machine's real kernel.
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "scenarios/yaml_reader.h"
#include "tools/interrupt.h"
#include "tools/live/cleanup.h"
#include "tools/live/experiment.h"
#include "tools/live/live_text.h"
#include "tools/options.h"
#include "tools/verbs.h"

namespace tools {
namespace {

using live::CaptureMode;
using scenarios::InputError;
using scenarios::Variant;

struct Arguments {
  std::string scenario;
  std::vector<std::string> sets, variants, accept;
  std::string out, file, file_size = "1GiB", capture = "bpf";
  std::optional<std::uint64_t> seed, steps;
  std::optional<double> seconds;
  std::optional<int> repetitions;
  int captures = 0;
  bool check = false, cleanup = false, json = false;
};

std::vector<const Variant*> chosen(const scenarios::Scenario& scenario,
                                   const std::vector<std::string>& names) {
  std::vector<const Variant*> variants;
  for (const std::string& name : names) {
    variants.push_back(&scenarios::find_variant(scenario, name));
  }
  if (names.empty()) {
    for (const Variant& variant : scenario.variants) {
      variants.push_back(&variant);
    }
  }
  return variants.empty() ? std::vector<const Variant*>{&scenario.base} : variants;
}

scenarios::Scenario load(const Arguments& arguments) {
  if (arguments.scenario.empty()) {
    throw InputError{{.file = "chainsim live",
                      .found = "no SCENARIO",
                      .expected = "a scenario file, or --cleanup",
                      .suggestion = "chainsim live --help"}};
  }
  scenarios::Scenario scenario = scenarios::load_scenario(arguments.scenario, arguments.sets);
  scenario.run.seed = arguments.seed.value_or(scenario.run.seed);
  scenario.run.replications = arguments.repetitions.value_or(scenario.run.replications);
  if (arguments.seconds) {
    scenario.run.duration = sim::Nanos{static_cast<std::int64_t>(*arguments.seconds * 1e9)};
  }
  return scenario;
}

std::uint64_t bytes_of(const std::string& text) {
  sim::Bytes bytes{0};
  scenarios::read_value(scenarios::parse_yaml(text, "--file-size", "a size such as 1GiB"), bytes);
  return static_cast<std::uint64_t>(sim::raw(bytes));
}

CaptureMode capture_mode(const Arguments& arguments) {
  return arguments.captures == 0 || arguments.capture == "none" ? CaptureMode::none
         : arguments.capture == "ftrace"                        ? CaptureMode::ftrace
                                                                : CaptureMode::bpf;
}

// Where the data file is: as asked for, else beside the results, on their disk.
std::string data_file(const Arguments& arguments, const std::vector<const Variant*>& variants) {
  std::string file = arguments.file;
  for (const Variant* variant : variants) {
    file = file.empty() ? variant->live.file : file;
    if (arguments.file.empty() && !variant->live.file.empty() && variant->live.file != file) {
      throw InputError{{.file = arguments.scenario,
                        .found = "variants with different live.file",
                        .expected = "one file for all",
                        .suggestion = "--file PATH"}};
    }
  }
  const std::string directory = arguments.out.empty() ? "/var/tmp" : arguments.out;
  return file.empty() ? directory + "/chainsim-live-" + std::to_string(::getpid()) + ".data" : file;
}

bool uses_file(const std::vector<const Variant*>& variants) {
  const auto uses = [](const Variant* variant) {
    const models::HostConfig& host = variant->host;
    return std::any_of(host.agents.begin(), host.agents.end(),
                       [](const models::AgentConfig& agent) { return !agent.read.device.empty(); }) ||
           std::any_of(host.background.begin(), host.background.end(),
                       [](const auto& load) { return load.kind == models::BackgroundKind::writer; });
  };
  return std::any_of(variants.begin(), variants.end(), uses);
}

// A directory may grow by other variants, but no repetition is overwritten.
void refuse_existing(const Arguments& arguments, const scenarios::Report& report) {
  const auto refuse = [&](const std::string& stem) {
    const std::string path = arguments.out + "/" + stem + ".run.json";
    if (std::filesystem::exists(path)) {
      throw InputError{{.file = path,
                        .found = "a repetition of an earlier run",
                        .expected = "none of that name",
                        .suggestion = "another --out"}};
    }
  };
  for (const Variant* variant : report.variants) {
    for (int i = 1; i <= report.run.replications; ++i) {
      refuse(live::run_stem(variant->name, i, false));
    }
    for (int i = 1; i <= arguments.captures; ++i) {
      refuse(live::run_stem(variant->name, i, true));
    }
  }
}

void check_arguments(const Arguments& arguments) {
  if (arguments.captures > 0 && arguments.out.empty()) {
    throw InputError{
        {.file = "--captures", .found = "no --out", .expected = "a directory for what is captured"}};
  }
}

void clean() {
  const live::Cleanup cleanup = live::clean_up(live::cleanup_places());
  std::string text;
  for (const std::string& line : cleanup.done) {
    text += line + "\n";
  }
  print(text.empty() ? "nothing to clean up\n" : text);
  if (!cleanup.failed.empty()) {
    std::string failures;
    for (const std::string& failure : cleanup.failed) {
      failures += (failures.empty() ? "" : "; ") + failure;
    }
    throw scenarios::OutputError{failures};
  }
}

// What is asked of the machine, and whether it can.
struct Asked {
  live::LiveMachine machine;
  live::LiveNeeds needs;
  std::vector<live::LivePlan> plans;
};

Asked ask(const Arguments& arguments, const std::vector<const Variant*>& variants) {
  Asked asked;
  asked.machine = live::inspect_live_machine("/", capture_mode(arguments));
  asked.needs = {.capture = capture_mode(arguments),
                 .data_file = data_file(arguments, variants),
                 .file_size = bytes_of(arguments.file_size),
                 .disk = "",
                 .accept = arguments.accept};
  asked.needs.disk = live::disk_of(asked.needs.data_file);
  for (const Variant* variant : variants) {
    asked.plans.push_back(live::plan_live(*variant, asked.machine, asked.needs));
  }
  const std::vector<std::string> unused = live::unused_accepts(asked.plans, asked.needs);
  if (!unused.empty()) {
    throw InputError{{.file = "--accept",
                      .found = scenarios::quoted(unused.front()),
                      .expected = "the key of something that this machine cannot do",
                      .suggestion = "chainsim live --check lists them"}};
  }
  return asked;
}

void require(const Arguments& arguments, const Asked& asked) {
  const std::vector<live::Refusal> refusals = live::all_refusals(asked.plans);
  if (refusals.empty()) {
    return;
  }
  if (!arguments.check) {
    std::fputs(live::refusals_text(refusals).c_str(), stderr);
  }
  throw InputError{{.file = arguments.scenario,
                    .found = std::to_string(refusals.size()) + " things that this machine cannot do (above)",
                    .expected = "a scenario of this machine; nothing was started"}};
}

void check(const Arguments& arguments, const std::vector<const Variant*>& variants) {
  const Asked asked = ask(arguments, variants);
  print(arguments.json ? live::check_json(variants, asked.machine, asked.plans).dump(2) + "\n"
                       : live::check_text(variants, asked.machine, asked.plans));
  require(arguments, asked);
}

void run(const Arguments& arguments, scenarios::Report& report) {
  if (!arguments.out.empty()) {
    scenarios::prepare_directory(arguments.out);
    refuse_existing(arguments, report);
  }
  const Asked asked = ask(arguments, report.variants);
  require(arguments, asked);
  if (report.run.replications == 0 && capture_mode(arguments) == CaptureMode::none) {
    throw InputError{
        {.file = "--repetitions", .found = "0, and no --captures", .expected = "something to run"}};
  }
  live::Journal journal;
  const live::ExperimentRequest request{
      .directory = arguments.out,
      .captures = capture_mode(arguments) == CaptureMode::none ? 0 : arguments.captures,
      .capture = capture_mode(arguments),
      .steps = arguments.steps.value_or(0),
      .bounded = arguments.seconds.has_value(),
      .data_file = asked.needs.data_file,
      .file_size = asked.needs.file_size,
      .uses_file = uses_file(report.variants)};
  const live::ExperimentRuns done = live::run_live(report, asked.plans, request, journal, interrupted());
  report.live = live::live_json(report, asked.machine, asked.plans, done.runs,
                                {.disk = request.uses_file ? asked.needs.disk : "",
                                 .file_size = request.uses_file ? request.file_size : 0,
                                 .capture = request.capture,
                                 .captures = request.captures});
  const std::string json = scenarios::results_json(report).dump(2) + "\n";
  if (!arguments.out.empty()) {
    scenarios::write_file(arguments.out + "/results.json", json);
  }
  print(arguments.json ? json : live::live_text(report, asked.machine, asked.plans, done.runs));
  if (done.failure) {
    std::rethrow_exception(done.failure);
  }
  if (report.result.interrupted) {
    throw Interrupted{};
  }
}

void live_verb(const Arguments& arguments) {
  if (arguments.cleanup) {
    clean();
    return;
  }
  check_arguments(arguments);
  const scenarios::Scenario scenario = load(arguments);
  const std::vector<const Variant*> variants = chosen(scenario, arguments.variants);
  if (arguments.check) {
    check(arguments, variants);
    return;
  }
  scenarios::Report report{.command = "live",
                           .version = CHAINSIM_VERSION,
                           .scenario = &scenario,
                           .variants = variants,
                           .run = scenario.run,
                           .result = {}};
  run(arguments, report);
}

}  // namespace

void add_live(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& verb = *app.add_subcommand(
      "live",
      "Runs a scenario on this machine's real kernel: its agents, tool servers and background load as real "
      "threads, its settings made and restored (docs/live.md).\nExample: chainsim live "
      "scenarios/live/guest.yaml --variant n4 --out runs");
  verb.add_option("SCENARIO", arguments->scenario, "scenario file (docs/scenario.md)");
  verb.add_option("--variant", arguments->variants, "only this variant; may be repeated (default: all)")
      ->allow_extra_args(false);
  verb.add_option("--out", arguments->out,
                  "directory for the steps and counters of each repetition, and results.json")
      ->type_name("DIR");
  verb.add_option("--repetitions", arguments->repetitions,
                  "of each variant, untraced (default: the scenario's run.replications)")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--captures", arguments->captures,
                  "more repetitions of each variant, captured (default: 0)")
      ->check(CLI::Range(0, 100));
  verb.add_option("--capture", arguments->capture, "what captures: bpf, ftrace or none (default: bpf)")
      ->check(CLI::IsMember({"bpf", "ftrace", "none"}));
  verb.add_option("--steps", arguments->steps, "of a repetition, of all agents together, instead of a time")
      ->check(CLI::Range(1, 100'000'000));
  verb.add_option("--seconds", arguments->seconds, "of a repetition (default: the scenario's run.duration)")
      ->check(CLI::Range(0.05, 86'400.0));
  verb.add_option("--seed", arguments->seed, "instead of the scenario's run.seed");
  verb.add_option(
          "--file", arguments->file,
          "what agents read and writers write; made and removed unless it is there (default: in --out)")
      ->type_name("PATH");
  verb.add_option("--file-size", arguments->file_size, "of it (default: 1GiB)")->type_name("SIZE");
  verb.add_option("--set", arguments->sets, "change a value of the scenario, as in chainsim run")
      ->type_name("PATH=VALUE")
      ->allow_extra_args(false);
  verb.add_option("--accept", arguments->accept,
                  "run although this machine differs in that key; the results say so; may be repeated")
      ->type_name("KEY")
      ->allow_extra_args(false);
  verb.add_flag("--check", arguments->check, "only say what this machine cannot do and what would be set");
  verb.add_flag("--cleanup", arguments->cleanup, "only undo what a run that was killed has left");
  verb.add_flag("--json", arguments->json, "print JSON (docs/results.md) instead of tables");
  verb.footer(std::string{exit_codes});
  verb.callback([arguments] { live_verb(*arguments); });
}

}  // namespace tools
