// napi/NAME-N: the kernel thread that polls a NAPI in place of the NET_RX softirq.
//
//   ____napi_schedule ─► wake_up_process ─► (the scheduler) ─► rounds of a poll with bottom halves off
//
// Models:   net/core/dev.c:____napi_schedule (NAPI_STATE_SCHED_THREADED, a wakeup without WF_SYNC),
//           napi_threaded_poll_loop: local_bh_disable, __napi_poll, skb_defer_free_flush,
//           local_bh_enable, and cond_resched before a round that repeats; napi_thread_wait. Softirqs
//           that are raised during a round run at its local_bh_enable. An ordinary fair task of nice 0 in
//           the root group, free to use every CPU: where it runs is select_task_rq's choice. Neither
//           netdev_budget nor ksoftirqd applies.
// Left out: busy polling threads (6.19 and later).
#pragma once

#include <memory>
#include <vector>

#include "models/sched.h"
#include "models/softnet.h"

namespace models {

class NapiThread {
 public:
  NapiThread(Sched& sched, std::vector<std::unique_ptr<Softnet>>& softnets, const KernelConfig& kernel,
             CostSampler& costs, const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter,
             Task& task, Napi& napi)
      : sched_{sched},
        softnets_{softnets},
        kernel_{kernel},
        task_{task},
        napi_{napi},
        poll_{kernel, costs, tracepoints, completions, meter} {
    task_.saved = make_work<&NapiThread::napi_thread_wait>(sim::Nanos{0}, *this);
    napi_.wake_up.connect<&NapiThread::wake_up>(*this);
    poll_.polled.connect<&NapiThread::polled>(*this);
  }
  NapiThread(const NapiThread&) = delete;
  NapiThread& operator=(const NapiThread&) = delete;

  sim::Port<void(const Packet&, CpuId)>& deliver() { return poll_.deliver; }  // out: netif_receive_skb

 private:
  Softnet& softnet() { return *softnets_[index(task_.cpu)]; }

  void wake_up(CpuId cpu) {
    sched_threaded_ = true;
    run_.raised = sched_.cpu(cpu).now();
    run_.handler = sched_.cpu(cpu).handler_entered();
    sched_.try_to_wake_up(task_, cpu, {.cause = sched_.woken_on(cpu)});
  }

  void napi_thread_wait() {
    if (!sched_threaded_) {
      sched_.sleep(task_, make_work<&NapiThread::napi_thread_wait>(sim::Nanos{0}, *this));
      return;
    }
    Cpu& cpu = sched_.cpu(task_.cpu);
    cpu.local_bh_disable();
    run_.entered = cpu.now();
    poll_.start(cpu, Context::task, napi_, false, softnet().poll_bounds(napi_, kernel_.dev_weight), run_);
  }

  void polled() {
    if (!poll_.repoll()) {
      sched_threaded_ = false;
      softnet().napi_complete_done(
          napi_);  // which schedules it anew where it was missed, or the ring has more
    }
    softnet().skb_defer_free_flush();
    Cpu& cpu = sched_.cpu(task_.cpu);
    if (cpu.charged()) {  // wakeups at the end of the poll, bottom halves still off
      cpu.run<&NapiThread::enable_bh>(Context::task, sim::Nanos{0}, *this).preempt_off = true;
    } else {
      enable_bh();
    }
  }

  void enable_bh() {
    Cpu& cpu = sched_.cpu(task_.cpu);
    cpu.local_bh_enable();
    cpu.run<&NapiThread::napi_thread_wait>(Context::task, sim::Nanos{0}, *this).cond_resched = poll_.repoll();
  }

  Sched& sched_;
  std::vector<std::unique_ptr<Softnet>>& softnets_;
  const KernelConfig& kernel_;
  Task& task_;
  Napi& napi_;
  NapiPoll poll_;
  bool sched_threaded_ = false;  // NAPI_STATE_SCHED_THREADED
  SoftirqRun run_;               // of the poll under way, in the places of a softirq's
};

}  // namespace models
