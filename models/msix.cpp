#include "models/msix.h"

#include <utility>

#include "sim/check.h"

namespace models {

MsixVector::MsixVector(sim::Engine& engine, MsixConfig config) : engine_{engine}, config_{config} {
  sim::check(config_.aggregation_threshold >= 1, "a batch has at least one completion");
  if (config_.aggregation_time > sim::Nanos{0}) {
    timer_.bind<&MsixVector::expired>(engine, *this);
  }
}

void MsixVector::post(int completions) {
  if (armed_) {
    gather(completions);
  }
}

void MsixVector::rearm(int unconsumed) {
  sim::check(config_.one_shot, "only a one-shot vector is armed by software");
  if (std::exchange(armed_, true) || unconsumed == 0) {
    return;
  }
  gather(unconsumed);
}

void MsixVector::disarm() {
  sim::check(config_.one_shot, "only a one-shot vector is disarmed by software");
  armed_ = false;
  aggregated_ = 0;
  timer_.disarm();
}

// A threshold without a time would leave a lone completion waiting for ever, so a time of 0 means
// that nothing waits, whatever the threshold.
void MsixVector::gather(int completions) {
  if (config_.mode == ModerationMode::throttle && config_.aggregation_time > sim::Nanos{0}) {
    // Each completion is a cause of its own: the first of several sends a message, which clears it.
    if (engine_.now() >= silent_until_) {
      --completions;
      silent_until_ = engine_.now() + config_.aggregation_time;
      fire();
    }
    aggregated_ += completions;
    if (aggregated_ > 0 && !timer_.armed()) {
      timer_.arm_at(silent_until_);
    }
    return;
  }
  aggregated_ += completions;
  if (aggregated_ >= config_.aggregation_threshold || config_.aggregation_time <= sim::Nanos{0}) {
    fire();
  } else if (config_.mode == ModerationMode::cqe || !timer_.armed()) {
    timer_.arm(config_.aggregation_time);
  }
}

void MsixVector::expired() {
  silent_until_ = engine_.now() + config_.aggregation_time;
  fire();
}

// The port comes last: the handler it reaches may rearm.
void MsixVector::fire() {
  timer_.disarm();
  aggregated_ = 0;
  armed_ = !config_.one_shot;
  ++interrupts_;
  irq();
}

}  // namespace models
