#include "models/softirq.h"

#include <catch2/catch.hpp>

#include "tests/support/cpu_bench.h"

namespace models {
namespace {

using Kind = CpuBench::Kind;

std::string name_of(SoftirqVector vector) { return "vec " + std::to_string(static_cast<int>(vector)); }

// The softirq core on one CPU. An action takes the cost that a test gave its vector and then does `after`.
struct SoftirqBench : CpuBench {
  struct Action {
    SoftirqBench& bench;
    SoftirqVector vector;
    sim::Nanos cost{1us};
    Then after;
    void run() {
      bench.timeline.note(name_of(vector));
      bench.cpu.run<&Action::end>(Context::softirq, cost, *this);
    }
    void end() {
      if (after) {
        after();
      }
      bench.softirq.done();
    }
  };

  explicit SoftirqBench(const CpuBenchConfig& config = {}, int hz = 250)
      : CpuBench{config}, softirq{engine, cpu, sampler, tracepoints, hz} {
    cpu.start_softirqs.connect<&SoftirqBench::start>(*this);
    cpu.softirqs_pending.connect<&SoftirqBench::pending>(*this);
    softirq.wake_ksoftirqd.connect<&SoftirqBench::wake_ksoftirqd>(*this);
    softirq.ksoftirqd_done.connect<&SoftirqBench::ksoftirqd_done>(*this);
    softirq.ran.connect<&SoftirqBench::ran>(*this);
    for (std::size_t i = 0; i < softirq_vectors; ++i) {
      actions.push_back(Action{*this, static_cast<SoftirqVector>(i), 1us, {}});
      softirq.action[i].connect<&Action::run>(actions.back());
    }
  }
  Action& action(SoftirqVector vector) { return actions[static_cast<std::size_t>(vector)]; }
  // A handler of no cost that raises the vectors.
  void interrupt_at(sim::Nanos when, std::vector<SoftirqVector> vectors) {
    raise_at(irq("irq", 0ns,
                 [this, vectors] {
                   for (const SoftirqVector vector : vectors) {
                     softirq.raise(vector);
                   }
                 }),
             when);
  }
  // A vector that raises itself again at the end of each of its first `times` runs.
  void repeat(SoftirqVector vector, int times) {
    action(vector).after = [this, vector, left = times]() mutable {
      if (left-- > 0) {
        softirq.raise(vector);
      }
    };
  }
  Instants runs(SoftirqVector vector) const { return timeline.at(name_of(vector)); }

  Softirq softirq;
  std::deque<Action> actions;
  std::vector<std::pair<SoftirqVector, sim::Nanos>> spans;

 private:
  void start(CpuId) { softirq.start(); }
  bool pending(CpuId) { return softirq.pending(); }
  void wake_ksoftirqd(CpuId) { timeline.note("wake ksoftirqd"); }
  void ksoftirqd_done() {
    timeline.note("ksoftirqd done");
    rest();
  }
  void ran(SoftirqVector vector, sim::Nanos span) { spans.emplace_back(vector, span); }
};

using V = SoftirqVector;

TEST_CASE("softirqs of one pass run in the order of their vectors", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.action(V::timer).cost = 2us;
  bench.action(V::net_rx).cost = 30us;
  bench.interrupt_at(10us, {V::rcu, V::net_rx, V::timer});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::timer) == Instants{10us});
  CHECK(bench.runs(V::net_rx) == Instants{12us});
  CHECK(bench.runs(V::rcu) == Instants{42us});
}

TEST_CASE("a pass is a snapshot: a vector raised during it waits for the vectors after it (KF2.1)",
          "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.repeat(V::net_rx, 1);
  bench.action(V::net_rx).cost = 30us;
  bench.action(V::block).cost = 5us;
  bench.interrupt_at(10us, {V::net_rx, V::block});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx) == Instants{10us, 45us});
  CHECK(bench.runs(V::block) == Instants{40us});
}

TEST_CASE("a lower vector raised by an interrupt during a pass waits for the next pass too (KF2.1)",
          "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.action(V::net_rx).cost = 30us;
  bench.action(V::rcu).cost = 5us;
  bench.interrupt_at(10us, {V::net_rx, V::rcu});
  bench.interrupt_at(20us, {V::block});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::rcu) == Instants{40us});
  CHECK(bench.runs(V::block) == Instants{45us});
}

