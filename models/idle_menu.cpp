#include "models/idle_menu.h"

#include <algorithm>
#include <limits>

namespace models {

namespace {

constexpr std::uint64_t resolution = 1024;               // RESOLUTION
constexpr std::uint64_t decay = 8;                       // DECAY
constexpr std::uint64_t unity = resolution * decay;      // a correction factor of 1
constexpr std::int64_t max_interesting_ns = 50'000'000;  // MAX_INTERESTING
constexpr std::int64_t residency_threshold_ns = 15'000;  // RESIDENCY_THRESHOLD_NS
constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t close_variance = 400;  // us^2: a deviation of 20 us is close
constexpr std::uint64_t most_variance = std::numeric_limits<std::uint64_t>::max() / 36;

std::size_t which_bucket(std::int64_t ns) {
  std::size_t bucket = 0;
  for (std::int64_t limit = 10'000; bucket < 5 && ns >= limit; limit *= 10) {
    ++bucket;
  }
  return bucket;
}

// A deviation of at most 20 us, or of less than a sixth of an average that six of eight samples share.
bool is_typical(std::uint64_t average, std::uint64_t variance, std::uint64_t samples) {
  return variance <= most_variance &&
         ((average * average > variance * 36 && samples * 4 >= 8 * 3) || variance <= close_variance);
}

}  // namespace

MenuGovernor::MenuGovernor(KernelRelease release) : release_{release} { correction_factor_.fill(unity); }

IdleChoice MenuGovernor::select(const IdleView& view) {
  if (needs_update_) {
    update(view);
    needs_update_ = false;
  }
  const std::int64_t predicted_ns = predict(view);
  const bool first_at_once =
      view.latency_limit.count() == 0 ||
      ((next_timer_ns_ < view[1].target_residency.count() || view.latency_limit < view[1].exit_latency) &&
       !view[0].disabled);
  if (first_at_once) {
    return {.state = 0, .stop_tick = !view.is_polling(0)};
  }
  return pick(view, predicted_ns);
}

std::int64_t MenuGovernor::predict(const IdleView& view) {
  const auto typical_ns = static_cast<std::int64_t>(typical_interval() * 1000);
  if (typical_ns <= residency_threshold_ns && !view.tick_stopped) {
    // The next timer is not looked up: it is taken to be far, and the tick to come after half a period.
    next_timer_ns_ = forever;
    delta_tick_ns_ = view.tick.count() / 2;
    bucket_ = buckets - 1;
    return typical_ns;
  }
  next_timer_ns_ = std::max<std::int64_t>(0, view.sleep_length.count());
  delta_tick_ns_ = std::max<std::int64_t>(0, view.delta_tick.count());
  bucket_ = which_bucket(next_timer_ns_);
  const std::uint64_t scale = unity * 1000;
  const std::uint64_t timer_us =
      (scale / 2 + static_cast<std::uint64_t>(next_timer_ns_) * correction_factor_[bucket_]) / scale;
  const std::int64_t predicted = std::min(static_cast<std::int64_t>(timer_us * 1000), typical_ns);
  // With the tick stopped, too shallow a state would be held for long: only the timer counts then.
  return view.tick_stopped && predicted < view.tick.count() ? next_timer_ns_ : predicted;
}

IdleChoice MenuGovernor::pick(const IdleView& view, std::int64_t predicted_ns) const {
  const std::int64_t tick = view.tick.count();
  int chosen = -1;
  for (int i = 0; i < view.count(); ++i) {
    const IdleStateConfig& state = view[i];
    if (state.disabled) {
      continue;
    }
    if (chosen < 0) {
      chosen = i;  // the first that is enabled, whatever its residency
    }
    if (state.exit_latency > view.latency_limit) {
      break;
    }
    const std::int64_t residency = state.target_residency.count();
    if (residency <= predicted_ns) {
      chosen = i;
      continue;
    }
    // A physical state rather than polling, unless a timer comes soon.
    if (view.is_polling(chosen) && residency < residency_threshold_ns && residency <= next_timer_ns_) {
      predicted_ns = residency;
      chosen = i;
      break;
    }
    if (predicted_ns < tick) {
      break;
    }
    if (!view.tick_stopped) {
      // The tick will end a state that was too shallow: retain it, and choose again then.
      predicted_ns = view[chosen].target_residency.count();
      break;
    }
    if (view[chosen].target_residency.count() < tick && residency <= delta_tick_ns_) {
      chosen = i;
    }
    return {.state = chosen, .stop_tick = true};
  }
  chosen = std::max(chosen, 0);
  if ((view.is_polling(chosen) || predicted_ns < tick) && !view.tick_stopped) {
    return keep_tick(view, chosen);
  }
  return {.state = chosen, .stop_tick = true};
}

// The state has to fit the time to the tick, which is going to come.
IdleChoice MenuGovernor::keep_tick(const IdleView& view, int state) const {
  if (state > 0 && view[state].target_residency.count() > delta_tick_ns_) {
    for (int i = state - 1; i >= 0; --i) {
      if (view[i].disabled) {
        continue;
      }
      state = i;
      if (view[i].target_residency.count() <= delta_tick_ns_) {
        break;
      }
    }
  }
  return {.state = state, .stop_tick = false};
}

void MenuGovernor::reflect(sim::Nanos, const IdleResult& result) {
  last_ = result;
  needs_update_ = true;
}

void MenuGovernor::update(const IdleView& view) {
  std::int64_t measured = last_.residency.count();
  const std::int64_t exit_latency = view[last_.state].exit_latency.count();
  if (last_.got_tick && next_timer_ns_ > view.tick.count()) {
    measured = 9 * max_interesting_ns / 10;  // the tick should have been stopped: it might have been long
  } else if (view.is_polling(last_.state) && last_.poll_timed_out) {
    measured = next_timer_ns_;
  } else {
    measured = measured > 2 * exit_latency ? measured - exit_latency : measured / 2;
  }
  measured = std::min(measured, next_timer_ns_);

  std::uint64_t& factor = correction_factor_[bucket_];
  factor -= factor / decay;
  if (next_timer_ns_ > 0 && measured < max_interesting_ns) {
    factor += resolution * static_cast<std::uint64_t>(measured) / static_cast<std::uint64_t>(next_timer_ns_);
  } else {
    factor += resolution;  // so long an idle span counts as predicted perfectly
  }
  intervals_[interval_next_] = std::min(static_cast<std::uint64_t>(measured / 1000), no_interval);
  interval_next_ = (interval_next_ + 1) % intervals;
}

std::uint64_t MenuGovernor::typical_interval() const {
  return release_ == KernelRelease::v6_12 ? typical_interval_from_the_top()
                                          : typical_interval_from_both_sides();
}

std::uint64_t MenuGovernor::typical_interval_from_the_top() const {
  std::uint64_t threshold = std::numeric_limits<std::int32_t>::max();
  for (;;) {
    std::uint64_t largest = 0;
    std::uint64_t sum = 0;
    std::uint64_t samples = 0;
    for (const std::uint64_t value : intervals_) {
      if (value <= threshold) {
        sum += value;
        ++samples;
        largest = std::max(largest, value);
      }
    }
    if (largest == 0) {
      return no_interval;
    }
    const std::uint64_t average = sum / samples;
    std::uint64_t variance = 0;
    for (const std::uint64_t value : intervals_) {
      if (value <= threshold) {
        const std::uint64_t distance = value > average ? value - average : average - value;
        variance += distance * distance;
      }
    }
    variance /= samples;
    if (is_typical(average, variance, samples)) {
      return average;
    }
    if (samples * 4 <= intervals * 3) {
      return no_interval;
    }
    threshold = largest - 1;
  }
}

std::uint64_t MenuGovernor::typical_interval_from_both_sides() const {
  std::int64_t above = -1;                              // min_thresh
  auto below = static_cast<std::int64_t>(no_interval);  // max_thresh
  for (;;) {
    std::uint64_t largest = 0;
    std::uint64_t smallest = no_interval;
    std::uint64_t sum = 0;
    std::uint64_t squares = 0;
    std::uint64_t samples = 0;
    for (const std::uint64_t value : intervals_) {
      const auto signed_value = static_cast<std::int64_t>(value);
      if (signed_value > above && signed_value < below) {
        ++samples;
        sum += value;
        squares += value * value;
        largest = std::max(largest, value);
        smallest = std::min(smallest, value);
      }
    }
    if (largest == 0) {
      return no_interval;
    }
    const std::uint64_t average = sum / samples;
    const std::uint64_t variance = squares / samples - average * average;
    if (is_typical(average, variance, samples)) {
      return average;
    }
    if (samples * 4 <= intervals * 3) {
      return no_interval;
    }
    if (average - smallest > largest - average) {
      above = static_cast<std::int64_t>(smallest);
    } else {
      below = static_cast<std::int64_t>(largest);
    }
  }
}

}  // namespace models
