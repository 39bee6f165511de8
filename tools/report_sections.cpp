#include "tools/report_sections.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

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

// Variants side by side. Each row is a label and how to get one variant's cell.
class SideBySide {
 public:
  SideBySide(const Report& report, std::size_t first, std::string title)
      : report_{report},
        first_{first},
        last_{std::min(first + variants_per_table, report.variants.size())},
        table_{header(std::move(title))} {}

  void heading(const std::string& text) { table_.heading(text); }
  void percentiles(const std::string& label, Metric metric, const std::vector<double>& ps) {
    for (const double p : ps) {
      const auto at =
          std::find(scenarios::reported_percentiles.begin(), scenarios::reported_percentiles.end(), p) -
          scenarios::reported_percentiles.begin();
      each("  " + label + " " + std::string{scenarios::percentile_names[static_cast<std::size_t>(at)]},
           [&](std::size_t v) { return percentile_cell(runs(v), metric, p); });
    }
  }
  void rate(const std::string& label, Counter counter, double unit = 1) {
    each("  " + label, [&](std::size_t v) {
      return report_.counted(counter) ? number(scenarios::rate(merged(v), counter) / unit) + " " : "- ";
    });
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

}  // namespace

std::string estimate_cell(const std::optional<Estimate>& estimate, double unit) {
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
  return estimate_cell(scenarios::percentile(runs, metric, p), 1000);
}

std::string latency_table(const Report& report, std::size_t first) {
  SideBySide table{report, first, "LATENCY in us, +- half of the 95 % interval"};
  table.heading("agent step");
  table.each("  steps measured",
             [&](std::size_t v) { return std::to_string(table.merged(v)[Counter::steps]) + " "; });
  table.percentiles("step", Metric::step, {0.5, 0.99, 0.999});
  table.percentiles("session", Metric::session, {0.5, 0.99});
  table.each("  deadline misses, % of steps", [&](std::size_t v) {
    return estimate_cell(scenarios::deadline_miss_percent(table.runs(v)), 1);
  });
  table.heading("wakeup to run (agents)");
  table.percentiles("wakeup_to_run", Metric::wakeup_to_run, {0.5, 0.99, 0.999});
  table.percentiles("wake_to_run", Metric::wake_to_run, {0.5, 0.99});
  table.heading("softirq");
  table.percentiles("NET_RX run", Metric::softirq_net_rx, {0.5, 0.99});
  table.percentiles("BLOCK run", Metric::softirq_block, {0.99});
  table.each("  softirq, % of CPU time", [&](std::size_t v) {
    return number(scenarios::cpu_shares(table.merged(v)).all_softirq()) + " ";
  });
  table.each("  ksoftirqd, % of softirq time", [&](std::size_t v) {
    return number(scenarios::cpu_shares(table.merged(v)).ksoftirqd_of_softirq()) + " ";
  });
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
  const bool simulated = report.live.is_null();
  share(simulated ? "other (kernel threads, tracer)" : "other (the hypervisor)",
        &scenarios::CpuShares::other);
  if (!simulated) {
    return table.text();
  }
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

}  // namespace tools
