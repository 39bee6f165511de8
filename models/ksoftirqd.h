// ksoftirqd/N: an ordinary nice-0 fair task, bound to its CPU, that runs leftover softirqs.
//
// Models:   kernel/softirq.c:run_ksoftirqd (one handle_softirqs call, then cond_resched), wakeup_softirqd,
//           kernel/smpboot.c (it sleeps when nothing is pending). Its softirq time is task time.
#pragma once

#include "models/meter.h"
#include "models/sched.h"
#include "models/softirq.h"

namespace models {

class Ksoftirqd {
 public:
  Ksoftirqd(Sched& sched, Cpu& cpu, Softirq& softirq, Meter& meter, Task& task)
      : sched_{sched}, cpu_{cpu}, softirq_{softirq}, meter_{meter}, task_{task} {
    task_.saved = make_work<&Ksoftirqd::run>(sim::Nanos{0}, *this);
    softirq_.ksoftirqd_done.connect<&Ksoftirqd::pass_over>(*this);
    softirq_.wake_ksoftirqd.connect<&Ksoftirqd::wake>(*this);
  }
  Ksoftirqd(const Ksoftirqd&) = delete;
  Ksoftirqd& operator=(const Ksoftirqd&) = delete;

 private:
  void wake(CpuId cpu) {
    if (sched_.try_to_wake_up(task_, cpu, {.cause = sched_.woken_on(cpu)})) {
      meter_.count(Counter::ksoftirqd_wakeups);
    }
  }
  void run() {
    cpu_.set_ksoftirqd(true);
    softirq_.run_ksoftirqd();
  }
  void pass_over() {
    cpu_.set_ksoftirqd(false);
    if (softirq_.pending()) {  // cond_resched, then another pass
      Work again = make_work<&Ksoftirqd::run>(sim::Nanos{0}, *this);
      again.cond_resched = true;
      cpu_.set_work(Context::task, again);
    } else {
      sched_.sleep(task_, make_work<&Ksoftirqd::run>(sim::Nanos{0}, *this));
    }
  }

  Sched& sched_;
  Cpu& cpu_;
  Softirq& softirq_;
  Meter& meter_;
  Task& task_;
};

}  // namespace models
