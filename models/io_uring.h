// io_uring reads and synchronous O_DIRECT writes: submission, task work, the wait for the CQEs.
//
//   submit_and_wait(n) ─ io_submit_sqe ×n ─► blk-mq ... end_io ─► task work ─► wake ─► CQE posted by the task
//
// Models:   io_uring/rw.c:io_complete_rw (the result is kept; the CQE is written when the task runs its task
//           work), io_uring.c:io_cqring_wait; the default ring wakes on the first completion whatever is
//           awaited, DEFER_TASKRUN only when enough are there; none of these wakes is WF_SYNC; a task that
//           runs on another CPU gets a reschedule IPI (TWA_SIGNAL). __io_run_local_work: in 6.12 a run under
//           DEFER_TASKRUN takes all that is pending, in 6.18 a bounded number, and keeps the rest on a retry
//           list for the next run. block/fops.c: a synchronous O_DIRECT write sleeps uninterruptibly until
//           its bio ends.
// Left out: SQPOLL, IOPOLL, links, io-wq, registered waits, plugging (a call submits at most two SQEs
//           without one; more are submitted one by one here too). Task work that is queued while its task
//           runs in userspace waits for the next call; a default ring's would run at once.
#pragma once

#include <cstdint>
#include <vector>

#include "models/completion_pool.h"
#include "models/kernel_config.h"
#include "models/request.h"
#include "models/sched.h"
#include "models/syscalls.h"

namespace models {

struct ReadCall {
  DeviceId device = DeviceId::none;
  int count = 0;  // SQEs to submit; 0: only wait
  std::int32_t bytes = 0;
  RingMode ring = RingMode::plain;
  AgentLatencyCtx ctx;
  // io_uring_enter's: it returns once so many CQEs are there, 1.. those outstanding, and takes what is
  // posted. What else is outstanding is left to the task's next call on this ring. 0: all that are
  // outstanding.
  int min_complete = 0;
};

class IoUring {
 public:
  IoUring(sim::Engine& engine, Sched& sched, CostSampler& costs, const Tracepoints& tracepoints,
          CompletionPool& completions, Meter& meter, KernelRelease release);

  sim::Port<sim::Nanos(const Request&, bool&)> submit_bio;  // out: blk-mq; returns the doorbell's cost
  sim::Port<void(CpuId, CpuId)> resched_ipi;                // out: (from, to) TWA_SIGNAL to a running task
  sim::Port<void(const Completion&)> reached_user;          // out: a read's chain is complete

  // System calls of the current task. `addresses` gives each request's place on the device.
  void submit_and_wait(Task& task, const ReadCall& call, sim::Stream& addresses, const Continuation& after);
  void pwrite(Task& task, DeviceId device, std::int32_t bytes, sim::Stream& addresses,
              const Continuation& after);

  void end_io(const Request& request, CpuId cpu);  // in: from blk-mq

 private:
  struct Ring {
    ReadCall call;
    bool write = false;
    bool agent = false;
    sim::Stream* addresses = nullptr;
    int submitted = 0;  // by this call
    // Requests since the last call returned, and those it left behind:
    int outstanding = 0;  // submitted
    int completed = 0;    // results kept
    int taken = 0;        // of these, no longer in the list of pending task work
    int posted = 0;       // CQEs
    int retry = 0;        // retry_llist: pending task work that an earlier run left, the oldest there is
    int wanted = 0;       // CQEs that the wait is for
    int min_events = 0;   // a run of local work goes on until it has done so many
    int max_events = 0;   // and takes no more than this at a time
    int ran = 0;          // so far
    bool waits = false;
    std::vector<CompletionId> done;
    sim::SimTime entered{};
    Continuation after;
  };

  Ring& ring_of(const Task& task);
  void start(Task& task, Ring& ring);
  void submit_next(std::uint64_t task);
  void issued(std::uint64_t task);
  void wait(std::uint64_t task);
  void woken(std::uint64_t task);
  void run_local_work(Task& task, Ring& ring, int min_events, int max_events);
  void return_or_sleep(Task& task, Ring& ring);
  void take_work(Task& task, Ring& ring, sim::Nanos cost);
  static int run_bound(const Ring& ring, int pending);
  void run_task_work(std::uint64_t task);
  void returned(std::uint64_t task);
  sim::Nanos submit_cost(const Ring& ring);

  sim::Engine& engine_;
  Sched& sched_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;
  bool bounded_runs_;        // 6.18
  std::vector<Ring> rings_;  // by task
};

}  // namespace models
