// TCP sockets, reduced to messages: what arrives, who waits for it, and what sending and reading cost.
//
//   send ─► tcp_sendmsg ─► device (NIC, or veth: this CPU's backlog)        netif_receive_skb ─► deliver() ─►
//   wake
//
// Models:   net/ipv4/tcp.c:tcp_sendmsg, tcp_recvmsg; net/core/sock.c:sock_def_readable wakes with WF_SYNC,
//           once per sleep; on a veth an immediate ACK of more than one segment crosses back through the
//           same backlog; fs/eventpoll.c:ep_poll_callback, ep_poll, ep_send_events for one socket per epoll.
// Left out: loss and congestion control, delayed ACKs, the socket backlog while the owner is inside a
//           call, level-triggered re-polling of other sockets. UDP: there are no datagram sockets.
#pragma once

#include <cstdint>
#include <vector>

#include "models/completion_pool.h"
#include "models/packet.h"
#include "models/sched.h"
#include "models/syscalls.h"

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
  int veth = -1;       // the veth pair with NAPIs that its frames arrive on; -1: none
  bool waits = false;  // its owner sleeps on it
  bool in_epoll_wait = false;
  std::int64_t unread = 0;                       // bytes
  std::vector<int> skbs;                         // that hold them, by the CPU that allocated each
  int messages = 0;                              // whole messages among them
  CompletionId completion = CompletionId::none;  // of the last message
  CompletionId woken_by = CompletionId::none;    // of the message that ended the wait
  sim::SimTime wait_entered{};
  Continuation after;
};

class Tcp {
 public:
  Tcp(sim::Engine& engine, Sched& sched, CostSampler& costs, const Tracepoints& tracepoints,
      CompletionPool& completions, Meter& meter);

  sim::Port<bool(CpuId, const Packet&)> backlog;     // out: veth_xmit on this CPU
  sim::Port<void(CpuId, const Socket&, const Packet&)> veth_xmit;  // out: to a socket behind a veth's NAPI
  sim::Port<void(int, const Packet&)> nic_transmit;                // out
  // out: (here, allocated on, how many) tcp_eat_recv_skb of skbs of another CPU's; nobody need listen
  sim::Port<void(CpuId, CpuId, int)> defer_free;
  sim::Port<void(int, int)> agent_waits;  // out: a tagged owner starts (+1) or stops (-1) waiting on a NAPI

  Socket& add_socket(Task& owner, LatencyClass latency_class, Transport transport);
  Socket& socket(FlowId flow) { return sockets_[index(flow)]; }

  // System calls of the current task.
  void send(Task& task, const Socket& from, std::int64_t bytes, CompletionId completion,
            const Continuation& after);
  void epoll_wait(Task& task, Socket& socket, const Continuation& after);
  void recv(Task& task, Socket& socket, const Continuation& after);  // non-blocking: something is there
  void recv_blocking(Task& task, Socket& socket, const Continuation& after);

  // After recv: takes a whole message, if one was read, and tells what rode on it.
  bool take_message(Socket& socket, CompletionId& completion);

  void deliver(const Packet& packet, CpuId cpu);  // in: netif_receive_skb

 private:
  struct Send {
    FlowId from = FlowId::none;
    std::int64_t bytes = 0;
    CompletionId completion = CompletionId::none;
    Continuation after;
  };

  void transmit(std::uint64_t task);
  void transmit_veth(CpuId cpu, const Socket& to, const Packet& packet);
  sim::Nanos segment_cost(const Task& task, const Socket& from, std::int64_t bytes);
  void sent(std::uint64_t task) {
    sched_.return_to_user(sched_.task(static_cast<TaskId>(task)), sends_[task].after);
  }
  void wait_on(Task& task, Socket& socket, const Work& on_wake);
  void epoll_entered(std::uint64_t flow);
  void epoll_returned(std::uint64_t flow);
  void recv_entered(std::uint64_t flow);
  void received(std::uint64_t flow);
  void free_skbs(Socket& socket, CpuId here);
  sim::Nanos draw(Cost cost, const Task& task) { return costs_.draw(cost, task.role == Role::agent); }
  sim::Nanos copy_cost(const Task& task, std::int64_t bytes);
  sim::Nanos read_cost(const Task& task, const Socket& socket);
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
};

}  // namespace models
