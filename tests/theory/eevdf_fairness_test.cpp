// How far EEVDF may stray from ideal sharing, derived, then checked on tasks that always want the CPU.
//
// In ideal sharing a task of weight w_i gets w_i/W of the CPU. Its lag is what it is short of that, in real
// ns:
//
//   lag_i = w_i * (V - v_i) / 1024,   sum of lag_i = 0,
//   service_i(t1, t2) = w_i/W * (t2 - t1) - (lag_i(t2) - lag_i(t1)).                                     (1)
//
// Let r_i be task i's slice, r the largest, and q the longest time by which a slice may be overrun: its end
// is noticed at a clock update, so q is one tick, or less where slices end just before ticks.
//
// Lower bound. A task is switched to only with lag_i >= 0. Protected, it runs for at most r_i + q. Running on
// unprotected, because it was picked again with lag_i >= 0, it stops at the first update that finds the lag
// negative. Its lag falls no faster than time passes, so
//
//   lag_i >= -(r_i + q).                                                                                  (2)
//
// Upper bound (Stoica, Abdel-Wahab, "Earliest Eligible Virtual Deadline First", 1995, theorem 1, with
// overruns). Let task k wait with deadline d_k and look at the last run, before now, of a task whose deadline
// was later than d_k. At most that one run, r + q long, was given against d_k's order: k, being owed service,
// was not yet eligible when it began. Every run since was of a task with a deadline of at most d_k, which
// therefore got no more than its share up to d_k and one overrun q. With n tasks that is
//
//   lag_k <= r + q + (n - 2) * q = r + (n - 1) * q. (3)
//
// No starvation. While k waits, (1) lets its lag grow by w_k/W per ns, from at least (2) to at most (3), so
//
//   wait_k <= W/w_k * (r + (n - 1) * q + r_k + q). (4)
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <vector>

#include "tests/models/fair_cpu.h"

namespace models {
namespace {

using namespace std::chrono_literals;

struct Competitor {
  SchedEntity* se;
  std::int64_t last_ran = 0;
};

class Competition {
 public:
  // Slices of 1 to 3 ticks that end `overrun` before a tick, or of any length if `overrun` is a tick.
  Competition(KernelRelease release, unsigned seed, bool aligned)
      : random_{seed},
        config_{config(release)},
        cpu_{config_},
        overrun_{aligned ? 1000 : config_.tick.count()} {
    const int n = 2 + below(8);
    for (int i = 0; i < n; ++i) {
      const sim::Nanos slice =
          aligned ? (1 + below(3)) * config_.tick - 1us : sim::Nanos{100'000 + below(9'000'000)};
      SchedEntity& se = cpu_.task(below(16) - 5, slice);
      largest_slice_ = std::max(largest_slice_, se.slice);
      competitors_.push_back({&se});
    }
    for (const Competitor& competitor : competitors_) {
      cpu_.rq.enqueue(*competitor.se, 0, {.wakeup = true});
    }
    cpu_.schedule();
  }

  // Runs tick by tick and checks (2), (3) and (4) at each.
  void run(int ticks) {
    for (int tick = 0; tick < ticks; ++tick) {
      const SchedEntity* ran = cpu_.running();
      cpu_.run(config_.tick);
      for (Competitor& competitor : competitors_) {
        if (competitor.se == ran) {
          competitor.last_ran = cpu_.clock;
        }
        check(competitor);
      }
    }
  }

  // (1) from the start, when every lag was zero.
  void check_shares() {
    for (const Competitor& competitor : competitors_) {
      const SchedEntity& se = *competitor.se;
      const std::int64_t share = cpu_.clock * se.load.weight / cpu_.rq.load();
      CHECK(se.sum_exec_runtime <= share + se.slice + overrun_ + rounding);
      CHECK(se.sum_exec_runtime >= share - upper_bound() - rounding);
    }
  }

 private:
  // V and to_v lose below a virtual ns per update; ten thousand updates at weight 3121 lose some tens of us.
  static constexpr std::int64_t rounding = 50'000;

  static CfsConfig config(KernelRelease release) {
    CfsConfig config = fair_config(release);
    config.tick = 4ms;
    return config;
  }
  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }
  std::int64_t upper_bound() const {
    return largest_slice_ + static_cast<std::int64_t>(competitors_.size() - 1) * overrun_;
  }

  void check(const Competitor& competitor) {
    const SchedEntity& se = *competitor.se;
    const std::int64_t lag = (cpu_.rq.avg_vruntime() - se.vruntime) * se.load.weight / 1024;
    REQUIRE(lag >= -(se.slice + overrun_ + rounding));
    REQUIRE(lag <= upper_bound() + rounding);
    const std::int64_t swing = upper_bound() + se.slice + overrun_ + rounding;
    REQUIRE(cpu_.clock - competitor.last_ran <= swing * cpu_.rq.load() / se.load.weight);
  }

  std::mt19937_64 random_;  // its sequence is fixed by the standard
  CfsConfig config_;
  FairCpu cpu_;
  std::int64_t overrun_;  // q
  std::int64_t largest_slice_ = 0;
  std::vector<Competitor> competitors_;
};

}  // namespace

TEST_CASE("lag, shares and waits stay within the EEVDF bounds when slices end with ticks",
          "[theory][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  for (unsigned seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Competition competition{release, seed, true};
    competition.run(2000);
    competition.check_shares();
  }
}

TEST_CASE("with any slices the bounds widen by a tick for each competitor", "[theory][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  for (unsigned seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Competition competition{release, seed, false};
    competition.run(2000);
    competition.check_shares();
  }
}

TEST_CASE("two default tasks share within a slice and a tick", "[theory][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  FairCpu cpu{release};
  SchedEntity& a = cpu.task();
  SchedEntity& b = cpu.task();
  cpu.spend(1300us);  // off the tick's phase
  cpu.wake(a);
  cpu.wake(b);

  for (int i = 0; i < 1000; ++i) {
    cpu.run(1ms);
    cpu.rq.update_curr(cpu.clock);
    REQUIRE(std::abs(a.sum_exec_runtime - b.sum_exec_runtime) <= 3'000'000 + 4'000'000);
  }
  CHECK(a.sum_exec_runtime + b.sum_exec_runtime == 1'000'000'000);
}

TEST_CASE("a nice level shifts the shares of two hogs by the ratio of the weights", "[theory][eevdf]") {
  FairCpu cpu;
  SchedEntity& favoured = cpu.task(-5);
  SchedEntity& plain = cpu.task(0);
  cpu.wake(favoured);
  cpu.wake(plain);

  cpu.run(20s);

  const double ratio =
      static_cast<double>(favoured.sum_exec_runtime) / static_cast<double>(plain.sum_exec_runtime);
  CHECK(ratio == Approx(3121.0 / 1024.0).epsilon(0.01));
}

}  // namespace models
