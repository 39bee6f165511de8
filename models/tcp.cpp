#include "models/tcp.h"

#include <utility>

namespace models {

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
  sends_[index(task.id)] = Send{from.flow, bytes, completion, after};
  sched_.work_syscall<&Tcp::transmit>(
      task,
      draw(Cost::syscall_entry, task) + draw(Cost::tcp_sendmsg, task) + copy_cost(task, bytes) +
          segment_cost(task, from, bytes),
      *this, index(task.id));
}

// With TSO off the stack cuts what is larger than a frame, just before the device gets it.
sim::Nanos Tcp::segment_cost(const Task& task, const Socket& from, std::int64_t bytes) {
  const std::int64_t frames = frames_of(bytes, default_mss);
  return from.veth < 0 || frames == 1 ? sim::Nanos{0} : draw(Cost::gso_segment, task) * frames;
}

void Tcp::transmit_veth(CpuId cpu, const Socket& to, const Packet& packet) {
  if (to.veth >= 0) {
    veth_xmit(cpu, to, packet);
  } else {
    backlog(cpu, packet);
  }
}

void Tcp::transmit(std::uint64_t task_number) {
  Task& task = sched_.task(static_cast<TaskId>(task_number));
  const Send& send = sends_[task_number];
  const Socket& from = sockets_[index(send.from)];
  if (from.transport == Transport::veth) {
    const Socket& to = sockets_[index(from.peer)];
    transmit_veth(task.cpu, to,
                  Packet{to.flow, static_cast<std::int32_t>(send.bytes), send.completion, to.latency_class,
                         true});
    sched_.cpu(task.cpu).local_bh_enable();
  } else {
    nic_transmit(from.nic, Packet{from.flow, static_cast<std::int32_t>(send.bytes), send.completion,
                                  from.latency_class, true});
  }
  sched_.work_kernel<&Tcp::sent>(task, draw(Cost::syscall_exit, task), *this, task_number);
}

// sock_def_readable: queues, and wakes the sleeper if there is one.
void Tcp::deliver(const Packet& packet, CpuId cpu) {
  if (packet.bytes == 0) {
    return;  // a bare ACK
  }
  Socket& to = sockets_[index(packet.flow)];
  to.unread += packet.bytes;
  ++to.skbs[index(cpu)];  // allocated by the poll here, or on a veth by the send that this softirq ended
  if (packet.ends_message) {
    ++to.messages;
    to.completion = packet.completion;
  }
  if (to.transport == Transport::veth && packet.bytes > default_mss) {
    transmit_veth(cpu, sockets_[index(to.peer)],
                  Packet{to.peer, 0, CompletionId::none, LatencyClass::normal, false});
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

sim::Nanos Tcp::read_cost(const Task& task, const Socket& socket) {
  return draw(Cost::tcp_recvmsg, task) + copy_cost(task, socket.unread) + draw(Cost::syscall_exit, task);
}

void Tcp::recv(Task& task, Socket& socket, const Continuation& after) {
  socket.after = after;
  sched_.work_syscall<&Tcp::received>(task, draw(Cost::syscall_entry, task) + read_cost(task, socket), *this,
                                      index(socket.flow));
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
  sched_.work_kernel<&Tcp::received>(task, read_cost(task, socket), *this, flow);
}

void Tcp::received(std::uint64_t flow) {
  Socket& socket = sockets_[flow];
  if (socket.latency_class == LatencyClass::background) {
    meter_.count(Counter::background_bytes, socket.unread);
  }
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
