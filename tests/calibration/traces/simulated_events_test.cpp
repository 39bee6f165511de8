#include "calibration/traces/simulated_events.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "calibration/analysis/softirq_raises.h"
#include "tests/support/busy_host.h"

using namespace models;
using calibration::ChainTruth;
using calibration::Event;
using calibration::EventKind;
using calibration::Name;
using calibration::Names;
using calibration::SimulatedEvents;
using calibration::SimulationOptions;
using calibration::Syscall;
using calibration::WakeTruth;

namespace {

// A run's whole stream. `truths[i]` came after events[truth_after[i] - 1].
struct Streamed {
  explicit Streamed(const HostConfig& config,
                    SimulationOptions options = {.warmup = 20ms, .duration = 300ms}) {
    metrics =
        calibration::simulate_events(config, options, names,
                                     {.event = [&](const Event& event) { events.push_back(event); },
                                      .wake =
                                          [&](const WakeTruth& truth) {
                                            truths.push_back(truth);
                                            truth_after.push_back(events.size());
                                          },
                                      .chain = [&](const ChainTruth& chain) { chains.push_back(chain); }});
    begin = options.warmup.count();
  }
  std::string comm_of(std::int64_t pid) const {
    for (const Event& event : events) {
      if (event.kind == EventKind::sched_waking && event.wakeup.pid == pid) {
        return std::string{names.text(event.wakeup.comm)};
      }
    }
    return "";
  }
  std::size_t count(EventKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const Event& e) { return e.kind == kind; }));
  }

  Names names;
  std::vector<Event> events;
  std::vector<WakeTruth> truths;
  std::vector<std::size_t> truth_after;
  std::vector<ChainTruth> chains;
  Metrics metrics;
  std::int64_t begin = 0;
};

using Stamps = std::array<std::int64_t, stage_count>;
using Key = std::tuple<std::int32_t, std::uint64_t, std::int64_t>;  // pid, sector or 0, completed or waking

// The stages of every chain, from the events alone, by the rules at the head of simulated_events.h.
class Derived {
 public:
  explicit Derived(const std::vector<Event>& events) {
    for (const Event& event : events) {
      take(event);
      cpus_[event.cpu].last = event;
    }
  }
  std::map<Key, Stamps> chains;

 private:
  struct Raise {
    std::int64_t time = -1;
    std::int64_t hardirq = -1;
  };
  struct Cpu {
    calibration::SoftirqRaises<Raise> raises;
    Raise raise;  // of the running softirq
    std::int64_t softirq_entry = -1;
    std::int64_t handler = -1;  // irq_handler_entry of the running handler
    std::optional<Event> last;
  };
  struct Waiter {
    std::optional<Key> woken_by;  // since its last wakeup
    std::vector<Key> done;        // reads of the call, in the order of their completion
    std::size_t posted = 0;
  };
  struct Read {
    std::int32_t pid;
  };

  Stamps& at(const Key& key) {
    const auto [found, is_new] = chains.try_emplace(key);
    if (is_new) {
      found->second.fill(-1);
    }
    return found->second;
  }
  static std::size_t vec(const Event& event) { return static_cast<std::size_t>(event.softirq.vec) % 10; }
  static std::int64_t& of(Stamps& stamps, Stage stage) { return stamps[static_cast<std::size_t>(stage)]; }

  void stamp_origin(Stamps& stamps, const Event& event, const Cpu& cpu, Stage stage) {
    of(stamps, stage) = event.time;
    if (event.kind == EventKind::hrtimer_expire_entry) {
      return;
    }
    if (event.flags.hardirq) {
      of(stamps, Stage::hardirq_entry) = cpu.handler;
    } else {
      of(stamps, Stage::hardirq_entry) = cpu.raise.hardirq;
      of(stamps, Stage::softirq_raise) = cpu.raise.time;
      of(stamps, Stage::softirq_entry) = cpu.softirq_entry;
    }
  }

