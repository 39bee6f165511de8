#include "models/devices/nvme.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "tests/models/devices/bench.h"

namespace models {
namespace {

constexpr QueueId q0{0};
constexpr QueueId q1{1};

struct NvmeBench {
  explicit NvmeBench(NvmeConfig config) : nvme{engine, std::move(config)} {
    nvme.cost.connect<&StubCosts::draw>(costs);
    nvme.irq.connect<&NvmeBench::interrupt>(*this);
    nvme.stamp.connect<&StampLog::stamp>(stamps);
  }
  void interrupt(QueueId queue) {
    irqs.hit_queue(queue);
    if (resubmits > 0) {
      --resubmits;
      Request done;
      nvme.reap(queue, done);
      nvme.submit(queue, done);
    }
  }
  void at(sim::Nanos when) { engine.run_until(sim::SimTime{when}); }
  std::vector<int> reap_all(QueueId queue) {
    std::vector<int> tags;
    for (Request request; nvme.reap(queue, request);) {
      tags.push_back(request.tag);
    }
    return tags;
  }
  // An address whose first block lies on the given channel.
  std::uint64_t key_on(int channel) const {
    std::uint64_t key = 0;
    while (nvme.channel_of(key) != channel) {
      ++key;
    }
    return key;
  }

  sim::Engine engine;
  StubCosts costs;  // a 4 KiB read takes 80us, a write 300us
  Nvme nvme;
  InterruptLog irqs{engine};
  StampLog stamps{engine};
  int resubmits = 0;
};

Request read_of(int tag, std::uint64_t key = 0, std::int32_t bytes = 4096) {
  return {.tag = tag, .bytes = bytes, .completion = CompletionId{tag}, .draw_key = key};
}

Request write_of(int tag, std::uint64_t key = 0) {
  return {.tag = tag, .bytes = 4096, .write = true, .draw_key = key};
}

TEST_CASE("a read interrupts when it has been served", "[nvme]") {
  NvmeBench bench{{}};

  bench.at(5us);
  CHECK(bench.nvme.submit(q0, read_of(7)));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{85us});
  CHECK(bench.stamps.entries == std::vector<StampLog::Entry>{{CompletionId{7}, Stage::device_done, 85us},
                                                             {CompletionId{7}, Stage::irq, 85us}});
  CHECK(bench.reap_all(q0) == std::vector<int>{7});
}

TEST_CASE("requests on different channels are served side by side", "[nvme]") {
  NvmeBench bench{{.channels = 2}};

  bench.nvme.submit(q0, read_of(0, bench.key_on(0)));
  bench.at(10us);
  bench.nvme.submit(q0, read_of(1, bench.key_on(1)));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{80us, 90us});
}

TEST_CASE("requests on one channel are served one after the other", "[nvme]") {
  NvmeBench bench{{.channels = 2}};

  bench.nvme.submit(q0, read_of(0, bench.key_on(1)));
  bench.at(10us);
  for (int tag = 1; tag < 4; ++tag) {
    bench.nvme.submit(q0, read_of(tag, bench.key_on(1)));
  }
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{80us, 160us, 240us, 320us});
  CHECK(bench.reap_all(q0) == std::vector<int>{0, 1, 2, 3});
}

TEST_CASE("a read waits for the write on its channel, and a read elsewhere does not", "[nvme]") {
  NvmeBench bench{{.channels = 2}};

  bench.nvme.submit(q0, write_of(0, bench.key_on(0)));
  bench.nvme.submit(q0, read_of(1, bench.key_on(0)));
  bench.nvme.submit(q0, read_of(2, bench.key_on(1)));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{80us, 300us, 380us});
  CHECK(bench.reap_all(q0) == std::vector<int>{2, 0, 1});
}

TEST_CASE("a channel that programs a write is busy after the write was acknowledged", "[nvme]") {
  NvmeBench bench{{.channels = 1, .program_time = 500us}};

  bench.nvme.submit(q0, write_of(0));
  bench.nvme.submit(q0, read_of(1));
  bench.at(2ms);
  bench.nvme.submit(q0, read_of(2));
  bench.at(3ms);

  CHECK(bench.irqs.at == Times{300us, 880us, 2080us});
}

