// select_task_rq under each placement policy: which CPU a wakee gets, for a given state of all CPUs.
#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

struct PlacementBench : SchedBench {
  explicit PlacementBench(int machine_cpus, int llc_cpus = 0, PolicyConfig policy_config = {}, int smt = 1)
      : SchedBench{machine(machine_cpus, llc_cpus), policy_config} {
    topology.smt = smt;
  }
  static KernelSetup machine(int machine_cpus, int llc_cpus) {
    KernelSetup chosen;
    chosen.cpus = machine_cpus;
    chosen.llc_cpus = llc_cpus;
    return chosen;
  }

  // That many runnable tasks on each of the CPUs, one of them running.
  void busy(std::initializer_list<int> which, int runnable = 1, const SchedConfig& sched_config = {}) {
    for (const int cpu : which) {
      for (int i = 0; i < runnable; ++i) {
        hog("hog", cpu, sched_config);
      }
    }
    run_until(now() + 1us);
  }
  // Where a task that slept on `prev` goes when it is woken on `waker`.
  int place(Worker& wakee, int prev, int waker, bool sync = false) {
    wakee.task.cpu = static_cast<CpuId>(prev);
    return static_cast<int>(sched->select_task_rq(
        Placement{wakee.task, static_cast<CpuId>(prev), static_cast<CpuId>(waker), sync}));
  }
  Worker& wakee(const SchedConfig& sched_config = {}) { return worker("wakee", 0, 1ms, sched_config); }
};

PolicyConfig policy_named(std::string name) {
  PolicyConfig config;
  config.name = std::move(name);
  return config;
}

SchedConfig fifo(int priority) {
  SchedConfig config;
  config.sched = SchedClass::fifo;
  config.rt_priority = priority;
  return config;
}

// ---- the kernel's default: wake_affine_idle, then select_idle_sibling ----

TEST_CASE("an idle previous CPU is taken back, also from a waker whose own CPU is idle under its interrupt",
          "[placement]") {
  PlacementBench bench{4};

  CHECK(bench.place(bench.wakee(), 2, 2) == 2);
  CHECK(bench.place(bench.wakee(), 2, 0) == 2);
}

TEST_CASE("an interrupt over idle takes the wakee when the previous CPU of its LLC is busy", "[placement]") {
  PlacementBench bench{4};
  bench.busy({2});

  CHECK(bench.place(bench.wakee(), 2, 0) == 0);
}

TEST_CASE("a wakeup across LLCs stays in the previous LLC and looks for an idle CPU there", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5});

  CHECK(bench.place(bench.wakee(), 5, 0) == 6);
}

TEST_CASE("a sync waker that is alone on its CPU draws the wakee into its LLC", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({0, 5});
  auto& wakee = bench.wakee();

  CHECK(bench.place(wakee, 5, 0, true) == 1);   // an idle sibling of the waker
  CHECK(bench.place(wakee, 5, 0, false) == 6);  // without sync, of the previous CPU
}

TEST_CASE("a sync waker that is not alone draws nobody", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5});
  bench.busy({0}, 2);

  CHECK(bench.place(bench.wakee(), 5, 0, true) == 6);
}

