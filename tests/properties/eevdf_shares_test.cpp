// Shares of tasks that always want the CPU, for any weights, slices and phase of the tick.
//
// In ideal sharing task i gets w_i/W of the time. Its lag is what it is short of that in real ns,
// lag_i = w_i * (V - v_i)/1024; the lags sum to zero. All start with none. r_i is the slice, r the largest, q
// the tick, by which the end of a slice may be overrun.
//
// Below: a task is switched to with lag_i >= 0, runs protected for r_i + q at most, and unprotected only
// until an update finds its lag negative. So lag_i >= -(r_i + q).
//
// Above: let k wait with deadline d_k. If V <= d_k, then lag_k <= w_k * (d_k - v_k)/1024 = r_k. If V > d_k,
// the lags of the tasks with v_i > V > d_k must make up for k's. Each of them ran past d_k: by q at most if
// it was picked with a deadline up to d_k; by r + q if it was picked before k was eligible, which only the
// last of them can have been. So lag_k <= r + q + (n - 2) * q.
#include <algorithm>
#include <catch2/catch.hpp>
#include <ostream>
#include <vector>

#include "tests/models/fair_cpu.h"
#include "tests/properties/for_all.h"

namespace models {

struct Hog {
  int nice = 0;
  int slice_us = 3000;
};

inline void showValue(const Hog& hog, std::ostream& out) {
  out << "nice " << hog.nice << " slice " << hog.slice_us << "us";
}

}  // namespace models

namespace rc {

template <>
struct Arbitrary<models::Hog> {
  static Gen<models::Hog> arbitrary() {
    return gen::build<models::Hog>(
        gen::set(&models::Hog::nice, gen::inRange(-20, 20)),
        gen::set(&models::Hog::slice_us, gen::map(gen::inRange(1, 101), [](int n) { return 100 * n; })));
  }
};

}  // namespace rc

namespace models {
namespace {

class Race {
 public:
  Race(KernelRelease release, const std::vector<Hog>& hogs, std::int64_t phase) : cpu_{release} {
    cpu_.clock = phase;
    for (const Hog& hog : hogs) {
      SchedEntity& se = cpu_.task(hog.nice, sim::Nanos{1000} * hog.slice_us);
      largest_slice_ = std::max(largest_slice_, se.slice);
      heaviest_ = std::max(heaviest_, se.load.weight);
    }
    for (SchedEntity& se : cpu_.tasks) {
      cpu_.rq.enqueue(se, cpu_.clock, {.wakeup = true});
    }
    cpu_.schedule();
    start_ = cpu_.clock;
  }

  void run(int ticks) {
    for (int tick = 1; tick <= ticks; ++tick) {
      cpu_.run(sim::Nanos{q});
      cpu_.rq.update_curr(cpu_.clock);
      // An update loses up to a virtual ns of what it charges, and V up to one by rounding.
      const std::int64_t rounding = 2 * (tick + 2) * (heaviest_ / 1024 + 1);
      const std::int64_t above = largest_slice_ + static_cast<std::int64_t>(cpu_.tasks.size() - 1) * q;
      std::int64_t served = 0;
      for (const SchedEntity& se : cpu_.tasks) {
        const std::int64_t lag = (cpu_.rq.avg_vruntime() - se.vruntime) * se.load.weight / 1024;
        RC_ASSERT(lag >= -(se.slice + q + rounding));
        RC_ASSERT(lag <= above + rounding);
        const std::int64_t share = (cpu_.clock - start_) * se.load.weight / cpu_.rq.load();
        RC_ASSERT(se.sum_exec_runtime <= share + se.slice + q + rounding);
        RC_ASSERT(se.sum_exec_runtime >= share - above - rounding);
        served += se.sum_exec_runtime;
      }
      RC_ASSERT(served == cpu_.clock - start_);
    }
  }

 private:
  static constexpr std::int64_t q = 4'000'000;
  FairCpu cpu_;
  std::int64_t largest_slice_ = 0;
  std::int64_t heaviest_ = 0;
  std::int64_t start_ = 0;
};

TEST_CASE("service follows the weights within the EEVDF bound, and none of the time is lost",
          "[property][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  support::for_all({.count = 150, .size = 10}, [release] {
    const auto hogs = *rc::gen::nonEmpty<std::vector<Hog>>().as("hogs");
    const auto phase = *rc::gen::inRange<std::int64_t>(0, 4'000'000).as("phase of the tick, ns");
    Race race{release, hogs, phase};
    race.run(400);
  });
}

}  // namespace
}  // namespace models
