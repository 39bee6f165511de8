#include "calibration/fit/match.h"

#include <algorithm>
#include <array>
#include <optional>

#include "calibration/fit/tabulate.h"

namespace calibration {
namespace {

constexpr int rounds = 4;

constexpr std::array match_list{
    Match{models::Cost::backlog_packet, Adjust::scale, "idle", BpftraceProgram::softirq, "softirq.NET_RX",
          Statistic::trimmed_mean, "an idle NET_RX run is one or two backlog packets and one wakeup"},
    Match{models::Cost::block_complete, Adjust::scale, "idle", BpftraceProgram::softirq, "softirq.BLOCK",
          Statistic::trimmed_mean, "an idle BLOCK run is two requests and one wakeup"},
    Match{models::Cost::idle_exit_hlt, Adjust::shift, "idle", BpftraceProgram::irq, "timer_late",
          Statistic::p50, "a lone agent's timer finds its vCPU halted"},
    Match{models::Cost::virtio_blk_notify, Adjust::scale, "idle", BpftraceProgram::irq, "read",
          Statistic::p50, "a lone agent's reads wait for the host, and for nobody else"},
    Match{models::Cost::tcp_sendmsg, Adjust::scale, "idle", BpftraceProgram::irq, "tool", Statistic::p10,
          "what a short tool call takes beyond its service: two sends, two wakes and one timer"},
    Match{models::Cost::bpf_printf_softirq, Adjust::scale, "idle", BpftraceProgram::softirq, "tool",
          Statistic::p10, "two rows a tool call under the softirq program, none under irq"},
    Match{models::Cost::bpf_printf_sched, Adjust::scale, "idle", BpftraceProgram::wakeup, "timer_late",
          Statistic::p50, "one row a timer wakeup under the wakeup program, none under irq"},
    Match{models::Cost::bpf_printf_syscall, Adjust::scale, "idle", BpftraceProgram::uring, "read",
          Statistic::p50, "one row a read under the uring program"},
};

struct Target {
  const Match* match = nullptr;
  const Workload* workload = nullptr;
  double captured_ns = 0;
  std::uint64_t count = 0;
  scenarios::WrittenDistribution start;  // the cost before matching
  double adjustment = 0;
  bool identified = false;  // in some round the statistic moved with the cost
};

std::optional<Target> target_of(const Match& match, const scenarios::Profile& profile,
                                const std::vector<MeasuredCapture>& captures,
                                const std::vector<Workload>& workloads) {
  const auto workload = std::find_if(workloads.begin(), workloads.end(),
                                     [&](const Workload& each) { return each.load == match.load; });
  const MeasuredQuantity* measured = find(captures, match.load, match.program, match.quantity);
  if (workload == workloads.end() || measured == nullptr || measured->count() == 0) {
    return std::nullopt;
  }
  Target target;
  target.match = &match;
  target.workload = &*workload;
  target.captured_ns = value_of(sample_of(*measured), match.statistic);
  target.count = measured->count();
  target.start = profile[match.cost]->value;
  target.adjustment = match.adjust == Adjust::scale ? 1.0 : 0.0;
  return target;
}

scenarios::WrittenDistribution adjusted(const Target& target, double adjustment) {
  return tabulated(target.match->adjust == Adjust::scale
                       ? target.start.value.scaled(adjustment)
                       : target.start.value.shifted(sim::Nanos{static_cast<std::int64_t>(adjustment)}));
}

double simulate(const Target& target, const scenarios::Profile& profile, int rows_per_wake) {
  models::HostConfig host = target.workload->host;
  host.costs = scenarios::costs_of(profile);
  const SimulatedLoad simulated =
      simulate_load(host, {.program = tracer_program(target.match->program), .rows_per_wake = rows_per_wake});
  const auto found = simulated.quantities.find(std::string{target.match->quantity});
  return found == simulated.quantities.end() ? 0 : value_of(found->second, target.match->statistic);
}

// One secant step: how far the statistic is off, and how much it moves with the cost. A statistic that hardly
// moves leaves the cost where it is.
void step(Target& target, scenarios::Profile& profile, int rows_per_wake) {
  constexpr double least_slope = 0.02;  // of the cost's own change
  const bool scales = target.match->adjust == Adjust::scale;
  const double size =
      scales ? std::max(1.0, target.start.value.mean_ns()) : 1.0;  // of one unit of adjustment, ns
  const double delta = scales ? 0.25 : 1000.0;
  scenarios::WrittenDistribution& value = profile[target.match->cost]->value;
  const double here = simulate(target, profile, rows_per_wake);
  value = adjusted(target, target.adjustment + delta);
  const double slope = (simulate(target, profile, rows_per_wake) - here) / delta;
  if (slope / size > least_slope) {
    target.identified = true;
    const double next = target.adjustment + (target.captured_ns - here) / slope;
    const double reach = scales ? std::max(0.5 * target.adjustment, 0.25) : 1e9;  // one step's
    target.adjustment = std::clamp(next, target.adjustment - reach, target.adjustment + 2 * reach);
    if (scales) {
      target.adjustment = std::clamp(target.adjustment, 0.05, 50.0);
    }
  }
  value = adjusted(target, target.adjustment);
}

}  // namespace

std::span<const Match> matches() { return match_list; }

std::string_view to_string(Statistic statistic) {
  switch (statistic) {
    case Statistic::p10:
      return "p10";
    case Statistic::p50:
      return "p50";
    case Statistic::trimmed_mean:
      return "mean up to p95";
  }
  return "";
}

double value_of(const Sample& sample, Statistic statistic) {
  switch (statistic) {
    case Statistic::p10:
      return sample.quantile_ns(0.10);
    case Statistic::p50:
      return sample.quantile_ns(0.50);
    case Statistic::trimmed_mean:
      return sample.trimmed_mean_ns(0.95);
  }
  return 0;
}

std::vector<MatchResult> match_costs(scenarios::Profile& profile,
                                     const std::vector<MeasuredCapture>& captures,
                                     const std::vector<Workload>& workloads, int rows_per_wake) {
  std::vector<Target> targets;
  for (const Match& match : matches()) {
    if (auto target = target_of(match, profile, captures, workloads)) {
      targets.push_back(std::move(*target));
    }
  }
  for (int round = 0; round < rounds; ++round) {
    for (Target& target : targets) {
      step(target, profile, rows_per_wake);
    }
  }
  std::vector<MatchResult> results;
  for (Target& target : targets) {
    if (!target.identified) {
      profile[target.match->cost]->value = target.start;
    }
    results.push_back(MatchResult{*target.match, target.captured_ns, simulate(target, profile, rows_per_wake),
                                  target.adjustment, target.identified, target.count});
  }
  return results;
}

}  // namespace calibration
