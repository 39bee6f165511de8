// try_to_wake_up: from sched_waking on the waker's CPU to the wakee's sched_switch, with what each way costs.
#include <catch2/catch.hpp>

#include "tests/support/sched_bench.h"

namespace models {
namespace {

// Everything that lies between a wakeup and a running task has a cost of its own.
KernelSetup setup(int cpus, IdleState idle = IdleState::hlt) {
  KernelSetup chosen;
  chosen.cpus = cpus;
  chosen.idle = idle;
  chosen.costs = {{Cost::try_to_wake_up, 2us}, {Cost::context_switch, 3us}, {Cost::idle_enter, 4us},
                  {Cost::idle_exit_hlt, 20us}, {Cost::idle_exit_c1, 1us},   {Cost::idle_loop_exit, 7us},
                  {Cost::ipi_send, 11us},      {Cost::ipi_handler, 6us},    {Cost::hardirq_entry, 1us},
                  {Cost::hardirq_exit, 500ns}, {Cost::msi_delivery, 300ns}, {Cost::ipi_delivery, 300ns}};
  return chosen;
}

SchedConfig on(int cpu) {
  SchedConfig config;
  config.cpus = {cpu};
  return config;
}

SchedConfig fifo_on(int cpu, int priority = 10) {
  SchedConfig config = on(cpu);
  config.sched = SchedClass::fifo;
  config.rt_priority = priority;
  return config;
}

// The interrupt of wake_at(100us) has its 10 us in the handler behind it: 130 us after an HLT, 110 us over a
// task.
constexpr sim::Nanos handled = 130us;
constexpr sim::Nanos handled_over_task = 110us;

TEST_CASE("a wakeup on its own halted CPU runs after the handler, the idle loop's end and the switch",
          "[wakeup]") {
  SchedBench bench{setup(1)};
  auto& task = bench.worker("task", 0, 50us);
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  CHECK(bench.traced(Tracepoint::sched_waking) == Moments{{"0: task", handled}});
  CHECK(bench.traced(Tracepoint::sched_wakeup) == Moments{{"0: task", handled}});
  const sim::Nanos runs = handled + 2us + 7us + 3us;
  CHECK(bench.switches() == Moments{{"0: idle > task", runs}, {"0: task > idle", runs + 50us + 3us}});
  CHECK(bench.timeline.at("task done") == Instants{runs + 50us});
}

TEST_CASE("softirqs that the same interrupt raised run before the woken task (KF1.3)", "[wakeup]") {
  SchedBench bench{setup(1)};
  auto& task = bench.worker("task", 0, 50us);
  bench.wake_at(100us, task, 0);
  bench.softirq_at(100us, 0, 40us, [] {});  // its handler comes second

  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::softirq_exit) == Times{handled + 2us + 40us});
  CHECK(bench.switches().front() == Moment{"0: idle > task", handled + 2us + 40us + 7us + 3us});
}

TEST_CASE(
    "KF8.10, KF18.1b: a halted remote CPU is woken through its wake list and one IPI, and enqueues the task "
    "itself",
    "[wakeup]") {
  SchedBench bench{setup(2)};
  auto& task = bench.worker("task", 1, 50us, on(1));
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  const sim::Nanos drained = handled + 300ns + 20us + 1us + 6us;
  CHECK(bench.traced(Tracepoint::sched_waking) == Moments{{"0: task", handled}});
  CHECK(bench.traced(Tracepoint::sched_wakeup) == Moments{{"1: task", drained}});
  CHECK(bench.switches().front() == Moment{"1: idle > task", drained + 500ns + 7us + 3us});
  CHECK(bench.interrupts(1, IrqKind::ipi) == 1);
}

TEST_CASE("KF8.11: a polling idle CPU needs no IPI: the store wakes it and it drains its wake list (KF1.6)",
          "[wakeup]") {
  SchedBench bench{setup(2, IdleState::c1)};
  auto& task = bench.worker("task", 1, 50us, on(1));
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  const sim::Nanos waking = 100us + 1us + 10us;
  CHECK(bench.traced(Tracepoint::sched_waking) == Moments{{"0: task", waking}});
  CHECK(bench.traced(Tracepoint::sched_wakeup) == Moments{{"1: task", waking + 1us + 7us}});
  CHECK(bench.switches().front() == Moment{"1: idle > task", waking + 1us + 7us + 3us});
  CHECK(bench.interrupts(1, IrqKind::ipi) == 0);
}

