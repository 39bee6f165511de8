#include "models/softnet.h"

#include <catch2/catch.hpp>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/models/napi_bench.h"

namespace models {
namespace {

constexpr sim::Nanos fixed = 2us;    // napi_poll_fixed
constexpr sim::Nanos frame = 100ns;  // napi_packet
constexpr sim::Nanos stack = 1us;    // tcp_deliver
constexpr sim::Nanos hop = 300ns;    // backlog_packet

KernelSetup costly(KernelConfig kernel = {}) {
  return {.kernel = kernel,
          .costs = {{Cost::napi_poll_fixed, fixed},
                    {Cost::napi_packet, frame},
                    {Cost::tcp_deliver, stack},
                    {Cost::backlog_packet, hop}}};
}

// One CPU, some receive queues with NAPIs 1, 2, ...; what is delivered goes no further.
struct NapiBench : KernelBench {
  explicit NapiBench(int queue_count, KernelSetup setup = costly()) : KernelBench{std::move(setup)} {
    sockets_listen = false;
    for (int id = 1; id <= queue_count; ++id) {
      queues.push_back(std::make_unique<DriverQueue>(*this, id));
    }
  }
  DriverQueue& queue(int id) { return *queues[static_cast<std::size_t>(id - 1)]; }
  void interrupt_all() {
    for (auto& each : queues) {
      each->interrupt();
    }
  }
  // (NAPI, work) of each poll, and (0, 0) where a new action began.
  std::vector<std::pair<std::int64_t, std::int64_t>> polls() const {
    std::vector<std::pair<std::int64_t, std::int64_t>> found;
    for (const Hit& each : hits) {
      if (each.point == Tracepoint::napi_poll) {
        found.emplace_back(each.a, each.b);
      } else if (each.point == Tracepoint::softirq_entry) {
        found.emplace_back(0, 0);
      }
    }
    return found;
  }
  std::vector<std::int64_t> polled() const {
    std::vector<std::int64_t> found;
    for (const auto& [napi, work] : polls()) {
      found.push_back(napi);
    }
    return found;
  }
  std::int64_t squeezed() const { return meter.metrics()[Counter::time_squeeze]; }

  std::vector<std::unique_ptr<DriverQueue>> queues;
};

using Polls = std::vector<std::pair<std::int64_t, std::int64_t>>;
using Order = std::vector<std::int64_t>;

TEST_CASE("a NAPI with less than its weight completes and re-arms its interrupt", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(3, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 3}});
  CHECK(bench.delivered.size() == 3);
  CHECK(bench.queue(1).enabled_at == Times{fixed + 3 * frame + 3 * stack});
  CHECK_FALSE(bench.queue(1).napi.scheduled);
}

TEST_CASE("an interrupt that finds nothing costs the fixed part of a poll", "[napi]") {
  NapiBench bench{1};

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 0}});
  CHECK(bench.queue(1).enabled_at == Times{fixed});
}

TEST_CASE("a NAPI that uses up its weight is polled again in the next pass, its interrupt still masked",
          "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(100, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 64}, {0, 0}, {1, 36}});
  CHECK(bench.count_of(Tracepoint::softirq_raise, 3) == 2);
  CHECK(bench.queue(1).enabled_at == Times{2 * fixed + 100 * (frame + stack)});
  CHECK(bench.squeezed() == 0);
}

TEST_CASE("exactly the weight counts as more to come", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(64, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 64}, {0, 0}, {1, 0}});
}

TEST_CASE("each NAPI is polled once per action", "[napi]") {
  NapiBench bench{2};
  bench.queue(1).add(130, message(7));
  bench.queue(2).add(70, message(8));

  bench.interrupt_all();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 64}, {2, 64}, {0, 0}, {1, 64}, {2, 6}, {0, 0}, {1, 2}});
}

TEST_CASE("a NAPI scheduled during the action goes before those that are polled again", "[napi]") {
  NapiBench bench{2};
  bench.queue(1).add(100, message(7));
  bench.queue(2).add(5, message(8));

  bench.queue(1).interrupt();
  bench.run_until(10us);  // in the middle of NAPI 1's poll
  bench.queue(2).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 64}, {0, 0}, {2, 5}, {1, 36}});
}

