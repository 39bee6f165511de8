// The scheduler of a machine under a real placement policy, with tasks that work and sleep, and with
// interrupts and softirqs that wake them. Costs are zero but those that a test sets.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "models/policies/policies.h"
#include "tests/support/cpu_timeline.h"
#include "tests/support/kernel_bench.h"

namespace models {

class SchedBench : public KernelBench {
 public:
  using Do = std::function<void()>;

  // A program: each time it is woken it works for `work` and sleeps again.
  struct Worker {
    SchedBench& bench;
    Task& task;
    sim::Nanos work;
    bool in_kernel = false;  // its work is a system call's
    int rounds = 0;

    void run() {
      if (in_kernel) {
        bench.sched->work_kernel<&Worker::ran>(task, work, *this);
      } else {
        bench.sched->work_user<&Worker::ran>(task, work, *this);
      }
    }
    void ran() {
      bench.timeline.note(task.name + " done");
      ++rounds;
      bench.sched->sleep(task, make_work<&Worker::run>(0ns, *this));
    }
  };

  // A device's interrupt: `cost` in its handler, then what the test wants. In a softirq, the handler is free.
  struct Source {
    SchedBench& bench;
    Cpu& cpu;
    sim::Nanos cost;
    Do action;
    bool in_softirq = false;
    IrqLine line;

    void raise() { cpu.raise(line); }
    void enter() { cpu.run<&Source::handle>(Context::hardirq, in_softirq ? 0ns : cost, *this); }
    void handle() {
      if (in_softirq) {
        bench.softirqs[index(cpu.id())]->raise(SoftirqVector::block);
        bench.softirq_sources[index(cpu.id())].push_back(this);
      } else {
        action();
      }
    }
    void act() { action(); }
  };

  explicit SchedBench(KernelSetup setup, const PolicyConfig& policy_config = {})
      : KernelBench{std::move(setup)}, policy{make_policy(*sched, policy_config)} {
    std::visit([this]<class P>(P& each) { sched->select_task_rq.template connect<&P::select_task_rq>(each); },
               policy);
    softirq_sources.resize(cpus.size());
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      block_actions.push_back(BlockAction{*this, static_cast<CpuId>(i), {}});
      softirqs[i]->action[static_cast<std::size_t>(SoftirqVector::block)].connect<&BlockAction::run>(
          block_actions.back());
    }
  }

  // A task that has slept on `cpu` and works `work` at each wakeup.
  Worker& worker(const std::string& name, int cpu, sim::Nanos work, const SchedConfig& sched_config = {},
                 Role role = Role::background) {
    Task& task = sched->add_task(name, role, sched_config);
    task.cpu = static_cast<CpuId>(cpu);
    task.last_ran = task.cpu;
    task.recent_used_cpu = task.cpu;
    Worker& worker = workers.emplace_back(Worker{*this, task, work});
    task.saved = make_work<&Worker::run>(0ns, worker);
    return worker;
  }
  // taskset: one CPU more.
  void allow(Worker& worker, int cpu) {
    worker.task.allowed.set(static_cast<std::size_t>(cpu));
    ++worker.task.nr_allowed;
  }
  // A task bound to `cpu` that never sleeps, woken now.
  Worker& hog(const std::string& name, int cpu, SchedConfig sched_config = {}) {
    sched_config.cpus = {cpu};
    Worker& spinner = worker(name, cpu, 1000s, sched_config);
    sched->try_to_wake_up(spinner.task, spinner.task.cpu, {});
    sched->cpu(spinner.task.cpu).settle();
    return spinner;
  }

  Source& interrupt_at(sim::Nanos when, int cpu, sim::Nanos cost, Do action) {
    Source& source = sources.emplace_back(
        Source{*this, *cpus[static_cast<std::size_t>(cpu)], cost, std::move(action), false, {}});
    source.line.handler.connect<&Source::enter>(source);
    engine.at<&Source::raise>(sim::SimTime{when}, source);
    return source;
  }
  // The same in a softirq that the interrupt raises.
  Source& softirq_at(sim::Nanos when, int cpu, sim::Nanos cost, Do action) {
    Source& source = interrupt_at(when, cpu, cost, std::move(action));
    source.in_softirq = true;
    return source;
  }
  Do wake(Worker& worker, int waker, bool sync = false) {
    return [this, &worker, waker, sync] {
      sched->try_to_wake_up(worker.task, static_cast<CpuId>(waker), {.sync = sync, .completion = completion});
    };
  }
  void wake_at(sim::Nanos when, Worker& worker, int waker) {
    interrupt_at(when, waker, 10us, wake(worker, waker));
  }

  std::string name(std::int64_t task) const {
    return task < 0 ? "idle" : sched->task(static_cast<TaskId>(task)).name;
  }
  // "CPU: what" for each hit of a scheduler tracepoint.
  Moments traced(Tracepoint point) const {
    Moments found;
    for (const Hit& hit : hits_of(point)) {
      const std::string where = std::to_string(hit.cpu) + ": ";
      const bool is_switch = point == Tracepoint::sched_switch;
      found.push_back({where + (is_switch ? name(hit.a) + " > " + name(hit.c) : name(hit.a)), hit.at});
    }
    return found;
  }
  Moments switches() const { return traced(Tracepoint::sched_switch); }
  std::int64_t interrupts(int cpu, IrqKind kind) const {
    return cpus[static_cast<std::size_t>(cpu)]->interrupts()[static_cast<std::size_t>(kind)];
  }

  AnyPolicy policy;
  Timeline timeline{engine};
  CompletionId completion = CompletionId::none;  // what wakeups carry
  std::deque<Worker> workers;
  std::deque<Source> sources;

 private:
  // blk_done_softirq, as far as the scheduler cares: each source's cost, then its action.
  struct BlockAction {
    SchedBench& bench;
    CpuId cpu;
    std::vector<Source*> list;
    void run() {
      std::swap(list, bench.softirq_sources[index(cpu)]);
      next();
    }
    void next() {
      if (list.empty()) {
        bench.softirqs[index(cpu)]->done();
        return;
      }
      bench.cpus[index(cpu)]->run<&BlockAction::passed>(Context::softirq, list.front()->cost, *this);
    }
    void passed() {
      Source& source = *list.front();
      list.erase(list.begin());
      source.act();
      next();
    }
  };
  std::deque<BlockAction> block_actions;
  std::vector<std::vector<Source*>> softirq_sources;
};

}  // namespace models
