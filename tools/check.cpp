// chainsim check: is this scenario right, and what does it say?
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <variant>

#include "scenarios/quantity.h"
#include "scenarios/yaml_reader.h"
#include "tools/options.h"
#include "tools/report_tables.h"
#include "tools/tables.h"
#include "tools/verbs.h"

namespace tools {
namespace {

using scenarios::Scenario;
using scenarios::Variant;

struct Arguments : ExperimentArguments {
  bool costs = false;
};

std::string basis_name(models::Basis basis) {
  return basis == models::Basis::calibrated ? "calibrated" : "default";
}

std::string devices_text(const models::HostConfig& host) {
  std::string text;
  for (const models::AnyDeviceConfig& device : host.devices) {
    const std::string_view model = std::visit([](const auto& config) { return config.model; }, device);
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", models::device_name(device), model);
  }
  return text.empty() ? "none" : text;
}

std::string tasks_text(const models::HostConfig& host) {
  std::string text;
  for (const models::AgentConfig& agent : host.agents) {
    text += fmt::format("{}{} x {} (agents)", text.empty() ? "" : ", ", agent.name, agent.count);
  }
  for (const models::BackgroundConfig& load : host.background) {
    text += fmt::format("{}{} x {} ({})", text.empty() ? "" : ", ", load.name, load.count,
                        scenarios::enumerator_name(load.kind));
  }
  return text;
}

std::string costs_text(const scenarios::Profile& profile) {
  Table table{{"COST", "value", "basis", "samples", "source"}};
  table.left(1);
  table.left(2);
  table.left(4);
  for (const models::CostEntry& entry : models::cost_list) {
    const auto& cost = profile[entry.id];
    table.row({std::string{entry.name}, cost->value.value.describe(), basis_name(cost->basis),
               cost->count > 0 ? std::to_string(cost->count) : "-", cost->source});
  }
  return table.text();
}

std::string check_text(const Scenario& scenario, bool with_costs) {
  const models::HostConfig& host = scenario.base.host;
  const int calibrated = scenarios::calibrated_costs(scenario.base.profile);
  std::string text = scenario.path + ": ok\n";
  text += fmt::format("  host      {} CPUs, SMT {}, Linux {}\n", host.topology.cpus, host.topology.smt,
                      scenarios::enumerator_name(host.kernel.release));
  text += wrapped("  devices   " + devices_text(host), 12) + wrapped("  tasks     " + tasks_text(host), 12);
  text +=
      fmt::format("  run       {} after {} of warm-up, {} replications, seed {}\n",
                  scenarios::format_time(scenario.run.duration), scenarios::format_time(scenario.run.warmup),
                  scenario.run.replications, scenario.run.seed);
  text += fmt::format("  profile   {}: {} costs calibrated, {} defaults\n", scenario.base.profile.path,
                      calibrated, static_cast<int>(models::cost_count) - calibrated);
  for (const Variant& variant : scenario.variants) {
    text += wrapped(fmt::format("  variant   {}: {}", variant.name,
                                variant.title.empty() ? variant.question : variant.title),
                    12);
    for (const std::string& setting : variant.settings) {
      text += wrapped("            " + setting, 14);
    }
  }
  const std::string label = domain_label(scenario.base);
  text += label.empty() ? "" : wrapped("  " + label, 4);
  return text + (with_costs ? "\n" + costs_text(scenario.base.profile) : "");
}

nlohmann::ordered_json check_json(const Scenario& scenario) {
  using Json = nlohmann::ordered_json;
  Json variants = Json::array();
  for (const Variant& variant : scenario.variants) {
    variants.push_back({{"name", variant.name},
                        {"title", variant.title},
                        {"question", variant.question},
                        {"settings", variant.settings},
                        {"outside_calibrated_domain", variant.outside_domain}});
  }
  Json costs = Json::object();
  for (const models::CostEntry& entry : models::cost_list) {
    const auto& cost = scenario.base.profile[entry.id];
    const double mean = cost->value.value.mean_ns();
    costs[std::string{entry.name}] = {{"mean_ns", mean},
                                      {"basis", basis_name(cost->basis)},
                                      {"count", cost->count},
                                      {"source", cost->source}};
  }
  return {{"schema", 1},
          {"kind", "check"},
          {"scenario", {{"path", scenario.path}, {"title", scenario.title}, {"digest", scenario.digest}}},
          {"outside_calibrated_domain", scenario.base.outside_domain},
          {"variants", variants},
          {"profile", {{"path", scenario.base.profile.path}, {"costs", costs}}}};
}

void check(const Arguments& arguments) {
  const Scenario scenario = load(arguments);
  print(arguments.json ? check_json(scenario).dump(2) + "\n" : check_text(scenario, arguments.costs));
}

}  // namespace

void add_check(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& verb =
      *app.add_subcommand("check",
                          "Reads a scenario, its variants and its profile, and says what is wrong, with "
                          "file:line:column, or what it understood.\nExample: chainsim check "
                          "scenarios/agent_host.yaml --costs");
  add_scenario_arguments(verb, *arguments);
  verb.add_flag("--costs", arguments->costs, "list every cost with its value, basis and source");
  verb.footer(std::string{exit_codes});
  verb.callback([arguments] { check(*arguments); });
}

}  // namespace tools
