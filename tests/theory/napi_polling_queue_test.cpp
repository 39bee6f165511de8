// A receive queue against queueing theory: NAPI polls exhaustively, and each busy period starts with an
// interrupt.
//
// Frames arrive at rate l and take S each; the first of a busy period finds the CPU asleep and waits for D:
// the message's way, the idle exit, the hardirq, the way into the softirq and the fixed part of the poll.
// This is an M/D/1 queue whose server has a set-up time (Welch, "On a generalized M/G/1 queuing process in
// which the first customer of each busy period receives exceptional service", Operations Research 12, 1964).
// With r = l S:
//
//   share of time without work or set-up   p = (1 - r) / (1 + l D)        from p = 1 - l (S + p D)
//   unfinished work, set-up included       E[U] = l (S^2 + p (2 S D + D^2)) / (2 (1 - r))
//     by rate conservation of U^2: it falls at 2 U, and jumps at rate l by (U + B)^2 - U^2, where B is S, but
//     S + D with probability p, and then U = 0 (arrivals see time averages: PASTA)
//   waiting until service starts           E[W] = E[U] + p D = l S^2 / (2 (1 - r)) + (2 D + l D^2) / (2 (1 +
//   l D)) frames per interrupt                   1 / p = (1 + l D) / (1 - r)    one interrupt per arrival
//   that finds p
//
// For D = 0 this is Pollaczek-Khinchine; for l -> 0 each frame waits for its own interrupt, D.
//
// Each test takes 4e5 frames with a fixed seed and allows 2 %.
#include <catch2/catch.hpp>
#include <deque>

#include "sim/distribution.h"
#include "tests/support/nic_bench.h"

namespace models {
namespace {

constexpr sim::Nanos driver = 600ns;  // napi_packet
constexpr sim::Nanos stack = 400ns;   // tcp_deliver
constexpr sim::Nanos frame = driver + stack;
constexpr double frames = 4e5;

struct SetUp {
  sim::Nanos msi{300};
  sim::Nanos idle_exit{1'000};
  sim::Nanos entry{200};
  sim::Nanos handler{500};
  sim::Nanos exit{100};
  sim::Nanos softirq{400};
  sim::Nanos poll{700};
  sim::Nanos sum() const { return msi + idle_exit + entry + handler + exit + softirq + poll; }
};

KernelSetup kernel_setup(const SetUp& set_up, int weight) {
  KernelSetup setup;
  setup.kernel.hz = 1;  // no time limit, no tick
  setup.kernel.dev_weight = weight;
  setup.kernel.netdev_budget = weight;
  setup.kernel.gro_normal_batch = 1;  // frames are served one by one, in order
  setup.traced = false;
  setup.costs = {{Cost::msi_delivery, set_up.msi},
                 {Cost::idle_exit_hlt, set_up.idle_exit},
                 {Cost::hardirq_entry, set_up.entry},
                 {Cost::nic_irq_handler, set_up.handler},
                 {Cost::hardirq_exit, set_up.exit},
                 {Cost::softirq_overhead, set_up.softirq},
                 {Cost::napi_poll_fixed, set_up.poll},
                 {Cost::napi_packet, driver},
                 {Cost::tcp_deliver, stack}};
  return setup;
}

class PollingQueue : public NicBench {
 public:
  PollingQueue(const SetUp& set_up, double utilisation, int weight)
      : NicBench{kernel_setup(set_up, weight), NicConfig{.ring = 100'000}},
        gap_{sim::Distribution::exponential(
            sim::Nanos{static_cast<std::int64_t>(static_cast<double>(frame.count()) / utilisation)})},
        gaps_{rng.stream("gaps")} {
    softnets[0]->deliver().connect<&PollingQueue::served>(*this);
    engine.after<&PollingQueue::arrive>(gap_.sample(gaps_), *this);
    run_until(sim::Nanos{static_cast<std::int64_t>(gap_.mean_ns() * frames)});
  }
  double mean_wait_ns() const { return static_cast<double>(waited_.count()) / static_cast<double>(served_); }
  double frames_per_interrupt() const {
    return static_cast<double>(served_) / static_cast<double>(nic.counters(QueueId{0}).interrupts);
  }

 private:
  void arrive() {
    engine.after<&PollingQueue::arrive>(gap_.sample(gaps_), *this);
    sim::check(nic.receive({.flow = FlowId{0}, .bytes = 100, .ends_message = true}),
               "the ring is long enough");
    arrivals_.push_back(engine.now());
  }
  void served(const Packet&, CpuId) {
    waited_ += engine.now() - arrivals_.front() - frame;
    arrivals_.pop_front();
    ++served_;
  }

  sim::Distribution gap_;
  sim::Stream gaps_;
  std::deque<sim::SimTime> arrivals_;
  sim::Nanos waited_{0};
  std::int64_t served_ = 0;
};

constexpr int exhaustive = 1'000'000'000;

void check_queue(const SetUp& set_up, double r) {
  const PollingQueue queue{set_up, r, exhaustive};

  const auto s = static_cast<double>(frame.count());
  const auto d = static_cast<double>(set_up.sum().count());
  const double l = r / s;
  CHECK(queue.mean_wait_ns() ==
        Approx(l * s * s / (2 * (1 - r)) + (2 * d + l * d * d) / (2 * (1 + l * d))).epsilon(0.02));
  CHECK(queue.frames_per_interrupt() == Approx((1 + l * d) / (1 - r)).epsilon(0.02));
}

TEST_CASE("frames wait as in an M/D/1 queue with a set-up time", "[theory][napi]") {
  check_queue({}, 0.1);
  check_queue({}, 0.4);
  check_queue({}, 0.7);
}

TEST_CASE("a long idle exit gathers frames: more of them per interrupt, each waiting for about half of it",
          "[theory][napi]") {
  check_queue({.idle_exit = 100us}, 0.4);
}

TEST_CASE("without any set-up the queue is M/D/1", "[theory][napi]") {
  constexpr sim::Nanos none{0};
  check_queue({none, none, none, none, none, none, none}, 0.6);
}

// At r = 0.2 a busy period of 64 frames is rarer than one in a million: the weight does not show.
TEST_CASE("at low load the weight of 64 makes no difference", "[theory][napi]") {
  CHECK(PollingQueue({}, 0.2, 64).mean_wait_ns() == PollingQueue({}, 0.2, exhaustive).mean_wait_ns());
}

// A queue that never empties: each pass serves the weight and pays for the softirq and the poll, whether it
// runs at the end of an interrupt or in ksoftirqd.
TEST_CASE("a saturated queue is served the weight per pass", "[theory][napi]") {
  const SetUp set_up;
  KernelSetup setup = kernel_setup(set_up, 64);
  setup.costs.emplace_back(Cost::context_switch, 0ns);
  NicBench bench{setup, NicConfig{.ring = 100'000}};
  for (int i = 0; i < 64 * 1000; ++i) {
    bench.nic.receive({.flow = FlowId{0}, .bytes = 100, .ends_message = true});
  }

  const sim::Nanos pass = set_up.softirq + set_up.poll + 64 * frame;
  bench.run_until(set_up.sum() - set_up.softirq - set_up.poll + 1000 * pass);

  CHECK(bench.delivered.size() == 64 * 1000);
  CHECK(bench.meter.metrics()[Counter::ksoftirqd_wakeups] == 1);
}

}  // namespace
}  // namespace models
