// Where the models write what they measure. Silent until the warm-up is over.
#pragma once

#include "models/completion.h"
#include "models/metrics.h"
#include "sim/port.h"
#include "sim/time.h"

namespace models {

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
  Metrics& metrics() { return metrics_; }
  const Metrics& metrics() const { return metrics_; }

 private:
  Metrics metrics_;
  bool on_ = false;
};

}  // namespace models
