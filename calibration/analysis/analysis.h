// Turns a stream of events, captured or simulated, into stages, chains, attributed wakeups, steps and blame.
//
//   EventReader, simulate_events ──add()──► Analysis ──► stages()  steps, blame()  attribution()  losses()
//                                              └──► chain_done, step_done, wakeup_linked (as they happen)
//
// Traps, and where they are dealt with: an interrupt's wakeup is not the interrupted task's (causes.cpp); a
// softirq raised again, and one vector on two CPUs (kernel_state.h); sched_waking before a remote
// sched_wakeup (analysis_sched.cpp); several requests in one io_uring wait, several packets in one softirq
// (analysis_block.cpp, history.h); the tracer's own tasks (task classes); lost events and missing switches
// (kernel_state.h); chains cut off by the capture's begin and end (counted in losses()).
//
// Memory: the history's ring, one record per live task, histograms; independent of the capture's length.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "calibration/analysis/agent_steps.h"
#include "calibration/analysis/blame_table.h"
#include "calibration/analysis/causes.h"
#include "calibration/analysis/critical_path.h"
#include "calibration/analysis/history.h"
#include "calibration/analysis/kernel_state.h"
#include "calibration/analysis/stage_table.h"
#include "calibration/traces/event.h"

namespace calibration {

struct AnalysisOptions {
  // Patterns (* and ?) of the names of agents. Empty: agent-N.
  std::vector<std::string> agents;
  std::vector<std::int32_t> tracer_pids;       // beside those known by name
  std::size_t slowest = 5;                     // steps kept with their critical path
  std::size_t history = std::size_t{1} << 17;  // nodes; a power of two
};

// One wakeup of a task, and why it happened.
struct WakeLink {
  std::int64_t time = 0;
  std::int32_t cpu = -1;
  std::int32_t pid = -1;
  Rule rule = Rule::none;
  // What did it: hrtimer's address, dev << 44 ^ sector (request_key), pid of the sender or waker, vec or irq.
  std::uint64_t cookie = 0;
  bool nested = false;  // by a hardirq that interrupted a softirq
  // The event that caused it, where the rule names one: a send's softirq_raise, a request's completion, ...
  std::int64_t from_time = never_seen;
  std::int32_t from_cpu = -1;
  std::int32_t from_pid = -1;
};

struct RuleCounts {
  std::array<std::uint64_t, rule_count> by_rule{};
  std::uint64_t nested = 0;
  std::uint64_t total() const;
  std::uint64_t proved() const;
};

struct Losses {
  std::uint64_t switches = 0, broken_switches = 0;
  std::uint64_t lost_events = 0;  // as the tracer said
  std::uint64_t cut_chains = 0;   // without their beginning or end
  std::uint64_t cut_steps = 0;    // begun before or not ended within the capture, or with a broken switch
  std::uint64_t unmatched_requests = 0;  // completions whose issue was not seen
  std::uint64_t unmatched_cqes = 0;
  std::uint64_t woken_while_running = 0;
  std::uint64_t cut_paths = 0;  // critical paths that reached beyond the history
};

struct SlowStep {
  AgentStep step;
  CriticalPath path;
};

class Analysis {
 public:
  Analysis(const Names& names, AnalysisOptions options);
  Analysis(const Analysis&) = delete;
  Analysis& operator=(const Analysis&) = delete;

  // Called as soon as each is known; none is needed.
  std::function<void(const CompletionChain&)> chain_done;
  std::function<void(const AgentStep&, const CriticalPath&)> step_done;
  std::function<void(const WakeLink&)> wakeup_linked;  // every sched_waking, after its agent_wakeup if any

  void add(const Event& event);  // in order of time
  void finish();                 // once, after the last

  const StageTable& stages() const { return stages_; }
  const BlameTable& blame() const { return blame_; }
  const RuleCounts& attribution(TaskClass task_class) const {
    return rules_[static_cast<std::size_t>(task_class)];
  }
  const Losses& losses() const { return losses_; }
  const std::vector<SlowStep>& slowest() const { return slowest_; }  // the slowest first
  const History& history() const { return history_; }
  const std::array<std::uint64_t, event_kinds>& events() const { return events_; }
  const std::vector<std::int32_t>& agent_pids() const { return agent_pids_; }
  bool is_agent_group(StageTable::Group group) const;
  std::string_view task_name(std::int32_t pid) const;
  std::int64_t span() const { return first_ < 0 ? 0 : last_ - first_; }
  std::uint64_t steps() const { return blame_.steps(); }

