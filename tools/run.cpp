// chainsim run: one variant of a scenario, or its base.
#include <memory>

#include "tools/options.h"
#include "tools/report_tables.h"
#include "tools/trace_run.h"
#include "tools/verbs.h"

namespace tools {
namespace {

struct Arguments : ExperimentArguments {
  std::string variant;
  TraceArguments trace;
};

void run(const Arguments& arguments) {
  const scenarios::Scenario scenario = load(arguments);
  const scenarios::Variant& variant =
      arguments.variant.empty() ? scenario.base : scenarios::find_variant(scenario, arguments.variant);
  const std::string trace = write_trace(arguments.trace, arguments, scenario, variant);
  const scenarios::Report report = run_report(arguments, "run", scenario, {&variant});
  deliver(arguments, report, run_text(report) + trace);
}

}  // namespace

void add_run(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& verb =
      *app.add_subcommand("run",
                          "Simulates a scenario; prints step percentiles with intervals, the stage table "
                          "and the guard metrics.\nExample: chainsim run scenarios/agent_host.yaml "
                          "--variant D --set agents.agent.count=64");
  add_experiment_arguments(verb, *arguments);
  add_trace_arguments(verb, arguments->trace);
  verb.add_option("--variant", arguments->variant,
                  "simulate this variant (default: none, the scenario as it stands)");
  verb.callback([arguments] { run(*arguments); });
}

}  // namespace tools
