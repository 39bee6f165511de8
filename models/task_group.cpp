#include "models/task_group.h"

#include "sim/check.h"

namespace models {

TaskGroupConfig autogroup(int nice) {
  TaskGroupConfig config;
  config.shares = nice_load(nice).weight;
  return config;
}

TaskGroup::TaskGroup(const TaskGroupConfig& config, const CfsConfig& cfs, TaskGroup* above,
                     std::vector<std::unique_ptr<CfsRq>>& roots, const BandwidthPorts& ports, GroupId id)
    : parent{above},
      shares{config.idle ? idle_policy_load().stored : load_of_weight(config.shares).stored},
      idle{config.idle},
      bandwidth{config.quota, config.period, cfs.bandwidth_slice, ports, id} {
  for (std::size_t cpu = 0; cpu < roots.size(); ++cpu) {
    CfsRq& root = *roots[cpu];
    SchedEntity& entity = se.emplace_back();
    entity.policy = idle ? SchedClass::idle : SchedClass::normal;
    entity.load = load_of_stored(shares);  // update_cfs_group takes its part once tasks are queued
    entity.cfs_rq = parent == nullptr ? &root : parent->cfs_rq[cpu].get();
    entity.parent = parent == nullptr ? nullptr : &parent->se[cpu];
    entity.depth = parent == nullptr ? 0 : entity.parent->depth + 1;
    entity.load_attached = true;  // online_fair_sched_group, with nothing to bring
    cfs_rq.push_back(std::make_unique<CfsRq>(cfs, *this, root, entity, static_cast<CpuId>(cpu)));
    entity.my_q = cfs_rq.back().get();
  }
}

}  // namespace models
