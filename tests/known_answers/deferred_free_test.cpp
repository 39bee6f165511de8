// Where the skbs of received data are freed: net/core/skbuff.c:skb_attempt_defer_free, net/core/dev.c:
// kick_defer_list_purge, skb_defer_free_flush.
#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "models/tcp.h"
#include "tests/support/kernel_bench.h"

namespace models {
namespace {

// Data of a background flow arrives on CPU 0, where its NAPI polls; the receiver reads it on `reader_cpu`.
struct ReceiverBench : KernelBench {
  explicit ReceiverBench(int reader_cpu)
      : KernelBench{{.cpus = 2}},
        reader{add_task(reader_cpu)},
        flow{tcp->add_socket(reader, LatencyClass::background, Transport::nic).flow} {
    tcp->defer_free.connect<&ReceiverBench::defer_free>(*this);
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      ipis.push_back(std::make_unique<IpiReceiver>(engine, *cpus[i], costs));
      ipis.back()->drain.connect<&ReceiverBench::rx_softirq_ipi>(*this);
    }
  }

  // As host.cpp wires it.
  void defer_free(CpuId here, CpuId allocated_on, int skbs) {
    freed_elsewhere += skbs;
    if (softnets[index(allocated_on)]->skb_attempt_defer_free(skbs)) {
      ++sent;
      ipis[index(allocated_on)]->send_call_function(*cpus[index(here)]);
    }
  }
  void rx_softirq_ipi(CpuId id) { softnets[index(id)]->trigger_rx_softirq(); }

  // `skbs` packets reach the socket, then one recv takes them.
  void receive(int skbs) {
    for (int i = 0; i < skbs; ++i) {
      tcp->deliver({.flow = flow, .bytes = 1448, .ends_message = false}, CpuId{0});
    }
    script.push_back(std::make_unique<Script>(std::initializer_list<std::function<void(const Continuation&)>>{
        [this](const Continuation& next) { tcp->recv(reader, tcp->socket(flow), next); },
        [this](const Continuation& next) { sched->sleep(reader, next); }}));
    launch(reader, script.back()->start());
    run_until(now() + 100us);
  }
  int net_rx_runs() const { return static_cast<int>(hits_of(Tracepoint::softirq_entry).size()); }

  Task& reader;
  FlowId flow;
  std::vector<std::unique_ptr<IpiReceiver>> ipis;
  std::vector<std::unique_ptr<Script>> script;
  int freed_elsewhere = 0;
  int sent = 0;
};

TEST_CASE("KF18.6d: the 33rd skb freed away from its CPU sends that CPU an IPI, which runs NET_RX there",
          "[known_answer][tcp]") {
  ReceiverBench bench{1};

  bench.receive(32);
  CHECK(bench.sent == 0);
  CHECK(bench.net_rx_runs() == 0);
  bench.receive(1);

  CHECK(bench.freed_elsewhere == 33);
  CHECK(bench.sent == 1);
  REQUIRE(bench.net_rx_runs() == 1);
  CHECK(bench.hits_of(Tracepoint::softirq_entry).front().cpu == 0);
}

TEST_CASE("KF18.6d: NET_RX empties the list, so each further 33 send one more", "[known_answer][tcp]") {
  ReceiverBench bench{1};

  for (int i = 0; i < 10; ++i) {
    bench.receive(33);
  }

  CHECK(bench.sent == 10);
  CHECK(bench.net_rx_runs() == 10);
}

TEST_CASE("KF18.6d: beyond skb_defer_max skbs are freed where they are, without another IPI",
          "[known_answer][tcp]") {
  ReceiverBench bench{1};

  bench.receive(500);

  CHECK(bench.sent == 1);
}

TEST_CASE("KF18.6d: a receiver on its softirq's CPU sends none", "[known_answer][tcp]") {
  ReceiverBench bench{0};

  bench.receive(500);

  CHECK(bench.freed_elsewhere == 0);
  CHECK(bench.net_rx_runs() == 0);
}

TEST_CASE("KF18.6d: no second IPI is sent while the first is on its way", "[known_answer][tcp]") {
  ReceiverBench bench{1};
  Softnet& softnet = *bench.softnets[0];

  CHECK(softnet.skb_attempt_defer_free(33));
  softnet.net_rx_action();  // it runs for another reason and empties the list
  CHECK_FALSE(softnet.skb_attempt_defer_free(33));

  softnet.trigger_rx_softirq();
}

}  // namespace
}  // namespace models
