// NET_RX on one CPU: the softnet_data, its poll list and its backlog.
//
//   driver's hardirq, veth_xmit ──napi_schedule()──► poll list ─► net_rx_action ─► poll each ──deliver──►
//   TCP veth transmit ──enqueue_to_backlog()──► backlog NAPI ─┘
//
// Models:   net/core/dev.c:____napi_schedule (a NAPI with a thread wakes that instead), net_rx_action
//           (budget 300, time in jiffies, a NAPI polled once per action, repoll order),
//           napi_complete_done with MISSED, process_backlog. net/core/skbuff.c: skb_attempt_defer_free,
//           kick_defer_list_purge: skbs that were freed on another CPU come back to the one that
//           allocated them, which an IPI asks for NET_RX when half of skb_defer_max are there.
// Left out: what freeing costs; RPS; threads for the backlog (PREEMPT_RT).
#pragma once

#include <cstdint>
#include <vector>

#include "models/napi.h"
#include "sim/ring.h"

namespace models {

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
  sim::Port<PollBounds(const Napi&, int)> poll_bounds;  // out: the policy; gets dev_weight
  sim::Port<void(const Packet&, CpuId)>& deliver() { return poll_.deliver; }  // out: netif_receive_skb

  void napi_schedule(Napi& napi);                 // in: on this CPU, by a driver
  void napi_complete_done(Napi& napi);            // in: on this CPU, its poll found less than its weight
  bool enqueue_to_backlog(const Packet& packet);  // in: false: dropped, netdev_max_backlog
  void net_rx_action();                           // in: the softirq's action
  const Napi& backlog() const { return backlog_; }
  // in: skb_defer_free_flush, in each round of an action or of a NAPI's thread.
  void skb_defer_free_flush() { defer_count_ = 0; }
  // in: another CPU has freed `skbs` that this one allocated. True: it is to send this one an IPI, whose
  // handler is trigger_rx_softirq().
  bool skb_attempt_defer_free(int skbs);
  void trigger_rx_softirq();

 private:
  void start_action();
  void poll_next();
  void polled();
  void end_action();
  std::int64_t jiffies() const { return sim::count(engine_.now()) / jiffy_.count(); }
  bool poll_backlog(Packet& packet);

  sim::Engine& engine_;
  Cpu& cpu_;
  const KernelConfig& kernel_;
  Meter& meter_;
  sim::Nanos jiffy_;
  std::int64_t budget_jiffies_;

  NapiPoll poll_;
  Napi backlog_;
  sim::Ring<Packet> input_queue_;  // input_pkt_queue and process_queue
  std::vector<Napi*> poll_list_;   // scheduled since the action took the list
  std::vector<Napi*> list_;        // the action's
  std::size_t list_next_ = 0;
  std::vector<Napi*> repoll_;
  bool in_net_rx_action_ = false;
  int defer_count_ = 0;
  bool defer_ipi_scheduled_ = false;
  int budget_ = 0;
  std::int64_t time_limit_ = 0;  // jiffies
};

}  // namespace models
