#include "models/devices/virtio_blk.h"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "tests/models/devices/bench.h"

namespace models {
namespace {

constexpr QueueId q0{0};
constexpr QueueId q1{1};

struct VirtioBench {
  explicit VirtioBench(VirtioBlkConfig config) : disk{engine, std::move(config)} {
    disk.cost.connect<&StubCosts::draw>(costs);
    disk.irq.connect<&VirtioBench::interrupt>(*this);
    disk.stamp.connect<&StampLog::stamp>(stamps);
  }
  void interrupt(QueueId queue) {
    irqs.hit_queue(queue);
    kick_needed_at_interrupt = disk.kick_needed();
  }
  void at(sim::Nanos when) { engine.run_until(sim::SimTime{when}); }
  void submit(QueueId queue, int tag, std::int32_t bytes = 4096) {
    disk.submit(queue, {.tag = tag, .bytes = bytes, .completion = CompletionId{tag}});
    disk.kick(queue);
  }
  std::vector<int> reap_all(QueueId queue) {
    std::vector<int> tags;
    for (Request request; disk.reap(queue, request);) {
      tags.push_back(request.tag);
    }
    return tags;
  }

  sim::Engine engine;
  StubCosts costs;  // 20us to wake the host thread, 7us for a small request, 131us for 128 KiB
  VirtioBlk disk;
  InterruptLog irqs{engine};
  StampLog stamps{engine};
  bool kick_needed_at_interrupt = false;
};

TEST_CASE("a kicked request is served when the host thread has woken", "[virtio_blk]") {
  VirtioBench bench{{}};

  bench.at(3us);
  bench.submit(q0, 5);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{30us});
  CHECK(bench.stamps.entries == std::vector<StampLog::Entry>{{CompletionId{5}, Stage::device_done, 30us},
                                                             {CompletionId{5}, Stage::irq, 30us}});
  CHECK(bench.reap_all(q0) == std::vector<int>{5});
}

TEST_CASE("a host thread that slept for longer wakes later", "[virtio_blk]") {
  VirtioBench bench{{}};
  bench.costs.notify_deep = 10us;

  bench.at(250us);
  bench.submit(q0, 5);  // 20us + 10us * sqrt(0.25), then served for 7us
  bench.at(1ms);
  bench.reap_all(q0);
  bench.at(4'282us);
  bench.submit(q0, 6);  // asleep since 282us, for 4 ms
  bench.at(5ms);

  CHECK(bench.irqs.at == Times{250us + 25us + 7us, 4'282us + 40us + 7us});
}

TEST_CASE("a request without a kick stays where it is", "[virtio_blk]") {
  VirtioBench bench{{}};

  bench.disk.submit(q0, {.tag = 0, .bytes = 4096});
  bench.at(1s);

  CHECK(bench.irqs.at.empty());
  CHECK(bench.disk.outstanding(q0) == 1);
}

// The captures' spacing of a pair of reads: the second comes while the host thread wakes up.
TEST_CASE("two reads 17us apart need one kick and end with one interrupt", "[virtio_blk]") {
  VirtioBench bench{{}};

  bench.submit(q0, 0);
  bench.at(17us);
  CHECK_FALSE(bench.disk.kick_needed());
  bench.submit(q0, 1);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{34us});
  CHECK(bench.stamps.entries == std::vector<StampLog::Entry>{{CompletionId{0}, Stage::device_done, 27us},
                                                             {CompletionId{1}, Stage::device_done, 34us},
                                                             {CompletionId{0}, Stage::irq, 34us},
                                                             {CompletionId{1}, Stage::irq, 34us}});
  CHECK(bench.disk.counters(q0).notifications == 1);
}

TEST_CASE("a request that comes while another is served is taken along", "[virtio_blk]") {
  VirtioBench bench{{}};

  bench.submit(q0, 0);
  bench.at(26us);
  bench.disk.submit(q0, {.tag = 1, .bytes = 4096});
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{34us});
  CHECK(bench.reap_all(q0) == std::vector<int>{0, 1});
}

TEST_CASE("once drained the host thread sleeps and must be kicked again", "[virtio_blk]") {
  VirtioBench bench{{}};

  bench.submit(q0, 0);
  bench.at(27us);
  CHECK(bench.kick_needed_at_interrupt);
  bench.at(40us);
  CHECK(bench.disk.kick_needed());
  bench.submit(q0, 1);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{27us, 67us});
  CHECK(bench.disk.counters(q0).notifications == 2);
}

TEST_CASE("without suppression every request interrupts", "[virtio_blk]") {
  VirtioBench bench{{.interrupt_when = InterruptWhen::every_request}};

  bench.submit(q0, 0);
  bench.submit(q0, 1);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{27us, 34us});
  CHECK(bench.disk.counters(q0).interrupts == 2);
}

TEST_CASE("a large request costs in proportion to 128 KiB, one in between on the line", "[virtio_blk]") {
  const auto [bytes, time] = GENERATE(table<int, sim::Nanos>({
      {512, 7us},
      {4096, 7us},
      {4096 + 124 * 256, 38us},  // a quarter of the way from 4 KiB to 128 KiB
      {128 << 10, 131us},
      {256 << 10, 262us},
  }));
  VirtioBench bench{{}};

  bench.submit(q0, 0, bytes);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{20us + time});
}

TEST_CASE("a read behind a large write waits for it and shares its interrupt", "[virtio_blk]") {
  VirtioBench bench{{}};

  bench.submit(q0, 0, 128 << 10);
  bench.at(100us);
  bench.submit(q0, 1);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{158us});
}

TEST_CASE("a full ring rejects requests until one is reaped", "[virtio_blk]") {
  VirtioBench bench{{.queue_size = 2}};

  bench.submit(q0, 0);
  bench.submit(q0, 1);
  CHECK_FALSE(bench.disk.submit(q0, {.tag = 2, .bytes = 4096}));
  bench.at(1ms);
  CHECK_FALSE(bench.disk.submit(q0, {.tag = 3, .bytes = 4096}));
  CHECK(bench.reap_all(q0).size() == 2);

  CHECK(bench.disk.submit(q0, {.tag = 4, .bytes = 4096}));
  CHECK(bench.disk.counters(q0).rejected == 2);
  CHECK(bench.disk.counters(q0).submitted == 3);
}

TEST_CASE("one host thread serves the queues in turn, each with its own interrupt", "[virtio_blk]") {
  VirtioBench bench{{.num_queues = 2}};

  bench.submit(q1, 0);
  bench.submit(q0, 1);
  bench.submit(q0, 2);
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{34us, 41us});
  CHECK(bench.irqs.queues == std::vector<QueueId>{q0, q1});
  CHECK(bench.reap_all(q0) == std::vector<int>{1, 2});
  CHECK(bench.reap_all(q1) == std::vector<int>{0});
}

}  // namespace
}  // namespace models