// wake_affine_idle leaves out delayed sleepers: cfs_rq.h_nr_delayed.
TEST_CASE("a delayed sleeper on its queue does not make a sync waker less alone", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5});
  bench.hog("waker", 0);
  SchedConfig bound;
  bound.cpus = {0};
  auto& sleeper = bench.worker("sleeper", 0, 3'900us, bound);
  bench.interrupt_at(3ms, 0, 0us, bench.wake(sleeper, 0));
  bench.run_until(7'950us);
  REQUIRE(sleeper.task.se.sched_delayed);

  CHECK(bench.place(bench.wakee(), 5, 0, true) == 1);
}

TEST_CASE("with every CPU of the waker's LLC busy a sync wakee stacks on the waker, others on their own CPU",
          "[placement]") {
  PlacementBench bench{4, 2};
  bench.busy({0, 1, 2, 3});
  auto& wakee = bench.wakee();

  CHECK(bench.place(wakee, 2, 0, true) == 0);
  CHECK(bench.place(wakee, 2, 0, false) == 2);
}

TEST_CASE("the scan starts behind the target and wraps around its LLC", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({5, 6, 7, 0});

  CHECK(bench.place(bench.wakee(), 6, 0) == 4);
}

TEST_CASE("the CPU used before the previous one comes before the scan, if it is idle, and is then forgotten",
          "[placement]") {
  PlacementBench bench{8};
  bench.busy({2});
  auto& wakee = bench.wakee();
  wakee.task.recent_used_cpu = CpuId{6};
  bench.busy({0});

  CHECK(bench.place(wakee, 2, 0) == 6);
  CHECK(wakee.task.recent_used_cpu == CpuId{2});
  CHECK(bench.place(wakee, 2, 0) == 3);
}

TEST_CASE("CPUs that the wakee may not use are passed over", "[placement]") {
  PlacementBench bench{4};
  bench.busy({0, 1});
  SchedConfig some;
  some.cpus = {1, 3};

  CHECK(bench.place(bench.wakee(some), 1, 0) == 3);
  CHECK(bench.place(bench.wakee(some), 1, 2) == 3);  // the waker's idle CPU is not allowed
}

TEST_CASE("a wakee that may not use the waker's CPU is not drawn there by sync", "[placement]") {
  PlacementBench bench{8, 4};
  bench.busy({0, 5});
  SchedConfig other_llc;
  other_llc.cpus = {5, 7};

  CHECK(bench.place(bench.wakee(other_llc), 5, 0, true) == 7);
}

TEST_CASE("a CPU with a task on its wake list is not idle for other wakers", "[placement]") {
  KernelSetup slow_exit = PlacementBench::machine(2, 0);
  slow_exit.costs = {{Cost::idle_exit_hlt, 100us}};
  SchedBench bench{slow_exit};
  SchedConfig bound;
  bound.cpus = {1};
  auto& first = bench.worker("first", 1, 1ms, bound);
  bench.hog("waker", 0);
  bench.interrupt_at(200us, 0, 0us, bench.wake(first, 0));

  CHECK(bench.sched->idle_cpu(CpuId{1}));
  bench.run_until(250us);

  CHECK(bench.sched->wakeup_in_flight(CpuId{1}));
  CHECK(!bench.sched->idle_cpu(CpuId{1}));
  bench.run_until(350us);
  CHECK(!bench.sched->wakeup_in_flight(CpuId{1}));
}

TEST_CASE("with SMT a wholly idle core comes before an idle sibling of a busy one", "[placement]") {
  PlacementBench bench{8, 8, {}, 2};
  bench.busy({0, 2});  // cores 0 and 1 are half busy

  CHECK(bench.place(bench.wakee(), 0, 0) == 4);
}

TEST_CASE("with SMT and no idle core the first idle CPU behind the target is taken", "[placement]") {
  PlacementBench bench{4, 4, {}, 2};
  bench.busy({0, 2});

  CHECK(bench.place(bench.wakee(), 2, 2) == 3);
  CHECK(bench.place(bench.wakee(), 0, 0) == 1);
}

TEST_CASE("an RT wakee keeps its CPU unless an RT task of at least its priority runs there", "[placement]") {
  PlacementBench bench{4};
  bench.busy({0, 3});
  bench.busy({1, 2}, 1, fifo(50));

  CHECK(bench.place(bench.wakee(fifo(60)), 1, 0) == 1);
  CHECK(bench.place(bench.wakee(fifo(50)), 1, 0) == 0);  // a CPU that runs no RT task, busy or not
  CHECK(bench.place(bench.wakee(fifo(10)), 0, 1) == 0);  // fair tasks are no obstacle
}

TEST_CASE("with RT tasks everywhere an RT wakee waits at home", "[placement]") {
  PlacementBench bench{2};
  bench.busy({0, 1}, 1, fifo(50));

  CHECK(bench.place(bench.wakee(fifo(40)), 1, 0) == 1);
}

// ---- pack_on_running: the measured rule of a vendor's kernel, row by row, on two CPUs ----

struct PackRow {
  bool prev_is_waker;
  int on_waker;  // runnable tasks on the waker's CPU
  int on_other;
  bool sync;
  bool gate_open;  // mean utilisation below the gate
  bool to_waker;   // where the wakee goes
};

TEST_CASE("pack_on_running decides by the runnable tasks of the two CPUs, sync and the gate", "[placement]") {
  const PackRow row = GENERATE(values<PackRow>({
      // An interrupt over idle takes its wakee, wherever it slept.
      {true, 0, 0, false, true, true},
      {true, 0, 2, false, false, true},
      {false, 0, 0, true, true, true},
      {false, 0, 2, false, false, true},
      // One runnable task passes as idle.
      {true, 1, 0, false, true, true},
      {true, 1, 0, false, false, true},
      {true, 1, 2, true, true, true},
      {false, 1, 0, false, true, true},
      {false, 1, 0, true, true, true},
      {false, 1, 1, true, true, true},
      {false, 1, 1, false, true, false},
      {false, 1, 0, true, false, false},
      {false, 1, 1, true, false, false},
      // A full CPU sends wakees to the other, if that is not full; wakees of the other stay there.
      {true, 2, 0, false, true, false},
      {true, 2, 1, true, true, false},
      {true, 2, 2, true, true, true},
      {true, 2, 0, false, false, true},
      {true, 3, 1, false, false, true},
      {false, 2, 0, true, true, false},
      {false, 2, 2, false, true, false},
  }));
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = row.gate_open ? 2.0 : 0.0;
  PlacementBench bench{2, 0, pack};
  bench.busy({0}, row.on_waker);
  bench.busy({1}, row.on_other);
  CAPTURE(row.prev_is_waker, row.on_waker, row.on_other, row.sync, row.gate_open);

  CHECK(bench.place(bench.wakee(), row.prev_is_waker ? 0 : 1, 0, row.sync) == (row.to_waker ? 0 : 1));
}

TEST_CASE("pack_on_running sends nobody to a CPU that a wakeup is on its way to", "[placement]") {
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = 2.0;
  KernelSetup slow_exit = PlacementBench::machine(2, 0);
  slow_exit.costs = {{Cost::idle_exit_hlt, 100us}};
  SchedBench bench{slow_exit, pack};
  SchedConfig bound;
  bound.cpus = {1};
  auto& first = bench.worker("first", 1, 1ms, bound);
  bench.hog("waker", 0);
  bench.hog("second", 0);
  bench.interrupt_at(200us, 0, 0us, bench.wake(first, 0));
  auto& wakee = bench.worker("wakee", 0, 1ms);
  const auto place = [&] {
    return bench.sched->select_task_rq(Placement{wakee.task, CpuId{0}, CpuId{0}, false});
  };

  bench.run_until(150us);
  CHECK(place() == CpuId{1});
  bench.run_until(250us);
  CHECK(place() == CpuId{0});
  bench.run_until(350us);
  CHECK(place() == CpuId{1});  // it runs there now, alone
}

TEST_CASE("pack_on_running counts runnable tasks, not delayed sleepers", "[placement]") {
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = 2.0;
  PlacementBench bench{2, 0, pack};
  bench.hog("runs", 0);
  SchedConfig bound;
  bound.cpus = {0};
  auto& sleeper = bench.worker("sleeper", 0, 3'900us, bound);
  bench.interrupt_at(3ms, 0, 0us, bench.wake(sleeper, 0));
  bench.run_until(7'950us);
  REQUIRE(sleeper.task.se.sched_delayed);

  CHECK(bench.place(bench.wakee(), 0, 0) == 0);
}

TEST_CASE("pack_on_running's gate is the mean share of time that the CPUs were busy", "[placement]") {
  const auto [gate, to_other] = GENERATE(std::pair{0.45, false}, std::pair{0.55, true});
  PolicyConfig pack = policy_named("pack_on_running");
  pack.utilisation_gate = gate;
  PlacementBench bench{2, 0, pack};
  bench.hog("first", 0);
  bench.hog("second", 0);
  bench.run_until(400ms);  // CPU 0 wholly busy, CPU 1 idle

  CHECK(bench.place(bench.wakee(), 0, 0) == (to_other ? 1 : 0));
}

TEST_CASE("pack_on_running places RT wakees as the kernel does", "[placement]") {
  PlacementBench bench{2, 0, policy_named("pack_on_running")};

  CHECK(bench.place(bench.wakee(fifo(10)), 1, 0) == 1);
}

// ---- agent_wakeup_placement: home, else a quiet CPU nearby, else the kernel's choice ----

struct AgentBench : PlacementBench {
  AgentBench() : PlacementBench{8, 4, policy_named("agent_wakeup_placement")} {}
  Worker& agent(int home) {
    Worker& agent = worker("agent", 0, 1ms, {}, Role::agent);
    agent.task.latency_class = LatencyClass::agent_interactive;
    agent.task.home_cpu = static_cast<CpuId>(home);
    return agent;
  }
  // Hardirqs, or softirqs, take a fifth of those CPUs' time for a while; afterwards they are idle again.
  void make_hot(std::initializer_list<int> which, bool in_softirq) {
    for (const int cpu : which) {
      for (int i = 0; i < 200; ++i) {
        const sim::Nanos when = now() + i * 500us + 1us;
        in_softirq ? softirq_at(when, cpu, 100us, [] {}) : interrupt_at(when, cpu, 100us, [] {});
      }
    }
    run_until(now() + 100ms);
  }
};

TEST_CASE("an agent goes home, wherever it slept and whoever woke it", "[placement]") {
  AgentBench bench;

  CHECK(bench.place(bench.agent(2), 6, 0) == 2);
  CHECK(bench.place(bench.agent(2), 2, 0) == 2);
  CHECK(bench.place(bench.agent(6), 2, 0) == 6);
}

TEST_CASE("an agent whose home is busy takes the next idle CPU of its home's LLC, then one beyond", "[placement]") {
  AgentBench bench;
  bench.busy({2});
  CHECK(bench.place(bench.agent(2), 2, 0) == 3);

  bench.busy({0, 1, 3});
  CHECK(bench.place(bench.agent(2), 2, 0) == 4);
}

TEST_CASE("an agent avoids a home that interrupts or softirqs keep hot, and hot CPUs near it", "[placement]") {
  const bool in_softirq = GENERATE(false, true);
  AgentBench bench;
  bench.make_hot({2}, in_softirq);
  CHECK(bench.place(bench.agent(2), 2, 6) == 3);

  bench.make_hot({2, 3}, in_softirq);
  CHECK(bench.place(bench.agent(2), 2, 6) == 0);
}

TEST_CASE("a home cools down: PELT forgets half of an interrupt load every 34 ms", "[placement]") {
  AgentBench bench;
  bench.make_hot({2}, false);
  REQUIRE(bench.place(bench.agent(2), 2, 6) != 2);

  bench.run_until(bench.now() + 60ms);

  CHECK(bench.place(bench.agent(2), 2, 6) == 2);
}

TEST_CASE("a home in the middle of a softirq is not quiet, however cool it is", "[placement]") {
  AgentBench bench;
  int chosen = -1;
  auto& agent = bench.agent(2);
  bench.softirq_at(1ms, 2, 50us, [] {});
  bench.interrupt_at(1'020us, 6, 0us, [&] { chosen = bench.place(agent, 2, 6); });

  bench.run_until(2ms);

  CHECK(chosen == 3);
}

TEST_CASE("without a home the previous CPU is home", "[placement]") {
  AgentBench bench;

  CHECK(bench.place(bench.agent(-1), 5, 0) == 5);
}

TEST_CASE("an agent that finds nothing idle and quiet is placed as the kernel places others", "[placement]") {
  AgentBench bench;
  bench.busy({0, 1, 2, 3, 4, 5, 6, 7});

  CHECK(bench.place(bench.agent(2), 5, 0) == 5);
}

TEST_CASE("affinity binds an agent too, and other tasks are not agents", "[placement]") {
  AgentBench bench;
  auto& bound = bench.agent(2);
  bound.task.allowed.reset(2);
  CHECK(bench.place(bound, 5, 0) == 3);

  auto& stranger = bench.agent(2);
  stranger.task.latency_class = LatencyClass::normal;
  CHECK(bench.place(stranger, 5, 0) == 5);
}

}  // namespace
}  // namespace models
