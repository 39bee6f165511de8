#include "models/idle_teo.h"

#include <limits>

namespace models {

namespace {

constexpr unsigned pulse = 1024;                         // PULSE
constexpr unsigned decay_shift = 3;                      // DECAY_SHIFT
constexpr std::int64_t residency_threshold_ns = 15'000;  // RESIDENCY_THRESHOLD_NS
constexpr std::int64_t forever = std::numeric_limits<std::int64_t>::max();

// teo_state_ok: with the tick stopped, a state that is left soon would not be left for long.
bool deep_enough(const IdleView& view, int state) {
  return !view.tick_stopped || view[state].target_residency >= view.tick;
}

// teo_find_shallower_state
int shallower(const IdleView& view, int state, std::int64_t duration_ns) {
  for (int i = state - 1; i >= 0; --i) {
    if (view[i].disabled) {
      continue;
    }
    state = i;
    if (view[i].target_residency.count() <= duration_ns) {
      break;
    }
  }
  return state;
}

}  // namespace

IdleChoice TeoGovernor::select(const IdleView& view) {
  if (needs_update_) {
    update(view);
    needs_update_ = false;
  }
  selected_at_ = view.now;
  sleep_length_ns_ = forever;
  const Candidate candidate = deepest(view);
  if (candidate.state < 0) {
    return {.state = 0, .stop_tick = false};
  }
  int state = candidate.state;
  std::int64_t delta_tick = view.tick.count() / 2;
  std::int64_t duration_ns = view[state].target_residency.count();
  if (state != candidate.first) {
    state = shallower_for_intercepts(view, candidate);
    state = state > candidate.within_latency ? candidate.within_latency : state;
    if (skips_timers(view, state)) {
      return {.state = state, .stop_tick = false};
    }
    duration_ns = view.sleep_length.count();
    delta_tick = view.delta_tick.count();
    sleep_length_ns_ = duration_ns;
    if (state == 0) {
      return {.state = 0, .stop_tick = false};
    }
    if (view[state].target_residency.count() > duration_ns) {
      const int fits = shallower(view, state, duration_ns);
      state = deep_enough(view, fits) ? fits : state;
    }
    // Most wakeups come before the tick would: it might as well run.
    if (view[state].target_residency < view.tick && candidate.all_intercepts > total_ / 2 + total_ / 8) {
      duration_ns = view.tick.count() / 2;
    }
  }
  if ((!view.is_polling(state) && duration_ns >= view.tick.count()) || view.tick_stopped) {
    return {.state = state, .stop_tick = true};
  }
  if (state > candidate.first && view[state].target_residency.count() > delta_tick) {
    state = shallower(view, state, delta_tick);
  }
  return {.state = state, .stop_tick = false};
}

TeoGovernor::Candidate TeoGovernor::deepest(const IdleView& view) const {
  Candidate found;
  unsigned intercepts = 0;
  unsigned hits = 0;
  for (int i = 0; i < view.count(); ++i) {
    if (i > 0) {
      intercepts += bins_[static_cast<std::size_t>(i - 1)].intercepts;
      hits += bins_[static_cast<std::size_t>(i - 1)].hits;
    }
    if (view[i].disabled) {
      continue;
    }
    if (found.state < 0) {
      found.first = i;
    }
    found.state = i;
    if (i > 0 && view[i].exit_latency <= view.latency_limit) {
      found.within_latency = i;
    }
    found.intercepts = intercepts;
    found.hits = hits;
  }
  found.all_intercepts = intercepts + bins_.back().intercepts;
  return found;
}

// If wakeups before the candidate's residency prevail: the deepest state that would have suited over half of
// those.
int TeoGovernor::shallower_for_intercepts(const IdleView& view, const Candidate& candidate) const {
  int state = candidate.state;
  if (2 * candidate.intercepts <= total_ - candidate.hits) {
    return state;
  }
  int suitable = state;
  unsigned intercepts = 0;
  for (int i = state - 1; i >= 0; --i) {
    intercepts += bins_[static_cast<std::size_t>(i)].intercepts;
    if (2 * intercepts > candidate.intercepts) {
      return deep_enough(view, i) && !view[i].disabled ? i : suitable;
    }
    if (view[i].disabled) {
      continue;
    }
    if (deep_enough(view, i)) {
      suitable = i;
    } else if (suitable == state) {
      break;
    }
  }
  return state;
}

bool TeoGovernor::skips_timers(const IdleView& view, int state) const {
  const bool shallow = view[state].target_residency.count() < residency_threshold_ns;
  if (release_ == KernelRelease::v6_12) {
    return state == 0 || (view.is_polling(0) && shallow);
  }
  return (state == 0 || shallow) && 2 * short_idles_ >= total_;
}

void TeoGovernor::reflect(sim::Nanos tick, const IdleResult& result) {
  last_ = result;
  needs_update_ = true;
  const bool safety_net = result.poll_timed_out || (result.got_tick && sleep_length_ns_ > tick.count());
  time_span_ns_ = safety_net ? sleep_length_ns_ : (result.now - selected_at_).count();
}

// The measured span; for ever if the wakeup counts as the timer's.
std::int64_t TeoGovernor::measured(const IdleView& view) const {
  if (time_span_ns_ >= sleep_length_ns_) {
    return forever;
  }
  const std::int64_t latency = view[last_.state].exit_latency.count();
  const std::int64_t residency = last_.residency.count();
  return residency >= latency ? residency - latency / 2 : residency / 2;
}

void TeoGovernor::decay() {
  total_ = 0;
  for (Bin& bin : bins_) {
    bin.hits -= bin.hits >> decay_shift;
    bin.intercepts -= bin.intercepts >> decay_shift;
    total_ += bin.hits + bin.intercepts;
  }
  short_idles_ -= short_idles_ >> decay_shift;
}

void TeoGovernor::update(const IdleView& view) {
  const std::int64_t measured_ns = measured(view);
  decay();
  std::size_t timer_bin = 0;
  std::size_t span_bin = 0;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    const std::int64_t residency = view.states[i].target_residency.count();
    if (residency <= sleep_length_ns_) {
      timer_bin = i;
      span_bin = residency <= measured_ns ? i : span_bin;
    }
  }
  const std::int64_t tick = view.tick.count();
  if (view.states.back().target_residency.count() < tick) {
    tick_hits_ -= tick_hits_ >> decay_shift;
    total_ += tick_hits_;
    if (tick <= sleep_length_ns_) {
      timer_bin = bins_.size();
      if (tick <= measured_ns) {
        tick_hits_ += pulse;
        total_ += pulse;
        return;
      }
    }
  }
  if (timer_bin == span_bin) {
    bins_[timer_bin].hits += pulse;
  } else {
    bins_[span_bin].intercepts += pulse;
    short_idles_ += measured_ns < residency_threshold_ns ? pulse : 0;
  }
  total_ += pulse;
}

}  // namespace models
