#include "models/tcp.h"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/models/napi_bench.h"

namespace models {
namespace {

constexpr sim::Nanos entry = 10ns;       // syscall_entry
constexpr sim::Nanos leave = 20ns;       // syscall_exit
constexpr sim::Nanos sendmsg = 1'000ns;  // tcp_sendmsg
constexpr sim::Nanos recvmsg = 2'000ns;  // tcp_recvmsg
constexpr sim::Nanos kib = 1'024ns;      // copy_per_kib: 1 ns per byte
constexpr sim::Nanos wait_in = 300ns;    // epoll_wait_entry
constexpr sim::Nanos events = 400ns;     // epoll_send_events
constexpr sim::Nanos hop = 5'000ns;      // backlog_packet
constexpr sim::Nanos callback = 70ns;    // ep_poll_callback

KernelSetup costly(int cpus) {
  return {.cpus = cpus,
          .costs = {{Cost::syscall_entry, entry},
                    {Cost::syscall_exit, leave},
                    {Cost::tcp_sendmsg, sendmsg},
                    {Cost::tcp_recvmsg, recvmsg},
                    {Cost::copy_per_kib, kib},
                    {Cost::epoll_wait_entry, wait_in},
                    {Cost::epoll_send_events, events},
                    {Cost::backlog_packet, hop},
                    {Cost::ep_poll_callback, callback}}};
}

// A reader on one CPU; what arrives comes by an interrupt on another one, which puts it into its backlog.
struct TcpBench : KernelBench {
  explicit TcpBench(int reader_cpu = 0, Role role = Role::background,
                    LatencyClass latency = LatencyClass::normal)
      : KernelBench{costly(2)}, reader{add_task(reader_cpu, role)} {
    flow = tcp->add_socket(reader, latency, Transport::nic).flow;
  }
  Socket& socket() { return tcp->socket(flow); }
  void arrive(std::initializer_list<Packet> packets) {
    incoming.insert(incoming.end(), packets);
    irq.raise();
  }
  Packet packet(std::int32_t bytes, bool last = true) const {
    return {.flow = flow, .bytes = bytes, .completion = completion, .ends_message = last};
  }
  void run_script(std::initializer_list<std::function<void(const Continuation&)>> steps) {
    script = std::make_unique<Script>(steps);
    launch(reader, script->start());
  }
  std::function<void(const Continuation&)> epoll_wait() {
    return [this](const Continuation& next) { tcp->epoll_wait(reader, socket(), next); };
  }
  std::function<void(const Continuation&)> recv() {
    return [this](const Continuation& next) { tcp->recv(reader, socket(), next); };
  }
  std::function<void(const Continuation&)> compute(sim::Nanos span) {
    return [this, span](const Continuation& next) {
      Work work = next;
      work.remaining = span;
      work.user = true;
      cpus[index(reader.cpu)]->set_work(Context::task, work);
    };
  }
  std::function<void(const Continuation&)> end() {
    return [this](const Continuation& next) {
      ended_at = now();
      sched->sleep(reader, next);
    };
  }

  Task& reader;
  FlowId flow;
  CompletionId completion = CompletionId::none;
  std::vector<Packet> incoming;
  Interrupt irq{*cpus[1], [this] {
                  for (const Packet& each : incoming) {
                    softnets[1]->enqueue_to_backlog(each);
                  }
                  incoming.clear();
                }};
  std::unique_ptr<Script> script;
  sim::Nanos ended_at{-1};
};

TEST_CASE("epoll_wait sleeps until data arrives", "[tcp]") {
  TcpBench bench;
  bench.run_script({bench.epoll_wait(), bench.end()});

  bench.run_until(50us);
  bench.arrive({bench.packet(100)});
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::sched_waking) == Times{0ns, 50us + hop});
  CHECK(bench.ended_at == 50us + hop + events + leave);
  CHECK(bench.times_of(Tracepoint::sys_enter_epoll_wait) == Times{0ns});
  CHECK(bench.times_of(Tracepoint::sys_exit_epoll_wait) == Times{bench.ended_at});
}

