#include "tools/report_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "scenarios/live_config.h"
#include "scenarios/quantity.h"
#include "scenarios/results.h"
#include "tools/report_sections.h"
#include "tools/tables.h"

namespace tools {
namespace {

using models::Metric;
using scenarios::IntervalKind;
using scenarios::Replications;
using scenarios::Report;
using scenarios::Variant;

// One line: step p99 of the first variant, and what the others do to it.
std::string look_first(const Report& report) {
  const auto base = scenarios::percentile(report.result.variants[0], Metric::step, 0.99);
  if (!base) {
    return "No agent step was completed.\n";
  }
  std::string text =
      "LOOK FIRST AT step p99: " + report.variants[0]->name + " " + microseconds(base->value) + " us";
  for (std::size_t v = 1; v < report.variants.size(); ++v) {
    const auto found =
        scenarios::difference(report.result.variants[v], report.result.variants[0], Metric::step, 0.99);
    text += "; " + report.variants[v]->name + " ";
    text +=
        found ? signed_number(100 * found->relative) + " % (" + verdict_text(*found) + ")" : "not compared";
  }
  return wrapped(text);
}

// The first variant's label, then what each other one adds to it.
std::string domain_lines(const Report& report) {
  const std::string label = domain_label(*report.variants[0]);
  std::string text = label.empty() ? "" : wrapped(label);
  const std::vector<std::string>& known = report.variants[0]->outside_domain;
  for (const Variant* variant : report.variants) {
    std::string more;
    for (const std::string& reason : variant->outside_domain) {
      if (std::find(known.begin(), known.end(), reason) == known.end()) {
        more += (more.empty() ? "" : "; ") + reason;
      }
    }
    if (!more.empty()) {
      text += wrapped(
          "  " + variant->name + (label.empty() ? ": OUTSIDE CALIBRATED DOMAIN: " : " also: ") + more, 4);
    }
  }
  return text;
}

// What `live:` says, of all variants, each once.
std::string unknown_settings(const Report& report) {
  std::vector<std::string> all;
  for (const Variant* variant : report.variants) {
    for (const std::string& setting : scenarios::live_settings(variant->live)) {
      if (std::find(all.begin(), all.end(), setting) == all.end()) {
        all.push_back(setting);
      }
    }
  }
  return all.empty() ? ""
                     : wrapped("live settings that the models do not know: " +
                               fmt::format("{}", fmt::join(all, "; ")));
}

std::string top_lines(const Report& report) {
  const scenarios::Scenario& scenario = *report.scenario;
  std::string text =
      scenario.title.empty() ? scenario.path + "\n" : wrapped(scenario.path + ": " + scenario.title);
  if (!scenario.question.empty()) {
    text += wrapped("Question: " + scenario.question);
  }
  if (!scenario.expect.empty()) {
    text += wrapped("Expect:   " + scenario.expect);
  }
  if (report.result.interrupted) {
    std::string done;
    for (std::size_t v = 0; v < report.variants.size(); ++v) {
      done += (v == 0 ? "" : ", ") + report.variants[v]->name + " " +
              std::to_string(report.result.variants[v].completed());
    }
    text += wrapped("PARTIAL: interrupted; replications completed of " +
                    std::to_string(report.run.replications) + ": " + done);
  }
  return text + unknown_settings(report) + domain_lines(report);
}

std::string provenance(const Report& report) {
  const scenarios::Scenario& scenario = *report.scenario;
  const scenarios::Profile& profile = report.variants[0]->profile;
  const int calibrated = scenarios::calibrated_costs(profile);
  std::string text = "PROVENANCE\n";
  text += fmt::format("  scenario  {}, digest {}\n", scenario.path, scenario.digest);
  for (const std::string& set : scenario.sets) {
    text += wrapped("  --set     " + set, 12);
  }
  text += wrapped(fmt::format("  profile   {}: {} costs calibrated, {} defaults{}", profile.path, calibrated,
                              static_cast<int>(models::cost_count) - calibrated,
                              profile.machine.empty() ? "" : "; " + profile.machine),
                  12);
  text += fmt::format("  run       seed {}, {} replications of {}; {}\n", report.run.seed,
                      report.run.replications, scenarios::format_time(report.run.duration),
                      scenarios::warmup_rule(report));
  text += fmt::format("  program   chainsim {}\n", report.version);
  return text;
}

}  // namespace

std::string domain_label(const Variant& variant) {
  std::string reasons;
  for (const std::string& reason : variant.outside_domain) {
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  return reasons.empty() ? "" : "OUTSIDE CALIBRATED DOMAIN: " + reasons;
}

std::string interval_note(const Report& report) {
  const auto estimate = scenarios::percentile(report.result.variants[0], Metric::step, 0.5);
  if (!estimate) {
    return "";
  }
  return estimate->kind == IntervalKind::replications
             ? "+-: 95 %, Student's t over replications. *: fewer than 10 samples lie above, not judged.\n"
             : wrapped(std::string{"+-: 95 % by order statistics of one replication, whose samples are not "
                                   "independent: too narrow; use "} +
                       (report.live.is_null() ? "--replications" : "--repetitions") +
                       " 2 or more. *: fewer than 10 samples lie above, not judged.");
}

std::string metric_table(const Report& report, std::size_t variant) {
  const Replications& runs = report.result.variants[variant];
  Table table{{"LATENCY in us", "samples", "p50 ", "p90 ", "p99 ", "p99.9 "}};
  for (std::size_t i = 0; i < models::metric_count; ++i) {
    const auto metric = static_cast<Metric>(i);
    if (runs.merged[metric].empty()) {
      continue;
    }
    std::vector<std::string> cells{std::string{models::metric_name(metric)},
                                   std::to_string(runs.merged[metric].count())};
    for (const double p : scenarios::reported_percentiles) {
      cells.push_back(percentile_cell(runs, metric, p));
    }
    table.row(std::move(cells));
  }
  return table.text();
}

std::string run_text(const Report& report) {
  const auto misses = scenarios::deadline_miss_percent(report.result.variants[0]);
  std::string text = top_lines(report) + "\n" + metric_table(report, 0) + interval_note(report);
  text += misses ? "deadline misses: " + estimate_cell(misses, 1) + "% of steps\n" : "";
  return text + "\n" + stage_table(report) + "\n" + guard_table(report, 0) + "\n" + provenance(report);
}

std::string compare_text(const Report& report) {
  std::string text = top_lines(report);
  for (const Variant* variant : report.variants) {
    text += wrapped(
        "  " + variant->name + "  " + (variant->title.empty() ? variant->question : variant->title), 5);
  }
  text += look_first(report) + "\n";
  for (std::size_t first = 0; first < report.variants.size(); first += variants_per_table) {
    text += latency_table(report, first) + "\n";
  }
  text += interval_note(report) + "\n" + stage_table(report) + "\n" + difference_table(report) + "\n";
  for (std::size_t first = 0; first < report.variants.size(); first += variants_per_table) {
    text += guard_table(report, first) + "\n";
  }
  return text + provenance(report);
}

}  // namespace tools
