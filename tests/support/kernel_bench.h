// The kernel of a machine without devices and workload, wired as the host wires it, for tests that act as the
// driver, the disk or the program. Every cost is zero but those a test sets, and no tick falls into its first
// 4 ms (HZ=250), so that times are sums of the costs under test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "models/agent.h"
#include "models/ksoftirqd.h"
#include "models/policies/kernel_default.h"
#include "models/softirq.h"
#include "models/softnet.h"

namespace models {

using namespace std::chrono_literals;
using Times = std::vector<sim::Nanos>;

struct KernelSetup {
  int cpus = 1;
  int llc_cpus = 0;
  KernelConfig kernel{};
  std::vector<std::pair<Cost, sim::Nanos>> costs{};
  IdleState idle = IdleState::hlt;
  bool traced = true;  // false: no hits are kept, for long runs
};

// A tracepoint hit, and what its CPU did.
struct Hit {
  sim::Nanos at;
  Tracepoint point;
  int cpu;
  std::int64_t a, b, c;
  Context context;
};

class KernelBench {
 public:
  explicit KernelBench(KernelSetup setup)
      : topology{.cpus = setup.cpus, .llc_cpus = setup.llc_cpus, .idle = {{setup.idle, sim::Nanos{0}}}},
        config{quiet(setup.kernel)},
        costs{costs_of(setup), rng} {
    tracepoints.attached.connect<&KernelBench::hit>(*this);
    for (unsigned i = 0; setup.traced && i < static_cast<unsigned>(Tracepoint::agent_wakeup); ++i) {
      tracepoints.arm(static_cast<Tracepoint>(i));
    }
    meter.start();
    for (int i = 0; i < setup.cpus; ++i) {
      add_cpu(static_cast<CpuId>(i));
    }
    sched = std::make_unique<Sched>(engine, topology, config, costs, tracepoints, completions, meter, cpus);
    sched->select_task_rq.connect<&KernelBench::select_task_rq>(*this);
    nanosleep =
        std::make_unique<Nanosleep>(engine, *sched, costs, tracepoints, completions, config.timer_slack);
    nanosleep->arm.connect<&KernelBench::arm_sleeper>(*this);
    tcp = std::make_unique<Tcp>(engine, *sched, costs, tracepoints, completions, meter);
    tcp->backlog.connect<&KernelBench::to_backlog>(*this);
    tcp->nic_transmit.connect<&KernelBench::to_nic>(*this);
    tcp->agent_waits.connect<&KernelBench::agent_waits>(*this);
    io_uring =
        std::make_unique<IoUring>(engine, *sched, costs, tracepoints, completions, meter, config.release);
    io_uring->submit_bio.connect<&KernelBench::submit_bio>(*this);
    io_uring->resched_ipi.connect<&KernelBench::resched_ipi>(*this);
    io_uring->reached_user.connect<&KernelBench::read_reached_user>(*this);
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      timers[i]->tick.connect<&Sched::tick>(*sched);
      SchedConfig bound;
      bound.cpus = {static_cast<int>(i)};
      Task& task = sched->add_task("ksoftirqd", Role::kernel, bound);
      ksoftirqds.push_back(std::make_unique<Ksoftirqd>(*sched, *cpus[i], *softirqs[i], meter, task));
    }
    for (auto& cpu : cpus) {
      cpu->settle();
    }
    run_until(0ns);  // every CPU is asleep
    hits.clear();
  }
  KernelBench(const KernelBench&) = delete;
  KernelBench& operator=(const KernelBench&) = delete;

  Kernel kernel() { return Kernel{engine, *sched, costs, completions, meter, *nanosleep, *tcp, *io_uring}; }
  void run_until(sim::Nanos when) { engine.run_until(sim::SimTime{when}); }
  sim::Nanos now() const { return engine.now().time_since_epoch(); }

  Task& add_task(int cpu, Role role = Role::background) {
    SchedConfig bound;
    bound.cpus = {cpu};
    return sched->add_task("task", role, bound);
  }
  // Makes a new task runnable; `first` is its first work.
  void launch(Task& task, const Work& first) {
    task.saved = first;
    sched->try_to_wake_up(task, task.cpu, {});
    sched->cpu(task.cpu).settle();
  }