TEST_CASE("epoll_wait returns at once when data is there", "[tcp]") {
  TcpBench bench;
  bench.arrive({bench.packet(100)});
  bench.run_until(50us);

  bench.run_script({bench.epoll_wait(), bench.end()});
  bench.run_until(1ms);

  CHECK(bench.ended_at == 50us + entry + wait_in + events + leave);
  CHECK(bench.times_of(Tracepoint::sched_waking) == Times{50us});
}

TEST_CASE("a sleeper is woken once, however many packets follow", "[tcp]") {
  TcpBench bench;
  bench.run_script({bench.epoll_wait(), bench.compute(1ms), bench.end()});
  bench.run_until(50us);

  bench.arrive({bench.packet(100), bench.packet(100), bench.packet(100)});
  bench.run_until(100us);
  bench.arrive({bench.packet(100)});
  bench.run_until(3ms);

  CHECK(bench.times_of(Tracepoint::sched_waking) == Times{0ns, 50us + hop});
  CHECK(bench.socket().unread == 400);
  CHECK(bench.socket().messages == 4);
}

TEST_CASE("data that arrives while the owner runs wakes nobody and is found by the next epoll_wait",
          "[tcp]") {
  TcpBench bench;
  bench.run_script({bench.compute(100us), bench.epoll_wait(), bench.recv(), bench.end()});
  bench.run_until(50us);

  bench.arrive({bench.packet(100)});
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::sched_waking) == Times{0ns});
  CHECK(bench.ended_at == 100us + entry + wait_in + events + leave + entry + recvmsg + 100ns + leave);
}

TEST_CASE("a socket's wakeup is WF_SYNC", "[tcp]") {
  TcpBench bench;
  bench.reader.allowed.set(1);  // more than one CPU: the policy is asked
  bench.reader.nr_allowed = 2;
  bench.run_script({bench.epoll_wait(), bench.end()});
  bench.run_until(50us);
  bench.placements.clear();

  bench.arrive({bench.packet(100)});
  bench.run_until(1ms);

  REQUIRE(bench.placements.size() == 1);
  CHECK(bench.placements[0].sync);
  CHECK(bench.placements[0].waker == CpuId{1});
  CHECK(bench.placements[0].prev == CpuId{0});
}

TEST_CASE("the epoll callback is paid by the CPU that delivers, and only for epoll", "[tcp]") {
  const auto next_delivery = [](bool epoll) {
    TcpBench bench;
    const auto recv = [&](const Continuation& next) {
      bench.tcp->recv_blocking(bench.reader, bench.socket(), next);
    };
    if (epoll) {
      bench.run_script({bench.epoll_wait(), bench.end()});
    } else {
      bench.run_script({recv, bench.end()});
    }
    bench.run_until(50us);
    bench.arrive({bench.packet(100), bench.packet(100)});
    bench.run_until(1ms);
    const Times at = bench.times_of(Tracepoint::netif_receive_skb);
    return at[1] - at[0];
  };

  CHECK(next_delivery(true) == hop + callback);
  CHECK(next_delivery(false) == hop);
}

