// Load balancing: fair tasks that wait are moved to CPUs that have less to do.
//
//   __schedule finds nothing ─► newidle() ─────────────────────────┐
//   tick ─► trigger() ─► SCHED softirq ─► run_rebalance_domains() ─┼─► busiest group ─► busiest CPU
//                  └─► kick an idle CPU, which balances for all ───┘  ─► detach and attach its tasks, or push
//                                                                        the one that runs
//
// Models:   kernel/sched/fair.c: sched_balance_newidle with its cost limit and NI_RANDOM,
//           sched_balance_trigger, sched_balance_softirq, sched_balance_domains, sched_balance_rq,
//           should_we_balance, detach_tasks, can_migrate_task, task_hot, need_active_balance,
//           active_load_balance_cpu_stop;
//           nohz_balancer_kick, nohz_csd_func (core.c), _nohz_idle_balance, nohz_balance_enter_idle and
//           _exit_idle. Differences of 6.18: BalanceRules (lb_env.h). Kernels are built with
//           CONFIG_PREEMPTION: newidle moves one task at a time.
// Left out: asymmetric packing and capacity, NUMA, SD_SERIALIZE (nothing runs at the same instant), throttled
//           groups, housekeeping CPUs.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/lb_env.h"
#include "sim/port.h"
#include "sim/rng.h"

namespace models {

class LoadBalance {
 public:
  // Each CPU draws NI_RANDOM's dice from its stream of "sched/newidle".
  LoadBalance(RunQueues& rqs, const sim::Rng& rng);
  LoadBalance(const LoadBalance&) = delete;  // ports point here
  LoadBalance& operator=(const LoadBalance&) = delete;

  // Outputs.
  sim::Port<void(CpuId)> update_rq_clock;                    // a CPU's clocks are to be brought up to date
  sim::Port<void(Task&, CpuId from, CpuId to)> detach_task;  // off its queue, and set_task_cpu
  sim::Port<void(Task&, CpuId to)> attach_task;              // activate there, wakeup_preempt
  sim::Port<sim::Nanos(CpuId)> search_cost;                  // what searching one domain takes, and takes it
  sim::Port<void(CpuId from, CpuId to)> kick;                // an IPI; `to` then calls nohz_kicked
  sim::Port<void(CpuId busiest, CpuId to)> active_balance;   // its stopper is to call push_running

  // Inputs. `now` is the instant of the call.
  // in: __schedule found nothing to run here. True: it does now.
  bool newidle(CpuId id, sim::SimTime now);
  // in: the tick, after the task tick. True: raise SCHED softirq.
  bool trigger(CpuId id, sim::SimTime now);
  // in: SCHED softirq.
  void run_rebalance_domains(CpuId id, sim::SimTime now);
  // in: a capture shows that SCHED softirq ran here. With detach_task not connected nothing moves, and only
  // what wakeups look at is refreshed: capacities, the LLC's budget, rd->overloaded.
  void rebalance_seen(CpuId id, sim::SimTime now);
  // in: the stopper of `busiest` runs, to push what ran there before it to where active_balance said.
  void push_running(CpuId busiest, sim::SimTime now);
  // in: the IPI of `kick`. True: raise SCHED softirq.
  bool nohz_kicked(CpuId id);
  // in: the idle loop has stopped the tick. Leaving is noticed at the next busy tick, as in the kernel.
  void enter_nohz_idle(CpuId id);
  // in: the idle loop begins: it may update the loads of CPUs that sleep, if newidle saw that it is time.
  void run_idle_balance(CpuId id, sim::SimTime now);

 private:
  // NOHZ_*_KICK, of the kicked CPU.
  struct Kick {
    bool balance = false;
    bool stats = false;
    bool newilb = false;
    bool next = false;
    bool any() const { return balance || stats || next; }  // NOHZ_KICK_MASK
  };
  // What balancing keeps in struct rq. Times in jiffies.
  struct Local {
    std::int64_t next_balance = 0;
    CpuIdleType idle_balance = CpuIdleType::not_idle;  // as of the last tick or kick
    Kick nohz_flags;                                   // asked for
    Kick nohz_idle_balance;                            // to be done by the softirq
    bool nohz_tick_stopped = false;
    bool has_blocked_load = false;
    std::int64_t blocked_load_update = 0;
    bool active_balance = false;
    CpuId push_cpu = CpuId::none;
    sim::Stream dice;  // sched_rng()
  };
  struct Nohz {
    CpuMask idle_cpus;
    int nr_cpus = 0;
    bool has_blocked = false;
    bool needs_update = false;
    std::int64_t next_balance = 0;
    std::int64_t next_blocked = 0;
  };

  // load_balance.cpp: one pass over one domain.
  int balance_rq(CpuId id, std::size_t level, CpuIdleType idle, bool& continue_balancing);
  bool should_we_balance(const LbEnv& env) const;
  int detach_tasks(LbEnv& env);
  bool can_migrate_task(const Task& task, LbEnv& env) const;
  bool task_hot(const Task& task, const LbEnv& env) const;
  bool takes_too_much(const Task& task, LbEnv& env) const;
  void attach_tasks(CpuId to, int count);
  int move_tasks(LbEnv& env);

  // active_balance.cpp
  bool need_active_balance(const LbEnv& env) const;
  bool request_active_balance(LbEnv& env, CpuId id, bool& requested);

  // balance_domains.cpp: when to balance which domains.
  void set_now(sim::SimTime now) { jiffies_ = sim::count(now) / tick_; }
  bool newidle_domains(CpuId id, std::int64_t& next_balance);
  void balance_domains(CpuId id, CpuIdleType idle);
  std::int64_t balance_interval(const SchedDomain& sd, bool busy) const;
  void update_newidle_cost(SchedDomain& sd, std::int64_t cost, int success);
  bool decay_newidle_cost(SchedDomain& sd) const;
  void update_blocked_averages(CpuId id);
  bool sched_idle(CpuId id) const { return rqs_.sched_idle_cpu(id); }

  // nohz_balance.cpp: idle CPUs without ticks.
  void nohz_balancer_kick(CpuId id);
  bool nohz_worth_balancing(CpuId id) const;
  void kick_ilb(CpuId id, Kick flags);
  void nohz_exit_idle(CpuId id);
  void nohz_newidle(CpuId id);
  void nohz_idle_balance(CpuId id, Kick flags);
  bool update_nohz_stats(CpuId id);

  RunQueues& rqs_;
  BalanceRules rules_;
  std::int64_t tick_;  // ns
  std::int64_t hz_;
  std::int64_t max_interval_;  // max_load_balance_interval, jiffies
  std::int64_t jiffies_ = 0;
  std::vector<Local> locals_;
  Nohz nohz_;
  std::array<Task*, 32> detached_{};  // env->tasks, at most sysctl_sched_nr_migrate
};

}  // namespace models