TEST_CASE("a NAPI scheduled while the last one completes is polled in the same action", "[napi]") {
  NapiBench bench{2};
  bench.queue(1).add(10, message(7));
  bench.queue(2).add(5, message(8));

  bench.queue(1).interrupt();
  bench.run_until(5us);
  bench.queue(2).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 10}, {2, 5}});
  CHECK(bench.count_of(Tracepoint::softirq_raise, 3) == 1);
}

TEST_CASE("five busy NAPIs use up netdev_budget, and the one behind them is first in the next action",
          "[napi]") {
  NapiBench bench{6};
  for (int id = 1; id <= 6; ++id) {
    bench.queue(id).add(id <= 5 ? 70 : 3, message(id));
  }

  bench.interrupt_all();
  bench.run_until(2ms);

  CHECK(bench.polled() == Order{0, 1, 2, 3, 4, 5, 0, 6, 1, 2, 3, 4, 5});
  CHECK(bench.squeezed() == 1);
}

TEST_CASE(
    "what an action leaves is polled first, then what was scheduled meanwhile, then what is polled again",
    "[napi]") {
  NapiBench bench{7};
  for (int id = 1; id <= 7; ++id) {
    bench.queue(id).add(id <= 5 ? 70 : 3, message(id));
  }

  for (int id = 1; id <= 6; ++id) {
    bench.queue(id).interrupt();
  }
  bench.run_until(10us);
  bench.queue(7).interrupt();
  bench.run_until(2ms);

  CHECK(bench.polled() == Order{0, 1, 2, 3, 4, 5, 0, 6, 7, 1, 2, 3, 4, 5});
}

TEST_CASE("four busy NAPIs do not use up netdev_budget", "[napi]") {
  NapiBench bench{4};
  for (int id = 1; id <= 4; ++id) {
    bench.queue(id).add(70, message(id));
  }

  bench.interrupt_all();
  bench.run_until(2ms);

  CHECK(bench.polled() == Order{0, 1, 2, 3, 4, 0, 1, 2, 3, 4});
  CHECK(bench.squeezed() == 0);
}

// A full poll takes 64 * 50 us = 3.2 ms; the default limit is two jiffies of 4 ms, counted at their edges.
TEST_CASE("netdev_budget_usecs ends an action at a jiffy's edge, checked after each poll", "[napi]") {
  KernelSetup slow{.costs = {{Cost::napi_packet, 50us}}};
  const auto squeezed_after = [&](sim::Nanos start) {
    NapiBench bench{4, slow};
    for (int id = 1; id <= 4; ++id) {
      bench.queue(id).add(64, message(id));
    }
    bench.run_until(start);
    bench.interrupt_all();
    bench.run_until(start + 100ms);
    CHECK(bench.squeezed() >= 1);
    const Order polled = bench.polled();
    return std::find(polled.begin() + 1, polled.end(), 0) - polled.begin() - 1;
  };

  CHECK(squeezed_after(10us) == 3);         // 3.2 and 6.4 ms lie before 8 ms, 9.6 does not
  CHECK(squeezed_after(3ms + 900us) == 2);  // 7.1 ms before 8 ms, 10.3 not: the action may last 4.1 ms only
  CHECK(squeezed_after(4ms + 10us) == 3);   // 12 ms now
}

TEST_CASE("netdev_budget_usecs set below a jiffy still lasts to the next edge", "[napi]") {
  KernelConfig kernel;
  kernel.netdev_budget_usecs = 1us;
  NapiBench bench{3, {.kernel = kernel, .costs = {{Cost::napi_packet, 50us}}}};
  for (int id = 1; id <= 3; ++id) {
    bench.queue(id).add(64, message(id));
  }

  bench.interrupt_all();
  bench.run_until(100ms);

  const Order polled = bench.polled();
  REQUIRE(polled.size() >= 4);
  CHECK(Order(polled.begin(), polled.begin() + 4) == Order{0, 1, 2, 0});
}

TEST_CASE("an interrupt on a NAPI that is being polled is remembered and costs one more poll", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(10, message(7));

  bench.queue(1).interrupt();
  bench.run_until(5us);
  bench.queue(1).interrupt();
  bench.run_until(6us);
  CHECK(bench.queue(1).napi.missed);
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 10}, {1, 0}});
  CHECK_FALSE(bench.queue(1).napi.missed);
  CHECK(bench.queue(1).enabled_at == Times{2 * fixed + 10 * (frame + stack)});
}

