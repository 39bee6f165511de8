// Where NEED_RESCHED acts, by preemption model: kernel/Kconfig.preempt, core.c:__sched_dynamic_update,
// kernel/entry/common.c. One test per row of that table, one column per model.
#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

enum class Flag { hard, lazy };

// A task whose work is interrupted at 10 us; the handler, of 20 us, sets the flag.
struct PreemptBench : CpuBench {
  explicit PreemptBench(Preemption preemption, Flag flag = Flag::hard)
      : CpuBench{{.preemption = preemption}}, set{flag} {
    raise_at(irq("disk", 20us, [this] { request(); }), 10us);
  }
  void request() {
    if (set == Flag::hard) {
      cpu.set_need_resched();
    } else {
      cpu.set_need_resched_lazy();
    }
  }
  Instants scheduled() {
    engine.run_for(900us);
    return timeline.at("schedule");
  }
  Flag set;
};

struct Cell {
  Preemption preemption;
  Flag flag;
  Instants acts;
};

constexpr auto none = Preemption::none;
constexpr auto voluntary = Preemption::voluntary;
constexpr auto full = Preemption::full;
constexpr auto lazy = Preemption::lazy;

TEST_CASE("an interrupt's return to user reschedules under every model, for either flag (KF7.8)",
          "[preempt]") {
  const Cell cell = GENERATE(Cell{none, Flag::hard, {30us}}, Cell{voluntary, Flag::hard, {30us}},
                             Cell{full, Flag::hard, {30us}}, Cell{lazy, Flag::hard, {30us}},
                             Cell{none, Flag::lazy, {30us}}, Cell{voluntary, Flag::lazy, {30us}},
                             Cell{full, Flag::lazy, {30us}}, Cell{lazy, Flag::lazy, {30us}});
  PreemptBench bench{cell.preemption, cell.flag};
  bench.run_task([&] { bench.task("user code", 1s, Kind::user); });

  CHECK(bench.scheduled() == cell.acts);
}

TEST_CASE("a system call's return to user reschedules under every model, for either flag (KF7.8)",
          "[preempt]") {
  const auto [model, flag] =
      GENERATE(std::pair{none, Flag::hard}, std::pair{voluntary, Flag::hard}, std::pair{lazy, Flag::lazy});
  PreemptBench bench{model, flag};
  bench.run_task([&] {
    bench.task("system call", 100us, Kind::kernel, [&] { bench.task("user code", 1s, Kind::user); });
  });

  CHECK(bench.scheduled() == Instants{120us});
}

TEST_CASE(
    "an interrupt's return to the kernel reschedules under full and lazy, for the hard flag only (KF7.8)",
    "[preempt]") {
  const Cell cell =
      GENERATE(Cell{none, Flag::hard, {}}, Cell{voluntary, Flag::hard, {}}, Cell{full, Flag::hard, {30us}},
               Cell{lazy, Flag::hard, {30us}}, Cell{lazy, Flag::lazy, {}}, Cell{full, Flag::lazy, {30us}});
  PreemptBench bench{cell.preemption, cell.flag};
  bench.run_task([&] { bench.task("system call", 1s, Kind::kernel); });

  CHECK(bench.scheduled() == cell.acts);
}

TEST_CASE(
    "with preemption off no return to the kernel reschedules; preempt_enable does, for those models (KF7.8)",
    "[preempt]") {
  const Cell cell =
      GENERATE(Cell{none, Flag::hard, {}}, Cell{voluntary, Flag::hard, {}}, Cell{full, Flag::hard, {120us}},
               Cell{lazy, Flag::hard, {120us}}, Cell{lazy, Flag::lazy, {}});
  PreemptBench bench{cell.preemption, cell.flag};
  bench.run_task([&] {
    bench.task("spin_lock to spin_unlock", 100us, Kind::preempt_off,
               [&] { bench.task("system call", 1s, Kind::kernel); });
  });

  CHECK(bench.scheduled() == cell.acts);
}

TEST_CASE("a region with interrupts off ends before anything reschedules (KF7.8)", "[preempt]") {
  const auto [model, acts] = GENERATE(std::pair{none, Instants{}}, std::pair{full, Instants{120us}});
  PreemptBench bench{model};
  bench.run_task([&] {
    bench.task("local_irq_disable", 100us, Kind::irqs_off,
               [&] { bench.task("system call", 1s, Kind::kernel); });
  });

  CHECK(bench.scheduled() == acts);  // the interrupt itself comes at 100 us
}

