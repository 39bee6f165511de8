// The models that a free-running replay lets decide: CPUs, softirqs, ksoftirqd, scheduler and placement
// policy, wired as host.cpp wires them, with every cost zero: what takes time is imposed_costs.h's business,
// the program's, or the models' own waiting.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "calibration/replay/replay_input.h"
#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/ksoftirqd.h"
#include "models/meter.h"
#include "models/policies/policies.h"
#include "models/sched.h"
#include "models/softirq.h"
#include "sim/engine.h"

namespace calibration {

class FreeMachine {
 public:
  FreeMachine(const ReplayInput& input, const models::PolicyConfig& policy, std::uint64_t seed);
  FreeMachine(const FreeMachine&) = delete;
  FreeMachine& operator=(const FreeMachine&) = delete;

  sim::Port<void(models::CpuId, bool)> idle_changed;  // out: the idle loop begins or ends

  sim::Engine engine{512};
  models::Tracepoints tracepoints;

  models::Sched& sched() { return *sched_; }
  models::Cpu& cpu(models::CpuId id) { return *cpus_[models::index(id)]; }
  models::Softirq& softirq(models::CpuId id) { return *softirqs_[models::index(id)]; }
  int cpu_count() const { return topology_.cpus; }
  // The policy's choice.
  models::CpuId choose(const models::Placement& placement);
  // The model's task, and back; unknown: one that the models brought along.
  models::Task& task(ReplayTaskId id) { return *tasks_[static_cast<std::size_t>(id)]; }
  ReplayTaskId replay_id(std::int64_t task) const;

 private:
  void add_tasks(const ReplayInput& input);
  void add_ksoftirqd(models::Task& task, std::size_t cpu);
  void start_softirqs(models::CpuId id) { softirq(id).start(); }
  bool softirqs_pending(models::CpuId id) { return softirq(id).pending(); }
  sim::Nanos next_timer(models::CpuId) { return sim::Nanos{1'000'000}; }
  void idle_loop(models::CpuId id, bool idle);
  void softirq_ran(models::SoftirqVector, sim::Nanos) {}

  models::TopologyConfig topology_;
  models::KernelConfig kernel_;
  models::CostSampler costs_;
  models::CompletionPool completions_;
  models::Meter meter_;
  std::vector<std::unique_ptr<models::Cpu>> cpus_;
  std::vector<std::unique_ptr<models::Softirq>> softirqs_;
  std::unique_ptr<models::Sched> sched_;
  std::vector<std::unique_ptr<models::Ksoftirqd>> ksoftirqds_;
  std::optional<models::AnyPolicy> policy_;
  std::vector<models::Task*> tasks_;      // by ReplayTaskId
  std::vector<ReplayTaskId> replay_ids_;  // by TaskId
};

}  // namespace calibration
