// TCP sockets, reduced to messages: what arrives, who waits for it, and what sending and reading cost.
//
//   send ─► tcp_sendmsg ─► device (NIC, or veth: this CPU's backlog)   netif_receive_skb ─► deliver() ─► wake
//
// Models:   net/ipv4/tcp.c:tcp_sendmsg (what is larger than the largest skb leaves in several, each as
//           soon as it is copied, and on a veth each is received before the next), tcp_recvmsg;
//           net/core/sock.c: sock_def_readable wakes with WF_SYNC, once per sleep; on a veth more than
//           one segment is acknowledged: at once by whoever delivers it, while that does not shrink the
//           window (__tcp_ack_snd_check), else by the call that reads it (tcp_cleanup_rbuf);
//           fs/eventpoll.c:ep_poll_callback, ep_poll, ep_send_events for one socket per epoll. A bulk
//           sender's skbs may be paced: tcp_bbr.h.
// Left out: loss and congestion windows, delayed ACKs, the socket backlog while the owner is inside a
//           call, level-triggered re-polling of other sockets. UDP: there are no datagram sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/completion_pool.h"
#include "models/packet.h"
#include "models/sched.h"
#include "models/syscalls.h"
#include "models/tcp_bbr.h"

namespace models {

enum class Transport : std::uint8_t { veth, nic };

// One end of a connection. A flow id names the end that receives; its peer sends to it.
struct Socket {
  FlowId flow = FlowId::none;
  FlowId peer = FlowId::none;  // the other end, where it is on this host
  TaskId owner = TaskId::none;
  LatencyClass latency_class = LatencyClass::normal;  // SO_AGENT_LATENCY: tags what is sent to it
  Transport transport = Transport::veth;
  int nic = -1;        // index of the NIC
  int napi = -1;       // the NAPI its frames arrive on, host-wide; -1: a backlog
  int pacing = -1;     // of what it sends; -1: none
  bool tso = true;     // the device cuts what this socket sends into frames
  int veth = -1;       // the veth pair with NAPIs that its frames arrive on; -1: none
  bool waits = false;  // its owner sleeps on it
  bool in_epoll_wait = false;
  std::int64_t unread = 0;                       // bytes
  std::int64_t unacked = 0;                      // bytes received since the last ACK
  bool rcvbuf_grown = false;                     // tcp_rcv_space_adjust has made room beyond the window
  std::vector<int> skbs;                         // that hold them, by the CPU that allocated each
  int messages = 0;                              // whole messages among them
  CompletionId completion = CompletionId::none;  // of the last message
  CompletionId woken_by = CompletionId::none;    // of the message that ended the wait
  sim::SimTime wait_entered{};
  Continuation after;
};

// Internal pacing of one sender, whose messages carry no completion: net/ipv4/tcp_output.c:tcp_pacing_check,
// tcp_pace_kick. What is written while it waits goes into the skb that does.
struct TcpPacing {
  explicit TcpPacing(FlowId flow) : from{flow} {}
  FlowId from;
  TcpBbr bbr;
  std::int64_t unsent = 0;    // bytes
  std::int64_t acked = 0;     // bytes that the peer has acknowledged; the ACK may be on its way
  bool timer_queued = false;  // pacing_timer
  bool owned = false;         // sock_owned_by_user: its task is inside send
  bool tsq_deferred = false;  // TCP_TSQ_DEFERRED: release_sock sends on
};

class Tcp {
 public:
  Tcp(sim::Engine& engine, Sched& sched, CostSampler& costs, const Tracepoints& tracepoints,
      CompletionPool& completions, Meter& meter);

  sim::Port<bool(CpuId, const Packet&)> backlog;                   // out: veth_xmit on this CPU
  sim::Port<void(CpuId, const Socket&, const Packet&)> veth_xmit;  // out: to a socket behind a veth's NAPI
  sim::Port<void(int, const Packet&)> nic_transmit;                // out
  sim::Port<void(CpuId, int, sim::SimTime)> start_pacing_timer;    // out: of a pacing; expires in softirq
  // out: (here, allocated on, how many) tcp_eat_recv_skb of skbs of another CPU's; nobody need listen
  sim::Port<void(CpuId, CpuId, int)> defer_free;
  sim::Port<void(int, int)> agent_waits;  // out: a tagged owner starts (+1) or stops (-1) waiting on a NAPI

  Socket& add_socket(Task& owner, LatencyClass latency_class, Transport transport);
  Socket& socket(FlowId flow) { return sockets_[index(flow)]; }

  // What this socket sends over a veth is paced as by bbr. Before its first send.
  void pace(Socket& socket);

  // System calls of the current task.
  void send(Task& task, const Socket& from, std::int64_t bytes, CompletionId completion,
            const Continuation& after);
  void epoll_wait(Task& task, Socket& socket, const Continuation& after);
  void recv(Task& task, Socket& socket, const Continuation& after);  // non-blocking: something is there
  void recv_blocking(Task& task, Socket& socket, const Continuation& after);

  // After recv: takes a whole message, if one was read, and tells what rode on it.
  bool take_message(Socket& socket, CompletionId& completion);

  void deliver(const Packet& packet, CpuId cpu);  // in: netif_receive_skb
  void tcp_pace_kick(int pacing, CpuId cpu);      // in: from the HRTIMER softirq

 private:
  struct Send {
    FlowId from = FlowId::none;
    std::int64_t left = 0;  // bytes to be sent yet
    CompletionId completion = CompletionId::none;
    Continuation after;
  };

  void transmit(std::uint64_t task);
  void transmit_local(CpuId cpu, const Socket& to, const Packet& packet);
  static bool acked_at_once(const Socket& to);
  void tcp_write_xmit(CpuId cpu, TcpPacing& pacing);
  void release_sock(std::uint64_t task);
  void tcp_ack(const Socket& socket, CpuId cpu);
  TcpPacing& pacing_of(const Socket& socket) { return *pacings_[static_cast<std::size_t>(socket.pacing)]; }
  void tcp_send_ack(CpuId cpu, Socket& from);
  static std::int64_t next_skb(const Socket& from, const Send& send);
  sim::Nanos push_cost(const Task& task, const Socket& from, std::int64_t bytes);
  void sent(std::uint64_t task) {
    sched_.return_to_user(sched_.task(static_cast<TaskId>(task)), sends_[task].after);
  }
  void wait_on(Task& task, Socket& socket, const Work& on_wake);
  void epoll_entered(std::uint64_t flow);
  void epoll_returned(std::uint64_t flow);
  void recv_entered(std::uint64_t flow);
  void read_data(Task& task, Socket& socket);
  void copied(std::uint64_t flow);
  void received(std::uint64_t flow);
  void free_skbs(Socket& socket, CpuId here);
  sim::Nanos draw(Cost cost, const Task& task) { return costs_.draw(cost, task.role == Role::agent); }
  sim::Nanos copy_cost(const Task& task, std::int64_t bytes);
  void note_waiter(const Socket& socket, int change);
  WakeCause cause(const Socket& to) const;

  sim::Engine& engine_;
  Sched& sched_;
  CostSampler& costs_;
  const Tracepoints& tracepoints_;
  CompletionPool& completions_;
  Meter& meter_;
  std::vector<Socket> sockets_;  // by flow
  std::vector<Send> sends_;      // by task
  std::vector<std::unique_ptr<TcpPacing>> pacings_;
};

}  // namespace models