  void take(const Event& event) {
    Cpu& cpu = cpus_[event.cpu];
    switch (event.kind) {
      case EventKind::irq_handler_entry:
        cpu.handler = event.time;
        break;
      case EventKind::irq_handler_exit:
        cpu.handler = -1;
        break;
      case EventKind::softirq_raise:
        cpu.raises.raised(vec(event), {event.time, cpu.handler}, event.flags.softirq);
        break;
      case EventKind::softirq_exit:
        cpu.raises.exited();
        break;
      case EventKind::softirq_entry:
        cpu.raise = cpu.raises.entered(vec(event));
        cpu.softirq_entry = event.time;
        break;
      case EventKind::block_rq_issue:
        reads_[{event.block.dev, event.block.sector}] = {event.pid};
        break;
      case EventKind::block_rq_complete:
        completed(event, cpu);
        break;
      case EventKind::sched_waking:
        waking(event, cpu);
        break;
      case EventKind::sched_wakeup:
        if (const auto& key = waiters_[event.wakeup.pid].woken_by) {
          of(at(*key), Stage::runnable) = event.time;
        }
        break;
      case EventKind::sched_switch:
        if (const auto& key = waiters_[event.sched_switch.next_pid].woken_by;
            key && of(at(*key), Stage::running) < 0) {
          of(at(*key), Stage::running) = event.time;
        }
        break;
      case EventKind::io_uring_complete: {
        Waiter& waiter = waiters_[event.pid];
        if (event.io_uring.result >= 0 && waiter.posted < waiter.done.size()) {
          of(at(waiter.done[waiter.posted++]), Stage::cqe) = event.time;
        }
        break;
      }
      case EventKind::sys_exit:
        returned(event, waiters_[event.pid]);
        break;
      default:
        break;
    }
  }

  void completed(const Event& event, const Cpu& cpu) {
    const auto read = reads_.find({event.block.dev, event.block.sector});
    if (read == reads_.end()) {
      return;
    }
    const Key key{read->second.pid, event.block.sector, event.time};
    stamp_origin(at(key), event, cpu, Stage::completed);
    waiters_[read->second.pid].done.push_back(key);
  }

  void waking(const Event& event, const Cpu& cpu) {
    Waiter& waiter = waiters_[event.wakeup.pid];
    waiter.woken_by.reset();
    if (!cpu.last || cpu.last->time != event.time) {
      return;
    }
    switch (cpu.last->kind) {
      case EventKind::block_rq_complete:
        waiter.woken_by = Key{event.wakeup.pid, cpu.last->block.sector, event.time};
        break;
      case EventKind::hrtimer_expire_entry:
      case EventKind::netif_receive_skb: {
        const bool timer = cpu.last->kind == EventKind::hrtimer_expire_entry;
        waiter.woken_by = Key{event.wakeup.pid, 0, event.time};
        stamp_origin(at(*waiter.woken_by), *cpu.last, cpu, timer ? Stage::timer : Stage::delivered);
        break;
      }
      default:
        return;
    }
    of(at(*waiter.woken_by), Stage::waking) = event.time;
  }

  void returned(const Event& event, Waiter& waiter) {
    if (event.sys_exit.call == Syscall::io_uring_enter) {
      for (const Key& key : waiter.done) {
        of(at(key), Stage::user) = event.time;
      }
      waiter.done.clear();
      waiter.posted = 0;
    } else if (waiter.woken_by) {
      of(at(*waiter.woken_by), Stage::user) = event.time;
    }
    waiter.woken_by.reset();
  }

  std::map<std::int32_t, Cpu> cpus_;
  std::map<std::int32_t, Waiter> waiters_;
  std::map<std::pair<std::uint32_t, std::uint64_t>, Read> reads_;
};

bool has_tracepoint(std::size_t stage) {
  return stage != static_cast<std::size_t>(Stage::device_done) &&
         stage != static_cast<std::size_t>(Stage::irq);
}

}  // namespace

