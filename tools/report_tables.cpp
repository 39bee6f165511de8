#include "tools/report_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "scenarios/quantity.h"
#include "scenarios/results.h"
#include "scenarios/suggest.h"
#include "tools/tables.h"

namespace tools {
namespace {

using models::Counter;
using models::Metric;
using models::Metrics;
using scenarios::Estimate;
using scenarios::IntervalKind;
using scenarios::Replications;
using scenarios::Report;
using scenarios::Variant;

constexpr std::size_t variants_per_table = 4;

std::string cell(const std::optional<Estimate>& estimate, double unit) {
  if (!estimate) {
    return "-";
  }
  std::string text = number(estimate->value / unit);
  if (estimate->kind != IntervalKind::none) {
    text += " +-" + number(estimate->half_width() / unit);
  }
  return text + (estimate->judged ? " " : "*");
}

std::string percentile_cell(const Replications& runs, Metric metric, double p) {
  return cell(scenarios::percentile(runs, metric, p), 1000);
}

// Variants side by side. Each row is a label and how to get one variant's cell.
class SideBySide {
 public:
  SideBySide(const Report& report, std::size_t first, std::string title)
      : report_{report}, first_{first}, last_{std::min(first + variants_per_table, report.variants.size())},
        table_{header(std::move(title))} {}

  void heading(const std::string& text) { table_.heading(text); }
  void percentiles(const std::string& label, Metric metric, const std::vector<double>& ps) {
    for (const double p : ps) {
      const auto at = std::find(scenarios::reported_percentiles.begin(), scenarios::reported_percentiles.end(), p) -
                      scenarios::reported_percentiles.begin();
      each("  " + label + " " + std::string{scenarios::percentile_names[static_cast<std::size_t>(at)]},
           [&](std::size_t v) { return percentile_cell(runs(v), metric, p); });
    }
  }
  void rate(const std::string& label, Counter counter, double unit = 1) {
    each("  " + label, [&](std::size_t v) { return number(scenarios::rate(merged(v), counter) / unit) + " "; });
  }
  template <class Function>
  void each(const std::string& label, Function&& function) {
    std::vector<std::string> cells{label};
    for (std::size_t v = first_; v < last_; ++v) {
      cells.push_back(function(v));
    }
    table_.row(std::move(cells));
  }
  const Replications& runs(std::size_t v) const { return report_.result.variants[v]; }
  const Metrics& merged(std::size_t v) const { return runs(v).merged; }
  std::string text() const { return table_.text(); }

