// A CPU that sleeps has nothing queued: every way to put a task on a queue tells the CPU of it.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "scenarios/scenario.h"
#include "tests/support/busy_host.h"

namespace models {
namespace {

// Follows the tracepoints of a run.
class SleepersWatch {
 public:
  explicit SleepersWatch(int cpus) : cpus_(static_cast<std::size_t>(cpus)) {}

  void see(const TraceRecord& record) {
    const auto task = static_cast<int>(record.a);
    switch (record.point) {
      case Tracepoint::sched_wakeup:
        queue(task, static_cast<std::size_t>(record.b), record.time);
        break;
      case Tracepoint::sched_migrate_task:
        if (cpu_of_.contains(task)) {  // queued: it is balanced, not woken elsewhere
          leave(task);
          queue(task, static_cast<std::size_t>(record.c), record.time);
        }
        break;
      case Tracepoint::sched_switch:
        switched(index(record.cpu), record);
        break;
      default:
        break;
    }
    for (const Cpu& cpu : cpus_) {
      if (cpu.idle && !cpu.queued.empty()) {
        longest = std::max(longest, record.time - std::max(cpu.idle_since, cpu.queued_since));
      }
    }
  }

  sim::Nanos longest{0};  // that a task waited on a CPU that ran nothing
  int pulled = 0;

 private:
  struct Cpu {
    bool idle = false;
    sim::SimTime idle_since{}, queued_since{};
    std::set<int> queued;
  };

  void queue(int task, std::size_t cpu, sim::SimTime now) {
    if (cpus_[cpu].queued.empty()) {
      cpus_[cpu].queued_since = now;
    }
    cpus_[cpu].queued.insert(task);
    cpu_of_[task] = cpu;
  }
  void leave(int task) {
    cpus_[cpu_of_[task]].queued.erase(task);
    cpu_of_.erase(task);
    ++pulled;
  }
  void switched(std::size_t number, const TraceRecord& record) {
    Cpu& cpu = cpus_[number];
    const auto next = static_cast<int>(record.c);
    if (record.a >= 0 && record.b == 0) {
      queue(static_cast<int>(record.a), number, record.time);
    }
    cpu.queued.erase(next);
    cpu_of_.erase(next);
    cpu.idle = next < 0;
    cpu.idle_since = record.time;
  }

  std::vector<Cpu> cpus_;
  std::map<int, std::size_t> cpu_of_;
};

struct Watched {
  explicit Watched(int cpus) : watch{cpus} {}
  void take(const TraceRecord& record) { watch.see(record); }
  SleepersWatch watch;
};

}  // namespace

TEST_CASE("no task waits on a CPU that sleeps, whoever queued it there", "[chain]") {
  // The captured guest's placement stacks tasks, and its halted CPUs wake by interrupt only.
  const std::string path = CHAINSIM_SOURCE_DIR "/scenarios/captured/n4.yaml";
  const HostConfig guest = scenarios::load_scenario(path, {}).base.host;
  for (const HostConfig& config : {busy_host(), guest}) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      Watched watched{config.topology.cpus};
      TraceRecorder recorder{TraceOptions{}};
      recorder.sink.connect<&Watched::take>(watched);
      Host host{config, seed, &recorder};
      host.run(500ms, 1s);
      CAPTURE(config.topology.cpus, seed);
      CHECK(watched.watch.pulled > 0);
      CHECK(watched.watch.longest < 1ms);  // exit latency, interrupts and softirqs come first; 4 ms is a tick
    }
  }
}

TEST_CASE("a running task that the stopper pushes to a halted CPU runs there at once", "[chain]") {
  // Two hogs on CPU 1, of which one is bound to it. No CPU is looked for at their start (nr_idle_scan is 0),
  // and the bound one cannot be moved, so balancing fails until it pushes the other one while that runs.
  HostConfig config = busy_host();
  config.topology = TopologyConfig{.cpus = 2, .idle = {{IdleState::hlt, 1us}}};
  config.agents.clear();
  config.background.resize(2);
  for (BackgroundConfig& hog : config.background) {
    hog = BackgroundConfig{};
  }
  config.background[0].name = "bound";
  config.background[0].sched.cpus = {1};
  config.background[0].sched.sched = SchedClass::idle;
  config.background[1].name = "free";
  // CPU 0 asks CPU 1 to push, and sleeps again before that comes to it.
  config.costs[Cost::msi_delivery].value = sim::Distribution::constant(100us);
  config.costs[Cost::ipi_delivery].value = sim::Distribution::constant(100us);
  Watched watched{2};
  TraceRecorder recorder{TraceOptions{}};
  recorder.sink.connect<&Watched::take>(watched);
  Host host{config, 1, &recorder};
  const int tasks = host.task_count();
  host.run(1us, 500ms);

  CHECK(watched.watch.pulled == 1);
  CHECK(host.task_count() == tasks);  // a trace has taken down their names by then
  CHECK(watched.watch.longest < 1ms);
  CHECK(host.metrics()[Counter::background_cpu_ns] > 700'000'000);
}

}  // namespace models
