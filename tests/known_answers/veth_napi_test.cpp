// drivers/net/veth.c with GRO on at the receiver and TSO off at the sender: the ring, rx_notify_masked, the
// poll.
#include <catch2/catch.hpp>
#include <memory>
#include <numeric>
#include <vector>

#include "models/devices/veth.h"
#include "tests/support/host_bench.h"
#include "tests/support/kernel_bench.h"

namespace models {
namespace {

constexpr sim::Nanos fixed = 2us;    // napi_poll_fixed
constexpr sim::Nanos frame = 100ns;  // napi_packet
constexpr sim::Nanos stack = 1us;    // tcp_deliver

// One end of a pair on a machine with two CPUs; what is delivered goes no further.
struct VethBench : KernelBench {
  VethBench()
      : KernelBench{
            {.cpus = 2,
             .costs = {
                 {Cost::napi_poll_fixed, fixed}, {Cost::napi_packet, frame}, {Cost::tcp_deliver, stack}}}} {
    sockets_listen = false;
    rq.napi.id = 1;
    rq.napi_schedule.connect<&VethBench::napi_schedule>(*this);
  }
  void napi_schedule(CpuId cpu, Napi& napi) { softnets[index(cpu)]->napi_schedule(napi); }
  // A task's write on `cpu` at `when`, as its softirqs see it: bottom halves are off until all of it is sent.
  void send_at(sim::Nanos when, int cpu, std::int32_t bytes, int flow = 7) {
    interrupts.push_back(std::make_unique<Interrupt>(*cpus[static_cast<std::size_t>(cpu)], [=, this] {
      rq.veth_xmit(static_cast<CpuId>(cpu), {.flow = FlowId{flow}, .bytes = bytes, .ends_message = true});
    }));
    run_until(when);
    interrupts.back()->raise();
  }
  std::vector<std::int64_t> polled(int cpu) const {
    std::vector<std::int64_t> work;
    for (const Hit& poll : hits_of(Tracepoint::napi_poll)) {
      if (poll.cpu == cpu) {
        work.push_back(poll.b);
      }
    }
    return work;
  }
  std::vector<std::int32_t> lengths() const {
    std::vector<std::int32_t> found;
    for (const Packet& packet : delivered) {
      found.push_back(packet.bytes);
    }
    return found;
  }