TEST_CASE("a blocking read sleeps, and copies what arrived once it runs again", "[tcp]") {
  TcpBench bench;
  const auto recv = [&](const Continuation& next) {
    bench.tcp->recv_blocking(bench.reader, bench.socket(), next);
  };
  bench.run_script({recv, bench.end()});
  bench.run_until(50us);

  bench.arrive({bench.packet(2048)});
  bench.run_until(1ms);

  CHECK(bench.ended_at == 50us + hop + recvmsg + 2'048ns + leave);
  CHECK(bench.socket().unread == 0);
}

TEST_CASE("a message is whole when its last frame has been read", "[tcp]") {
  TcpBench bench;
  CompletionId got = CompletionId::none;
  bench.completion = bench.completions.acquire({}, bench.reader.id);

  bench.arrive({bench.packet(1448, false)});
  bench.run_until(50us);
  CHECK_FALSE(bench.tcp->take_message(bench.socket(), got));
  bench.arrive({bench.packet(100)});
  bench.run_until(100us);

  CHECK(bench.tcp->take_message(bench.socket(), got));
  CHECK(got == bench.completion);
  CHECK_FALSE(bench.tcp->take_message(bench.socket(), got));
}

TEST_CASE("a bare ACK wakes nobody", "[tcp]") {
  TcpBench bench;
  bench.run_script({bench.epoll_wait(), bench.end()});
  bench.run_until(50us);

  bench.arrive({bench.packet(0, false)});
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::netif_receive_skb) == Times{50us + hop});
  CHECK(bench.times_of(Tracepoint::sched_waking) == Times{0ns});
}

TEST_CASE("a tagged sleeper counts as a waiter of its NAPI, an untagged one does not", "[tcp]") {
  TcpBench bench{0, Role::agent, LatencyClass::agent_interactive};
  bench.socket().napi = 5;
  bench.run_script({bench.epoll_wait(), bench.end()});
  bench.run_until(50us);
  CHECK(bench.waiter_changes == std::vector<std::pair<int, int>>{{5, 1}});
  bench.arrive({bench.packet(100), bench.packet(100)});
  bench.run_until(1ms);
  CHECK(bench.waiter_changes == std::vector<std::pair<int, int>>{{5, 1}, {5, -1}});

  TcpBench untagged{0, Role::agent, LatencyClass::normal};
  untagged.socket().napi = 5;
  untagged.run_script({untagged.epoll_wait(), untagged.end()});
  untagged.run_until(1ms);
  CHECK(untagged.waiter_changes.empty());
}

TEST_CASE("epoll_wait is entered after the preemption that comes before it", "[tcp]") {
  TcpBench bench;
  SchedConfig fifo;
  fifo.sched = SchedClass::fifo;
  fifo.cpus = {0};
  Task& urgent = bench.sched->add_task("urgent", Role::background, fifo);
  Script program{[&](const Continuation& next) {
                   Work work = next;
                   work.remaining = 500us;
                   bench.cpus[0]->set_work(Context::task, work);
                 },
                 [&](const Continuation& next) { bench.sched->sleep(urgent, next); }};
  urgent.saved = program.start();
  Interrupt wake_urgent{*bench.cpus[0], [&] { bench.sched->try_to_wake_up(urgent, CpuId{0}, {}); }};

  bench.run_script({bench.recv(), bench.epoll_wait(), bench.end()});
  bench.run_until(500ns);  // in recv: the preemption acts on the return to userspace
  wake_urgent.raise();
  bench.run_until(3ms);

  const sim::Nanos back = entry + recvmsg + leave + 500us;
  CHECK(bench.times_of(Tracepoint::sys_enter_epoll_wait) == Times{back});
}

// ---- both ends on one host ----

struct VethBench : KernelBench {
  VethBench() : KernelBench{costly(2)} {
    client = tcp->add_socket(sender, LatencyClass::normal, Transport::veth).flow;
    server = tcp->add_socket(receiver, LatencyClass::normal, Transport::veth).flow;
    tcp->socket(client).peer = server;
    tcp->socket(server).peer = client;
  }
  void send(std::int64_t bytes) {
    script = std::make_unique<Script>(std::initializer_list<std::function<void(const Continuation&)>>{
        [this, bytes](const Continuation& next) {
          tcp->send(sender, tcp->socket(client), bytes, CompletionId::none, next);
        },
        [this](const Continuation& next) {
          returned_at = now();
          sched->sleep(sender, next);
        }});
    launch(sender, script->start());
  }