  // What the tracepoints showed, one point at a time.
  std::vector<Hit> hits_of(Tracepoint point) const {
    std::vector<Hit> found;
    std::copy_if(hits.begin(), hits.end(), std::back_inserter(found),
                 [&](const Hit& h) { return h.point == point; });
    return found;
  }
  Times times_of(Tracepoint point) const {
    Times found;
    for (const Hit& each : hits_of(point)) {
      found.push_back(each.at);
    }
    return found;
  }
  int count_of(Tracepoint point, std::int64_t a) const {
    const auto found = hits_of(point);
    return static_cast<int>(
        std::count_if(found.begin(), found.end(), [&](const Hit& h) { return h.a == a; }));
  }

  sim::Engine engine;
  TopologyConfig topology;
  KernelConfig config;
  sim::Rng rng{1};
  CostSampler costs;
  Tracepoints tracepoints;
  CompletionPool completions;
  Meter meter;
  std::vector<std::unique_ptr<Cpu>> cpus;
  std::vector<std::unique_ptr<Softirq>> softirqs;
  std::vector<std::unique_ptr<Softnet>> softnets;
  std::vector<std::unique_ptr<CpuTimers>> timers;
  std::vector<std::unique_ptr<Ksoftirqd>> ksoftirqds;
  std::unique_ptr<Sched> sched;
  std::unique_ptr<Nanosleep> nanosleep;
  std::unique_ptr<Tcp> tcp;
  std::unique_ptr<IoUring> io_uring;

  std::vector<Hit> hits;
  std::vector<Packet> delivered;                    // what left the polls
  bool sockets_listen = true;                       // false: deliveries end here, not in Tcp
  std::vector<Packet> transmitted;                  // what went to a NIC
  std::vector<std::pair<int, int>> waiter_changes;  // (NAPI, +1 or -1)
  std::vector<Request> submitted;                   // what reached the disk
  bool disk_full = false;
  sim::Nanos doorbell{0};
  std::vector<std::pair<int, int>> resched_ipis;  // (from, to)
  std::vector<Completion> finished_reads;
  std::vector<Placement> placements;  // what select_task_rq was asked
  CpuId placed_on = CpuId::none;      // what it answers; none: the previous CPU

 private:
  // NET_RX's side of the softirq core, as in host.cpp.
  struct NetRx {
    Softirq& core;
    void raise() { core.raise(SoftirqVector::net_rx); }
    void done() { core.done(); }
    SoftirqRun running() { return core.running(); }
  };

