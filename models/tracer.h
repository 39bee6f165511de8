// bpftrace, running one of the proposal's five programs, as a task that competes for the CPUs; or keeping every
// event of the chain in memory, which costs a little at each event and wakes nobody.
//
//   tracepoint ─► BPF program: store a stamp, or print a row ─► ring ─► wakes bpftrace ─► reads, prints,
//   sleeps
//
// Models:   the programs' state exactly as they keep it (softirq keyed by vector, irq by line, wakeups and
//           waits by task), so the rows carry the programs' own flaws; the cost of each program run is
//           charged to whoever hits the tracepoint; bpftrace's own epoll_wait and wakeups are seen like any
//           other.
// Left out: lost events (the ring is never full); the tracer's writes to its output file.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "models/agent.h"
#include "models/tracepoints.h"

namespace models {

// One printed row: key is an irq, a vector or a task; ret belongs to the two system calls.
struct TracerRow {
  std::int64_t key = 0;
  std::int64_t duration_us = 0;
  std::int64_t ret = 0;
};

class Tracer {
 public:
  Tracer(const Kernel& kernel, Tracepoints& tracepoints, const TracerConfig& config, Task& task,
         const sim::Rng& rng);
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  void start() { poll(); }  // in: the task's first work
  void hit(Tracepoint point, CpuId cpu, std::int64_t a, std::int64_t b, std::int64_t c);  // in
  // Rows printed since the meter started, as bpftrace would print them.
  const std::vector<TracerRow>& rows() const { return rows_; }

 private:
  void pair(Tracepoint start, Tracepoint end, Tracepoint point, CpuId cpu, std::int64_t key, std::int64_t ret,
            Cost cost);
  void wakeup_program(Tracepoint point, CpuId cpu, std::int64_t task, std::int64_t next);
  void begin(std::int64_t key, CpuId cpu);
  void finish(std::int64_t key, std::int64_t ret, CpuId cpu, Cost cost);
  void wake(CpuId cpu);
  void poll();
  void read();
  void printed();

  Kernel kernel_;
  const Tracepoints& tracepoints_;
  TracerConfig config_;
  Task& task_;
  sim::Stream stream_;
  std::map<std::int64_t, sim::SimTime> started_;  // the program's map
  std::vector<TracerRow> rows_;
  int unread_ = 0;
  bool sleeps_ = false;
};

}  // namespace models