  Task& sender = add_task(0);
  Task& receiver = add_task(1);
  FlowId client, server;
  std::unique_ptr<Script> script;
  sim::Nanos returned_at{-1};
};

TEST_CASE("what is sent over a veth is delivered on the sender's CPU before send returns", "[tcp]") {
  VethBench bench;

  bench.send(1000);
  bench.run_until(1ms);

  const std::vector<Hit> received = bench.hits_of(Tracepoint::netif_receive_skb);
  REQUIRE(received.size() == 1);
  CHECK(received[0].at == entry + sendmsg + 1'000ns + hop);
  CHECK(received[0].cpu == 0);
  CHECK(received[0].context == Context::softirq);
  CHECK(bench.returned_at == received[0].at + leave);
  CHECK(bench.tcp->socket(bench.server).unread == 1000);
}

TEST_CASE("more than one segment over a veth is acknowledged through the same backlog", "[tcp]") {
  VethBench bench;

  bench.send(2048);
  bench.run_until(1ms);

  const std::vector<Hit> received = bench.hits_of(Tracepoint::netif_receive_skb);
  REQUIRE(received.size() == 2);
  CHECK(received[1].a == static_cast<std::int64_t>(bench.client));
  CHECK(received[1].b == 0);
  CHECK(bench.hits_of(Tracepoint::napi_poll).size() == 1);
  CHECK(bench.returned_at == entry + sendmsg + 2'048ns + 2 * hop + leave);
}

TEST_CASE("a write larger than the largest skb leaves in two, each received before the next is copied",
          "[tcp]") {
  VethBench bench;

  bench.send(65'536);
  bench.run_until(1ms);

  const std::vector<Hit> received = bench.hits_of(Tracepoint::netif_receive_skb);
  REQUIRE(received.size() == 2);
  CHECK(received[0].b == 65'160);
  CHECK(received[0].at == entry + sendmsg + 65'160ns + hop);
  CHECK(received[1].b == 376);
  CHECK(received[1].at == received[0].at + 376ns + hop);
  CHECK(bench.hits_of(Tracepoint::softirq_entry).size() == 2);
  CHECK(bench.returned_at == received[1].at + leave);
  CHECK(bench.tcp->socket(bench.server).messages == 1);
}

TEST_CASE("what fills much of the window is acknowledged by the call that reads it, on the reader's CPU",
          "[tcp]") {
  VethBench bench;
  Script reading{[&](const Continuation& next) {
                   bench.tcp->recv_blocking(bench.receiver, bench.tcp->socket(bench.server), next);
                 },
                 [&](const Continuation& next) { bench.sched->sleep(bench.receiver, next); }};
  bench.launch(bench.receiver, reading.start());

  bench.send(65'160);
  bench.run_until(1ms);

  const std::vector<Hit> received = bench.hits_of(Tracepoint::netif_receive_skb);
  REQUIRE(received.size() == 2);
  CHECK(received[1].a == static_cast<std::int64_t>(bench.client));
  CHECK(received[1].b == 0);
  CHECK(received[1].cpu == 1);
  CHECK(received[1].at == received[0].at + recvmsg + 65'160ns + hop);
  CHECK(bench.tcp->socket(bench.server).unacked == 0);
  CHECK(reading.done() == 2);
}

TEST_CASE("what is sent to a NIC leaves when tcp_sendmsg has built it", "[tcp]") {
  TcpBench bench;
  bench.run_script({[&](const Continuation& next) {
                      bench.tcp->send(bench.reader, bench.socket(), 256, CompletionId::none, next);
                    },
                    bench.end()});
  bench.run_until(1ms);

  REQUIRE(bench.transmitted.size() == 1);
  CHECK(bench.transmitted[0].bytes == 256);
  CHECK(bench.ended_at == entry + sendmsg + 256ns + leave);
  CHECK(bench.delivered.empty());
}

}  // namespace
}  // namespace models
