#include "scenarios/results.h"

#include <algorithm>
#include <cmath>

namespace scenarios {
namespace {

using models::Counter;
using models::Metric;
using models::Metrics;

// One percentile per completed replication that has samples.
std::vector<double> each_percentile(const Replications& runs, Metric metric, double p) {
  std::vector<double> values;
  for (const auto& metrics : runs.at) {
    if (metrics && !(*metrics)[metric].empty()) {
      values.push_back(static_cast<double>((*metrics)[metric].percentile(p)));
    }
  }
  return values;
}

std::uint64_t samples_above(const sim::Histogram& values, double p) {
  return values.count() - sim::nearest_rank(p, values.count());
}

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

double sum_of(const Metrics& metrics, Metric metric) {
  return metrics[metric].mean() * static_cast<double>(metrics[metric].count());
}

// Mean time of one tool call that the scenario gives: service and both ways.
double given_per_tool_call(const models::HostConfig& host) {
  double sum = 0;
  double agents = 0;
  for (const models::AgentConfig& agent : host.agents) {
    if (!agent.tool.device.empty()) {
      const auto way = static_cast<double>(agent.tool.one_way.count());
      sum += agent.count * (agent.tool.service.mean_ns() + 2 * way);
      agents += agent.count;
    }
  }
  return agents > 0 ? sum / agents : 0;
}

}  // namespace

std::optional<Estimate> percentile(const Replications& runs, Metric metric, double p) {
  const sim::Histogram& pooled = runs.merged[metric];
  if (pooled.empty()) {
    return std::nullopt;
  }
  Estimate estimate;
  estimate.value = static_cast<double>(pooled.percentile(p));
  estimate.above = samples_above(pooled, p);
  estimate.judged = estimate.above >= samples_to_judge;
  const std::vector<double> each = each_percentile(runs, metric, p);
  if (each.size() >= 2) {
    estimate.interval = sim::replication_interval(each);
    estimate.kind = IntervalKind::replications;
  } else {
    estimate.interval = sim::quantile_interval(pooled, p);
    estimate.kind = IntervalKind::order_statistics;
  }
  return estimate;
}

std::optional<Difference> difference(const Replications& value, const Replications& reference, Metric metric,
                                     double p) {
  std::vector<double> values;
  std::vector<double> references;
  for (std::size_t i = 0; i < std::min(value.at.size(), reference.at.size()); ++i) {
    const auto& a = value.at[i];
    const auto& b = reference.at[i];
    if (a && b && !(*a)[metric].empty() && !(*b)[metric].empty()) {
      values.push_back(static_cast<double>((*a)[metric].percentile(p)));
      references.push_back(static_cast<double>((*b)[metric].percentile(p)));
    }
  }
  if (values.size() < 2) {
    return std::nullopt;
  }
  const sim::PairedDifference paired = sim::paired_difference(values, references);
  const double base = static_cast<double>(reference.merged[metric].percentile(p));
  Difference result{.mean = paired.mean, .interval = paired.interval};
  result.relative = base > 0 ? paired.mean / base : 0;
  result.judged = samples_above(value.merged[metric], p) >= samples_to_judge &&
                  samples_above(reference.merged[metric], p) >= samples_to_judge;
  result.verdict = result.judged ? paired.verdict : sim::Verdict::cannot_tell;
  return result;
}

std::optional<Estimate> deadline_miss_percent(const Replications& runs) {
  const auto misses = [](const Metrics& metrics) {
    return percent(static_cast<double>(metrics[Counter::deadline_misses]),
                   static_cast<double>(metrics[Counter::steps]));
  };
  if (runs.merged[Counter::steps] == 0) {
    return std::nullopt;
  }
  std::vector<double> each;
  for (const auto& metrics : runs.at) {
    if (metrics && (*metrics)[Counter::steps] > 0) {
      each.push_back(misses(*metrics));
    }
  }
  Estimate estimate;
  estimate.value = misses(runs.merged);
  estimate.judged = true;
  if (each.size() >= 2) {
    estimate.interval = sim::replication_interval(each);
    estimate.kind = IntervalKind::replications;
  }
  return estimate;
}

double rate(const Metrics& metrics, Counter counter) {
  const auto seconds = static_cast<double>(metrics.measured.count()) / 1e9;
  return seconds > 0 ? static_cast<double>(metrics[counter]) / seconds : 0;
}

double CpuShares::ksoftirqd_of_softirq() const { return percent(ksoftirqd, all_softirq()); }

CpuShares cpu_shares(const Metrics& metrics) {
  const std::array counters{Counter::cpu_user_ns,      Counter::cpu_system_ns,  Counter::cpu_softirq_ns,
                            Counter::cpu_ksoftirqd_ns, Counter::cpu_hardirq_ns, Counter::cpu_idle_ns,
                            Counter::cpu_other_ns};
  double total = 0;
  for (const Counter counter : counters) {
    total += static_cast<double>(metrics[counter]);
  }
  const auto share = [&](Counter counter) { return percent(static_cast<double>(metrics[counter]), total); };
  return {.user = share(Counter::cpu_user_ns),
          .system = share(Counter::cpu_system_ns),
          .softirq = share(Counter::cpu_softirq_ns),
          .ksoftirqd = share(Counter::cpu_ksoftirqd_ns),
          .hardirq = share(Counter::cpu_hardirq_ns),
          .idle = share(Counter::cpu_idle_ns),
          .other = share(Counter::cpu_other_ns)};
}

StepShares step_shares(const Metrics& metrics, const models::HostConfig& host) {
  const double steps = sum_of(metrics, Metric::step);
  double calibrated = 0;
  double defaults = 0;
  for (std::size_t i = 0; i < models::cost_count; ++i) {
    const bool measured = host.costs.models[i].basis == models::Basis::calibrated;
    (measured ? calibrated : defaults) += static_cast<double>(metrics.agent_cost_ns[i]);
  }
  const double given = sum_of(metrics, Metric::compute) +
                       static_cast<double>(metrics[Metric::tool].count()) * given_per_tool_call(host);
  return {.calibrated = percent(calibrated, steps),
          .defaults = percent(defaults, steps),
          .given = percent(given, steps),
          .waiting = std::max(0.0, percent(steps - calibrated - defaults - given, steps))};
}

}  // namespace scenarios