TEST_CASE("what a handler raises on top of the loop's start misses the first pass (KF2.1)", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.action(V::rcu).cost = 5us;
  bench.interrupt_at(10us, {V::rcu});
  auto& nic = bench.irq("nic", 3us, [&] { bench.softirq.raise(V::net_rx); });
  bench.raise_at(nic, 10us);  // latched while the first handler runs

  bench.engine.run_for(1ms);

  // Interrupted before its first vector, the loop runs rcu first, though net_rx comes before it.
  CHECK(bench.runs(V::rcu) == Instants{13us});
  CHECK(bench.runs(V::net_rx) == Instants{18us});
}

TEST_CASE("ten passes are run inline; what is left then is ksoftirqd's (KF2.2)", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.action(V::net_rx).cost = 7us;
  bench.repeat(V::net_rx, 1000);
  bench.interrupt_at(10us, {V::net_rx});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx).size() == 10);
  CHECK(bench.timeline.at("wake ksoftirqd") == Instants{80us});
  CHECK(bench.softirq.pending());
  CHECK(!bench.softirq.serving());
}

TEST_CASE("nine repeats fit into ten passes and wake nobody (KF2.2)", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.repeat(V::net_rx, 9);
  bench.interrupt_at(10us, {V::net_rx});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx).size() == 10);
  CHECK(bench.timeline.at("wake ksoftirqd").empty());
}

// MAX_SOFTIRQ_TIME is 2 ms rounded up to jiffies, and jiffies step at the tick: the limit depends on the
// phase.
TEST_CASE("no pass starts after the jiffies of 2 ms have passed (KF2.3)", "[softirq]") {
  SECTION("HZ=250, one jiffy: a start late in the jiffy has little time") {
    SoftirqBench bench{{}, 250};
    bench.run_task([&] { bench.rest(); });
    bench.action(V::net_rx).cost = 300us;
    bench.repeat(V::net_rx, 1000);
    bench.interrupt_at(3'100us, {V::net_rx});

    bench.engine.run_for(20ms);

    CHECK(bench.runs(V::net_rx) == Instants{3'100us, 3'400us, 3'700us});
    CHECK(bench.timeline.at("wake ksoftirqd") == Instants{4'000us});
  }
  SECTION("HZ=1000, two jiffies: at least one whole millisecond") {
    SoftirqBench bench{{}, 1000};
    bench.run_task([&] { bench.rest(); });
    bench.action(V::net_rx).cost = 300us;
    bench.repeat(V::net_rx, 1000);
    bench.interrupt_at(900us, {V::net_rx});

    bench.engine.run_for(20ms);

    CHECK(bench.runs(V::net_rx) == Instants{900us, 1'200us, 1'500us, 1'800us});
    CHECK(bench.timeline.at("wake ksoftirqd") == Instants{2'100us});
  }
  SECTION("HZ=250, an early start: ten passes come first") {
    SoftirqBench bench{{}, 250};
    bench.run_task([&] { bench.rest(); });
    bench.action(V::net_rx).cost = 300us;
    bench.repeat(V::net_rx, 1000);
    bench.interrupt_at(100us, {V::net_rx});

    bench.engine.run_for(20ms);

    CHECK(bench.timeline.at("wake ksoftirqd") == Instants{3'100us});
  }
}

TEST_CASE("NEED_RESCHED ends the loop after its pass, not within it (KF2.4)", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.task("system call", 1s, Kind::kernel); });
  bench.action(V::net_rx).cost = 30us;
  bench.action(V::net_rx).after = [&] {
    bench.cpu.set_need_resched();  // a packet woke a task that preempts
    bench.softirq.raise(V::net_rx);
  };
  bench.action(V::block).cost = 5us;
  bench.interrupt_at(10us, {V::net_rx, V::block});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx) == Instants{10us});
  CHECK(bench.runs(V::block) == Instants{40us});
  CHECK(bench.timeline.at("wake ksoftirqd") == Instants{45us});
}

TEST_CASE("NEED_RESCHED without leftovers wakes no ksoftirqd (KF2.4)", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.task("system call", 1s, Kind::kernel); });
  bench.action(V::net_rx).after = [&] { bench.cpu.set_need_resched(); };
  bench.interrupt_at(10us, {V::net_rx});

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("wake ksoftirqd").empty());
}

TEST_CASE("a later interrupt runs the leftovers inline although ksoftirqd was woken for them (KF2.6)",
          "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.action(V::net_rx).cost = 7us;
  bench.repeat(V::net_rx, 12);
  bench.interrupt_at(10us, {V::net_rx});
  bench.interrupt_at(200us, {});

  bench.engine.run_for(1ms);

  const Instants runs = bench.runs(V::net_rx);
  REQUIRE(runs.size() == 13);
  CHECK(runs[9] == 73us);
  CHECK(runs[10] == 200us);
}

TEST_CASE("run_ksoftirqd is one loop like any other, and reports its end", "[softirq]") {
  SoftirqBench bench;
  bench.action(V::net_rx).cost = 7us;
  bench.repeat(V::net_rx, 1000);
  bench.softirq.raise(V::net_rx);
  bench.run_task([&] { bench.task("ksoftirqd", 5us, Kind::kernel, [&] { bench.softirq.run_ksoftirqd(); }); });

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx).size() == 10);
  CHECK(bench.timeline.at("ksoftirqd done") == Instants{75us});
}

TEST_CASE("run_ksoftirqd with nothing pending is over at once", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.task("ksoftirqd", 5us, Kind::kernel, [&] { bench.softirq.run_ksoftirqd(); }); });

  bench.engine.run_for(1ms);

  CHECK(bench.timeline.at("ksoftirqd done") == Instants{5us});
}