TEST_CASE("the stages of every chain can be read off the events, to the nanosecond", "[simulated_events]") {
  const auto [seed, preemption] =
      GENERATE(std::pair{2, Preemption::voluntary}, std::pair{1, Preemption::full});
  HostConfig config = busy_host();
  config.kernel.preemption = preemption;
  const Streamed run{config, {.seed = static_cast<std::uint64_t>(seed), .warmup = 20ms, .duration = 1s}};
  const Derived derived{run.events};

  std::map<WakeSource, int> compared;
  std::map<std::string, int> wrong;
  for (const ChainTruth& chain : run.chains) {
    const bool block = chain.source == WakeSource::block;
    const std::int64_t known_by = chain.when(block ? Stage::completed : Stage::waking);
    if (known_by < run.begin + 20'000'000) {  // it woke nobody, or what it began with is not in the events
      continue;
    }
    ++compared[chain.source];
    const auto found = derived.chains.find({chain.pid, block ? chain.cookie : 0, known_by});
    if (found == derived.chains.end()) {
      ++wrong["not found"];
      continue;
    }
    for (std::size_t i = 0; i < stage_count; ++i) {
      if (has_tracepoint(i) && found->second[i] != chain.at[i]) {
        ++wrong[std::string{stage_name(static_cast<Stage>(i))}];
      }
    }
  }
  std::string told;
  for (const auto& [stage, count] : wrong) {
    told += stage + " " + std::to_string(count) + " ";
  }
  CHECK(told == "");
  CHECK(compared[WakeSource::timer] > 1000);
  CHECK(compared[WakeSource::net] > 500);
  CHECK(compared[WakeSource::block] > 3000);
}

TEST_CASE("every sched_waking has one truth, right behind it", "[simulated_events]") {
  const Streamed run{busy_host()};

  REQUIRE(run.truths.size() == run.count(EventKind::sched_waking));
  std::size_t behind = 0;
  for (std::size_t i = 0; i < run.truths.size(); ++i) {
    const Event& event = run.events[run.truth_after[i] - 1];
    behind += event.kind == EventKind::sched_waking && event.wakeup.pid == run.truths[i].pid &&
                      event.time == run.truths[i].time && event.cpu == run.truths[i].cpu
                  ? 1
                  : 0;
  }
  CHECK(behind == run.truths.size());
  CHECK(run.truths.size() > 1000);
}

TEST_CASE("a truth names the cause as the events do", "[simulated_events]") {
  const Streamed run{busy_host()};

  std::map<WakeSource, std::size_t> named;
  std::set<std::uint32_t> devs;
  for (std::size_t i = 0; i < run.truths.size(); ++i) {
    const WakeTruth& truth = run.truths[i];
    const Event& before = run.events[run.truth_after[i] < 2 ? 0 : run.truth_after[i] - 2];
    const std::string wakee = run.comm_of(truth.pid);
    if (truth.source == WakeSource::timer && before.kind == EventKind::hrtimer_expire_entry) {
      named[truth.source] += before.hrtimer.hrtimer == truth.cookie ? 1 : 0;
    } else if (truth.source == WakeSource::block && before.kind == EventKind::block_rq_complete) {
      devs.insert(truth.dev);
      named[truth.source] += before.block.sector == truth.cookie && before.block.dev == truth.dev ? 1 : 0;
    } else if (truth.source == WakeSource::net && wakee.starts_with("local-") && wakee.size() == 7) {
      named[truth.source] +=
          run.comm_of(static_cast<std::int64_t>(truth.cookie)) == wakee + "-server" ? 1 : 0;
    } else if (truth.source == WakeSource::net && wakee.starts_with("remote-")) {
      CHECK(truth.cookie == 0);
    }
  }
  CHECK(named[WakeSource::timer] > 500);
  CHECK(named[WakeSource::block] > 500);
  CHECK(named[WakeSource::net] > 100);
  CHECK(devs == std::set<std::uint32_t>{259u << 20, 254u << 20, (254u << 20) + 16});
}