 private:
  struct Request {
    std::int64_t issued = 0;
    std::int32_t pid = -1;  // who issued it
    NodeId node = NodeId::none;
    std::uint64_t number = 0;
    bool for_ring = false;  // its issuer waits for a CQE
  };
  struct Waking {  // the last one, until it is sure that no agent_wakeup follows
    bool pending = false;
    WakeLink link;
    TaskClass task_class{};
    NodeId node = NodeId::none;
  };

  // analysis.cpp
  Task& task(std::int32_t pid, Name comm, std::int64_t now);
  void lost(const Event& event);
  void record(StageTable::Group group, StageId stage, std::int64_t from, std::int64_t to,
              const CpuState& cpu);
  void forget_cpu(CpuState& cpu, std::int64_t now);
  // analysis_interrupts.cpp
  void irq_entry(const Event& event, CpuState& cpu);
  void irq_exit(const Event& event, CpuState& cpu);
  void softirq_raise(const Event& event, CpuState& cpu);
  void softirq_entry(const Event& event, CpuState& cpu);
  void softirq_exit(const Event& event, CpuState& cpu);
  void napi_poll(const Event& event, CpuState& cpu);
  void delivered(const Event& event, CpuState& cpu);
  void hrtimer_expire(const Event& event, CpuState& cpu);
  void cpu_idle(const Event& event, CpuState& cpu);
  // analysis_sched.cpp
  void waking(const Event& event, CpuState& cpu);
  void woken_early(const Event& event, CpuState& cpu, Task& woken, const WakeCause& cause, NodeId waking);
  void leaves_early_woken(const Event& event, const CpuState& cpu, Task& prev);
  static void stays(Task& task);
  void stamp_runnable(Task& woken, std::int64_t now);
  void slept_without_leaving(const Event& event, const CpuState& cpu, Task& agent, const WakeCause& cause);
  void wakeup(const Event& event, CpuState& cpu);
  void switched(const Event& event, CpuState& cpu);
  void leaves(const Event& event, CpuState& cpu);
  void enters(const Event& event, CpuState& cpu);
  void note_link(const Event& event, const Task& woken, const WakeCause& cause, NodeId node);
  void settle_link();
  void chain_runs(Task& next, std::int64_t now);
  void agent_wakeup(const Event& event);
  void open_chain(Task& woken, const CpuState& cpu, const WakeCause& cause, std::int64_t now);
  // analysis_block.cpp
  void block_issue(const Event& event, CpuState& cpu);
  void block_complete(const Event& event, CpuState& cpu);
  void record_request(const CompletionChain& chain, const CpuState& cpu);
  void wake_for_request(Task& woken, const WakeCause& cause, std::int64_t now);
  void cqe(const Event& event, CpuState& cpu);
  // analysis_gates.cpp
  void gate_enter(const Event& event, CpuState& cpu);
  void gate_exit(const Event& event, CpuState& cpu);
  void emit(Task& owner, CompletionChain& chain);
  void emit_completed(Task& owner);
  void step_ended();
  void keep_slow(const AgentStep& step);
  void fan_in(const AgentStep& step);

  const Names& names_;
  AnalysisOptions options_;
  KernelState state_;
  History history_;
  StageTable stages_;
  AgentSteps steps_;
  BlameTable blame_;
  CriticalPath path_;  // scratch
  std::array<RuleCounts, task_classes> rules_;
  std::array<std::uint64_t, event_kinds> events_{};
  Losses losses_;
  std::vector<SlowStep> slowest_;
  std::vector<std::int32_t> agent_pids_;
  std::vector<StageTable::Group> agent_groups_;
  std::unordered_map<std::uint64_t, Request> requests_;  // in flight, by request_key
  struct Irq {
    StageTable::Group group = 0;
    bool raises_net_rx = false;
  };
  std::unordered_map<std::int64_t, Irq> irqs_;
  std::vector<Name> device_napis_;  // network devices that poll after an interrupt of their own
  std::array<StageTable::Group, softirq_vecs + 1> vec_groups_{};
  std::array<StageTable::Group, task_classes> class_groups_{};
  StageTable::Group devices_ = 0;
  Waking waking_;
  std::uint64_t request_numbers_ = 0;
  std::int64_t first_ = never_seen, last_ = never_seen;
  bool gates_seen_ = false, cqes_seen_ = false, idle_seen_ = false;
};

// One number for a request in flight; the device's number is in the upper bits.
constexpr std::uint64_t request_key(std::uint32_t dev, std::uint64_t sector) {
  return (static_cast<std::uint64_t>(dev) << 40) ^ sector;
}

}  // namespace calibration