TEST_CASE("a vector's duration leaves out the loop's overhead and holds what interrupts it", "[softirq]") {
  CpuBenchConfig config;
  config.costs = {{Cost::softirq_overhead, 3us}};
  SoftirqBench bench{config};
  bench.run_task([&] { bench.rest(); });
  bench.action(V::net_rx).cost = 30us;
  bench.interrupt_at(10us, {V::net_rx});
  bench.raise_at(bench.irq("disk", 20us), 25us);

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx) == Instants{13us});
  CHECK(bench.spans == std::vector<std::pair<V, sim::Nanos>>{{V::net_rx, 50us}});
}

// net_rx_action ends with a wakeup as often as not; try_to_wake_up and its IPI are inside softirq_exit.
TEST_CASE("what an action's last step charges is part of the vector's duration", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  bench.action(V::net_rx).cost = 30us;
  bench.action(V::net_rx).after = [&] { bench.cpu.charge(8us); };
  bench.action(V::block).cost = 5us;
  bench.interrupt_at(10us, {V::net_rx, V::block});

  bench.engine.run_for(1ms);
  bench.cpu.account_now();

  CHECK(bench.spans == std::vector<std::pair<V, sim::Nanos>>{{V::net_rx, 38us}, {V::block, 5us}});
  CHECK(bench.runs(V::block) == Instants{48us});
  CHECK(bench.accounted(CpuTime::softirq) == 43'000);
}

TEST_CASE("a vector remembers the first raise that led to its run", "[softirq]") {
  SoftirqBench bench;
  bench.run_task([&] { bench.rest(); });
  sim::SimTime raised{};
  bench.action(V::timer).cost = 30us;
  bench.action(V::net_rx).after = [&] { raised = bench.softirq.running().raised; };
  bench.interrupt_at(10us, {V::timer});
  bench.interrupt_at(20us, {V::net_rx});
  bench.interrupt_at(25us, {V::net_rx});

  bench.engine.run_for(1ms);

  CHECK(bench.runs(V::net_rx) == Instants{40us});
  CHECK(raised == sim::SimTime{20us});
}

TEST_CASE("every raise is traced, entry and exit once a run, on their CPU", "[softirq]") {
  SoftirqBench bench;
  struct Traced {
    Timeline& timeline;
    void hit(Tracepoint point, CpuId, std::int64_t a, std::int64_t, std::int64_t, std::int64_t) {
      const char* names[] = {"raise ", "entry ", "exit "};
      timeline.note(names[static_cast<int>(point) - static_cast<int>(Tracepoint::softirq_raise)] +
                    std::to_string(a));
    }
  };
  Timeline trace{bench.engine};
  Traced traced{trace};
  bench.tracepoints.attached.connect<&Traced::hit>(traced);
  bench.run_task([&] { bench.rest(); });
  for (const Tracepoint point :
       {Tracepoint::softirq_raise, Tracepoint::softirq_entry, Tracepoint::softirq_exit}) {
    bench.tracepoints.arm(point);
  }
  bench.action(V::block).cost = 5us;
  bench.interrupt_at(10us, {V::block, V::block});

  bench.engine.run_for(1ms);

  CHECK(trace.moments == Moments{{"raise 4", 10us}, {"raise 4", 10us}, {"entry 4", 10us}, {"exit 4", 15us}});
}

}  // namespace
}  // namespace models
