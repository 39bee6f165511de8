// Who runs on the host: agents, their tool servers, background load, and the tracer watching them.
// The vocabulary is that of the captures' README, so every configuration described there is a scenario.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/completion.h"
#include "sim/distribution.h"
#include "sim/time.h"
#include "sim/units.h"

namespace models {

enum class SchedClass : std::uint8_t { normal, batch, idle, fifo, rr };
enum class RingMode : std::uint8_t { plain, defer_taskrun };  // io_uring: default task work, or DEFER_TASKRUN
enum class BackgroundKind : std::uint8_t { burst, bulk, writer, hog, flow };
enum class TracerProgram : std::uint8_t { none, irq, softirq, wakeup, epoll, uring, chain };

template <class Visitor>
void enumerators(LatencyClass*, Visitor&& named) {
  named("normal", LatencyClass::normal);
  named("agent_interactive", LatencyClass::agent_interactive);
  named("background", LatencyClass::background);
}
template <class Visitor>
void enumerators(SchedClass*, Visitor&& named) {
  named("normal", SchedClass::normal);
  named("batch", SchedClass::batch);
  named("idle", SchedClass::idle);
  named("fifo", SchedClass::fifo);
  named("rr", SchedClass::rr);
}
template <class Visitor>
void enumerators(RingMode*, Visitor&& named) {
  named("plain", RingMode::plain);
  named("defer_taskrun", RingMode::defer_taskrun);
}
template <class Visitor>
void enumerators(BackgroundKind*, Visitor&& named) {
  named("burst", BackgroundKind::burst);
  named("bulk", BackgroundKind::bulk);
  named("writer", BackgroundKind::writer);
  named("hog", BackgroundKind::hog);
  named("flow", BackgroundKind::flow);
}
template <class Visitor>
void enumerators(TracerProgram*, Visitor&& named) {
  named("none", TracerProgram::none);
  named("irq", TracerProgram::irq);
  named("softirq", TracerProgram::softirq);
  named("wakeup", TracerProgram::wakeup);
  named("epoll", TracerProgram::epoll);
  named("uring", TracerProgram::uring);
  named("chain", TracerProgram::chain);
}

// A cgroup of the cpu controller (Documentation/admin-guide/cgroup-v2.rst). Tasks name it.
struct CgroupConfig {
  std::string name;
  std::string parent;              // a cgroup before it in the list; empty: the root
  int weight = 100;                // cpu.weight, 1..10000
  bool idle = false;               // cpu.idle
  sim::Nanos cpu_max{0};           // cpu.max's quota, at least 1 ms; 0: "max"
  sim::Nanos period{100'000'000};  // cpu.max's period, 1 ms..1 s
};

template <class Visitor>
void fields(CgroupConfig& config, Visitor&& field) {
  field("name", config.name);
  field("parent", config.parent);
  field("weight", config.weight);
  field("idle", config.idle);
  field("cpu_max", config.cpu_max);
  field("period", config.period);
}

// How the scheduler sees a task: what nice(1), chrt(1), taskset(1) and sched_setattr(2) can set.
struct SchedConfig {
  SchedClass sched = SchedClass::normal;
  int nice = 0;           // -20..19, fair classes
  int rt_priority = 1;    // 1..99, fifo and rr
  sim::Nanos slice{0};    // sched_attr.sched_runtime of a fair task, 100us..100ms; 0: the base slice
  std::vector<int> cpus;  // affinity; empty: all
  std::string cgroup;     // one of the host's cgroups; empty: the root
  // Whose autogroup it is in, with kernel.sched_autogroup_enabled and without a cgroup: tasks of one session
  // (setsid(2)) share one. Kernel threads have none.
  std::string session = "workload";
};

template <class Visitor>
void fields(SchedConfig& config, Visitor&& field) {
  field("sched", config.sched);
  field("nice", config.nice);
  field("rt_priority", config.rt_priority);
  field("slice", config.slice);
  field("cpus", config.cpus);
  field("cgroup", config.cgroup);
  field("session", config.session);
}

// One tool call: a request over the agent's own TCP connection, a reply after `service`.
// On a veth device the server is a task of this host; on a NIC it is another machine, `one_way` away.
struct ToolConfig {
  std::string device;  // empty: the step has no tool call
  sim::Distribution service = sim::Distribution::constant(sim::Nanos{0});
  sim::Nanos one_way{0};
  sim::Bytes request{64};
  sim::Bytes reply{2048};
};

template <class Visitor>
void fields(ToolConfig& config, Visitor&& field) {
  field("device", config.device);
  field("service", config.service);
  field("one_way", config.one_way);
  field("request", config.request);
  field("reply", config.reply);
}

// Retrieval: `count` O_DIRECT reads submitted in one io_uring_enter that waits for all.
struct ReadConfig {
  std::string device;  // empty: the step reads nothing
  int count = 2;
  sim::Bytes size{4096};
  RingMode ring = RingMode::plain;
};

template <class Visitor>
void fields(ReadConfig& config, Visitor&& field) {
  field("device", config.device);
  field("count", config.count);
  field("size", config.size);
  field("ring", config.ring);
}

// An agent's loop: think (nanosleep) -> tool call -> reads -> compute. A step lasts from the timer's
// expiry to the end of the compute. Closed loop: the next step thinks after this one has ended.
struct AgentConfig {
  std::string name = "agent";
  int count = 1;
  LatencyClass latency_class = LatencyClass::normal;
  int home_cpu = -1;  // proposal's agent_home_cpu of the first of `count`; the others follow on the next
                      // allowed CPUs; -1: chosen by the policy
  SchedConfig sched;
  SchedConfig server_sched;  // the tool server's task, where it is local
  sim::Distribution think = sim::Distribution::constant(sim::Nanos{0});
  ToolConfig tool;
  ReadConfig read;
  sim::Distribution compute = sim::Distribution::constant(sim::Nanos{0});
  int steps_per_session = 50;
  sim::Nanos deadline{0};  // soft deadline of a step; 0: none
};

template <class Visitor>
void fields(AgentConfig& config, Visitor&& field) {
  field("name", config.name);
  field("count", config.count);
  field("latency_class", config.latency_class);
  field("home_cpu", config.home_cpu);
  field("sched", config.sched);
  field("server_sched", config.server_sched);
  field("think", config.think);
  field("tool", config.tool);
  field("read", config.read);
  field("compute", config.compute);
  field("steps_per_session", config.steps_per_session);
  field("deadline", config.deadline);
}

// Background load.
//   burst   `count` threads alternating `busy` of CPU and `sleep`
//   hog     `count` threads that never sleep
//   writer  `count` threads of O_DIRECT writes of `size` at `rate`, paced by sleep
//   bulk    `count` TCP senders over a veth at `rate` in writes of `size`, each to a receiver thread
//   flow    `count` TCP flows from the wire into a NIC at `rate`, each to a receiver thread
struct BackgroundConfig {
  std::string name = "background";
  BackgroundKind kind = BackgroundKind::hog;
  int count = 1;
  SchedConfig sched;
  sim::Distribution busy = sim::Distribution::constant(sim::Nanos{0});
  sim::Distribution sleep = sim::Distribution::constant(sim::Nanos{0});
  std::string device;
  sim::Bytes size{65536};
  sim::BytesPerSecond rate{0};
};

template <class Visitor>
void fields(BackgroundConfig& config, Visitor&& field) {
  field("name", config.name);
  field("kind", config.kind);
  field("count", config.count);
  field("sched", config.sched);
  field("busy", config.busy);
  field("sleep", config.sleep);
  field("device", config.device);
  field("size", config.size);
  field("rate", config.rate);
}

// bpftrace itself, as a task that competes for the CPUs: one of the proposal's five programs; or `chain`, which
// keeps every event of the chain in memory, as `chainsim capture` and ftrace do, and so has no task that runs.
struct TracerConfig {
  TracerProgram program = TracerProgram::none;
  // Rows until one wakes a sleeping bpftrace, in the mean, >= 1. perf wakes it at every row; on the captured
  // machine far fewer wakeups are seen, and calibration measures how many.
  int rows_per_wake = 1;
};

template <class Visitor>
void fields(TracerConfig& config, Visitor&& field) {
  field("program", config.program);
  field("rows_per_wake", config.rows_per_wake);
}

}  // namespace models