 private:
  std::vector<std::string> header(std::string title) const {
    std::vector<std::string> cells{std::move(title)};
    for (std::size_t v = first_; v < last_; ++v) {
      cells.push_back(report_.variants[v]->name + " ");
    }
    return cells;
  }
  const Report& report_;
  std::size_t first_;
  std::size_t last_;
  Table table_;
};

std::string latency_table(const Report& report, std::size_t first) {
  SideBySide table{report, first, "LATENCY in us, +- half of the 95 % interval"};
  table.heading("agent step");
  table.percentiles("step", Metric::step, {0.5, 0.99, 0.999});
  table.percentiles("session", Metric::session, {0.5, 0.99});
  table.each("  deadline misses, % of steps",
             [&](std::size_t v) { return cell(scenarios::deadline_miss_percent(table.runs(v)), 1); });
  table.heading("wakeup to run (agents)");
  table.percentiles("wakeup_to_run", Metric::wakeup_to_run, {0.5, 0.99, 0.999});
  table.percentiles("wake_to_run", Metric::wake_to_run, {0.5, 0.99});
  table.heading("softirq");
  table.percentiles("NET_RX run", Metric::softirq_net_rx, {0.5, 0.99});
  table.percentiles("BLOCK run", Metric::softirq_block, {0.99});
  table.each("  softirq, % of CPU time",
             [&](std::size_t v) { return number(scenarios::cpu_shares(table.merged(v)).all_softirq()) + " "; });
  table.each("  ksoftirqd, % of softirq time",
             [&](std::size_t v) { return number(scenarios::cpu_shares(table.merged(v)).ksoftirqd_of_softirq()) + " "; });
  table.heading("storage and wait gates");
  table.percentiles("completion to CQE", Metric::completion_to_cqe, {0.5, 0.99, 0.999});
  table.percentiles("epoll_wait blocked", Metric::epoll_blocked, {0.5, 0.99});
  table.percentiles("io_uring_enter blocked", Metric::io_uring_enter, {0.5, 0.99});
  return table.text();
}

std::string guard_table(const Report& report, std::size_t first) {
  SideBySide table{report, first, "GUARDS: what a faster step must not have cost"};
  table.heading("background");
  table.rate("throughput, MB/s", Counter::background_bytes, 1e6);
  table.rate("CPU time, CPUs", Counter::background_cpu_ns, 1e9);
  table.rate("receive drops/s", Counter::rx_drops);
  table.rate("rejected requests/s", Counter::rejected_requests);
  table.heading("per second");
  table.rate("agent steps", Counter::steps);
  table.rate("device interrupts", Counter::interrupts_device);
  table.rate("timer interrupts", Counter::interrupts_timer);
  table.rate("IPIs", Counter::interrupts_ipi);
  table.rate("context switches", Counter::context_switches);
  table.rate("migrations", Counter::migrations);
  table.rate("ksoftirqd wakeups", Counter::ksoftirqd_wakeups);
  table.heading("CPU time, %");
  const auto share = [&](const std::string& label, double scenarios::CpuShares::*member) {
    table.each("  " + label,
               [&](std::size_t v) { return number(scenarios::cpu_shares(table.merged(v)).*member) + " "; });
  };
  share("user", &scenarios::CpuShares::user);
  share("system", &scenarios::CpuShares::system);
  share("softirq", &scenarios::CpuShares::softirq);
  share("ksoftirqd", &scenarios::CpuShares::ksoftirqd);
  share("hardirq", &scenarios::CpuShares::hardirq);
  share("idle", &scenarios::CpuShares::idle);
  share("other (kernel threads, tracer)", &scenarios::CpuShares::other);
  table.heading("what step time rests on, %");
  const auto basis = [&](const std::string& label, double scenarios::StepShares::*member) {
    table.each("  " + label, [&](std::size_t v) {
      return number(scenarios::step_shares(table.merged(v), report.variants[v]->host).*member) + " ";
    });
  };
  basis("calibrated costs", &scenarios::StepShares::calibrated);
  basis("default costs", &scenarios::StepShares::defaults);
  basis("given: tool service, compute", &scenarios::StepShares::given);
  basis("waiting (emerges)", &scenarios::StepShares::waiting);
  return table.text();
}

// The proposal's stage table, with its own words and targets.
struct StageRow {
  std::string_view stage;
  Metric metric;
  std::string_view proposal;  // typical / tail, in us
  std::string_view target;
};
constexpr std::array stage_rows{
    StageRow{"IRQ entry / handler", Metric::stage_irq, "1-10 / 10-50+", "bounded, attributed"},
    StageRow{"NAPI / softirq", Metric::stage_softirq, "5-50 / 100-500+", "latency-bounded batching"},
    StageRow{"blk-mq completion", Metric::stage_block, "5-30 / 100+", "completion priority + steering"},
    StageRow{"wakeup-to-run", Metric::wakeup_to_run, "20-200 / 500+", "warm CPU, IRQ-quiet CPU"},
    StageRow{"epoll / io_uring return", Metric::stage_return, "5-50 / 100+", "step-attributed gate latency"},
};

std::string stage_table(const Report& report) {
  const std::size_t last = report.variants.size() - 1;
  std::vector<std::string> header{"STAGES in us"};
  const auto add_columns = [&](std::size_t v) {
    header.push_back("typical (p50) " + report.variants[v]->name);
    header.push_back("tail (p99) " + report.variants[v]->name);
  };
  add_columns(0);
  if (last > 0) {
    add_columns(last);
  }
  header.insert(header.end(), {"proposal", "agent-aware target"});
  Table table{header};
  table.left(header.size() - 1);
  for (const StageRow& row : stage_rows) {
    std::vector<std::string> cells{std::string{row.stage}};
    const auto add_cells = [&](std::size_t v) {
      for (const double p : {0.5, 0.99}) {
        const auto estimate = scenarios::percentile(report.result.variants[v], row.metric, p);
        cells.push_back(estimate ? microseconds(estimate->value) + (estimate->judged ? " " : "*") : "-");
      }
    };
    add_cells(0);
    if (last > 0) {
      add_cells(last);
    }
    cells.insert(cells.end(), {std::string{row.proposal}, std::string{row.target}});
    table.row(std::move(cells));
  }
  return table.text();
}

struct Compared {
  std::string_view label;
  Metric metric;
  double p;
};
constexpr std::array compared{
    Compared{"step p50", Metric::step, 0.5},
    Compared{"step p99", Metric::step, 0.99},
    Compared{"step p99.9", Metric::step, 0.999},
    Compared{"session p50", Metric::session, 0.5},
    Compared{"session p99", Metric::session, 0.99},
    Compared{"wakeup_to_run p50", Metric::wakeup_to_run, 0.5},
    Compared{"wakeup_to_run p99", Metric::wakeup_to_run, 0.99},
    Compared{"completion to CQE p99", Metric::completion_to_cqe, 0.99},
    Compared{"epoll_wait blocked p99", Metric::epoll_blocked, 0.99},
    Compared{"io_uring_enter p99", Metric::io_uring_enter, 0.99},
};

std::string verdict_text(const scenarios::Difference& difference) {
  if (!difference.judged) {
    return "not judged*";
  }
  switch (difference.verdict) {
    case sim::Verdict::lower:
      return "LOWER";
    case sim::Verdict::higher:
      return "HIGHER";
    case sim::Verdict::cannot_tell:
      break;
  }
  return "cannot tell";
}

std::string difference_table(const Report& report) {
  const std::string reference = report.variants[0]->name;
  Table table{{"DIFFERENCE from " + reference + ", paired", "variant", "us", "95 % interval, us", "%", "verdict"}};
  table.left(1);
  table.left(5);
  for (const Compared& row : compared) {
    for (std::size_t v = 1; v < report.variants.size(); ++v) {
      const auto found =
          scenarios::difference(report.result.variants[v], report.result.variants[0], row.metric, row.p);
      if (found) {
        table.row({std::string{row.label}, report.variants[v]->name, signed_number(found->mean / 1000),
                   signed_number(found->interval.low / 1000) + " to " + signed_number(found->interval.high / 1000),
                   signed_number(100 * found->relative), verdict_text(*found)});
      }
    }
  }
  return table.text();
}

// One line: step p99 of the first variant, and what the others do to it.
std::string look_first(const Report& report) {
  const auto base = scenarios::percentile(report.result.variants[0], Metric::step, 0.99);
  if (!base) {
    return "No agent step was completed.\n";
  }
  std::string text = "LOOK FIRST AT step p99: " + report.variants[0]->name + " " + microseconds(base->value) + " us";
  for (std::size_t v = 1; v < report.variants.size(); ++v) {
    const auto found = scenarios::difference(report.result.variants[v], report.result.variants[0], Metric::step, 0.99);
    text += "; " + report.variants[v]->name + " ";
    text += found ? signed_number(100 * found->relative) + " % (" + verdict_text(*found) + ")" : "one replication";
  }
  return wrapped(text);
}

std::string interval_note(const Report& report) {
  const auto estimate = scenarios::percentile(report.result.variants[0], Metric::step, 0.5);
  if (!estimate) {
    return "";
  }
  return estimate->kind == IntervalKind::replications
             ? "+-: 95 %, Student's t over replications. *: fewer than 10 samples lie above, not judged.\n"
             : wrapped("+-: 95 % by order statistics of one replication, whose samples are not independent: too "
                       "narrow; use --replications 2 or more. *: fewer than 10 samples lie above, not judged.");
}

std::string top_lines(const Report& report) {
  const scenarios::Scenario& scenario = *report.scenario;
  std::string text = scenario.title.empty() ? scenario.path + "\n" : wrapped(scenario.path + ": " + scenario.title);
  if (!scenario.question.empty()) {
    text += wrapped("Question: " + scenario.question);
  }
  if (!scenario.expect.empty()) {
    text += wrapped("Expect:   " + scenario.expect);
  }
  if (report.result.interrupted) {
    std::string done;
    for (std::size_t v = 0; v < report.variants.size(); ++v) {
      done += (v == 0 ? "" : ", ") + report.variants[v]->name + " " + std::to_string(report.result.variants[v].completed());
    }
    text += wrapped("PARTIAL: interrupted; replications completed of " + std::to_string(report.run.replications) +
                    ": " + done);
  }
  std::vector<std::string> labels;
  for (const Variant* variant : report.variants) {
    const std::string label = domain_label(*variant);
    if (!label.empty() && std::find(labels.begin(), labels.end(), label) == labels.end()) {
      labels.push_back(label);
      text += wrapped((report.variants.size() > 1 ? variant->name + ": " : "") + label);
    }
  }
  return text;
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
  text += fmt::format("  run       seed {}, {} replications of {}; {}\n", report.run.seed, report.run.replications,
                      scenarios::format_time(report.run.duration), scenarios::warmup_rule(report.run));
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

std::string run_text(const Report& report) {
  const Replications& runs = report.result.variants[0];
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
  const auto misses = scenarios::deadline_miss_percent(runs);
  std::string text = top_lines(report) + "\n" + table.text() + interval_note(report);
  text += misses ? "deadline misses: " + cell(misses, 1) + "% of steps\n" : "";
  return text + "\n" + stage_table(report) + "\n" + guard_table(report, 0) + "\n" + provenance(report);
}

std::string compare_text(const Report& report) {
  std::string text = top_lines(report);
  for (const Variant* variant : report.variants) {
    text += wrapped("  " + variant->name + "  " + (variant->title.empty() ? "" : variant->title), 5);
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
