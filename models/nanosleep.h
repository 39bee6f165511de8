// nanosleep(2): a task sleeps until an absolute time, on the CPU it runs on.
//
// Models:   kernel/time/hrtimer.c:hrtimer_nanosleep, called by clock_nanosleep(2); the slack of the task
//           widens the expiry to a window.
// Left out: signals, restarts.
#pragma once

#include <vector>

#include "models/sched.h"
#include "models/syscalls.h"
#include "models/timer.h"

namespace models {

class Nanosleep {
 public:
  Nanosleep(sim::Engine& engine, Sched& sched, CostSampler& costs, const Tracepoints& tracepoints,
            CompletionPool& completions, sim::Nanos slack)
      : engine_{engine},
        sched_{sched},
        costs_{costs},
        tracepoints_{tracepoints},
        completions_{completions},
        slack_{slack} {}

  sim::Port<void(CpuId, const Sleeper&)> arm;  // out: the CPU's timers

  // in: the current task sleeps for `span` from now; `completion` (or none) rides on the expiry.
  void sleep(Task& task, sim::Nanos span, CompletionId completion, const Continuation& after) {
    Call& call = call_of(task);
    call.sleeper = Sleeper{task.id, engine_.now() + span, engine_.now() + span + slack(task), completion};
    call.after = after;
    const bool agent = task.role == Role::agent;
    tracepoints_.fire(Tracepoint::sys_enter_nanosleep, task.cpu, static_cast<std::int64_t>(task.id));
    sched_.work_syscall<&Nanosleep::armed>(
        task, costs_.draw(Cost::syscall_entry, agent) + costs_.draw(Cost::nanosleep_entry, agent), *this,
        index(task.id));
  }

  static WakeCause cause(TaskId sleeper) {
    return {.source = WakeSource::timer, .cookie = static_cast<std::int64_t>(sleeper)};
  }
  void expired(const Sleeper& sleeper, CpuId cpu) {  // in: hrtimer_wakeup
    sched_.try_to_wake_up(sched_.task(sleeper.task), cpu,
                          {.sync = false, .completion = sleeper.completion, .cause = cause(sleeper.task)});
  }

 private:
  struct Call {
    Sleeper sleeper;
    Continuation after;
  };

  sim::Nanos slack(const Task& task) const { return task.is_rt ? sim::Nanos{0} : slack_; }

  Call& call_of(const Task& task) {
    if (calls_.size() <= index(task.id)) {
      calls_.resize(index(task.id) + 1);
    }
    return calls_[index(task.id)];
  }

  void armed(std::uint64_t task_number) {
    Task& task = sched_.task(static_cast<TaskId>(task_number));
    Call& call = calls_[task_number];
    if (call.sleeper.soft <= engine_.now()) {  // expired before it could sleep
      returned_work(task);
      return;
    }
    arm(task.cpu, call.sleeper);
    sched_.sleep(task, make_work<&Nanosleep::returned>(exit_cost(task), *this, task_number));
  }
  void returned_work(Task& task) {
    sched_.work_kernel<&Nanosleep::returned>(task, exit_cost(task), *this, index(task.id));
  }
  void returned(std::uint64_t task_number) {
    const Task& task = sched_.task(static_cast<TaskId>(task_number));
    const Call& call = calls_[task_number];
    completions_.stamp(call.sleeper.completion, Stage::user, engine_.now());
    tracepoints_.fire(Tracepoint::sys_exit_nanosleep, task.cpu, static_cast<std::int64_t>(task.id));
    sched_.return_to_user(task, call.after);
  }
  sim::Nanos exit_cost(const Task& task) { return costs_.draw(Cost::syscall_exit, task.role == Role::agent); }

  sim::Engine& engine_;
  Sched& sched_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  sim::Nanos slack_;
  std::vector<Call> calls_;  // by task
};

}  // namespace models
