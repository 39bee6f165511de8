// A task group: tasks that compete as one, on each CPU, for a weight that all CPUs share.
//
//   cgroup (cpu.weight, cpu.idle, cpu.max) or autogroup (a session) ─► per CPU one SchedEntity and one CfsRq
//
// Models:   kernel/sched/sched.h: struct task_group; core.c: sched_create_group, cpu_weight_write_u64;
//           fair.c: alloc_fair_sched_group, init_tg_cfs_entry; autogroup.c: autogroup_create,
//           proc_sched_autogroup_set_nice.
// Left out: moving tasks between groups; changing weights while tasks are queued; RT groups.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "models/bandwidth.h"
#include "models/eevdf.h"
#include "models/ids.h"
#include "models/sched_entity.h"
#include "sim/time.h"

namespace models {

struct TaskGroupConfig {
  GroupId parent = GroupId::root;
  std::int64_t shares = 1024;      // 2..262144 (MIN_SHARES, MAX_SHARES); cpu.weight 100 is 1024
  bool idle = false;               // cpu.idle: weight 3, and preempted by whatever is not idle
  sim::Nanos quota{0};             // cpu.max: CPU time per period, at least 1 ms; 0: no limit
  sim::Nanos period{100'000'000};  // cpu.max: 1 ms..1 s
};

template <class Visitor>
void fields(TaskGroupConfig& config, Visitor&& field) {  // `parent` is a name there, and not of this file
  field("shares", config.shares);
  field("idle", config.idle);
  field("quota", config.quota);
  field("period", config.period);
}

// The group of a session (setsid) with sched_autogroup_enabled, by /proc/PID/autogroup's nice in [-20, 19].
TaskGroupConfig autogroup(int nice = 0);

// `roots` are the CPUs' root queues; `parent` is null for a child of the root group.
struct TaskGroup {
  TaskGroup(const TaskGroupConfig& config, const CfsConfig& cfs, TaskGroup* parent,
            std::vector<std::unique_ptr<CfsRq>>& roots, const BandwidthPorts& ports, GroupId id);
  TaskGroup(const TaskGroup&) = delete;  // queues point here
  TaskGroup& operator=(const TaskGroup&) = delete;

  TaskGroup* parent;
  std::int64_t shares;  // as load weights are stored
  bool idle;
  std::int64_t load_avg = 0;  // sum of its queues' load averages, as they last reported them
  CfsBandwidth bandwidth;
  std::deque<SchedEntity> se;  // per CPU
  std::vector<std::unique_ptr<CfsRq>> cfs_rq;
};

}  // namespace models