TEST_CASE("a wakeup that finds the wake list occupied sends no second IPI; one drain enqueues both (KF1.5)",
          "[wakeup]") {
  SchedBench bench{setup(2)};
  auto& first = bench.worker("first", 1, 50us, on(1));
  auto& second = bench.worker("second", 1, 50us, on(1));
  bench.interrupt_at(100us, 0, 10us, [&] {
    bench.wake(first, 0)();
    bench.wake(second, 0)();
  });

  bench.run_until(1ms);

  const sim::Nanos drained = handled + 300ns + 20us + 1us + 6us;
  CHECK(bench.traced(Tracepoint::sched_wakeup) == Moments{{"1: first", drained}, {"1: second", drained}});
  CHECK(bench.interrupts(1, IrqKind::ipi) == 1);
}

TEST_CASE("the waker pays for the wakeup and for the IPI", "[wakeup]") {
  SchedBench bench{setup(2)};
  auto& waker = bench.worker("waker", 0, 500us, on(0));
  auto& task = bench.worker("task", 1, 50us, on(1));
  bench.sched->try_to_wake_up(waker.task, CpuId{0}, {});
  bench.sched->cpu(CpuId{0}).settle();
  bench.run_until(90us);
  const sim::Nanos start = bench.switches().front().at;
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  CHECK(bench.timeline.at("waker done") == Instants{start + 500us + 10us + 2us + 11us});
}

TEST_CASE("the waker of two tasks pays for two wakeups and for one IPI", "[wakeup]") {
  SchedBench bench{setup(2)};
  auto& waker = bench.worker("waker", 0, 500us, on(0));
  auto& first = bench.worker("first", 1, 50us, on(1));
  auto& second = bench.worker("second", 1, 50us, on(1));
  bench.sched->try_to_wake_up(waker.task, CpuId{0}, {});
  bench.sched->cpu(CpuId{0}).settle();
  bench.run_until(90us);
  const sim::Nanos start = bench.switches().front().at;
  bench.interrupt_at(100us, 0, 10us, [&] {
    bench.wake(first, 0)();
    bench.wake(second, 0)();
  });

  bench.run_until(1ms);

  CHECK(bench.timeline.at("waker done") == Instants{start + 500us + 10us + 2 * 2us + 11us});
}

TEST_CASE("KF8.10: a busy CPU of the same LLC is given the task by the waker, where sched_wakeup is traced",
          "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 50us, on(1));
  bench.run_until(50us);
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  CHECK(bench.traced(Tracepoint::sched_wakeup).back() == Moment{"0: task", handled});
}

TEST_CASE("a wakeup that preempts on a busy remote CPU sends a reschedule IPI", "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 50us, fifo_on(1));
  bench.run_until(50us);
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  CHECK(bench.switches()[1] == Moment{"1: hog > task", handled + 300ns + 1us + 6us + 500ns + 3us});
  CHECK(bench.interrupts(1, IrqKind::ipi) == 1);
}

TEST_CASE("a reschedule IPI runs no softirqs that are pending; the next other interrupt does (KF1.4)",
          "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 50us, fifo_on(1));
  bench.run_until(50us);
  bench.softirqs[1]->raise(SoftirqVector::block);
  bench.wake_at(100us, task, 0);
  bench.interrupt_at(300us, 1, 0us, [] {});

  bench.run_until(250us);
  CHECK(bench.interrupts(1, IrqKind::ipi) == 1);
  CHECK(bench.times_of(Tracepoint::softirq_entry).empty());
  bench.run_until(350us);

  CHECK(bench.times_of(Tracepoint::softirq_entry) == Times{300us});
}

TEST_CASE("an RT wakee of the running one's priority sends no IPI", "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1, fifo_on(1, 10));
  auto& equal = bench.worker("equal", 1, 50us, fifo_on(1, 10));
  auto& higher = bench.worker("higher", 1, 50us, fifo_on(1, 11));
  bench.run_until(50us);
  bench.wake_at(100us, equal, 0);
  bench.run_until(1ms);
  CHECK(bench.interrupts(1, IrqKind::ipi) == 0);

  bench.wake_at(2ms, higher, 0);
  bench.run_until(3ms);

  CHECK(bench.interrupts(1, IrqKind::ipi) == 1);
}

