#include "models/tcp.h"

#include <algorithm>
#include <utility>

namespace models {

namespace {

// What may lie unread before an ACK would announce a smaller window: half of the window that tcp_rmem's
// default gives (131072 bytes, of which TCP_DEFAULT_SCALING_RATIO leaves 65536 for payload).
constexpr std::int64_t unread_of_full_window = 32'768;

// TCP_INIT_CWND segments: a reader who takes more within a round trip is given a larger buffer.
constexpr std::int64_t initial_rcvq_space = 10 * default_mss;

}  // namespace

Tcp::Tcp(sim::Engine& engine, Sched& sched, CostSampler& costs, const Tracepoints& tracepoints,
         CompletionPool& completions, Meter& meter)
    : engine_{engine},
      sched_{sched},
      costs_{costs},
      tracepoints_{tracepoints},
      completions_{completions},
      meter_{meter} {}

Socket& Tcp::add_socket(Task& owner, LatencyClass latency_class, Transport transport) {
  Socket socket;
  socket.flow = static_cast<FlowId>(sockets_.size());
  socket.owner = owner.id;
  socket.latency_class = latency_class;
  socket.transport = transport;
  socket.skbs.resize(static_cast<std::size_t>(sched_.cpu_count()));
  sockets_.push_back(socket);
  return sockets_.back();
}

sim::Nanos Tcp::copy_cost(const Task& task, std::int64_t bytes) {
  const sim::Nanos per_kib = draw(Cost::copy_per_kib, task);
  return sim::Nanos{(per_kib.count() * bytes) >> 10};
}

void Tcp::send(Task& task, const Socket& from, std::int64_t bytes, CompletionId completion,
               const Continuation& after) {
  if (sends_.size() <= index(task.id)) {
    sends_.resize(index(task.id) + 1);
  }
  Send& send = sends_[index(task.id)];
  send = Send{from.flow, bytes, completion, after};
  if (from.pacing >= 0) {
    pacing_of(from).owned = true;
    pacing_of(from).bbr.sendmsg();
  }
  sched_.work_syscall<&Tcp::transmit>(task,
                                      draw(Cost::syscall_entry, task) + draw(Cost::tcp_sendmsg, task) +
                                          push_cost(task, from, next_skb(from, send)),
                                      *this, index(task.id));
}

// Towards another machine a NIC's driver gets a message whole: how it leaves is the device's matter.
std::int64_t Tcp::next_skb(const Socket& from, const Send& send) {
  return from.peer != FlowId::none || from.transport == Transport::veth ? std::min<std::int64_t>(send.left, gso_max_bytes) : send.left;
}

// With TSO off the stack cuts what is larger than a frame, just before the device gets it.
sim::Nanos Tcp::push_cost(const Task& task, const Socket& from, std::int64_t bytes) {
  const std::int64_t frames = frames_of(bytes, default_mss);
  const bool cut = (from.veth >= 0 || !from.tso) && frames > 1;
  return copy_cost(task, bytes) + (cut ? draw(Cost::gso_segment, task) * frames : sim::Nanos{0});
}

void Tcp::transmit(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  Send& send = sends_[task_number];
  Socket& from = sockets_[index(send.from)];
  const std::int64_t bytes = next_skb(from, send);
  send.left -= bytes;
  from.unacked = 0;
  if (from.transport == Transport::veth || from.peer != FlowId::none) {
    if (from.pacing >= 0) {
      pacing_of(from).unsent += bytes;
      tcp_write_xmit(task.cpu, pacing_of(from));
    } else {
      const Socket& to = sockets_[index(from.peer)];
      transmit_local(task.cpu, to,
                    Packet{to.flow, static_cast<std::int32_t>(bytes), send.completion, to.latency_class,
                           send.left == 0});
    }
    sched_.cpu(task.cpu).local_bh_enable();
  } else {
    nic_transmit(from.nic, Packet{from.flow, static_cast<std::int32_t>(bytes), send.completion,
                                  from.latency_class, true});
  }
  if (send.left > 0) {
    sched_.work_kernel<&Tcp::transmit>(task, push_cost(task, from, next_skb(from, send)), *this, task_number);
  } else if (from.pacing >= 0) {
    sched_.work_kernel<&Tcp::release_sock>(task, sim::Nanos{0}, *this, task_number);
  } else {
    sched_.work_kernel<&Tcp::sent>(task, draw(Cost::syscall_exit, task), *this, task_number);
  }
}

void Tcp::transmit_local(CpuId cpu, const Socket& to, const Packet& packet) {
  if (to.transport == Transport::nic) {
    nic_transmit(sockets_[index(to.peer)].nic, packet);
  } else if (to.veth >= 0) {
    veth_xmit(cpu, to, packet);
  } else {
    backlog(cpu, packet);
  }
}

// What the sender's pace allows to leave now; the timer sends the rest.
void Tcp::tcp_write_xmit(CpuId cpu, TcpPacing& pacing) {
  const Socket& from = sockets_[index(pacing.from)];
  const Socket& to = sockets_[index(from.peer)];
  while (pacing.unsent > 0) {
    const sim::SimTime departure = pacing.bbr.departure();
    if (departure > engine_.now()) {
      if (!std::exchange(pacing.timer_queued, true)) {
        start_pacing_timer(cpu, from.pacing, departure);
      }
      return;
    }
    const std::int64_t bytes = std::min<std::int64_t>(pacing.unsent, gso_max_bytes);
    pacing.unsent -= bytes;
    pacing.bbr.sent(engine_.now(), bytes);
    transmit_local(cpu, to,
                  Packet{to.flow, static_cast<std::int32_t>(bytes), CompletionId::none, to.latency_class,
                         pacing.unsent == 0});
  }
}

void Tcp::release_sock(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  TcpPacing& pacing = pacing_of(sockets_[index(sends_[task_number].from)]);
  pacing.owned = false;
  if (std::exchange(pacing.tsq_deferred, false)) {
    tcp_write_xmit(task.cpu, pacing);
    sched_.cpu(task.cpu).local_bh_enable();
  }
  sched_.work_kernel<&Tcp::sent>(task, draw(Cost::syscall_exit, task), *this, task_number);
}

void Tcp::pace(Socket& socket) {
  socket.pacing = static_cast<int>(pacings_.size());
  pacings_.push_back(std::make_unique<TcpPacing>(socket.flow));
}

void Tcp::tcp_pace_kick(int pacing_number, CpuId cpu) {
  TcpPacing& pacing = *pacings_[static_cast<std::size_t>(pacing_number)];
  pacing.timer_queued = false;
  if (pacing.owned) {
    pacing.tsq_deferred = true;
  } else {
    tcp_write_xmit(cpu, pacing);
  }
}

void Tcp::tcp_ack(const Socket& socket, CpuId cpu) {
  if (socket.pacing >= 0) {
    TcpPacing& pacing = pacing_of(socket);
    pacing.bbr.acked(engine_.now(), pacing.acked);
    if (!pacing.owned) {
      tcp_write_xmit(cpu, pacing);
    }
  }
}

void Tcp::tcp_send_ack(CpuId cpu, Socket& from) {
  if (const Socket& peer = sockets_[index(from.peer)]; peer.pacing >= 0) {
    pacing_of(peer).acked += from.unacked;
  }
  from.unacked = 0;
  transmit_local(cpu, sockets_[index(from.peer)],
                Packet{from.peer, 0, CompletionId::none, LatencyClass::normal, false});
}

// __tcp_ack_snd_check: what a NIC's frames occupy shrinks a window that the buffer has not outgrown.
bool Tcp::acked_at_once(const Socket& to) {
  return to.unread <= unread_of_full_window && (to.transport == Transport::veth || to.rcvbuf_grown);
}

// sock_def_readable: queues, and wakes the sleeper if there is one.
void Tcp::deliver(const Packet& packet, CpuId cpu) {
  if (packet.bytes == 0) {
    tcp_ack(sockets_[index(packet.flow)], cpu);
    return;
  }
  Socket& to = sockets_[index(packet.flow)];
  to.unread += packet.bytes;
  ++to.skbs[index(cpu)];  // allocated by the poll here, or on a veth by the send that this softirq ended
  if (packet.ends_message) {
    ++to.messages;
    to.completion = packet.completion;
  }
  to.unacked += packet.bytes;
  if (to.peer != FlowId::none && to.unacked > default_mss && acked_at_once(to)) {
    tcp_send_ack(cpu, to);
  }
  if (!to.waits) {
    return;
  }
  to.waits = false;
  note_waiter(to, -1);
  if (to.in_epoll_wait) {
    sched_.cpu(cpu).charge(costs_.draw(Cost::ep_poll_callback, packet.completion != CompletionId::none));
  }
  to.woken_by = packet.completion;
  sched_.try_to_wake_up(sched_.task(to.owner), cpu,
                        {.sync = true, .completion = packet.completion, .cause = cause(to)});
}

// Only its peer sends to a socket.
WakeCause Tcp::cause(const Socket& to) const {
  const TaskId sender = to.peer == FlowId::none ? TaskId::none : sockets_[index(to.peer)].owner;
  return {.source = WakeSource::net, .cookie = static_cast<std::int64_t>(sender)};
}

void Tcp::note_waiter(const Socket& socket, int change) {
  if (socket.latency_class == LatencyClass::agent_interactive && socket.napi >= 0) {
    agent_waits(socket.napi, change);
  }
}

void Tcp::wait_on(Task& task, Socket& socket, const Work& on_wake) {
  socket.waits = true;
  note_waiter(socket, 1);
  sched_.sleep(task, on_wake);
}

void Tcp::epoll_wait(Task& task, Socket& socket, const Continuation& after) {
  socket.after = after;
  socket.wait_entered = engine_.now();
  tracepoints_.fire(Tracepoint::sys_enter_epoll_wait, task.cpu, static_cast<std::int64_t>(task.id));
  sched_.work_syscall<&Tcp::epoll_entered>(
      task, draw(Cost::syscall_entry, task) + draw(Cost::epoll_wait_entry, task), *this, index(socket.flow));
}

void Tcp::epoll_entered(std::uint64_t flow) {
  Socket& socket = sockets_[flow];
  Task& task = sched_.task(socket.owner);
  const sim::Nanos exit = draw(Cost::epoll_send_events, task) + draw(Cost::syscall_exit, task);
  if (socket.unread > 0) {
    sched_.work_kernel<&Tcp::epoll_returned>(task, exit, *this, flow);
    return;
  }
  socket.in_epoll_wait = true;
  wait_on(task, socket, make_work<&Tcp::epoll_returned>(exit, *this, flow));
}

void Tcp::epoll_returned(std::uint64_t flow) {
  Socket& socket = sockets_[flow];
  const Task& task = sched_.task(socket.owner);
  socket.in_epoll_wait = false;
  const CompletionId woken_by = std::exchange(socket.woken_by, CompletionId::none);
  if (woken_by != CompletionId::none) {
    completions_.stamp(woken_by, Stage::user, engine_.now());
  } else if (socket.completion != CompletionId::none && !completions_[socket.completion].has(Stage::user)) {
    completions_.stamp(socket.completion, Stage::user, engine_.now());  // it was there already
  }
  tracepoints_.fire(Tracepoint::sys_exit_epoll_wait, task.cpu, static_cast<std::int64_t>(task.id), 1);
  if (task.role == Role::agent) {
    meter_.record(Metric::epoll_blocked, engine_.now() - socket.wait_entered);
  }
  sched_.return_to_user(task, socket.after);
}

void Tcp::recv(Task& task, Socket& socket, const Continuation& after) {
  socket.after = after;
  if (socket.peer != FlowId::none && socket.unacked > default_mss) {
    sched_.work_syscall<&Tcp::recv_entered>(task, draw(Cost::syscall_entry, task), *this, index(socket.flow));
    return;
  }
  const sim::Nanos cost = draw(Cost::syscall_entry, task) + draw(Cost::tcp_recvmsg, task) +
                          copy_cost(task, socket.unread) + draw(Cost::syscall_exit, task);
  sched_.work_syscall<&Tcp::received>(task, cost, *this, index(socket.flow));
}

void Tcp::recv_blocking(Task& task, Socket& socket, const Continuation& after) {
  socket.after = after;
  sched_.work_syscall<&Tcp::recv_entered>(task, draw(Cost::syscall_entry, task), *this, index(socket.flow));
}

void Tcp::recv_entered(std::uint64_t flow) {
  Socket& socket = sockets_[flow];
  Task& task = sched_.task(socket.owner);
  if (socket.unread == 0) {
    wait_on(task, socket, make_work<&Tcp::recv_entered>(sim::Nanos{0}, *this, flow));
    return;
  }
  read_data(task, socket);
}

// tcp_cleanup_rbuf: what was read makes room, which an ACK tells the sender.
void Tcp::read_data(Task& task, Socket& socket) {
  const sim::Nanos cost = draw(Cost::tcp_recvmsg, task) + copy_cost(task, socket.unread);
  if (socket.peer != FlowId::none && socket.unacked > default_mss) {
    sched_.work_kernel<&Tcp::copied>(task, cost, *this, index(socket.flow));
  } else {
    sched_.work_kernel<&Tcp::received>(task, cost + draw(Cost::syscall_exit, task), *this,
                                       index(socket.flow));
  }
}

void Tcp::copied(std::uint64_t flow) {
  Socket& socket = sockets_[flow];
  Task& task = sched_.task(socket.owner);
  tcp_send_ack(task.cpu, socket);
  sched_.cpu(task.cpu).local_bh_enable();
  sched_.work_kernel<&Tcp::received>(task, draw(Cost::syscall_exit, task), *this, flow);
}

void Tcp::received(std::uint64_t flow) {
  Socket& socket = sockets_[flow];
  if (socket.latency_class == LatencyClass::background) {
    meter_.count(Counter::background_bytes, socket.unread);
  }
  socket.rcvbuf_grown |= socket.unread > initial_rcvq_space;
  socket.unread = 0;
  const Task& task = sched_.task(socket.owner);
  free_skbs(socket, task.cpu);
  sched_.return_to_user(task, socket.after);
}

// tcp_eat_recv_skb: skbs go back to the CPU that allocated them.
void Tcp::free_skbs(Socket& socket, CpuId here) {
  for (std::size_t cpu = 0; cpu < socket.skbs.size(); ++cpu) {
    const int skbs = std::exchange(socket.skbs[cpu], 0);
    if (skbs > 0 && cpu != index(here) && defer_free.connected()) {
      defer_free(here, static_cast<CpuId>(cpu), skbs);
    }
  }
}

bool Tcp::take_message(Socket& socket, CompletionId& completion) {
  if (socket.messages == 0) {
    return false;
  }
  --socket.messages;
  completion = std::exchange(socket.completion, CompletionId::none);
  return true;
}

}  // namespace models