TEST_CASE("a large read is striped over the channels and ends with its last part", "[nvme]") {
  NvmeBench bench{{.channels = 4, .channel_rate = sim::BytesPerSecond{409'600'000}}};  // 4 KiB in 10us

  bench.nvme.submit(q0, read_of(0, 0, 9 * 4096));  // 3, 2, 2, 2 blocks
  bench.at(1ms);

  CHECK(bench.costs.draws == 4);
  CHECK(bench.irqs.at == Times{100us});
}

TEST_CASE("a request of two blocks waits for the slower of their channels", "[nvme]") {
  NvmeBench bench{{.channels = 2}};
  const std::uint64_t key = bench.key_on(1);

  bench.nvme.submit(q0, write_of(0, bench.key_on(0)));
  bench.nvme.submit(q0, read_of(1, key, 8192));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{300us, 380us});
}

TEST_CASE("a full queue rejects requests until one is reaped", "[nvme]") {
  NvmeBench bench{{.queues = 2, .queue_depth = 2}};

  CHECK(bench.nvme.submit(q0, read_of(0)));
  CHECK(bench.nvme.submit(q0, read_of(1)));
  CHECK_FALSE(bench.nvme.submit(q0, read_of(2)));
  CHECK(bench.nvme.submit(q1, read_of(3)));
  bench.at(1ms);
  CHECK_FALSE(bench.nvme.submit(q0, read_of(4)));
  Request request;
  bench.nvme.reap(q0, request);

  CHECK(bench.nvme.submit(q0, read_of(5)));
  CHECK(bench.nvme.counters(q0).rejected == 2);
  CHECK(bench.nvme.outstanding(q0) == 2);
}

TEST_CASE("each posted entry interrupts, also while earlier ones wait to be reaped", "[nvme]") {
  NvmeBench bench{{.channels = 1}};

  bench.nvme.submit(q0, read_of(0));
  bench.nvme.submit(q0, read_of(1));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{80us, 160us});
  CHECK(bench.nvme.counters(q0).interrupts == 2);
}

TEST_CASE("coalescing gathers a queue's completions into one interrupt", "[nvme]") {
  NvmeBench bench{{.channels = 1, .coalescing = {.aggregation_threshold = 2, .aggregation_time = 100us}}};

  for (int tag = 0; tag < 3; ++tag) {
    bench.nvme.submit(q0, read_of(tag));
  }
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{160us, 340us});
  CHECK(bench.stamps.entries.back() == StampLog::Entry{CompletionId{2}, Stage::irq, 340us});
}

TEST_CASE("a completion is posted to, and interrupts, the queue it was submitted on", "[nvme]") {
  NvmeBench bench{{.queues = 2, .channels = 1}};

  bench.nvme.submit(q1, read_of(0));
  bench.nvme.submit(q0, read_of(1));
  bench.at(1ms);

  CHECK(bench.irqs.queues == std::vector<QueueId>{q1, q0});
  CHECK(bench.reap_all(q1) == std::vector<int>{0});
  CHECK(bench.reap_all(q0) == std::vector<int>{1});
}

TEST_CASE("a request submitted from the interrupt queues behind those that were waiting", "[nvme]") {
  NvmeBench bench{{.channels = 1}};
  bench.resubmits = 1;

  bench.nvme.submit(q0, read_of(0));
  bench.nvme.submit(q0, read_of(1));
  bench.at(1ms);

  CHECK(bench.irqs.at == Times{80us, 160us, 240us});
  CHECK(bench.reap_all(q0) == std::vector<int>{1, 0});
}

TEST_CASE("addresses spread over the channels", "[nvme]") {
  NvmeBench bench{{.channels = 8}};
  std::vector<int> keys(8, 0);

  for (std::uint64_t key = 0; key < 8000; ++key) {
    ++keys[static_cast<std::size_t>(bench.nvme.channel_of(key))];
  }

  CHECK(*std::min_element(keys.begin(), keys.end()) > 850);
  CHECK(*std::max_element(keys.begin(), keys.end()) < 1150);
}

}  // namespace
}  // namespace models
