#include "models/pelt.h"

#include <array>
#include <cstddef>

namespace models {

namespace {

constexpr std::int64_t load_avg_period = 32;  // LOAD_AVG_PERIOD: periods in a half life
constexpr int capacity_shift = 10;            // SCHED_CAPACITY_SHIFT

// runnable_avg_yN_inv, sched-pelt.h: 2^32 * y^n.
constexpr std::array<std::uint64_t, load_avg_period> yn_inv = {
    0xffffffff, 0xfa83b2da, 0xf5257d14, 0xefe4b99a, 0xeac0c6e6, 0xe5b906e6, 0xe0ccdeeb, 0xdbfbb796,
    0xd744fcc9, 0xd2a81d91, 0xce248c14, 0xc9b9bd85, 0xc5672a10, 0xc12c4cc9, 0xbd08a39e, 0xb8fbaf46,
    0xb504f333, 0xb123f581, 0xad583ee9, 0xa9a15ab4, 0xa5fed6a9, 0xa2704302, 0x9ef5325f, 0x9b8d39b9,
    0x9837f050, 0x94f4efa8, 0x91c3d373, 0x8ea4398a, 0x8b95c1e3, 0x88980e80, 0x85aac367, 0x82cd8698,
};

// mul_u64_u32_shr(val, factor, 32) for a val that is not negative.
std::int64_t multiply_shift_32(std::int64_t val, std::uint64_t factor) {
  const auto wide = static_cast<std::uint64_t>(val);
  const std::uint64_t high = (wide >> 32) * factor;
  const std::uint64_t low = ((wide & 0xffffffff) * factor) >> 32;
  return static_cast<std::int64_t>(high + low);
}

// __accumulate_pelt_segments: the rest of the first period, the whole ones between, the start of the last.
std::int64_t accumulate_segments(std::int64_t periods, std::int64_t first, std::int64_t last) {
  return decay_load(first, periods) + (load_avg_max - decay_load(load_avg_max, periods) - 1024) + last;
}

// accumulate_sum; returns how many periods ended.
std::int64_t accumulate_sum(std::int64_t delta, SchedAvg& avg, std::int64_t load, std::int64_t runnable,
                            bool running) {
  std::int64_t contribution = delta;
  delta += avg.period_contrib;
  const std::int64_t periods = delta / 1024;
  if (periods != 0) {
    avg.load_sum = decay_load(avg.load_sum, periods);
    avg.runnable_sum = decay_load(avg.runnable_sum, periods);
    avg.util_sum = decay_load(avg.util_sum, periods);
    delta %= 1024;
    if (load != 0) {
      contribution = accumulate_segments(periods, 1024 - avg.period_contrib, delta);
    }
  }
  avg.period_contrib = delta;
  avg.load_sum += load * contribution;
  avg.runnable_sum += (runnable * contribution) << capacity_shift;
  if (running) {
    avg.util_sum += contribution << capacity_shift;
  }
  return periods;
}

}  // namespace

std::int64_t decay_load(std::int64_t val, std::int64_t n) {
  if (n > load_avg_period * 63) {
    return 0;
  }
  return multiply_shift_32(val >> (n / load_avg_period),
                           yn_inv[static_cast<std::size_t>(n % load_avg_period)]);
}

bool update_load_sum(std::int64_t now, SchedAvg& avg, std::int64_t load, std::int64_t runnable,
                     bool running) {
  const std::int64_t elapsed = now - avg.last_update_time;
  if (elapsed < 0) {  // a clock of another CPU was ahead
    avg.last_update_time = now;
    return false;
  }
  const std::int64_t delta = elapsed >> 10;
  if (delta == 0) {
    return false;
  }
  avg.last_update_time += delta << 10;
  if (load == 0) {
    runnable = 0;
    running = false;
  }
  return accumulate_sum(delta, avg, load, runnable, running) != 0;
}

void update_load_avg(SchedAvg& avg, std::int64_t load) {
  const std::int64_t divider = get_pelt_divider(avg);
  avg.load_avg = load * avg.load_sum / divider;
  avg.runnable_avg = avg.runnable_sum / divider;
  avg.util_avg = avg.util_sum / divider;
}

bool update_load_avg_se(std::int64_t now, SchedAvg& avg, std::int64_t weight, bool on_rq,
                        std::int64_t runnable, bool running) {
  if (!update_load_sum(now, avg, on_rq ? 1 : 0, runnable, running)) {
    return false;
  }
  update_load_avg(avg, weight);
  return true;
}

bool update_load_avg_blocked_se(std::int64_t now, SchedAvg& avg, std::int64_t weight) {
  return update_load_avg_se(now, avg, weight, false, 0, false);
}

bool update_load_avg_cfs_rq(std::int64_t now, SchedAvg& avg, std::int64_t weight, std::int64_t runnable,
                            bool running) {
  if (!update_load_sum(now, avg, weight, runnable, running)) {
    return false;
  }
  update_load_avg(avg, 1);
  return true;
}

bool update_rt_rq_load_avg(std::int64_t now, SchedAvg& avg, bool running) {
  if (!update_load_sum(now, avg, running ? 1 : 0, running ? 1 : 0, running)) {
    return false;
  }
  update_load_avg(avg, 1);
  return true;
}

bool update_irq_load_avg(std::int64_t clock, SchedAvg& avg, std::int64_t running) {
  const bool before = update_load_sum(clock - running, avg, 0, 0, false);
  const bool during = update_load_sum(clock, avg, 1, 1, true);
  if (!before && !during) {
    return false;
  }
  update_load_avg(avg, 1);
  return true;
}

}  // namespace models
