#include "calibration/replay/free_machine.h"

#include <algorithm>

namespace calibration {
namespace {

models::TopologyConfig topology_of(const ReplayInput& input) {
  models::TopologyConfig topology;
  topology.cpus = std::max(input.cpus, 1);
  // Every remote wakeup of an idle CPU takes an IPI, as in a guest that idles by HLT.
  topology.idle = {{models::IdleState::hlt, sim::Nanos{0}}};
  return topology;
}

models::Role role_of(const ReplayTask& task) {
  return task.kernel_thread                  ? models::Role::kernel
         : task.name.rfind("agent-", 0) == 0 ? models::Role::agent
                                             : models::Role::background;
}

}  // namespace

FreeMachine::FreeMachine(const ReplayInput& input, const models::PolicyConfig& policy, std::uint64_t seed)
    : topology_{topology_of(input)}, kernel_{input.kernel.config}, costs_{models::Costs{}, sim::Rng{seed}} {
  for (int i = 0; i < topology_.cpus; ++i) {
    cpus_.push_back(std::make_unique<models::Cpu>(engine, static_cast<models::CpuId>(i), topology_, kernel_,
                                                  costs_, tracepoints));
    models::Cpu& cpu = *cpus_.back();
    softirqs_.push_back(std::make_unique<models::Softirq>(engine, cpu, costs_, tracepoints, kernel_.hz));
    softirqs_.back()->ran.connect<&FreeMachine::softirq_ran>(*this);
    cpu.start_softirqs.connect<&FreeMachine::start_softirqs>(*this);
    cpu.softirqs_pending.connect<&FreeMachine::softirqs_pending>(*this);
    cpu.next_timer.connect<&FreeMachine::next_timer>(*this);
    cpu.idle_changed.connect<&FreeMachine::idle_loop>(*this);
  }
  sched_ = std::make_unique<models::Sched>(engine, topology_, kernel_, costs_, tracepoints, completions_,
                                           meter_, cpus_, sim::Rng{seed});
  policy_.emplace(models::make_policy(*sched_, policy));
  add_tasks(input);
}

void FreeMachine::add_tasks(const ReplayInput& input) {
  models::GroupId session = models::GroupId::root;
  if (input.kernel.autogroup) {
    session = sched_->fair().add_group(models::TaskGroupConfig{});
  }
  std::vector<bool> has_ksoftirqd(cpus_.size(), false);
  for (std::size_t i = 0; i < input.tasks.size(); ++i) {
    const ReplayTask& each = input.tasks[i];
    models::Task& task = sched_->add_task(each.name, role_of(each), sched_config(each),
                                          each.kernel_thread ? models::GroupId::root : session);
    const int first = each.pinned >= 0 ? each.pinned : each.first_cpu;
    if (first >= 0 && first < topology_.cpus && static_cast<models::CpuId>(first) != task.cpu) {
      sched_->set_task_cpu(task, static_cast<models::CpuId>(first));
    }
    tasks_.push_back(&task);
    replay_ids_.resize(models::index(task.id) + 1, ReplayTaskId::unknown);
    replay_ids_.back() = static_cast<ReplayTaskId>(i);
    if (each.name.rfind("ksoftirqd/", 0) == 0 && each.pinned >= 0) {
      add_ksoftirqd(task, static_cast<std::size_t>(each.pinned));
      has_ksoftirqd[static_cast<std::size_t>(each.pinned)] = true;
    }
  }
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    if (!has_ksoftirqd[i]) {
      models::SchedConfig bound;
      bound.cpus = {static_cast<int>(i)};
      add_ksoftirqd(sched_->add_task("ksoftirqd/" + std::to_string(i), models::Role::kernel, bound), i);
    }
  }
}

void FreeMachine::add_ksoftirqd(models::Task& task, std::size_t cpu) {
  ksoftirqds_.push_back(
      std::make_unique<models::Ksoftirqd>(*sched_, *cpus_[cpu], *softirqs_[cpu], meter_, task));
}

models::CpuId FreeMachine::choose(const models::Placement& placement) {
  return std::visit([&](auto& policy) { return policy.select_task_rq(placement); }, *policy_);
}

ReplayTaskId FreeMachine::replay_id(std::int64_t task) const {
  const auto place = static_cast<std::size_t>(task);
  return task < 0                     ? ReplayTaskId::idle
         : place < replay_ids_.size() ? replay_ids_[place]
                                      : ReplayTaskId::unknown;
}

void FreeMachine::idle_loop(models::CpuId id, bool idle) {
  if (idle_changed.connected()) {
    idle_changed(id, idle);
  }
}

}  // namespace calibration