TEST_CASE("with attribution each wakeup of an agent says what it is by, and no other does",
          "[simulated_events]") {
  HostConfig config = busy_host();
  config.policies.push_back({.name = "attribution"});
  const Streamed run{config};

  std::size_t explained = 0;
  std::map<std::string, int> sources;
  for (std::size_t i = 0; i < run.truths.size(); ++i) {
    const WakeTruth& truth = run.truths[i];
    const Event& event = run.events[run.truth_after[i] - 1];
    const std::string wakee = run.comm_of(truth.pid);
    const bool agent =
        (wakee.starts_with("local-") || wakee.starts_with("remote-") || wakee.starts_with("reader-")) &&
        wakee.find("server") == std::string::npos;
    const bool begins = truth.source == WakeSource::none;
    REQUIRE((event.kind == EventKind::agent_wakeup) == (agent && !begins));
    if (event.kind != EventKind::agent_wakeup) {
      continue;
    }
    ++explained;
    const Event& waking = run.events[run.truth_after[i] - 2];
    REQUIRE(waking.kind == EventKind::sched_waking);
    CHECK(waking.wakeup.pid == event.agent_wakeup.pid);
    CHECK(waking.time == event.time);
    CHECK(event.agent_wakeup.cookie == truth.cookie);
    CHECK(event.agent_wakeup.step_id > 0);
    CHECK(event.agent_wakeup.latency_class == (wakee.starts_with("remote-") ? 1 : 0));
    ++sources[std::string{run.names.text(event.agent_wakeup.source)}];
  }
  CHECK(explained > 1000);
  CHECK(sources.size() == 3);
  CHECK(Streamed{busy_host()}.count(EventKind::agent_wakeup) == 0);
}

TEST_CASE("watching a run changes nothing of it", "[simulated_events]") {
  const HostConfig config = busy_host();
  Host alone{config, 1};
  alone.run(20ms, 300ms);

  const Streamed watched{config, {.warmup = 20ms, .duration = 300ms, .agent_wakeups = true}};

  CHECK(watched.count(EventKind::agent_wakeup) > 1000);
  CHECK(watched.metrics.counters == alone.metrics().counters);
  CHECK(watched.metrics.events == alone.metrics().events);
  for (std::size_t i = 0; i < metric_count; ++i) {
    CHECK(watched.metrics.histograms[i].sum() == alone.metrics().histograms[i].sum());
  }
}

// ---- conversion ----

namespace {

// A host of every kind of device, and records made by hand at one second on CPU 1.
struct Bench {
  Bench() : host{busy_host(), 1}, events{host, names} {}
  Event convert(Tracepoint point, TaskId current, std::uint8_t context, std::int64_t a, std::int64_t b = 0,
                std::int64_t c = 0, std::int64_t d = 0) {
    Event event;
    REQUIRE(events.convert({sim::SimTime{1s}, a, b, c, current, CpuId{1}, point, context, false, false, d},
                           event));
    return event;
  }
  std::string text(Name name) const { return std::string{names.text(name)}; }

  Host host;
  Names names;
  SimulatedEvents events;
};

constexpr TaskId agent{4};  // after ksoftirqd/0 to ksoftirqd/3
constexpr std::uint8_t task_context = 0;
constexpr std::uint8_t softirq_context = 1;
constexpr std::uint8_t hardirq_context = 2;

}  // namespace

