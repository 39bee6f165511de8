// What of a live run a reader should doubt before looking at its percentiles.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scenarios/results.h"
#include "tools/live/live_text.h"

namespace tools::live {
namespace {

using models::Metric;
using scenarios::Report;

struct Doubt {
  double weight;
  std::string text;
};

double seconds(const LiveRun& run) {
  return static_cast<double>(run.result.end_ns - run.result.start_ns) * 1e-9;
}

void doubt_steal(const std::string& name, const LiveRun& run, std::vector<Doubt>& all) {
  constexpr double noticeable_percent = 1;
  const CpuTimes& cpu = run.result.counters.cpu;
  const double steal =
      cpu.total() > 0 ? 100 * static_cast<double>(cpu.steal) / static_cast<double>(cpu.total()) : 0;
  if (steal >= noticeable_percent) {
    all.push_back({100 + steal, fmt::format("{}: the hypervisor took {:.1f} % of the CPUs", name, steal)});
  }
}

void doubt_speed(const std::string& name, const LiveRun& run, std::vector<Doubt>& all) {
  constexpr double noticeable = 0.05;
  const double before = run.result.spin_ns;
  const double after = run.result.spin_ns_after;
  if (before > 0 && after > 0 && std::abs(after / before - 1) > noticeable) {
    all.push_back(
        {90, fmt::format("{}: a loop took {:.3f} ns a turn before the run and {:.3f} after: the CPU's "
                         "speed changed",
                         name, before, after)});
  }
}

void doubt_capture(const std::string& name, const LiveRun& run, std::vector<Doubt>& all) {
  if (run.captured() && !run.result.capture.complete) {
    all.push_back({80, fmt::format("{}: the capture is not complete: {}", name, run.result.capture.label)});
  }
}

// Paced loads that did not keep their pace.
void doubt_background(const std::string& name, const models::HostConfig& host, const LiveRun& run,
                      std::vector<Doubt>& all) {
  constexpr double enough = 0.95;
  for (std::size_t i = 0; i < std::min(host.background.size(), run.result.background.size()); ++i) {
    const models::BackgroundConfig& asked = host.background[i];
    const double wanted =
        static_cast<double>(sim::raw(asked.rate)) * static_cast<double>(asked.count) * seconds(run);
    const double got = static_cast<double>(run.result.background[i].bytes);
    if (wanted > 0 && got < enough * wanted) {
      all.push_back(
          {70 + (1 - got / wanted), fmt::format("{}: {} did {:.0f} % of the rate that was asked for", name,
                                                asked.name, 100 * got / wanted)});
    }
  }
}

void doubt_spread(const Report& report, std::size_t v, std::vector<Doubt>& all) {
  constexpr double noticeable = 0.1;
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (const auto& metrics : report.result.variants[v].at) {
    if (metrics && !(*metrics)[Metric::step].empty()) {
      const std::int64_t p50 = (*metrics)[Metric::step].percentile(0.5);
      low = low == 0 ? p50 : std::min(low, p50);
      high = std::max(high, p50);
    }
  }
  const double spread = low > 0 ? static_cast<double>(high - low) / static_cast<double>(low) : 0;
  if (spread > noticeable) {
    all.push_back({50 + spread, fmt::format("{}: step p50 differs by {:.0f} % between repetitions",
                                            report.variants[v]->name, 100 * spread)});
  }
}

}  // namespace

std::vector<std::string> doubts(const Report& report, const std::vector<LiveRun>& runs) {
  std::vector<Doubt> all;
  if (report.run.replications == 0) {
    all.push_back({60, "all steps: they are of captured repetitions, and tracing costs a few percent"});
  }
  for (const LiveRun& run : runs) {
    const scenarios::Variant& variant = *report.variants[run.variant];
    const std::string name = run_stem(variant.name, run.repetition, run.captured());
    doubt_steal(name, run, all);
    doubt_speed(name, run, all);
    doubt_capture(name, run, all);
    doubt_background(name, variant.host, run, all);
  }
  for (std::size_t v = 0; v < report.variants.size(); ++v) {
    doubt_spread(report, v, all);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Doubt& a, const Doubt& b) { return a.weight > b.weight; });
  constexpr std::size_t most = 8;
  std::vector<std::string> texts;
  for (const Doubt& doubt : all) {
    texts.push_back(doubt.text);
    if (texts.size() == most && all.size() > most) {
      texts.push_back(fmt::format("{} more like these: results.json has all", all.size() - most));
      break;
    }
  }
  return texts;
}

}  // namespace tools::live