TEST_CASE("a wakeup that does not preempt sends no IPI; its task waits for the end of the slice, at a tick",
          "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 50us, on(1));
  bench.run_until(50us);
  bench.wake_at(100us, task, 0);

  bench.run_until(6ms);

  CHECK(bench.interrupts(1, IrqKind::ipi) == 0);
  CHECK(bench.switches()[1] == Moment{"1: hog > task", 4ms + 1us + 500ns + 3us});
}

TEST_CASE("a CPU that is to reschedule already gets no second IPI", "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& first = bench.worker("first", 1, 50us, fifo_on(1));
  auto& second = bench.worker("second", 1, 50us, fifo_on(1));
  bench.run_until(50us);
  bench.interrupt_at(100us, 0, 10us, [&] {
    bench.wake(first, 0)();
    bench.wake(second, 0)();
  });

  bench.run_until(1ms);

  CHECK(bench.interrupts(1, IrqKind::ipi) == 1);
  CHECK(bench.timeline.at("second done").size() == 1);
}

TEST_CASE("KF8.10: across LLCs even a busy CPU is woken through its wake list", "[wakeup]") {
  KernelSetup two_llcs = setup(2);
  two_llcs.llc_cpus = 1;
  SchedBench bench{two_llcs};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 50us, fifo_on(1));
  bench.run_until(50us);
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  const sim::Nanos drained = handled + 300ns + 1us + 6us;
  CHECK(bench.traced(Tracepoint::sched_wakeup).back() == Moment{"1: task", drained});
  CHECK(bench.switches()[1] == Moment{"1: hog > task", drained + 500ns + 3us});
}

TEST_CASE("waking a task that is running, queued or on its way does nothing", "[wakeup]") {
  SchedBench bench{setup(2)};
  auto& task = bench.worker("task", 1, 200us, on(1));
  std::vector<bool> woken;
  const auto try_wake = [&] { woken.push_back(bench.sched->try_to_wake_up(task.task, CpuId{0}, {})); };
  bench.interrupt_at(100us, 0, 10us, [&] {
    try_wake();
    try_wake();  // on the wake list
  });
  bench.interrupt_at(200us, 0, 10us, try_wake);  // running
  bench.interrupt_at(900us, 0, 10us, try_wake);  // asleep again

  bench.run_until(2ms);

  CHECK(woken == std::vector<bool>{true, false, false, true});
  CHECK(task.rounds == 2);
}

TEST_CASE("a pinned task is not offered to the placement policy", "[wakeup]") {
  KernelBench bench{setup(2)};
  Task& pinned = bench.add_task(1);
  Task& free = bench.sched->add_task("free", Role::background, {});

  bench.sched->try_to_wake_up(pinned, CpuId{0}, {});
  CHECK(bench.placements.empty());
  bench.sched->try_to_wake_up(free, CpuId{1}, {.sync = true, .completion = CompletionId::none});

  REQUIRE(bench.placements.size() == 1);
  CHECK(&bench.placements[0].task == &free);
  CHECK(bench.placements[0].prev == free.cpu);
  CHECK(bench.placements[0].waker == CpuId{1});
  CHECK(bench.placements[0].sync);
}