TEST_CASE("an event tells its time, its CPU and whom it met there", "[simulated_events]") {
  Bench bench;

  const Event by_agent = bench.convert(Tracepoint::sys_enter_epoll_wait, agent, task_context, 4);
  const Event in_idle = bench.convert(Tracepoint::irq_handler_entry, TaskId::none, hardirq_context, 32);

  CHECK(by_agent.time == 1'000'000'000);
  CHECK(by_agent.cpu == 1);
  CHECK(by_agent.pid == 1004);
  CHECK(bench.text(by_agent.comm) == "remote-0");
  CHECK_FALSE(by_agent.flags.hardirq);
  CHECK(in_idle.pid == 0);
  CHECK(bench.text(in_idle.comm) == "<idle>");
  CHECK(in_idle.flags.known);
  CHECK(in_idle.flags.hardirq);
  CHECK(in_idle.flags.irqs_off);
  CHECK(bench.text(in_idle.irq.name) == "eth0-TxRx-0");
}

TEST_CASE("a switch names both sides, the idle task by its CPU", "[simulated_events]") {
  Bench bench;

  const Event event = bench.convert(Tracepoint::sched_switch, agent, task_context, 4, 1, -1);

  CHECK(bench.text(event.sched_switch.prev_comm) == "remote-0");
  CHECK(event.sched_switch.prev_pid == 1004);
  CHECK(event.sched_switch.prev_state == calibration::TaskState::interruptible);
  CHECK(bench.text(event.sched_switch.next_comm) == "swapper/1");
  CHECK(event.sched_switch.next_pid == 0);
  CHECK(event.sched_switch.next_prio == 120);
}

TEST_CASE("each disk has its own number, and a draw key its sector", "[simulated_events]") {
  Bench bench;
  const auto issue = [&](std::int64_t device) {
    return bench.convert(Tracepoint::block_rq_issue, agent, task_context, 0x51234567, 8192, 0, device).block;
  };

  CHECK(issue(1).dev == 259u << 20);         // nvme0
  CHECK(issue(2).dev == 254u << 20);         // vda
  CHECK(issue(4).dev == (254u << 20 | 16));  // vdb, after room for vda's partitions
  CHECK(issue(1).sector == 0x51234567ull << 3);
  CHECK(issue(1).sectors == 16);
  CHECK(issue(1).bytes == 8192);
  CHECK(bench.text(issue(1).rwbs) == "R");
  CHECK(bench.text(issue(1).comm) == "remote-0");
  const Event done = bench.convert(Tracepoint::block_rq_complete, agent, softirq_context, 1, 4096, 1, 2);
  CHECK(bench.text(done.block.rwbs) == "WS");
  CHECK(done.block.comm == Name::none);
}

TEST_CASE("system calls come with their arguments and results", "[simulated_events]") {
  Bench bench;
  const auto convert = [&](Tracepoint point, std::int64_t b = 0) {
    return bench.convert(point, agent, task_context, 4, b);
  };

  const Event epoll = convert(Tracepoint::sys_enter_epoll_wait);
  const Event uring = convert(Tracepoint::sys_enter_io_uring_enter, 3);
  const Event sleep = convert(Tracepoint::sys_enter_nanosleep);
  const Event woken = convert(Tracepoint::sys_exit_nanosleep);

  CHECK(epoll.sys_enter.call == Syscall::epoll_wait);
  CHECK(epoll.sys_enter.args == std::array<std::int64_t, 4>{4, 0x7f0002000360, 1, -1});
  CHECK(uring.sys_enter.call == Syscall::io_uring_enter);
  CHECK(uring.sys_enter.args == std::array<std::int64_t, 4>{5, 3, 3, 1});
  CHECK(sleep.sys_enter.call == Syscall::nanosleep);
  CHECK(bench.text(sleep.sys_enter.name) == "clock_nanosleep");
  CHECK(woken.kind == EventKind::sys_exit);
  CHECK(woken.sys_exit.ret == 0);
}

TEST_CASE("one object has one address, and no other has it", "[simulated_events]") {
  Bench bench;
  const auto timer = [&](std::int64_t task) {
    return bench.convert(Tracepoint::hrtimer_expire_entry, TaskId::none, hardirq_context, task).hrtimer;
  };

  CHECK(timer(4).hrtimer == bench.events.hrtimer(agent));
  CHECK(timer(4).hrtimer != timer(5).hrtimer);
  CHECK(timer(4).hrtimer != timer(-1).hrtimer);
  CHECK(bench.text(timer(4).function) == "hrtimer_wakeup");
  CHECK(bench.text(timer(-1).function) == "tick_nohz_handler");
  CHECK(timer(4).now == 1'000'000'000);
}

TEST_CASE("the truth is no event", "[simulated_events]") {
  Bench bench;
  const ExplainedWakeup wakeup{agent, {WakeSource::block, DeviceId{4}, 0x77}};
  Event event;
  const TraceRecord record{
      sim::SimTime{1s},       wakeup.a(),      wakeup.b(), wakeup.c(), TaskId::none, CpuId{1},
      Tracepoint::wake_cause, softirq_context, true,       false,      wakeup.d()};

  CHECK_FALSE(bench.events.convert(record, event));
  const WakeTruth truth = bench.events.wake_truth(record);
  CHECK(truth.pid == 1004);
  CHECK(truth.source == WakeSource::block);
  CHECK(truth.cookie == 0x77 << 3);
  CHECK(truth.dev == (254u << 20 | 16));
}
