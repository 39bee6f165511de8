#include "calibration/analysis/analysis.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>

#include "calibration/traces/bpftrace_rows.h"

namespace calibration {
namespace {

// Bounded against hostile captures: no machine here has more.
constexpr std::int32_t max_cpus = 4096;

constexpr std::array<std::string_view, 24> kernel_threads{
    "kworker/", "ksoftirqd/", "rcu_",    "rcuo",        "rcub/",   "migration/", "kcompactd", "kswapd",
    "jbd2/",    "kthreadd",   "cpuhp/",  "idle_inject", "irq/",    "napi/",      "khugepage", "kdamond",
    "watchdog", "kauditd",    "kblockd", "scsi_",       "kdevtmp", "oom_reaper", "ksmd",      "nvme-"};
constexpr std::array<std::string_view, 6> tracers{"bpftrace", "trace-cmd", "perf",
                                                  "lttng",    "chainsim",  "babeltrace"};

// Shell-like: * and ?.
bool matches(std::string_view text, std::string_view pattern) {
  std::size_t t = 0, p = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++t, ++p;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// agent-0, agent-17
bool is_agent_by_default(std::string_view comm) {
  constexpr std::string_view prefix = "agent-";
  return comm.starts_with(prefix) && comm.size() > prefix.size() &&
         comm.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

TaskClass classify(std::string_view comm, std::int32_t pid, const AnalysisOptions& options) {
  const auto prefix = [&](std::string_view each) { return comm.starts_with(each); };
  if (std::find(options.tracer_pids.begin(), options.tracer_pids.end(), pid) != options.tracer_pids.end()) {
    return TaskClass::tracer;
  }
  const bool agent = options.agents.empty()
                         ? is_agent_by_default(comm)
                         : std::any_of(options.agents.begin(), options.agents.end(),
                                       [&](const std::string& pattern) { return matches(comm, pattern); });
  if (agent) {
    return TaskClass::agent;
  }
  if (std::any_of(tracers.begin(), tracers.end(), prefix)) {
    return TaskClass::tracer;
  }
  return std::any_of(kernel_threads.begin(), kernel_threads.end(), prefix) ? TaskClass::kernel
                                                                           : TaskClass::other;
}

}  // namespace

std::uint64_t RuleCounts::total() const {
  return std::accumulate(by_rule.begin(), by_rule.end(), std::uint64_t{0});
}

std::uint64_t RuleCounts::proved() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < rule_count; ++i) {
    sum += proves(static_cast<Rule>(i)) ? by_rule[i] : 0;
  }
  return sum;
}

Analysis::Analysis(const Names& names, AnalysisOptions options)
    : names_{names}, options_{std::move(options)}, history_{options_.history} {
  for (std::size_t i = 0; i < task_classes; ++i) {
    class_groups_[i] = stages_.group(to_string(static_cast<TaskClass>(i)));
  }
  for (std::size_t vec = 0; vec < softirq_vecs; ++vec) {
    vec_groups_[vec] = stages_.group(softirq_name(static_cast<std::int64_t>(vec)));
  }
  vec_groups_[softirq_vecs] = stages_.group("softirq ?");
  devices_ = stages_.group("devices");
}

std::string_view Analysis::task_name(std::int32_t pid) const {
  if (pid == 0) {
    return "idle";
  }
  const Task* known = const_cast<KernelState&>(state_).find(pid);
  return known == nullptr ? "?" : names_.text(known->comm);
}

bool Analysis::is_agent_group(StageTable::Group group) const {
  return std::find(agent_groups_.begin(), agent_groups_.end(), group) != agent_groups_.end();
}

// The task, with the name that it has now: a thread may be renamed after its first events.
Task& Analysis::task(std::int32_t pid, Name comm, std::int64_t now) {
  Task& found = state_.task(pid, now);
  if (found.comm == Name::none && found.step_slot != 0) {
    steps_.forget(found.step_slot);  // of the task that had this record before
  }
  if (found.comm != comm && comm != Name::none) {
    found.comm = comm;
    const bool was_agent = found.task_class == TaskClass::agent;
    found.task_class = classify(names_.text(comm), pid, options_);
    const bool agent = found.task_class == TaskClass::agent;
    found.group =
        agent ? stages_.group(names_.text(comm)) : class_groups_[static_cast<std::size_t>(found.task_class)];
    if (agent && !was_agent && std::find(agent_pids_.begin(), agent_pids_.end(), pid) == agent_pids_.end() &&
        agent_pids_.size() < StageTable::max_groups) {
      agent_pids_.push_back(pid);
      agent_groups_.push_back(found.group);
    }
  }
  return found;
}

// Only what lies wholly after the CPU's last break.
void Analysis::record(StageTable::Group group, StageId stage, std::int64_t from, std::int64_t to,
                      const CpuState& cpu) {
  if (from != never_seen && from > cpu.since_break) {
    stages_.record(group, stage, to - from);
  }
}

// What was going on there is unknown from now on.
void Analysis::forget_cpu(CpuState& cpu, std::int64_t now) {
  cpu.since_break = now;
  cpu.irq_depth = 0;
  cpu.vec = -1;
  cpu.raises = {};
  cpu.completed = cpu.expired = NodeId::none;
}

void Analysis::lost(const Event& event) {
  losses_.lost_events += event.lost.count;
  for (std::size_t i = 0; i < state_.cpus(); ++i) {
    if (event.cpu < 0 || static_cast<std::size_t>(event.cpu) == i) {
      CpuState& cpu = *state_.known_cpu(static_cast<std::int32_t>(i));
      forget_cpu(cpu, event.time);
      cpu.current = -1;
    }
  }
  for (const std::int32_t pid : agent_pids_) {
    if (const Task* agent = state_.find(pid)) {
      steps_.broken(agent->step_slot);
    }
  }
}

void Analysis::add(const Event& event) {
  ++events_[static_cast<std::size_t>(event.kind)];
  first_ = first_ < 0 ? event.time : first_;
  last_ = std::max(last_, event.time);
  if (waking_.pending && event.kind != EventKind::agent_wakeup) {
    settle_link();
  }
  if (event.kind == EventKind::lost) {
    lost(event);
    return;
  }
  if (event.cpu < 0 || event.cpu >= max_cpus || event.kind == EventKind::other) {
    return;
  }
  CpuState& cpu = state_.cpu(event.cpu, event.time);
  switch (event.kind) {
    case EventKind::irq_handler_entry:
      return irq_entry(event, cpu);
    case EventKind::irq_handler_exit:
      return irq_exit(event, cpu);
    case EventKind::softirq_raise:
      return softirq_raise(event, cpu);
    case EventKind::softirq_entry:
      return softirq_entry(event, cpu);
    case EventKind::softirq_exit:
      return softirq_exit(event, cpu);
    case EventKind::napi_poll:
      return napi_poll(event, cpu);
    case EventKind::netif_receive_skb:
      return delivered(event, cpu);
    case EventKind::sched_waking:
      return waking(event, cpu);
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      return wakeup(event, cpu);
    case EventKind::sched_switch:
      return switched(event, cpu);
    case EventKind::block_rq_issue:
      return block_issue(event, cpu);
    case EventKind::block_rq_complete:
      return block_complete(event, cpu);
    case EventKind::io_uring_complete:
      return cqe(event, cpu);
    case EventKind::sys_enter:
      return gate_enter(event, cpu);
    case EventKind::sys_exit:
      return gate_exit(event, cpu);
    case EventKind::hrtimer_expire_entry:
      return hrtimer_expire(event, cpu);
    case EventKind::cpu_idle:
      return cpu_idle(event, cpu);
    case EventKind::agent_wakeup:
      return agent_wakeup(event);
    default:
      return;
  }
}

void Analysis::finish() {
  settle_link();
  losses_.cut_steps += steps_.open();
}

}  // namespace calibration
