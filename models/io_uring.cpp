#include "models/io_uring.h"

#include <algorithm>
#include <utility>

#include "sim/check.h"

namespace models {

namespace {

constexpr std::int64_t eagain = 11;
constexpr int io_local_tw_default_max = 20;  // IO_LOCAL_TW_DEFAULT_MAX, io_uring.c

WakeCause cause(const Request& request) {
  return {.source = WakeSource::block,
          .device = request.device,
          .cookie = static_cast<std::int64_t>(request.draw_key)};
}

// The device had no room: nothing completes.
bool refused(const Completion& completion) { return completion.cause.source == WakeSource::none; }

}  // namespace

IoUring::IoUring(sim::Engine& engine, Sched& sched, CostSampler& costs, const Tracepoints& tracepoints,
                 CompletionPool& completions, Meter& meter, KernelRelease release)
    : engine_{engine},
      sched_{sched},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      meter_{meter},
      bounded_runs_{release == KernelRelease::v6_18} {}

IoUring::Ring& IoUring::ring_of(const Task& task) {
  if (rings_.size() <= index(task.id)) {
    rings_.resize(index(task.id) + 1);
  }
  return rings_[index(task.id)];
}

void IoUring::submit_and_wait(Task& task, const ReadCall& call, sim::Stream& addresses,
                              const Continuation& after) {
  Ring& ring = ring_of(task);
  ring.call = call;
  ring.write = false;
  ring.agent = task.role == Role::agent;
  ring.addresses = &addresses;
  ring.after = after;
  tracepoints_.fire(Tracepoint::sys_enter_io_uring_enter, task.cpu, static_cast<std::int64_t>(task.id),
                    call.count);
  start(task, ring);
}

void IoUring::pwrite(Task& task, DeviceId device, std::int32_t bytes, sim::Stream& addresses,
                     const Continuation& after) {
  Ring& ring = ring_of(task);
  ring.call = ReadCall{device, 1, bytes, RingMode::plain, {}};
  ring.write = true;
  ring.agent = false;
  ring.addresses = &addresses;
  ring.after = after;
  start(task, ring);
}

void IoUring::start(Task& task, Ring& ring) {
  ring.submitted = 0;
  ring.waits = false;
  ring.entered = engine_.now();
  const sim::Nanos entry = costs_.draw(Cost::syscall_entry, ring.agent);
  if (ring.call.count > 0) {
    sched_.work_syscall<&IoUring::issued>(task, entry + submit_cost(ring), *this, index(task.id));
  } else {
    sched_.work_syscall<&IoUring::wait>(task, entry, *this, index(task.id));
  }
}

sim::Nanos IoUring::submit_cost(const Ring& ring) {
  const sim::Nanos block = costs_.draw(Cost::block_submit, ring.agent);
  return ring.write ? block : block + costs_.draw(Cost::io_uring_submit, ring.agent);
}

void IoUring::submit_next(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  sched_.work_kernel<&IoUring::issued>(task, submit_cost(rings_[task_number]), *this, task_number);
}

// block_rq_issue; the doorbell's cost follows it.
void IoUring::issued(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  Ring& ring = rings_[task_number];
  Request request;
  request.device = ring.call.device;
  request.submitter = task.id;
  request.submit_cpu = task.cpu;
  request.bytes = ring.call.bytes;
  request.write = ring.write;
  request.latency_class = ring.call.ctx.latency_class;
  request.draw_key = ring.addresses->next() >> 20;
  if (ring.agent) {
    request.completion = completions_.acquire(ring.call.ctx, task.id, cause(request));
  }
  bool accepted = false;
  sched_.cpu(task.cpu).charge(submit_bio(request, accepted));
  ++ring.submitted;
  ++ring.outstanding;
  if (!accepted) {  // -EAGAIN: the CQE carries the error at once
    ++ring.completed;
    if (ring.agent) {
      completions_[request.completion].cause = {};
      ring.done.push_back(request.completion);
    }
  }
  if (ring.submitted < ring.call.count) {
    submit_next(task_number);
    return;
  }
  sched_.work_kernel<&IoUring::wait>(task, sim::Nanos{0}, *this, task_number);
}

// io_cqring_wait: run task work; return if enough; sleep.
void IoUring::wait(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  Ring& ring = rings_[task_number];
  ring.wanted = ring.call.min_complete > 0 ? ring.call.min_complete : ring.outstanding;
  sim::check(ring.wanted <= ring.outstanding, "a wait is for requests that are outstanding");
  run_local_work(task, ring, ring.wanted, std::max(io_local_tw_default_max, ring.wanted));
}

void IoUring::woken(std::uint64_t task_number) {
  Ring& ring = rings_[task_number];
  const int nr_wait = ring.wanted - ring.posted;
  run_local_work(sched_.task(static_cast<TaskId>(task_number)), ring, nr_wait, nr_wait);
}

// io_run_local_work, or the default ring's task work, which runs until none is pending.
void IoUring::run_local_work(Task& task, Ring& ring, int min_events, int max_events) {
  const bool deferred = ring.call.ring == RingMode::defer_taskrun;
  ring.min_events = deferred ? min_events : ring.outstanding;
  ring.max_events = deferred && bounded_runs_ ? max_events : ring.outstanding;
  ring.ran = 0;
  if (ring.completed > ring.taken) {
    take_work(task, ring, ring.write ? sim::Nanos{0} : costs_.draw(Cost::io_uring_task_work, ring.agent));
  } else {
    return_or_sleep(task, ring);
  }
}

void IoUring::return_or_sleep(Task& task, Ring& ring) {
  const std::uint64_t task_number = index(task.id);
  if (ring.posted >= ring.wanted) {
    sched_.work_kernel<&IoUring::returned>(task, costs_.draw(Cost::syscall_exit, ring.agent), *this,
                                           task_number);
  } else {
    ring.waits = true;
    sched_.sleep(task, make_work<&IoUring::woken>(sim::Nanos{0}, *this, task_number));
  }
}

// What one pass of __io_run_local_work takes: the retry list first; if that is used up, also new items. The
// kernel's loop runs an item before it looks at its bound, so one new item runs even if the retry list alone
// has used the bound up.
int IoUring::run_bound(const Ring& ring, int pending) {
  if (ring.retry > ring.max_events) {
    return ring.max_events;
  }
  const int fresh = pending - ring.retry;
  return ring.retry + std::min(fresh, std::max(ring.max_events - ring.retry, 1));
}

// Takes from the list of pending items. What completes meanwhile is found by another look at it.
void IoUring::take_work(Task& task, Ring& ring, sim::Nanos cost) {
  const int pending = ring.completed - ring.taken;
  const int taken = run_bound(ring, pending);
  ring.retry = pending - taken;
  for (int i = 0; i < taken; ++i) {
    cost += ring.write ? sim::Nanos{0} : costs_.draw(Cost::cqe_post, ring.agent);
  }
  ring.taken += taken;
  ring.ran += taken;
  sched_.work_kernel<&IoUring::run_task_work>(task, cost, *this, index(task.id));
}

void IoUring::run_task_work(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  Ring& ring = rings_[task_number];
  for (; ring.posted < ring.taken; ++ring.posted) {
    if (!ring.agent) {
      continue;
    }
    const CompletionId id = ring.done[static_cast<std::size_t>(ring.posted)];
    const Completion& completion = completions_[id];
    tracepoints_.fire(Tracepoint::io_uring_complete, task.cpu, static_cast<std::int64_t>(task.id),
                      refused(completion) ? -eagain : ring.call.bytes);
    completions_.stamp(id, Stage::cqe, engine_.now());
    if (completion.has(Stage::device_done)) {
      meter_.record(Metric::completion_to_cqe, engine_.now() - completion.when(Stage::device_done));
    }
  }
  if (ring.completed > ring.taken && ring.ran < ring.min_events) {
    take_work(task, ring, sim::Nanos{0});
  } else {
    return_or_sleep(task, ring);
  }
}

void IoUring::returned(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  Ring& ring = rings_[task_number];
  if (!ring.write) {
    tracepoints_.fire(Tracepoint::sys_exit_io_uring_enter, task.cpu, static_cast<std::int64_t>(task.id),
                      ring.call.count);
  }
  if (ring.agent) {
    meter_.record(Metric::io_uring_enter, engine_.now() - ring.entered);
    for (int i = 0; i < ring.posted; ++i) {
      const CompletionId id = ring.done[static_cast<std::size_t>(i)];
      completions_.stamp(id, Stage::user, engine_.now());
      reached_user(completions_[id]);
      if (!refused(completions_[id])) {
        meter_.finish(completions_[id]);
      }
      completions_.release(id);
    }
    ring.done.erase(ring.done.begin(), ring.done.begin() + ring.posted);
  }
  ring.outstanding -= ring.posted;
  ring.completed -= ring.posted;
  ring.taken -= ring.posted;
  ring.posted = 0;
  sched_.return_to_user(task, ring.after);
}

// io_complete_rw in the completion's context: keeps the result and notifies.
void IoUring::end_io(const Request& request, CpuId cpu) {
  Task& task = sched_.task(request.submitter);
  Ring& ring = rings_[index(task.id)];
  const bool first = ring.completed++ == ring.taken;  // only the first item of the list notifies
  if (ring.agent) {
    ring.done.push_back(request.completion);
  }
  const bool enough = ring.completed - ring.taken == ring.wanted - ring.posted;  // cq_wait_nr
  if (ring.waits && (enough || ring.call.ring == RingMode::plain)) {
    ring.waits = false;
    sched_.try_to_wake_up(task, cpu,
                          {.sync = false, .completion = request.completion, .cause = cause(request)});
  } else if (first && !ring.waits && !ring.write && ring.call.ring == RingMode::plain && task.cpu != cpu &&
             sched_.curr(task.cpu) == &task) {
    resched_ipi(cpu, task.cpu);
  }
}

}  // namespace models
