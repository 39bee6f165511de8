// A NAPI: a queue of received frames that is polled, not interrupted for each of them; and one poll of it,
// with GRO on the way up. Who polls is softnet.h (the NET_RX softirq) or napi_thread.h (a thread).
//
//   __napi_poll ─► driver's poll, up to the weight ─► GRO holds or passes on ─► rx_list of 8 ──deliver──►
//
// Models:   net/core/dev.c:__napi_poll; net/core/gro.c: in-order segments of one flow become one skb of
//           up to 64 KiB until the end of a message (PSH), what cannot be merged, or the end of the poll;
//           rx_list of gro_normal_batch segments; net/ipv4/tcp_offload.c:tcp_gro_receive.
// Left out: the hold across polls that HZ=1000 has, the hash's buckets (64 flows are held here whatever
//           their hashes), busy polling, deferral and suspension (gro_flush_timeout), transmit
//           completions.
#pragma once

#include <cstdint>
#include <vector>

#include "models/completion_pool.h"
#include "models/cost_sampler.h"
#include "models/cpu.h"
#include "models/kernel_config.h"
#include "models/meter.h"
#include "models/packet.h"
#include "models/softirq.h"
#include "models/tracepoints.h"
#include "sim/engine.h"

namespace models {

struct Napi {
  sim::Port<bool(Packet&)> poll;   // out: the driver's next frame, if there is one
  sim::Port<bool()> irq_enable;    // out: re-arm; unconnected: the backlog, which has no interrupt
  sim::Port<void(CpuId)> wake_up;  // out: NAPI_STATE_THREADED: wake_up_process; unconnected: NET_RX polls
  int id = 0;
  bool scheduled = false;  // NAPI_STATE_SCHED
  bool missed = false;     // NAPI_STATE_MISSED
  int agent_waiters = 0;   // sleeping agents whose flow arrives here: napi_has_agent_waiter()
};

// What a policy allows one poll.
struct PollBounds {
  int packets = 64;             // weight
  sim::Nanos time{0};           // 0: no bound but the softirq's
  bool agents_at_once = false;  // an agent's packet is delivered without waiting for its batch
};

class NapiPoll {
 public:
  NapiPoll(const KernelConfig& kernel, CostSampler& costs, const Tracepoints& tracepoints,
           CompletionPool& completions, Meter& meter);
  NapiPoll(const NapiPoll&) = delete;
  NapiPoll& operator=(const NapiPoll&) = delete;

  sim::Port<void(const Packet&, CpuId)> deliver;  // out: netif_receive_skb, then the stack
  sim::Port<void()> polled;                       // out: the poll is over, all of it delivered

  // in: polls `napi` on `cpu`, as softirq or as its current task with bottom halves off. `run` is what the
  // completions that are delivered get as their way here. The backlog has no GRO.
  void start(Cpu& cpu, Context context, Napi& napi, bool is_backlog, const PollBounds& bounds,
             const SoftirqRun& run);
  // Of the poll that is over.
  Napi& napi() const { return *napi_; }
  int work() const { return work_; }
  bool repoll() const { return work_ >= bounds_.packets || out_of_time_; }

 private:
  struct Held {
    Packet packet;
    int segments = 0;
  };
  template <auto Method>
  void then(sim::Nanos cost) {
    cpu_->run<Method>(context_, cost, *this).preempt_off = true;
  }
  void fetch();
  void fetched();
  bool dev_gro_receive(const Packet& frame);
  void gro_complete(std::size_t held);
  void gro_normal_one(const Packet& packet, int segments);
  void flush();
  void deliver_next();
  void delivered();
  void stamp_delivery(Completion& completion);

  const KernelConfig& kernel_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;

  Cpu* cpu_ = nullptr;
  Context context_ = Context::softirq;
  Napi* napi_ = nullptr;
  bool is_backlog_ = false;
  PollBounds bounds_;
  SoftirqRun run_;
  sim::SimTime started_{};
  int work_ = 0;
  bool fixed_charged_ = false;
  bool out_of_time_ = false;
  bool ends_ = false;           // the driver's ring is empty or the poll has had its share
  bool passes_on_ = false;      // the rx_list goes up now
  std::vector<Held> gro_list_;  // the oldest first
  std::vector<Packet> rx_list_;
  std::size_t rx_next_ = 0;
  int rx_count_ = 0;  // segments in it
};

}  // namespace models