  VethRq rq;
  std::vector<std::unique_ptr<Interrupt>> interrupts;
};

using Works = std::vector<std::int64_t>;
using Lengths = std::vector<std::int32_t>;

TEST_CASE("KF3.2: a write crosses the ring frame by frame, and one poll of it makes two skbs of 64 KiB",
          "[known_answer][veth]") {
  VethBench bench;

  bench.send_at(10us, 1, 65'536);
  bench.run_until(1ms);

  CHECK(bench.polled(1) == Works{46});  // 45 of 1448 bytes and one of the 376 that are left
  CHECK(bench.polled(0).empty());
  CHECK(bench.lengths() == Lengths{65'160, 376});  // another frame would reach GRO's 65536
  CHECK(bench.delivered.back().ends_message);
  CHECK_FALSE(bench.delivered.front().ends_message);
  CHECK(bench.count_of(Tracepoint::softirq_raise, 3) == 1);
  // Work in pieces of gro_normal_batch; the first skb goes up once it is complete, which frame 46 finds.
  CHECK(bench.times_of(Tracepoint::netif_receive_skb) ==
        Times{10us + fixed + 46 * frame + stack, 10us + fixed + 46 * frame + 2 * stack});
}

TEST_CASE("KF3.2: a frame or less is one skb, an ACK too", "[known_answer][veth]") {
  VethBench bench;

  bench.send_at(10us, 0, 1448);
  bench.send_at(100us, 0, 64);
  bench.send_at(200us, 0, 0);
  bench.run_until(1ms);

  CHECK(bench.polled(0) == Works{1, 1, 1});
  CHECK(bench.lengths() == Lengths{1448, 64, 0});
}

TEST_CASE(
    "KF3.3: while the notification is masked, who sends elsewhere leaves its frames to the poll under way",
    "[known_answer][veth]") {
  VethBench bench;

  bench.send_at(10us, 0, 4 * 1448);
  bench.send_at(10us + fixed, 1, 64, 8);  // CPU 0 has taken four frames, and looks again after their cost
  bench.run_until(1ms);

  CHECK(bench.polled(0) == Works{5});
  CHECK(bench.polled(1).empty());
  CHECK(bench.count_of(Tracepoint::softirq_raise, 3) == 1);
}

TEST_CASE("KF3.3: a frame that comes after the last look at the ring is found by the look at the poll's end",
          "[known_answer][veth]") {
  VethBench bench;

  bench.send_at(10us, 0, 64);
  bench.send_at(10us + fixed + frame + stack / 2, 1, 64, 8);  // the poll delivers, its ring was empty
  bench.run_until(1ms);

  CHECK(bench.polled(0) == Works{1, 1});  // scheduled again where it ran, in the same action
  CHECK(bench.polled(1).empty());
  CHECK(bench.count_of(Tracepoint::softirq_raise, 3) == 1);
  CHECK(bench.delivered.size() == 2);
}

TEST_CASE("KF3.4: the ring holds 256 frames; more are dropped, and sent again when a poll has made room",
          "[known_answer][veth]") {
  VethBench bench;

  bench.interrupts.push_back(std::make_unique<Interrupt>(*bench.cpus[0], [&] {
    for (int flow = 1; flow <= 6; ++flow) {
      bench.rq.veth_xmit(CpuId{0}, {.flow = FlowId{flow}, .bytes = 65'536, .ends_message = true});
    }
  }));
  bench.interrupts.back()->raise();
  bench.run_until(10ms);

  CHECK(bench.rq.drops() == 6 * 46 - 256);
  const Lengths lengths = bench.lengths();
  CHECK(std::accumulate(lengths.begin(), lengths.end(), 0) == 6 * 65'536);
  const Works work = bench.polled(0);
  CHECK(Works(work.begin(), work.begin() + 4) == Works{64, 64, 64, 64});  // and then what was sent again
  CHECK(std::accumulate(work.begin(), work.end(), std::int64_t{0}) == 6 * 46);
}

// Four agents over one pair, whose sockets, threads and rings do not lose a byte.
HostConfig veth_host(bool gro, bool threaded) {
  HostConfig config = quiet_host(2);
  for (CostModel& cost : config.costs.models) {
    cost.value = cost.value.scaled(0.1);
  }
  for (const Cost per_frame : {Cost::gso_segment, Cost::napi_packet}) {
    config.costs[per_frame].value = constant(200ns);
  }
  config.devices.emplace_back(VethConfig{.name = "veth0", .gro = gro, .threaded = threaded});
  AgentConfig agent;
  agent.name = "agent";
  agent.count = 4;
  agent.think = sim::Distribution::exponential(300us);
  agent.tool.device = "veth0";
  agent.tool.service = sim::Distribution::exponential(100us);
  agent.tool.request = sim::Bytes{64};
  agent.tool.reply = sim::Bytes{5000};
  config.agents.push_back(agent);
  BackgroundConfig bulk;
  bulk.name = "bulk";
  bulk.kind = BackgroundKind::bulk;
  bulk.device = "veth0";
  bulk.rate = sim::BytesPerSecond{100'000'000};
  config.background.push_back(bulk);
  return config;
}

TEST_CASE("agents and bulk over a veth's NAPI, in softirq and in threads, get what they get over the backlog",
          "[known_answer][veth][chain]") {
  const auto [gro, threaded] =
      GENERATE(std::pair{false, false}, std::pair{true, false}, std::pair{true, true});
  const TracedRun run{veth_host(gro, threaded), 1s};

  CAPTURE(gro, threaded);
  CHECK(run.metrics()[Counter::steps] > 3000);
  if (!threaded) {  // a thread may wait for a CPU for longer than the ring lasts: what it drops is sent again
    CHECK(run.metrics()[Counter::rx_drops] == 0);
  }
  CHECK(run.metrics()[Counter::background_bytes] > 99'000'000);
  CHECK(run.metrics()[Counter::background_bytes] <= 100'200'000);
  bool by_device = false, in_backlog = false;
  for (const TraceRecord& poll : run.all(Tracepoint::napi_poll)) {
    (run.host.napi_device(static_cast<int>(poll.a)) == "veth0" ? by_device : in_backlog) = true;
    CHECK((poll.context == 0) == threaded);
  }
  CHECK(by_device == gro);
  CHECK(in_backlog == !gro);
  // Bytes on the socket's side of each poll: requests 64, replies 5000, bulk writes, and ACKs.
  std::int64_t requests = 0;
  for (const TraceRecord& skb : run.all(Tracepoint::netif_receive_skb)) {
    requests += skb.b == 64 ? 1 : 0;
  }
  CHECK(requests >= run.metrics()[Counter::steps]);
  CHECK(requests <= run.metrics()[Counter::steps] + 4);
}

}  // namespace
}  // namespace models