// ttwu_runnable: a task that overran its share and sleeps is still queued.
TEST_CASE(
    "KF7.6, KF8.3, KF8.16: a delayed sleeper is woken where it is, without selection, though another CPU is "
    "idle",
    "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 3'900us, on(1));
  bench.wake_at(3ms, task, 1);  // it runs from 4 ms on, for longer than its share since 3 ms
  bench.run_until(8'100us);
  REQUIRE(bench.timeline.at("task done").size() == 1);
  REQUIRE(task.task.se.sched_delayed);
  bench.allow(task, 0);
  bench.hits.clear();
  bench.wake_at(8'200us, task, 0);

  bench.run_until(8'300us);

  CHECK(task.task.cpu == CpuId{1});
  CHECK(!task.task.se.sched_delayed);
  CHECK(bench.times_of(Tracepoint::sched_migrate_task).empty());
  CHECK(bench.traced(Tracepoint::sched_wakeup) == Moments{{"0: task", 8'230us}});
}

TEST_CASE("a sleeper whose dequeue was not delayed is selected a CPU: the idle one", "[wakeup]") {
  SchedBench bench{setup(2)};
  bench.hog("hog", 1);
  auto& task = bench.worker("task", 1, 100us, on(1));
  bench.wake_at(3ms, task, 1);
  bench.run_until(8'100us);
  REQUIRE(bench.timeline.at("task done").size() == 1);
  REQUIRE(!task.task.on_rq());
  bench.allow(task, 0);
  bench.wake_at(8'200us, task, 0);

  bench.run_until(8'300us);

  CHECK(task.task.cpu == CpuId{0});
}

TEST_CASE("a completion is stamped at sched_waking, at the enqueue and at the switch", "[wakeup]") {
  SchedBench bench{setup(2)};
  auto& task = bench.worker("task", 1, 50us, on(1), Role::agent);
  bench.completion = bench.completions.acquire({}, task.task.id);
  bench.wake_at(100us, task, 0);

  bench.run_until(1ms);

  const Completion& completion = bench.completions[bench.completion];
  const sim::Nanos drained = handled + 300ns + 20us + 1us + 6us;
  const sim::Nanos runs = drained + 500ns + 7us + 3us;
  CHECK(completion.when(Stage::waking) == sim::SimTime{handled});
  CHECK(completion.when(Stage::runnable) == sim::SimTime{drained});
  CHECK(completion.when(Stage::running) == sim::SimTime{runs});
  const Metrics& metrics = bench.meter.metrics();
  CHECK(metrics[Metric::wake_to_run].mean() == Approx((runs - handled).count()).epsilon(0.01));
  CHECK(metrics[Metric::wakeup_to_run].mean() == Approx((runs - drained).count()).epsilon(0.01));
}

// nanosleep's syscall: 1.4 us in, 600 ns out; the expiry's way: 500 ns delivery, 3 us to the callback.
struct Spin {
  void end() {}
};

KernelSetup sleeping() {
  KernelSetup chosen;
  chosen.costs = {{Cost::syscall_entry, 400ns}, {Cost::nanosleep_entry, 1us},
                  {Cost::syscall_exit, 600ns},  {Cost::timer_delivery, 500ns},
                  {Cost::hardirq_entry, 1us},   {Cost::hrtimer_interrupt, 2us},
                  {Cost::context_switch, 5us},  {Cost::clockevent_program, 9us}};
  return chosen;
}

TEST_CASE("nanosleep wakes its task in the timer's hardirq, after the task's slack (KF9.5)", "[wakeup]") {
  const auto [sched_class, slack] =
      GENERATE(std::pair{SchedClass::normal, sim::Nanos{50us}}, std::pair{SchedClass::fifo, sim::Nanos{0us}});
  KernelBench bench{sleeping()};
  SchedConfig config;
  config.sched = sched_class;
  Task& task = bench.sched->add_task("sleeper", Role::background, config);
  Spin spin;
  sim::Nanos called{}, returned{};
  Script script{[&](const Continuation& next) {
                  called = bench.now();
                  bench.nanosleep->sleep(task, 200us, CompletionId::none, next);
                },
                [&](const Continuation&) {
                  returned = bench.now();
                  bench.sched->work_user<&Spin::end>(task, 1s, spin);
                }};
  bench.launch(task, script.start());

  bench.run_until(1ms);

  const sim::Nanos waking = called + 200us + slack + 500ns + 1us + 2us;
  CHECK(bench.times_of(Tracepoint::sched_waking).back() == waking);
  CHECK(returned == waking + 9us + 5us + 600ns);
}

TEST_CASE("a nanosleep that is over before it could sleep returns at once", "[wakeup]") {
  KernelBench bench{sleeping()};
  Task& task = bench.add_task(0);
  Spin spin;
  sim::Nanos called{}, returned{};
  Script script{[&](const Continuation& next) {
                  called = bench.now();
                  bench.nanosleep->sleep(task, 1us, CompletionId::none, next);
                },
                [&](const Continuation&) {
                  returned = bench.now();
                  bench.sched->work_user<&Spin::end>(task, 1s, spin);
                }};
  bench.launch(task, script.start());

  bench.run_until(1ms);

  CHECK(returned == called + 1'400ns + 600ns);
  CHECK(bench.cpus[0]->interrupts()[static_cast<std::size_t>(IrqKind::timer)] == 0);
}

}  // namespace
}  // namespace models
