// What a capture's events say, as the metrics of a simulated run.
#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

#include "calibration/analysis/analysis.h"
#include "calibration/traces/event_reader.h"
#include "tools/live/live_results.h"

namespace tools::live {
namespace {

using calibration::Analysis;
using calibration::StageId;
using calibration::StageTable;
using models::Metric;

std::unique_ptr<Analysis> analysed(const std::string& events,
                                   std::unique_ptr<calibration::EventReader>& reader) {
  std::vector<std::int64_t> runs;
  for (;;) {
    reader = std::make_unique<calibration::EventReader>(events, runs);
    auto analysis = std::make_unique<Analysis>(reader->names(), calibration::AnalysisOptions{});
    try {
      for (calibration::Event event; reader->next(event);) {
        analysis->add(event);
      }
      analysis->finish();
      return analysis;
    } catch (const calibration::UnsortedCapture& unsorted) {
      runs = unsorted.runs;
    }
  }
}

void merge(const sim::Histogram* from, sim::Histogram& to) {
  if (from != nullptr) {
    to.merge(*from);
  }
}

// The analysis does not tell servers from background loads: those of both are left out.
void add_wakeups(const Analysis& analysis, models::Metrics& metrics) {
  const auto class_of = [](calibration::TaskClass each) { return calibration::to_string(each); };
  const StageTable& stages = analysis.stages();
  merge(stages.find(class_of(calibration::TaskClass::kernel), StageId::wakeup_to_run),
        metrics[Metric::wakeup_to_run_kernel]);
  merge(stages.find(class_of(calibration::TaskClass::tracer), StageId::wakeup_to_run),
        metrics[Metric::wakeup_to_run_tracer]);
}

void add_agents(const Analysis& analysis, models::Metrics& metrics) {
  constexpr std::pair<StageId, Metric> of_agents[] = {
      {StageId::wake_to_run, Metric::wake_to_run},     {StageId::wakeup_to_run, Metric::wakeup_to_run},
      {StageId::epoll_blocked, Metric::epoll_blocked}, {StageId::io_uring_blocked, Metric::io_uring_enter},
      {StageId::epoll_return, Metric::return_epoll},   {StageId::io_uring_return, Metric::return_io_uring},
      {StageId::epoll_return, Metric::stage_return},   {StageId::io_uring_return, Metric::stage_return},
      {StageId::chain_network, Metric::chain_network}, {StageId::chain_block, Metric::chain_block},
      {StageId::chain_timer, Metric::chain_timer},
  };
  const StageTable& stages = analysis.stages();
  for (StageTable::Group group = 0; group < stages.groups(); ++group) {
    if (analysis.is_agent_group(group)) {
      for (const auto& [stage, metric] : of_agents) {
        merge(stages.find(group, stage), metrics[metric]);
      }
    }
  }
}

}  // namespace

void add_captured(const std::string& events, models::Metrics& metrics) {
  std::unique_ptr<calibration::EventReader> reader;
  const std::unique_ptr<Analysis> analysis = analysed(events, reader);
  const StageTable& stages = analysis->stages();
  constexpr std::pair<std::string_view, Metric> softirqs[] = {{"NET_RX", Metric::softirq_net_rx},
                                                              {"BLOCK", Metric::softirq_block},
                                                              {"TIMER", Metric::softirq_timer},
                                                              {"SCHED", Metric::softirq_sched},
                                                              {"RCU", Metric::softirq_rcu}};
  for (const auto& [name, metric] : softirqs) {
    merge(stages.find(name, StageId::softirq_run), metrics[metric]);
  }
  metrics[Metric::irq_handler].merge(stages.all(StageId::irq_handler));
  metrics[Metric::stage_block].merge(stages.all(StageId::block_completion));
  metrics[Metric::completion_to_cqe].merge(stages.all(StageId::completion_to_cqe));
  add_agents(*analysis, metrics);
  add_wakeups(*analysis, metrics);
}

}  // namespace tools::live
