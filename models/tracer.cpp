#include "models/tracer.h"

namespace models {

Tracer::Tracer(const Kernel& kernel, Tracepoints& tracepoints, const TracerConfig& config, Task& task,
               const sim::Rng& rng)
    : kernel_{kernel},
      tracepoints_{tracepoints},
      config_{config},
      task_{task},
      stream_{rng.stream("tracer/wake")} {
  const auto arm = [&](std::initializer_list<Tracepoint> points) {
    for (const Tracepoint point : points) {
      tracepoints.arm(point);
    }
  };
  switch (config.program) {
    case TracerProgram::none:
      break;
    case TracerProgram::irq:
      arm({Tracepoint::irq_handler_entry, Tracepoint::irq_handler_exit});
      break;
    case TracerProgram::softirq:
      arm({Tracepoint::softirq_entry, Tracepoint::softirq_exit});
      break;
    case TracerProgram::wakeup:
      arm({Tracepoint::sched_wakeup, Tracepoint::sched_switch});
      break;
    case TracerProgram::epoll:
      arm({Tracepoint::sys_enter_epoll_wait, Tracepoint::sys_exit_epoll_wait});
      break;
    case TracerProgram::uring:
      arm({Tracepoint::sys_enter_io_uring_enter, Tracepoint::sys_exit_io_uring_enter});
      break;
    case TracerProgram::chain:
      for (auto point = Tracepoint::irq_handler_entry; point <= Tracepoint::cpu_idle;
           point = static_cast<Tracepoint>(static_cast<int>(point) + 1)) {
        tracepoints.arm(point);
      }
      break;
  }
}

void Tracer::hit(Tracepoint point, CpuId cpu, std::int64_t a, std::int64_t b, std::int64_t c) {
  switch (config_.program) {
    case TracerProgram::none:
      break;
    case TracerProgram::irq:
      pair(Tracepoint::irq_handler_entry, Tracepoint::irq_handler_exit, point, cpu, a, 0,
           Cost::bpf_printf_hardirq);
      break;
    case TracerProgram::softirq:
      pair(Tracepoint::softirq_entry, Tracepoint::softirq_exit, point, cpu, a, 0, Cost::bpf_printf_softirq);
      break;
    case TracerProgram::wakeup:
      wakeup_program(point, cpu, a, c);
      break;
    case TracerProgram::epoll:
      pair(Tracepoint::sys_enter_epoll_wait, Tracepoint::sys_exit_epoll_wait, point, cpu, a, b,
           Cost::bpf_printf_syscall);
      break;
    case TracerProgram::uring:
      pair(Tracepoint::sys_enter_io_uring_enter, Tracepoint::sys_exit_io_uring_enter, point, cpu, a, b,
           Cost::bpf_printf_syscall);
      break;
    case TracerProgram::chain:
      if (point != Tracepoint::cpu_idle || a < 0) {  // going idle, nobody waits for it
        kernel_.sched.cpu(cpu).charge(kernel_.costs.draw(Cost::event_record));
      }
      break;
  }
}

void Tracer::pair(Tracepoint start, Tracepoint end, Tracepoint point, CpuId cpu, std::int64_t key,
                  std::int64_t ret, Cost cost) {
  if (point == start) {
    begin(key, cpu);
  } else if (point == end) {
    finish(key, ret, cpu, cost);
  }
}

void Tracer::wakeup_program(Tracepoint point, CpuId cpu, std::int64_t task, std::int64_t next) {
  if (point == Tracepoint::sched_wakeup) {
    begin(task, cpu);
  } else if (point == Tracepoint::sched_switch) {
    finish(next, 0, cpu, Cost::bpf_printf_sched);
  }
}

void Tracer::begin(std::int64_t key, CpuId cpu) {
  started_[key] = kernel_.engine.now();
  kernel_.sched.cpu(cpu).charge(kernel_.costs.draw(Cost::bpf_probe));
}

// The row is stamped first and printed then: the cost of printing is not in its duration.
void Tracer::finish(std::int64_t key, std::int64_t ret, CpuId cpu, Cost cost) {
  const auto found = started_.find(key);
  if (found == started_.end()) {
    return;  // the filter fails: too cheap to charge
  }
  const std::int64_t span = (kernel_.engine.now() - found->second).count();
  started_.erase(found);
  if (kernel_.meter.on()) {
    rows_.push_back(TracerRow{key, span / 1000, ret});
    kernel_.meter.count(Counter::tracer_rows);
  }
  kernel_.sched.cpu(cpu).charge(kernel_.costs.draw(cost));
  ++unread_;
  if (sleeps_ && stream_.below(static_cast<std::uint64_t>(config_.rows_per_wake)) == 0) {
    wake(cpu);
  }
}

// perf_output_wakeup: an irq_work on the CPU that printed.
void Tracer::wake(CpuId cpu) {
  sleeps_ = false;
  kernel_.sched.try_to_wake_up(task_, cpu, {.cause = kernel_.sched.woken_on(cpu)});
}

void Tracer::poll() {
  tracepoints_.fire(Tracepoint::sys_enter_epoll_wait, task_.cpu, static_cast<std::int64_t>(task_.id));
  if (unread_ > 0) {
    read();
    return;
  }
  sleeps_ = true;
  kernel_.sched.sleep(task_, make_work<&Tracer::read>(kernel_.costs.draw(Cost::tracer_wake), *this));
}

void Tracer::read() {
  tracepoints_.fire(Tracepoint::sys_exit_epoll_wait, task_.cpu, static_cast<std::int64_t>(task_.id), 1);
  sim::Nanos cost{0};
  for (; unread_ > 0; --unread_) {
    cost += kernel_.costs.draw(Cost::tracer_row);
  }
  kernel_.sched.work_user<&Tracer::printed>(task_, cost, *this);
}

void Tracer::printed() { poll(); }

}  // namespace models