TEST_CASE("frames that arrive while the ring is being emptied belong to the same poll", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(2, message(7));

  bench.queue(1).interrupt();
  bench.run_until(fixed);  // two frames are being received, none has gone up the stack
  bench.queue(1).add(2, message(7));
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 4}});
}

TEST_CASE("a frame that lies there when the interrupt is re-armed interrupts again", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).interrupts = true;

  bench.queue(1).interrupt();
  bench.run_until(1us);  // the poll has looked at the ring already
  bench.queue(1).add(1, message(7));
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 0}, {0, 0}, {1, 1}});
  CHECK(bench.queue(1).enabled_at.size() == 2);
}

TEST_CASE("small frames wait in the rx_list for the eighth, or for the end of the poll", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(10, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  Times expected;
  for (int i = 1; i <= 8; ++i) {
    expected.push_back(fixed + 8 * frame + i * stack);
  }
  for (int i = 9; i <= 10; ++i) {
    expected.push_back(fixed + 10 * frame + i * stack);
  }
  CHECK(bench.times_of(Tracepoint::netif_receive_skb) == expected);
}

TEST_CASE("gro_normal_batch sets the size of the rx_list", "[napi]") {
  KernelConfig kernel;
  kernel.gro_normal_batch = 1;
  NapiBench bench{1, costly(kernel)};
  bench.queue(1).add(2, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::netif_receive_skb) ==
        Times{fixed + frame + stack, fixed + 2 * (frame + stack)});
}

