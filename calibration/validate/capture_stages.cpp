#include "calibration/validate/capture_stages.h"

#include <algorithm>
#include <map>
#include <utility>

#include "calibration/traces/event_reader.h"
#include "calibration/traces/simulated_events.h"
#include "calibration/validate/compare_steps.h"
#include "sim/statistics.h"

namespace calibration {
namespace {

// Stages of all groups that share a label.
struct Stages {
  std::map<std::pair<StageId, std::string>, sim::Histogram> histograms;
  double seconds = 0;
};

Stages stages_of(const Analysis& analysis) {
  Stages stages;
  stages.seconds = static_cast<double>(std::max<std::int64_t>(1, analysis.span())) * 1e-9;
  const StageTable& table = analysis.stages();
  for (StageTable::Group group = 0; group < table.groups(); ++group) {
    const std::string label =
        analysis.is_agent_group(group) ? "agents" : group_label(table.group_name(group));
    for (std::size_t i = 0; i < stage_ids; ++i) {
      const auto stage = static_cast<StageId>(i);
      if (const sim::Histogram* histogram = table.find(group, stage); histogram && !histogram->empty()) {
        stages.histograms[{stage, label}].merge(*histogram);
      }
    }
  }
  return stages;
}

// Each bucket's middle, as often as it holds a value.
std::vector<std::int64_t> values_of(const sim::Histogram& histogram) {
  std::vector<std::int64_t> values;
  values.reserve(histogram.count());
  histogram.for_each([&](std::int64_t low, std::int64_t high, std::uint64_t count) {
    values.insert(values.end(), count, low + (high - 1 - low) / 2);
  });
  return values;
}

StageComparison compare(StageId stage, const std::string& group, const sim::Histogram& real,
                        const sim::Histogram& simulated, double real_seconds, double simulated_seconds) {
  StageComparison row;
  row.stage = stage;
  row.group = group;
  row.real_count = real.count();
  row.simulated_count = simulated.count();
  row.real_per_second = static_cast<double>(real.count()) / real_seconds;
  row.simulated_per_second = static_cast<double>(simulated.count()) / simulated_seconds;
  row.real_mean_ns = real.mean();
  row.simulated_mean_ns = simulated.mean();
  for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
    const double p = compared_percentiles[i];
    const auto above = [&](const sim::Histogram& values) {
      return values.count() - sim::nearest_rank(p, values.count());
    };
    row.real_ns[i] = static_cast<double>(real.percentile(p));
    row.simulated_ns[i] = static_cast<double>(simulated.percentile(p));
    row.judged[i] = above(real) >= samples_above_to_judge && above(simulated) >= samples_above_to_judge;
  }
  if (real.sum() > 0) {
    row.wasserstein = sim::normalised_wasserstein(values_of(simulated), values_of(real));
  }
  return row;
}

void name_missing(std::vector<std::string>& missing, const Stages& here, const Stages& there) {
  for (const auto& [key, histogram] : here.histograms) {
    if (!there.histograms.contains(key) && static_cast<double>(histogram.count()) >= here.seconds) {
      missing.push_back(std::string{info(key.first).name} + " of " + key.second);
    }
  }
}

AnalysisOptions analysis_options(const models::HostConfig& host) {
  AnalysisOptions options;
  options.slowest = 0;
  for (const models::AgentConfig& agent : host.agents) {
    options.agents.push_back(agent.name);
    for (int i = 0; i < agent.count; ++i) {
      options.agents.push_back(agent.name + "-" + std::to_string(i));
    }
  }
  return options;
}

// A reader and the analysis of all that it read; the names are the reader's.
struct RealAnalysis {
  std::unique_ptr<EventReader> reader;
  std::unique_ptr<Analysis> analysis;
};

RealAnalysis analyse(const std::filesystem::path& events, const AnalysisOptions& options) {
  std::vector<std::int64_t> runs;
  for (;;) {
    RealAnalysis result;
    result.reader = std::make_unique<EventReader>(events, runs);
    result.analysis = std::make_unique<Analysis>(result.reader->names(), options);
    try {
      for (Event event; result.reader->next(event);) {
        result.analysis->add(event);
      }
      result.analysis->finish();
      return result;
    } catch (const UnsortedCapture& unsorted) {
      runs = unsorted.runs;
    }
  }
}

}  // namespace

std::optional<double> StageComparison::error(std::size_t percentile) const {
  if (real_ns[percentile] == 0) {
    return std::nullopt;
  }
  return simulated_ns[percentile] / real_ns[percentile] - 1;
}

std::string group_label(std::string_view group) {
  if (!group.starts_with("irq ")) {
    return std::string{group};
  }
  std::string label{"irq "};
  const std::size_t name = group.find(' ', 4);
  for (const char c : name == std::string_view::npos ? std::string_view{} : group.substr(name + 1)) {
    if (c < '0' || c > '9') {
      label += c;
    }
  }
  label.erase(label.find_last_not_of(" .-") + 1);
  return label;
}

CaptureComparison compare_capture(const std::filesystem::path& events, const SimulationJob& job) {
  const AnalysisOptions options = analysis_options(job.host);
  const RealAnalysis real = analyse(events, options);

  models::HostConfig host = job.host;
  host.tracer.program = models::TracerProgram::chain;
  Names names;
  Analysis simulated{names, options};
  simulate_events(host, {.seed = job.seed, .warmup = job.warmup, .duration = job.duration}, names,
                  {.event = [&](const Event& event) { simulated.add(event); }, .wake = {}, .chain = {}});
  simulated.finish();

  const Stages a = stages_of(*real.analysis);
  const Stages b = stages_of(simulated);
  CaptureComparison result;
  result.name = events.filename().string();
  result.real_seconds = a.seconds;
  result.simulated_seconds = b.seconds;
  result.time_resolution_ns = real.reader->log().time_resolution;
  result.lost_events = real.analysis->losses().lost_events;
  result.switches = real.analysis->losses().switches;
  result.broken_switches = real.analysis->losses().broken_switches;
  for (const auto& [key, histogram] : a.histograms) {
    if (const auto other = b.histograms.find(key); other != b.histograms.end()) {
      result.stages.push_back(compare(key.first, key.second, histogram, other->second, a.seconds, b.seconds));
    }
  }
  name_missing(result.only_real, a, b);
  name_missing(result.only_simulated, b, a);
  result.all_steps = blame_contributions(real.analysis->blame(), simulated.blame(), 0);
  result.slowest_steps = blame_contributions(real.analysis->blame(), simulated.blame(), 0.99);
  return result;
}

}  // namespace calibration
