#include "models/devices/nic.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "sim/rng.h"
#include "tests/models/devices/bench.h"

namespace models {
namespace {

constexpr QueueId q0{0};

struct NicBench {
  explicit NicBench(NicConfig config) : nic{engine, std::move(config)} {
    nic.cost.connect<&StubCosts::draw>(costs);
    nic.irq.connect<&InterruptLog::hit_queue>(irqs);
    nic.stamp.connect<&StampLog::stamp>(stamps);
    nic.wire.connect<&NicBench::sent>(*this);
  }
  void sent(const Packet& packet) {
    departures.push_back(engine.now().time_since_epoch());
    sent_bytes.push_back(packet.bytes);
  }
  void at(sim::Nanos when) { engine.run_until(sim::SimTime{when}); }
  int poll_all() {
    Packet frame;
    int polled = 0;
    while (nic.poll(q0, frame)) {
      ++polled;
    }
    return polled;
  }

  sim::Engine engine;
  StubCosts costs;
  Nic nic;
  InterruptLog irqs{engine};
  StampLog stamps{engine};
  Times departures;
  std::vector<std::int32_t> sent_bytes;
};

Packet frame_of(int completion) {
  return {.flow = FlowId{1}, .bytes = 100, .completion = CompletionId{completion}, .ends_message = true};
}

TEST_CASE("a frame is in the ring, and interrupts, when its DMA has ended", "[nic]") {
  NicBench bench{{}};

  bench.at(5us);
  CHECK(bench.nic.receive(frame_of(3)));
  CHECK(bench.nic.pending(q0) == 0);
  bench.at(10us);

  CHECK(bench.irqs.at == Times{6us});
  CHECK(bench.stamps.entries == std::vector<StampLog::Entry>{{CompletionId{3}, Stage::device_done, 6us},
                                                             {CompletionId{3}, Stage::irq, 6us}});
  Packet frame;
  REQUIRE(bench.nic.poll(q0, frame));
  CHECK(frame.completion == CompletionId{3});
  CHECK_FALSE(bench.nic.poll(q0, frame));
}

TEST_CASE("frames land in the order they arrived in, however long each DMA takes", "[nic]") {
  NicBench bench{{}};
  bench.costs.next = {10us, 2us};

  bench.nic.receive(frame_of(0));
  bench.at(1us);
  bench.nic.receive(frame_of(1));
  bench.at(9us);
  CHECK(bench.nic.pending(q0) == 0);
  bench.at(10us);

  CHECK(bench.nic.pending(q0) == 2);
}

TEST_CASE("the transfers of frames overlap", "[nic]") {
  NicBench bench{{}};
  bench.costs.next = {10us, 10us};

  bench.nic.receive(frame_of(0));
  bench.at(1us);
  bench.nic.receive(frame_of(1));
  bench.at(20us);

  CHECK(bench.stamps.entries[0].at == 10us);
  CHECK(bench.stamps.entries.back() == StampLog::Entry{CompletionId{1}, Stage::device_done, 11us});
}

TEST_CASE("a frame without a descriptor is dropped and counted", "[nic]") {
  NicBench bench{{.ring = 2}};

  CHECK(bench.nic.receive(frame_of(0)));
  CHECK(bench.nic.receive(frame_of(1)));
  CHECK_FALSE(bench.nic.receive(frame_of(2)));
  bench.at(5us);
  CHECK_FALSE(bench.nic.receive(frame_of(3)));
  CHECK(bench.poll_all() == 2);
  CHECK(bench.nic.receive(frame_of(4)));

  CHECK(bench.nic.counters(q0).frames == 3);
  CHECK(bench.nic.counters(q0).drops == 2);
}

TEST_CASE("a moderated queue interrupts after rx_usecs, or at rx_frames", "[nic]") {
  NicBench bench{{.moderation = {.rx_usecs = 16us, .rx_frames = 3}}};

  bench.nic.receive(frame_of(0));
  bench.at(100us);
  REQUIRE(bench.irqs.at == Times{17us});
  bench.poll_all();
  bench.nic.irq_enable(q0);
  bench.nic.receive_burst(frame_of(1), 3);
  bench.at(200us);

  CHECK(bench.irqs.at == Times{17us, 101us});
}

TEST_CASE("without rx_frames only the time counts", "[nic]") {
  NicBench bench{{.moderation = {.rx_usecs = 16us}}};

  bench.nic.receive_burst(frame_of(1), 500);
  bench.at(200us);

  CHECK(bench.irqs.at == Times{17us});
}

TEST_CASE("a queue that software polls does not interrupt until it is enabled again", "[nic]") {
  NicBench bench{{}};

  bench.nic.receive(frame_of(0));
  bench.at(10us);
  bench.nic.receive(frame_of(1));
  bench.at(20us);
  REQUIRE(bench.irqs.at == Times{1us});
  CHECK(bench.poll_all() == 2);
  CHECK(bench.nic.irq_enable(q0));
  bench.at(30us);
  bench.nic.receive(frame_of(2));
  bench.at(40us);

  CHECK(bench.irqs.at == Times{1us, 31us});
}

TEST_CASE("frames that landed after the last poll interrupt once the queue is enabled", "[nic]") {
  NicBench bench{{.moderation = {.rx_usecs = 16us, .rx_frames = 32}}};

  bench.nic.receive(frame_of(0));
  bench.at(20us);
  bench.poll_all();
  bench.nic.receive(frame_of(1));
  bench.at(30us);
  CHECK_FALSE(bench.nic.irq_enable(q0));
  bench.at(100us);

  CHECK(bench.irqs.at == Times{17us, 46us});
}

TEST_CASE("a disabled queue keeps its frames for polling", "[nic]") {
  NicBench bench{{.moderation = {.rx_usecs = 16us, .rx_frames = 32}}};

  bench.nic.receive(frame_of(0));
  bench.at(5us);
  bench.nic.irq_disable(q0);
  bench.at(100us);

  CHECK(bench.irqs.at.empty());
  CHECK(bench.poll_all() == 1);
}

TEST_CASE("a frame that polling finds by itself has no irq stage", "[nic]") {
  NicBench bench{{}};

  bench.nic.receive(frame_of(0));
  bench.at(5us);
  bench.nic.receive(frame_of(1));
  bench.at(10us);
  bench.poll_all();
  bench.nic.irq_enable(q0);
  bench.nic.receive(frame_of(2));
  bench.at(20us);

  CHECK(bench.stamps.entries == std::vector<StampLog::Entry>{{CompletionId{0}, Stage::device_done, 1us},
                                                             {CompletionId{0}, Stage::irq, 1us},
                                                             {CompletionId{1}, Stage::device_done, 6us},
                                                             {CompletionId{2}, Stage::device_done, 11us},
                                                             {CompletionId{2}, Stage::irq, 11us}});
}

TEST_CASE("a message tells of no frame whose DMA is under way", "[nic]") {
  NicBench bench{{}};
  bench.costs.next = {1us, 10us};

  bench.nic.receive(frame_of(0));
  bench.nic.receive(frame_of(1));
  bench.at(5us);
  CHECK(bench.poll_all() == 1);
  bench.nic.irq_enable(q0);
  bench.at(20us);

  CHECK(bench.irqs.at == Times{1us, 10us});
  CHECK(bench.stamps.entries.back() == StampLog::Entry{CompletionId{1}, Stage::irq, 10us});
}

TEST_CASE("a burst lands at once, with one draw and one interrupt, and only its last frame ends the message",
          "[nic]") {
  NicBench bench{{}};

  CHECK(bench.nic.receive_burst(frame_of(0), 3) == 3);
  bench.at(5us);

  CHECK(bench.costs.draws == 1);
  CHECK(bench.irqs.at == Times{1us});
  std::vector<bool> ends;
  for (Packet frame; bench.nic.poll(q0, frame);) {
    ends.push_back(frame.ends_message);
  }
  CHECK(ends == std::vector<bool>{false, false, true});
}

TEST_CASE("of a burst that does not fit the last frames are lost", "[nic]") {
  NicBench bench{{.ring = 2}};

  CHECK(bench.nic.receive_burst(frame_of(0), 3) == 2);
  bench.at(5us);

  CHECK(bench.nic.counters(q0).drops == 1);
  for (Packet frame; bench.nic.poll(q0, frame);) {
    CHECK_FALSE(frame.ends_message);
  }
}

TEST_CASE("flows spread over the queues, and each stays on its own", "[nic]") {
  NicBench bench{{.queues = 8}};
  std::vector<int> flows(8, 0);

  for (int flow = 0; flow < 8000; ++flow) {
    ++flows[index(bench.nic.queue_of(FlowId{flow}))];
  }
  bench.nic.receive({.flow = FlowId{5}});
  bench.at(2us);

  CHECK(*std::min_element(flows.begin(), flows.end()) > 850);
  CHECK(*std::max_element(flows.begin(), flows.end()) < 1150);
  CHECK(bench.irqs.queues == std::vector<QueueId>{bench.nic.queue_of(FlowId{5})});
}

TEST_CASE("packets leave one after the other at the link's rate, framing included", "[nic]") {
  NicBench bench{{.link_rate = sim::BytesPerSecond{1'000'000'000}, .mss = 1000}};

  bench.at(100ns);
  bench.nic.transmit({.bytes = 10});    // 100 B with framing
  bench.nic.transmit({.bytes = 2500});  // three frames: 2770 B
  bench.at(10us);
  bench.nic.transmit({.bytes = 10});
  bench.at(20us);

  CHECK(bench.departures == Times{200ns, 2970ns, 10'100ns});
  CHECK(bench.sent_bytes == std::vector<std::int32_t>{10, 2500, 10});
  CHECK(bench.nic.transmitted() == 3);
}

TEST_CASE("a full transmit ring refuses packets and counts them", "[nic]") {
  NicBench bench{{.tx_ring = 2}};

  CHECK(bench.nic.transmit({.bytes = 10}));
  CHECK(bench.nic.transmit({.bytes = 10}));
  CHECK_FALSE(bench.nic.transmit({.bytes = 10}));
  bench.at(1us);

  CHECK(bench.nic.transmit_drops() == 1);
  CHECK(bench.nic.transmit({.bytes = 10}));
}

TEST_CASE("every frame is either polled, dropped or still there", "[nic]") {
  NicBench bench{{.ring = 16, .moderation = {.rx_usecs = 5us, .rx_frames = 4}}};
  sim::Stream stream = sim::Rng{11}.stream("frames");
  std::int64_t offered = 0;
  std::int64_t polled = 0;

  for (int i = 0; i < 3000; ++i) {
    const int burst = 1 + static_cast<int>(stream.below(12));
    offered += burst;
    bench.nic.receive_burst(frame_of(-1), burst);
    bench.engine.run_for(sim::Nanos{static_cast<std::int64_t>(stream.below(3000))});
    if (stream.below(3) == 0) {
      polled += bench.poll_all();
      bench.nic.irq_enable(q0);
    }
  }
  bench.engine.run_for(1ms);
  polled += bench.poll_all();

  const NicQueueCounters counters = bench.nic.counters(q0);
  CHECK(counters.frames + counters.drops == offered);
  CHECK(counters.frames == polled);
  CHECK(counters.drops > 0);
}

}  // namespace
}  // namespace models