TEST_CASE("KF3.1: segments of a flow go up as one, until its message ends or the poll", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(2, segment(7));
  bench.queue(1).add(1, message(7, 104));
  bench.queue(1).add(1, segment(7));
  bench.queue(1).add(1, segment(8));
  bench.queue(1).add(1, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  std::vector<std::int32_t> bytes;
  for (const Packet& packet : bench.delivered) {
    bytes.push_back(packet.bytes);
  }
  CHECK(bytes == std::vector<std::int32_t>{2 * 1448 + 104, 1548, 1448});  // flow 8 waits for the poll's end
  CHECK(bench.delivered[0].ends_message);
  CHECK_FALSE(bench.delivered[2].ends_message);
  CHECK(bench.polls() == Polls{{0, 0}, {1, 6}});  // frames, not what they became, count as work
  CHECK(bench.times_of(Tracepoint::netif_receive_skb).front() == fixed + 6 * frame + stack);
}

TEST_CASE("KF3.1: a flow is held across the whole poll, and two flows do not disturb each other", "[napi]") {
  NapiBench bench{1};
  for (int i = 0; i < 20; ++i) {
    bench.queue(1).add(1, segment(7));
    bench.queue(1).add(1, segment(8));
  }

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  REQUIRE(bench.delivered.size() == 2);
  CHECK(bench.delivered[0].bytes == 20 * 1448);
  CHECK(bench.delivered[1].bytes == 20 * 1448);
  CHECK(bench.times_of(Tracepoint::netif_receive_skb) ==
        Times{fixed + 40 * frame + stack, fixed + 40 * frame + 2 * stack});
}

TEST_CASE("KF3.1: a poll that uses up its weight lets go of what GRO holds", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(70, segment(7, 100));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  REQUIRE(bench.delivered.size() == 2);
  CHECK(bench.delivered[0].bytes == 6400);
  CHECK(bench.delivered[1].bytes == 600);
}

TEST_CASE("KF3.1: no skb grows to 64 KiB", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(50, segment(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  REQUIRE(bench.delivered.size() == 2);
  CHECK(bench.delivered[0].bytes == 45 * 1448);
  CHECK(bench.delivered[1].bytes == 5 * 1448);
}

TEST_CASE("a lone queue that never empties ends up with ksoftirqd after ten passes", "[napi]") {
  NapiBench bench{1};
  bench.queue(1).add(64 * 11, message(7));

  bench.queue(1).interrupt();
  bench.run_until(3ms);

  CHECK(bench.meter.metrics()[Counter::ksoftirqd_wakeups] == 1);
  const std::vector<Hit> entries = bench.hits_of(Tracepoint::softirq_entry);
  REQUIRE(entries.size() == 12);
  const sim::Nanos switched = bench.times_of(Tracepoint::sched_switch).front();
  CHECK(entries[9].at < switched);
  CHECK(entries[10].at >= switched);
  CHECK(bench.queue(1).enabled_at.size() == 1);
}

// ---- the backlog ----

struct BacklogBench : KernelBench {
  explicit BacklogBench(KernelConfig kernel = {}) : KernelBench{costly(kernel)} { sockets_listen = false; }
  Softnet& softnet() { return *softnets[0]; }
  // A task that hands `count` packets to the backlog, then works for 10 us, then sleeps for ever.
  void send(int count, const Packet& packet) {
    task = &add_task(0);
    script = std::make_unique<Script>(std::initializer_list<std::function<void(const Continuation&)>>{
        [this, count, packet](const Continuation& next) {
          for (int i = 0; i < count; ++i) {
            accepted += softnet().enqueue_to_backlog(packet) ? 1 : 0;
          }
          cpus[0]->local_bh_enable();
          Work rest = next;
          rest.remaining = 10us;
          cpus[0]->set_work(Context::task, rest);
        },
        [this](const Continuation& next) {
          resumed_at = now();
          sched->sleep(*task, next);
        }});
    launch(*task, script->start());
  }

  Task* task = nullptr;
  std::unique_ptr<Script> script;
  int accepted = 0;
  sim::Nanos resumed_at{0};
};

TEST_CASE("a packet handed to the backlog is delivered before its sender goes on", "[napi]") {
  BacklogBench bench;

  bench.send(1, message(7));
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::netif_receive_skb) == Times{fixed + hop});
  CHECK(bench.hits_of(Tracepoint::netif_receive_skb)[0].context == Context::softirq);
  CHECK(bench.resumed_at == fixed + hop + 10us);
  CHECK(bench.hits_of(Tracepoint::irq_handler_entry).empty());
}

TEST_CASE("the backlog is delivered packet by packet, without GRO", "[napi]") {
  BacklogBench bench;

  bench.send(3, segment(7));
  bench.run_until(1ms);

  CHECK(bench.times_of(Tracepoint::netif_receive_skb) ==
        Times{fixed + hop, fixed + 2 * hop, fixed + 3 * hop});
}

TEST_CASE("process_backlog stops at 64 and is polled again in the next pass", "[napi]") {
  BacklogBench bench;

  bench.send(70, message(7));
  bench.run_until(1ms);

  std::vector<std::int64_t> work;
  for (const Hit& poll : bench.hits_of(Tracepoint::napi_poll)) {
    work.push_back(poll.b);
  }
  CHECK(work == std::vector<std::int64_t>{64, 6});
  CHECK(bench.hits_of(Tracepoint::softirq_entry).size() == 2);
  CHECK(bench.resumed_at == 2 * fixed + 70 * hop + 10us);
}

TEST_CASE("what an interrupt adds to the backlog under way is delivered in the same poll", "[napi]") {
  BacklogBench bench;
  Interrupt irq{*bench.cpus[0], [&] { bench.softnet().enqueue_to_backlog(message(8)); }};

  bench.send(1, message(7));
  bench.run_until(fixed);
  irq.raise();
  bench.run_until(1ms);

  CHECK(bench.delivered.size() == 2);
  CHECK(bench.hits_of(Tracepoint::napi_poll).size() == 1);
  CHECK(bench.hits_of(Tracepoint::napi_poll)[0].b == 2);
}

TEST_CASE("a full backlog drops and counts", "[napi]") {
  KernelConfig kernel;
  kernel.netdev_max_backlog = 5;
  BacklogBench bench{kernel};

  bench.send(8, message(7));
  bench.run_until(1ms);

  CHECK(bench.accepted == 5);
  CHECK(bench.delivered.size() == 5);
  CHECK(bench.meter.metrics()[Counter::rx_drops] == 3);
}

// ---- what a policy bounds ----

struct BoundsBench : NapiBench {
  explicit BoundsBench(PollBounds policy) : NapiBench{1}, bounds{policy} {
    softnets[0]->poll_bounds.connect<&BoundsBench::allow>(*this);
  }
  PollBounds allow(const Napi&, int) { return bounds; }
  Packet agents_frame(int flow, bool last) {
    return {.flow = FlowId{flow},
            .bytes = 1448,
            .completion = completion,
            .latency_class = LatencyClass::agent_interactive,
            .ends_message = last};
  }

  PollBounds bounds;
  CompletionId completion = completions.acquire({}, TaskId::none);
};

TEST_CASE("a bound on packets ends the poll and has it repeated", "[napi]") {
  BoundsBench bench{{.packets = 4}};
  bench.queue(1).add(10, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.polls() == Polls{{0, 0}, {1, 4}, {0, 0}, {1, 4}, {0, 0}, {1, 2}});
}

TEST_CASE("a bound on time ends the poll after the batch that exceeds it", "[napi]") {
  BoundsBench bench{{.packets = 64, .time = 15us}};
  bench.queue(1).add(20, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  // A batch of 8 takes 8.8 us, the first 2 us more: 10.8 us are allowed, 19.6 us are over.
  CHECK(bench.polls() == Polls{{0, 0}, {1, 16}, {0, 0}, {1, 4}});
}

TEST_CASE("an agent's message goes up with the frames before it, not with those behind it", "[napi]") {
  BoundsBench bench{{.packets = 64, .agents_at_once = true}};
  bench.queue(1).add(2, message(7));
  bench.queue(1).add(2, bench.agents_frame(8, false));
  bench.queue(1).add(1, bench.agents_frame(8, true));
  bench.queue(1).add(20, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.completions[bench.completion].when(Stage::delivered).time_since_epoch() ==
        fixed + 5 * frame + 3 * stack);
  CHECK(bench.delivered[2].bytes == 3 * 1448);  // still merged: one wakeup
}

TEST_CASE("without the policy an agent's message waits for the frames behind it", "[napi]") {
  BoundsBench bench{{.packets = 64}};
  bench.queue(1).add(2, message(7));
  bench.queue(1).add(1, bench.agents_frame(8, true));
  bench.queue(1).add(20, message(7));

  bench.queue(1).interrupt();
  bench.run_until(1ms);

  CHECK(bench.completions[bench.completion].when(Stage::delivered).time_since_epoch() ==
        fixed + 8 * frame + 3 * stack);
}

// ---- conservation ----

TEST_CASE("what goes in is delivered, dropped or still there", "[napi][property]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    sim::Stream random = sim::Rng{seed}.stream("frames");
    const auto up_to = [&](int most) {
      return 1 + static_cast<int>(random.below(static_cast<std::uint64_t>(most)));
    };
    KernelConfig kernel;
    kernel.netdev_max_backlog = up_to(40);
    kernel.dev_weight = up_to(64);
    kernel.netdev_budget = up_to(300);
    kernel.gro_normal_batch = up_to(10);
    NapiBench bench{2, costly(kernel)};
    std::int64_t in = 0;
    std::int64_t dropped = 0;
    Interrupt to_backlog{*bench.cpus[0], [&] {
                           for (int i = 0; i < 20; ++i) {
                             in += 7;
                             dropped += bench.softnets[0]->enqueue_to_backlog(message(9, 7)) ? 0 : 7;
                           }
                         }};
    const auto delivered = [&] {
      return std::accumulate(bench.delivered.begin(), bench.delivered.end(), std::int64_t{0},
                             [](std::int64_t sum, const Packet& packet) { return sum + packet.bytes; });
    };
    sim::Nanos at{0};
    for (int burst = 0; burst < 50; ++burst) {
      const int frames = up_to(120);
      const Packet frame_of_burst = frames % 3 == 0 ? segment(frames % 5) : message(frames % 5, 60);
      DriverQueue& queue = bench.queue(up_to(2));
      queue.add(frames, frame_of_burst);
      in += std::int64_t{frames} * frame_of_burst.bytes;
      queue.interrupt();
      if (frames % 4 == 0) {
        to_backlog.raise();
      }
      at += sim::Nanos{up_to(200'000)};
      bench.run_until(at);
      REQUIRE(delivered() <= in - dropped);
    }
    bench.run_until(at + 1s);

    REQUIRE(delivered() == in - dropped);
    REQUIRE(bench.meter.metrics()[Counter::rx_drops] * 7 == dropped);
    REQUIRE_FALSE(bench.queue(1).napi.scheduled);
    REQUIRE_FALSE(bench.softnets[0]->backlog().scheduled);
  }
}

}  // namespace
}  // namespace models