  static KernelConfig quiet(KernelConfig kernel) {
    kernel.timer_softirq_interval = sim::Nanos{1'000'000'000'000'000};
    kernel.rcu_softirq_interval = sim::Nanos{1'000'000'000'000'000};
    return kernel;
  }
  static Costs costs_of(const KernelSetup& setup) {
    Costs costs;
    for (const auto& [cost, value] : setup.costs) {
      costs[cost].value = sim::Distribution::constant(value);
    }
    return costs;
  }

  void add_cpu(CpuId id) {
    cpus.push_back(std::make_unique<Cpu>(engine, id, topology, config, costs, tracepoints));
    Cpu& cpu = *cpus.back();
    softirqs.push_back(std::make_unique<Softirq>(engine, cpu, costs, tracepoints, config.hz));
    Softirq& softirq = *softirqs.back();
    softnets.push_back(
        std::make_unique<Softnet>(engine, cpu, config, costs, tracepoints, completions, meter));
    Softnet& softnet = *softnets.back();
    timers.push_back(std::make_unique<CpuTimers>(engine, cpu, softirq, config, topology.cpus, costs,
                                                 tracepoints, completions, rng));
    timers.back()->expired.connect<&KernelBench::hrtimer_expired>(*this);
    cpu.start_softirqs.connect<&KernelBench::start_softirqs>(*this);
    cpu.softirqs_pending.connect<&KernelBench::softirqs_pending>(*this);
    cpu.next_timer.connect<&KernelBench::next_timer>(*this);
    cpu.idle_changed.connect<&KernelBench::idle_changed>(*this);
    softirq.ran.connect<&KernelBench::softirq_ran>(*this);
    softirq.action[static_cast<std::size_t>(SoftirqVector::net_rx)].connect<&Softnet::net_rx_action>(softnet);
    softirq.action[static_cast<std::size_t>(SoftirqVector::sched)].connect<&Softirq::done>(softirq);
    net_rx_.push_back(std::make_unique<NetRx>(NetRx{softirq}));
    softnet.softirq.raise.connect<&NetRx::raise>(*net_rx_.back());
    softnet.softirq.done.connect<&NetRx::done>(*net_rx_.back());
    softnet.softirq.running.connect<&NetRx::running>(*net_rx_.back());
    softnet.deliver().connect<&KernelBench::deliver>(*this);
    softnet.poll_bounds.connect<&KernelBench::poll_bounds>(*this);
  }

  void hit(Tracepoint point, CpuId cpu, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t) {
    hits.push_back({now(), point, static_cast<int>(cpu), a, b, c, cpus[index(cpu)]->context()});
  }
  void start_softirqs(CpuId id) { softirqs[index(id)]->start(); }
  bool softirqs_pending(CpuId id) { return softirqs[index(id)]->pending(); }
  sim::Nanos next_timer(CpuId id) { return timers[index(id)]->next_timer(); }
  void idle_changed(CpuId id, bool idle) { timers[index(id)]->idle_changed(idle); }
  void softirq_ran(SoftirqVector, sim::Nanos) {}
  void arm_sleeper(CpuId id, const Sleeper& sleeper) { timers[index(id)]->arm(sleeper); }
  void hrtimer_expired(const Sleeper& sleeper, CpuId id) { nanosleep->expired(sleeper, id); }
  PollBounds poll_bounds(const Napi&, int weight) { return {.packets = weight}; }
  bool to_backlog(CpuId id, const Packet& packet) { return softnets[index(id)]->enqueue_to_backlog(packet); }
  void to_nic(int, const Packet& packet) { transmitted.push_back(packet); }
  void agent_waits(int napi, int change) { waiter_changes.emplace_back(napi, change); }
  void resched_ipi(CpuId from, CpuId to) {
    resched_ipis.emplace_back(static_cast<int>(from), static_cast<int>(to));
  }
  void read_reached_user(const Completion& completion) { finished_reads.push_back(completion); }
  void deliver(const Packet& packet, CpuId cpu) {
    delivered.push_back(packet);
    if (sockets_listen) {
      tcp->deliver(packet, cpu);
    }
  }
  sim::Nanos submit_bio(const Request& request, bool& accepted) {
    accepted = !disk_full;
    if (accepted) {
      submitted.push_back(request);
    }
    return doorbell;
  }
  CpuId select_task_rq(const Placement& placement) {
    placements.push_back(placement);
    return placed_on == CpuId::none ? placement.prev : placed_on;
  }

  std::vector<std::unique_ptr<NetRx>> net_rx_;
};

// A program whose userspace code is a list of functions; each starts the call that the next one returns from.
class Script {
 public:
  explicit Script(std::initializer_list<std::function<void(const Continuation&)>> steps) : steps_{steps} {}
  Work start() { return then<&Script::step>(*this); }
  std::size_t done() const { return next_; }  // steps begun

 private:
  void step() { steps_[next_++](then<&Script::step>(*this)); }

  std::vector<std::function<void(const Continuation&)>> steps_;
  std::size_t next_ = 0;
};

// A hardirq on one CPU that does what a test wants: a device's handler.
class Interrupt {
 public:
  Interrupt(Cpu& cpu, std::function<void()> handler) : cpu_{cpu}, handler_{std::move(handler)} {
    line_.handler.connect<&Interrupt::enter>(*this);
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  void raise() { cpu_.raise(line_); }

 private:
  void enter() { cpu_.run<&Interrupt::handle>(Context::hardirq, sim::Nanos{0}, *this); }
  void handle() { handler_(); }

  Cpu& cpu_;
  std::function<void()> handler_;
  IrqLine line_;
};

}  // namespace models