TEST_CASE("cond_resched reschedules under none and voluntary; it does nothing under full and lazy (KF7.8)",
          "[preempt]") {
  // A wakeup by the task itself, as the work before ends, so that full has no other point before.
  const Cell cell = GENERATE(Cell{none, Flag::hard, {120us}}, Cell{voluntary, Flag::hard, {120us}},
                             Cell{lazy, Flag::lazy, {}}, Cell{none, Flag::lazy, {120us}});
  PreemptBench bench{cell.preemption, cell.flag};
  bench.run_task([&] {
    bench.task("part", 100us, Kind::kernel, [&] { bench.task("next part", 1s, Kind::cond_resched); });
  });

  CHECK(bench.scheduled() == cell.acts);
}

TEST_CASE("might_sleep reschedules under voluntary only (KF7.8)", "[preempt]") {
  const Cell cell =
      GENERATE(Cell{none, Flag::hard, {}}, Cell{voluntary, Flag::hard, {120us}}, Cell{lazy, Flag::lazy, {}});
  PreemptBench bench{cell.preemption, cell.flag};
  bench.run_task([&] {
    bench.task("part", 100us, Kind::kernel, [&] { bench.task("mutex_lock", 1s, Kind::might_sleep); });
  });

  CHECK(bench.scheduled() == cell.acts);
}

TEST_CASE("a task's last preempt_enable in a callback reschedules at once under full only (KF7.8)",
          "[preempt]") {
  const auto [model, acts] = GENERATE(std::pair{none, Instants{}}, std::pair{voluntary, Instants{}},
                                      std::pair{full, Instants{50us}}, std::pair{lazy, Instants{50us}});
  CpuBench bench{{.preemption = model}};
  bench.run_task([&] {
    bench.task("wake_up", 50us, Kind::kernel, [&] {
      bench.cpu.set_need_resched();
      bench.task("system call", 1s, Kind::kernel);
    });
  });

  bench.engine.run_for(900us);

  CHECK(bench.timeline.at("schedule") == acts);
}

TEST_CASE("a task that blocks calls the scheduler itself, flag or not, under every model (KF7.8)",
          "[preempt]") {
  const Preemption model = GENERATE(none, voluntary, full, lazy);
  CpuBench bench{{.preemption = model}};
  bench.run_task([&] { bench.task("read", 50us, Kind::kernel, [&] { bench.cpu.schedule(CpuId{0}); }); });
  bench.on_schedule = [&] { bench.task("next task", 1s, Kind::user); };

  bench.engine.run_for(900us);

  CHECK(bench.timeline.at("schedule") == Instants{50us});
}

TEST_CASE(
    "the idle loop reschedules under every model, and a lazy request of the idle task is a hard one (KF7.8)",
    "[preempt]") {
  const auto [model, flag] =
      GENERATE(std::pair{none, Flag::hard}, std::pair{voluntary, Flag::hard}, std::pair{full, Flag::hard},
               std::pair{lazy, Flag::hard}, std::pair{lazy, Flag::lazy});
  PreemptBench bench{model, flag};
  bench.on_schedule = [&] {
    bench.cpu.set_idle_task(false);
    bench.rest();
  };
  bench.cpu.settle();

  CHECK(bench.scheduled() == Instants{30us});
}

TEST_CASE("a tick promotes a lazy request, which then preempts the kernel (KF7.8)", "[preempt]") {
  CpuBench bench{{.preemption = Preemption::lazy}};
  bench.run_task([&] { bench.task("system call", 1s, Kind::kernel); });
  bool promoted = false;
  bench.raise_at(bench.irq("waker", 1us, [&] { bench.cpu.set_need_resched_lazy(); }), 10us);
  bench.raise_at(bench.irq("tick", 2us, [&] { promoted = bench.cpu.promote_lazy(); }), 400us);

  bench.engine.run_for(399us);
  CHECK(bench.cpu.need_resched_lazy());
  CHECK(!bench.cpu.need_resched());  // what the softirq loop would look at
  CHECK(bench.timeline.at("schedule").empty());
  bench.engine.run_for(100us);

  CHECK(promoted);
  CHECK(bench.timeline.at("schedule") == Instants{402us});
  CHECK(!bench.cpu.need_resched_lazy());
  CHECK(!bench.cpu.promote_lazy());  // nothing is left to promote
}

}  // namespace
}  // namespace models
