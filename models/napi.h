// NET_RX on one CPU: the softnet_data, its poll list and its backlog.
//
//   driver's hardirq ──napi_schedule()──► poll list ─► net_rx_action ─► poll ≤ 64 ─► GRO batch ──deliver──►
//   TCP veth transmit ──enqueue_to_backlog()──► backlog NAPI ─┘
//
// Models:   net/core/dev.c:net_rx_action (budget 300, time in jiffies, a NAPI polled once per action, repoll
//           order), __napi_poll, napi_complete_done with MISSED, process_backlog; net/core/gro.c: rx_list
//           of gro_normal_batch; consecutive frames of one flow in a batch merge. net/core/skbuff.c:
//           skb_attempt_defer_free, kick_defer_list_purge: skbs that were freed on another CPU come back to
//           the one that allocated them, which an IPI asks for NET_RX when half of skb_defer_max are there.
// Left out: what freeing costs; deferral and suspension (gro_flush_timeout), threaded NAPI, busy polling,
// RPS, GRO's hold
//           across polls, transmit completions.
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
#include "sim/ring.h"

namespace models {

struct Napi {
  sim::Port<bool(Packet&)> poll;  // out: the driver's next frame, if there is one
  sim::Port<bool()> irq_enable;   // out: re-arm; unconnected: the backlog, which has no interrupt
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

inline constexpr int skb_defer_max = 64;  // net.core.skb_defer_max

// What the softirq core lends to NET_RX.
struct NetRxPorts {
  sim::Port<void()> raise;          // raise_softirq(NET_RX)
  sim::Port<void()> done;           // the action is over
  sim::Port<SoftirqRun()> running;  // the action's run
};

class Softnet {
 public:
  Softnet(sim::Engine& engine, Cpu& cpu, const KernelConfig& kernel, CostSampler& costs,
          const Tracepoints& tracepoints, CompletionPool& completions, Meter& meter);
  Softnet(const Softnet&) = delete;
  Softnet& operator=(const Softnet&) = delete;

  NetRxPorts softirq;                                   // out
  sim::Port<void(const Packet&, CpuId)> deliver;        // out: netif_receive_skb, then the stack
  sim::Port<PollBounds(const Napi&, int)> poll_bounds;  // out: the policy; gets dev_weight

  void napi_schedule(Napi& napi);                 // in: from the driver's hardirq
  bool enqueue_to_backlog(const Packet& packet);  // in: false: dropped, netdev_max_backlog
  void net_rx_action();                           // in: the softirq's action
  Napi& backlog() { return backlog_; }
  // in: another CPU has freed `skbs` that this one allocated. True: it is to send this one an IPI, whose
  // handler is trigger_rx_softirq().
  bool skb_attempt_defer_free(int skbs);
  void trigger_rx_softirq();

 private:
  void start_action();
  void poll_next();
  void fetch();
  void deliver_next();
  void delivered();
  void poll_end();
  void napi_complete_done(Napi& napi);
  void end_action();
  std::int64_t jiffies() const { return sim::count(engine_.now()) / jiffy_.count(); }
  bool poll_backlog(Packet& packet);
  sim::Nanos frame_cost(const Packet& packet);
  void stamp_delivery(Completion& completion);

  sim::Engine& engine_;
  Cpu& cpu_;
  const KernelConfig& kernel_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;
  sim::Nanos jiffy_;
  std::int64_t budget_jiffies_;

  Napi backlog_;
  sim::Ring<Packet> input_queue_;  // input_pkt_queue and process_queue
  std::vector<Napi*> poll_list_;   // scheduled since the action took the list
  std::vector<Napi*> list_;        // the action's
  std::size_t list_next_ = 0;
  std::vector<Napi*> repoll_;
  std::vector<Packet> batch_;  // rx_list
  std::size_t batch_next_ = 0;
  bool in_net_rx_action_ = false;
  int defer_count_ = 0;
  bool defer_ipi_scheduled_ = false;
  int budget_ = 0;
  std::int64_t time_limit_ = 0;  // jiffies
  Napi* polling_ = nullptr;
  PollBounds bounds_;
  int work_ = 0;
  bool fixed_charged_ = false;
  bool out_of_time_ = false;
  sim::SimTime poll_start_{};
};

}  // namespace models
