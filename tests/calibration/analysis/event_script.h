// Events written line by line for tests of the analysis: times in us, CPU 0 unless said, every task on an
// hrtimer of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "calibration/analysis/analysis.h"
#include "calibration/analysis/step_graph.h"

namespace calibration {

class EventScript {
 public:
  explicit EventScript(AnalysisOptions options = {}) : analysis{names, std::move(options)} {
    analysis.chain_done = [this](const CompletionChain& chain) { chains.push_back(chain); };
    analysis.wakeup_linked = [this](const WakeLink& link) { links.push_back(link); };
    analysis.step_done = [this](const AgentStep& step, const CriticalPath& path) {
      steps.push_back(step);
      paths.push_back(path);
      graphs.push_back(causal_graph(analysis.history(), step));
    };
  }

  EventScript& at(double us, int cpu = 0) {
    event_ = Event{};
    event_.time = static_cast<std::int64_t>(us * 1000);
    event_.cpu = cpu;
    return *this;
  }
  EventScript& hardirq() {
    event_.flags.known = event_.flags.hardirq = true;
    return *this;
  }
  EventScript& softirq() {
    event_.flags.known = event_.flags.softirq = true;
    return *this;
  }

  void irq_entry(int irq, std::string_view name = "nic") {
    send(EventKind::irq_handler_entry).irq = {irq, names.intern(name), false}, add();
  }
  void irq_exit(int irq) { send(EventKind::irq_handler_exit).irq = {irq, Name::none, true}, add(); }
  void raise(int vec) { send(EventKind::softirq_raise).softirq = {vec}, add(); }
  void entry(int vec) { send(EventKind::softirq_entry).softirq = {vec}, add(); }
  void exit(int vec) { send(EventKind::softirq_exit).softirq = {vec}, add(); }
  void packet(std::string_view dev) {
    send(EventKind::netif_receive_skb).skb = {1, names.intern(dev), 100}, add();
  }
  void expire(std::uint64_t timer) {
    send(EventKind::hrtimer_expire_entry).hrtimer = {timer, names.intern("hrtimer_wakeup"), event_.time};
    add();
  }
  void waking(std::string_view comm, int pid, int target = 0) {
    wake(EventKind::sched_waking, comm, pid, target);
  }
  void wakeup(std::string_view comm, int pid, int target = 0) {
    wake(EventKind::sched_wakeup, comm, pid, target);
  }
  void switches(std::string_view prev, int prev_pid, TaskState state, std::string_view next, int next_pid) {
    send(EventKind::sched_switch).sched_switch = {names.intern(prev), prev_pid, 120, state, false,
                                                  names.intern(next), next_pid, 120};
    add();
  }
  void issue(std::uint64_t sector) {
    send(EventKind::block_rq_issue).block = {sector, 1, 8, 4096, Name::none, Name::none, 0}, add();
  }
  void complete(std::uint64_t sector) {
    send(EventKind::block_rq_complete).block = {sector, 1, 8, 0, Name::none, Name::none, 0}, add();
  }
  void cqe() { send(EventKind::io_uring_complete).io_uring = {1, 1, 0, 4096}, add(); }
  void enters(Syscall call, std::string_view comm, int pid) {
    who(comm, pid);
    send(EventKind::sys_enter).sys_enter = {call, names.intern("x"), {}};
    add();
  }
  void returns(Syscall call, std::string_view comm, int pid) {
    who(comm, pid);
    send(EventKind::sys_exit).sys_exit = {call, names.intern("x"), 1};
    add();
  }
  void idle(int state) { send(EventKind::cpu_idle).idle = {state, event_.cpu}, add(); }
  void lose(std::uint64_t count) { send(EventKind::lost).lost = {count}, add(); }

  const sim::Histogram* stage(std::string_view group, StageId id) const {
    return analysis.stages().find(group, id);
  }

  Names names;
  Analysis analysis;
  std::vector<CompletionChain> chains;
  std::vector<WakeLink> links;
  std::vector<AgentStep> steps;
  std::vector<CriticalPath> paths;
  std::vector<CausalGraph> graphs;

 private:
  Event& send(EventKind kind) {
    event_.kind = kind;
    return event_;
  }
  void add() { analysis.add(event_); }
  void who(std::string_view comm, int pid) {
    event_.pid = pid;
    event_.comm = names.intern(comm);
  }
  void wake(EventKind kind, std::string_view comm, int pid, int target) {
    send(kind).wakeup = {names.intern(comm), pid, 120, target};
    add();
  }
  Event event_;
};

}  // namespace calibration
