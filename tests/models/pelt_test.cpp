// The integers of kernel/sched/pelt.c: the decay table, the sums, and the averages they converge to.
#include "models/pelt.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace models {
namespace {

constexpr std::int64_t period = 1024 * 1024;  // ns

TEST_CASE("decay_load multiplies by 2^(-n/32)", "[pelt]") {
  for (int n = 0; n < 32; ++n) {
    const double exact = std::floor(std::pow(0.5, n / 32.0) * 4294967296.0);
    // 2^32 * yN_inv[n] >> 32 shows the table's entry; the kernel's is truncated, and at n = 0 capped.
    CAPTURE(n);
    CHECK(std::abs(static_cast<double>(decay_load(std::int64_t{1} << 32, n)) - exact) <= 1.0);
  }
  CHECK(decay_load(1'000'000, 32) == 499'999);
  CHECK(decay_load(1'000'000, 64) == 249'999);
  CHECK(decay_load(std::int64_t{1} << 62, 32 * 63 + 1) == 0);
}

TEST_CASE("a task that always runs has a load of its weight and a utilisation of all but 1024", "[pelt]") {
  SchedAvg avg;
  for (std::int64_t now = 0; now < 400 * period; now += period / 4) {
    update_load_avg_se(now, avg, 820, true, 1, true);
  }

  CHECK(avg.load_avg >= 819);
  CHECK(avg.load_avg <= 820);
  CHECK(avg.util_avg >= 1022);
  CHECK(avg.util_avg <= 1024);
  CHECK(avg.runnable_avg == avg.util_avg);
}

TEST_CASE("a blocked task's load halves every 32 periods", "[pelt]") {
  SchedAvg avg;
  update_load_avg_se(400 * period, avg, 1024, true, 1, true);
  const std::int64_t full = avg.load_avg;
  const std::int64_t util = avg.util_avg;
  REQUIRE(full >= 1022);

  update_load_avg_blocked_se(432 * period, avg, 1024);

  CHECK(avg.load_avg == Approx(full / 2).margin(1));
  CHECK(avg.util_avg == Approx(util / 2).margin(1));
}

// p == 0: c = delta. p > 0: sum *= y^p, c = (1024 - pos) y^p + 1024 (y^1 + .. + y^(p-1)) + pos'.
TEST_CASE("the sum of a stretch of time is that of its three segments", "[pelt]") {
  SchedAvg avg;
  update_load_avg_se(300 * 1024, avg, 1024, true, 1, true);
  CHECK(avg.load_sum == 300);
  CHECK(avg.period_contrib == 300);
  CHECK(avg.load_avg == 0);  // refreshed only when a period has ended

  CHECK(update_load_avg_se(300 * 1024 + 2800 * 1024, avg, 1024, true, 1, true));

  const double y = std::pow(0.5, 1.0 / 32);
  const double exact = 300 * y * y * y + (1024 - 300) * y * y * y + 1024 * (y + y * y) + 28;
  CHECK(avg.period_contrib == 28);
  CHECK(static_cast<double>(avg.load_sum) == Approx(exact).margin(4));  // each segment is rounded down
  CHECK(avg.util_sum / 1024 == avg.load_sum);
  CHECK(avg.load_avg == 1024 * avg.load_sum / (46'718 + 28));
}

TEST_CASE("time shorter than 1024 ns waits for the next update", "[pelt]") {
  SchedAvg avg;
  update_load_avg_se(1023, avg, 1024, true, 1, true);
  CHECK(avg.load_sum == 0);
  update_load_avg_se(2047, avg, 1024, true, 1, true);
  CHECK(avg.load_sum == 1);
  CHECK(avg.last_update_time == 1024);
}

TEST_CASE("a task that waits is runnable, not running; a delayed one is neither, but has load", "[pelt]") {
  SchedAvg waits;
  SchedAvg delayed;
  update_load_avg_se(10 * period, waits, 1024, true, 1, false);
  update_load_avg_se(10 * period, delayed, 1024, true, 0, false);

  CHECK(waits.util_sum == 0);
  CHECK(waits.runnable_sum == waits.load_sum * 1024);
  CHECK(delayed.runnable_sum == 0);
  CHECK(delayed.load_sum == waits.load_sum);
}

TEST_CASE("a queue's sum counts its weight, and its runnable tasks", "[pelt]") {
  SchedAvg avg;
  update_load_avg_cfs_rq(400 * period, avg, 3 * 1024, 3, true);

  CHECK(avg.load_avg == Approx(3 * 1024).margin(3));
  CHECK(avg.runnable_avg == Approx(3 * 1024).margin(4));
  CHECK(avg.util_avg == Approx(1024).margin(2));
}

TEST_CASE("interrupt time counts as just passed, and its share is what was stolen", "[pelt]") {
  SchedAvg avg;
  for (std::int64_t now = 0; now < 400 * period; now += 1'000'000) {
    update_irq_load_avg(now, avg, 250'000);
  }

  CHECK(avg.util_avg == Approx(256).margin(15));
}

TEST_CASE("a clock that has gone back restarts the interval and adds nothing", "[pelt]") {
  SchedAvg avg;
  update_load_avg_se(10 * period, avg, 1024, true, 1, true);
  const std::int64_t sum = avg.load_sum;

  CHECK_FALSE(update_load_avg_se(9 * period, avg, 1024, true, 1, true));

  CHECK(avg.load_sum == sum);
  CHECK(avg.last_update_time == 9 * period);
}

}  // namespace
}  // namespace models
