// chainsim compare: the variants of a scenario side by side, under common random numbers.
#include <memory>

#include "scenarios/input_error.h"
#include "tools/options.h"
#include "tools/report_tables.h"
#include "tools/trace_run.h"
#include "tools/verbs.h"

namespace tools {
namespace {

struct Arguments : ExperimentArguments {
  std::vector<std::string> variants;
  TraceArguments trace;
};

std::vector<const scenarios::Variant*> chosen(const scenarios::Scenario& scenario,
                                              const std::vector<std::string>& names) {
  std::vector<const scenarios::Variant*> variants;
  for (const std::string& name : names) {
    variants.push_back(&scenarios::find_variant(scenario, name));
  }
  if (names.empty()) {
    for (const scenarios::Variant& variant : scenario.variants) {
      variants.push_back(&variant);
    }
  }
  if (variants.empty()) {
    throw scenarios::InputError{{.file = scenario.path,
                                 .line = 0,
                                 .column = 0,
                                 .found = "no variants",
                                 .expected = "variants: {A: {set: {...}}, ...}",
                                 .suggestion = "chainsim run simulates the scenario as it stands"}};
  }
  return variants;
}

void compare(const Arguments& arguments) {
  const scenarios::Scenario scenario = load(arguments);
  const std::vector<const scenarios::Variant*> variants = chosen(scenario, arguments.variants);
  const std::string trace = write_trace(arguments.trace, arguments, scenario, *variants.back());
  const scenarios::Report report = run_report(arguments, "compare", scenario, variants);
  deliver(arguments, report, compare_text(report) + trace);
}

}  // namespace

void add_compare(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& verb =
      *app.add_subcommand("compare",
                          "Simulates a scenario's variants under common random numbers; prints them side "
                          "by side, and the differences from the first.\nExample: chainsim compare "
                          "scenarios/agent_host.yaml --variants A,D --replications 20 --out results");
  add_experiment_arguments(verb, *arguments);
  add_trace_arguments(verb, arguments->trace);
  verb.add_option("--variants", arguments->variants, "only these, the first is the reference (default: all)")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb.callback([arguments] { compare(*arguments); });
}

}  // namespace tools
