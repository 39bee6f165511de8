#include "tools/live/live_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "scenarios/quantity.h"
#include "scenarios/results.h"
#include "tools/report_sections.h"
#include "tools/report_tables.h"
#include "tools/tables.h"

namespace tools::live {
namespace {

using models::Metric;
using scenarios::Report;
using scenarios::Variant;

std::string settings_lines(const LivePlan& plan, const std::string& indent) {
  std::string text;
  for (const Setting& setting : plan.settings) {
    text += indent + setting.text() + "\n";
  }
  for (const CgroupPlan& cgroup : plan.cgroups) {
    std::string values;
    for (const auto& [name, value] : cgroup.files) {
      values += (values.empty() ? "" : ", ") + name + " " + value;
    }
    text += indent + cgroup.directory + ": " + values + "\n";
  }
  if (plan.cpu_dma_latency) {
    text += indent + "/dev/cpu_dma_latency held at " + scenarios::format_time(*plan.cpu_dma_latency) + "\n";
  }
  return text;
}

// Notes and accepted mismatches of all variants, each once.
std::string note_lines(const std::vector<LivePlan>& plans) {
  std::string text;
  std::set<std::string> seen;
  for (const LivePlan& plan : plans) {
    for (const std::string& accepted : plan.accepted) {
      text += seen.insert(accepted).second ? wrapped("ACCEPTED: " + accepted) : "";
    }
    for (const std::string& note : plan.notes) {
      text += seen.insert(note).second ? wrapped("note: " + note) : "";
    }
  }
  return text;
}

std::string top_lines(const Report& report, const LiveMachine& machine) {
  const scenarios::Scenario& scenario = *report.scenario;
  std::string text = wrapped(scenario.path + (scenario.title.empty() ? "" : ": " + scenario.title));
  if (!scenario.question.empty()) {
    text += wrapped("Question: " + scenario.question);
  }
  text += wrapped("On a real kernel: " + kernel_text(machine) + "; " + machine_text(machine));
  if (report.result.interrupted) {
    std::string done;
    for (std::size_t v = 0; v < report.variants.size(); ++v) {
      done += fmt::format("{}{} {}", v == 0 ? "" : ", ", report.variants[v]->name,
                          report.result.variants[v].completed());
    }
    text += wrapped(fmt::format("PARTIAL: repetitions completed of {}: {}", report.run.replications, done));
  }
  return text;
}

std::string effect_lines(const Report& report) {
  std::string text;
  for (std::size_t v = 0; v < report.variants.size(); ++v) {
    const std::string& against = report.variants[v]->against;
    const auto reference = std::find_if(report.variants.begin(), report.variants.end(),
                                        [&](const Variant* each) { return each->name == against; });
    if (against.empty() || reference == report.variants.end()) {
      continue;
    }
    const auto& base = report.result.variants[static_cast<std::size_t>(reference - report.variants.begin())];
    text += fmt::format("  {:<20} against {:<16}", report.variants[v]->name, against);
    for (const auto& [name, p] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}}) {
      const auto found = scenarios::difference(report.result.variants[v], base, Metric::step, p);
      text += found ? fmt::format("  {} {:>7} % ({})", name, signed_number(100 * found->relative),
                                  verdict_text(*found))
                    : fmt::format("  {} not compared", name);
    }
    text += "\n";
  }
  return text.empty() ? "" : "EFFECTS on the step, repetition by repetition\n" + text + "\n";
}

std::string table_lines(const Report& report) {
  if (report.variants.size() == 1) {
    return metric_table(report, 0) + interval_note(report) + "\n";
  }
  std::string text;
  for (std::size_t first = 0; first < report.variants.size(); first += variants_per_table) {
    text += latency_table(report, first) + "\n";
  }
  return text + interval_note(report) + "\n" + effect_lines(report);
}

}  // namespace

std::string refusals_text(const std::vector<Refusal>& refusals) {
  std::string text;
  for (const Refusal& refusal : refusals) {
    text += refusal.text() + "\n";
  }
  return text;
}

std::string check_text(const std::vector<const Variant*>& variants, const LiveMachine& machine,
                       const std::vector<LivePlan>& plans) {
  std::string text =
      wrapped("machine: " + machine_text(machine)) + wrapped("kernel:  " + kernel_text(machine));
  const std::vector<Refusal> refusals = all_refusals(plans);
  text += refusals.empty() ? "This machine can run it.\n"
                           : fmt::format("{} things that this machine cannot do:\n", refusals.size());
  for (const Refusal& refusal : refusals) {
    text += wrapped("  " + refusal.text(), 4);
  }
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const std::string lines = settings_lines(plans[v], "  ");
    text += "variant " + variants[v]->name + (lines.empty() ? ": nothing is set\n" : " sets\n" + lines);
  }
  return text + note_lines(plans);
}

nlohmann::ordered_json check_json(const std::vector<const Variant*>& variants, const LiveMachine& machine,
                                  const std::vector<LivePlan>& plans) {
  using Json = nlohmann::ordered_json;
  Json refusals = Json::array();
  for (const Refusal& refusal : all_refusals(plans)) {
    refusals.push_back({{"key", refusal.key},
                        {"file", refusal.place.file},
                        {"line", refusal.place.line},
                        {"column", refusal.place.column},
                        {"found", refusal.found},
                        {"asked", refusal.asked},
                        {"remedy", refusal.remedy},
                        {"acceptable", refusal.acceptable}});
  }
  Json rows = Json::array();
  for (std::size_t v = 0; v < variants.size(); ++v) {
    Json settings = Json::array();
    for (const Setting& setting : plans[v].settings) {
      settings.push_back({{"key", setting.key},
                          {"path", setting.path},
                          {"before", setting.before},
                          {"during", setting.wanted}});
    }
    rows.push_back({{"name", variants[v]->name},
                    {"settings", settings},
                    {"accepted", plans[v].accepted},
                    {"notes", plans[v].notes}});
  }
  return {{"schema", 1},
          {"kind", "live_check"},
          {"machine", machine_text(machine)},
          {"kernel", kernel_text(machine)},
          {"refusals", refusals},
          {"variants", rows}};
}

std::string live_text(const Report& report, const LiveMachine& machine, const std::vector<LivePlan>& plans,
                      const std::vector<LiveRun>& runs) {
  std::string text = top_lines(report, machine) + note_lines(plans);
  for (std::size_t v = 0; v < report.variants.size(); ++v) {
    const std::string lines = settings_lines(plans[v], "  ");
    if (!lines.empty()) {
      text += "set for " + report.variants[v]->name + ", and restored\n" + lines;
    }
  }
  const std::vector<std::string> doubtful = doubts(report, runs);
  for (std::size_t i = 0; i < doubtful.size(); ++i) {
    text += wrapped((i == 0 ? "LOOK FIRST AT " : "         then ") + doubtful[i], 14);
  }
  text += doubtful.empty() ? "LOOK FIRST AT step p99: nothing about these runs is in doubt.\n" : "";
  text += "\n" + table_lines(report);
  for (std::size_t first = 0; first < report.variants.size(); first += variants_per_table) {
    text += guard_table(report, first) + "\n";
  }
  return text;
}

}  // namespace tools::live
