// Where the models write what they measure. Silent until the warm-up is over.
#pragma once

#include "models/completion.h"
#include "models/metrics.h"
#include "sim/port.h"
#include "sim/time.h"

namespace models {

// One agent's step as its program times it: each part is the time between two readings of the clock.
struct StepTimes {
  std::int32_t agent_id = 0;
  sim::SimTime start{};  // after the sleep; the intended start is timer_late earlier
  sim::Nanos timer_late{0};
  sim::Nanos tool{0};  // 0 without a tool call; likewise `read`
  sim::Nanos read{0};
  sim::Nanos compute{0};
};

class Meter {
 public:
  void start() { on_ = true; }
  bool on() const { return on_; }
  void record(Metric metric, sim::Nanos value) {
    if (on_) {
      metrics_[metric].record(value);
    }
  }
  void count(Counter counter, std::int64_t by = 1) {
    if (on_) {
      metrics_[counter] += by;
    }
  }
  // An agent's completion has reached userspace. Nobody need listen.
  sim::Port<void(const Completion&)> finished;
  void finish(const Completion& completion) {
    if (on_ && finished.connected()) {
      finished(completion);
    }
  }
  // A step is over. Nobody need listen.
  sim::Port<void(const StepTimes&)> step_done;
  void step(const StepTimes& times) {
    if (on_ && step_done.connected()) {
      step_done(times);
    }
  }
  Metrics& metrics() { return metrics_; }
  const Metrics& metrics() const { return metrics_; }

 private:
  Metrics metrics_;
  bool on_ = false;
};

}  // namespace models
