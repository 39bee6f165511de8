// A hypervisor that runs others on one CPU's hardware from time to time.
//
//   interval ─► Cpu::steal(length) ─► interval ─► ...
//
// Models:   the steal time of a virtual machine as a renewal process per CPU; what it does to the
//           guest is the CPU's business (cpu_speed.cpp).
// Left out: the hypervisor's scheduler: steal does not depend on what the guest does, and does not move CPUs.
#pragma once

#include "models/cpu.h"
#include "sim/engine.h"
#include "sim/rng.h"

namespace models {

class Steal {
 public:
  Steal(sim::Engine& engine, Cpu& cpu, const StealConfig& config, const sim::Rng& rng)
      : cpu_{cpu}, config_{config}, stream_{rng.stream("cpu/steal", index(cpu.id()))} {
    next_.bind<&Steal::begin>(engine, *this);
    if (enabled(config_)) {
      next_.arm(config_.interval.sample(stream_));
    }
  }
  Steal(const Steal&) = delete;
  Steal& operator=(const Steal&) = delete;

  static bool enabled(const StealConfig& config) {
    return !config.length.is_constant() || config.length.quantile(1.0).count() > 0;
  }

 private:
  void begin() {
    const sim::Nanos length = config_.length.sample(stream_);
    cpu_.steal(length);
    next_.arm(length + config_.interval.sample(stream_));
  }

  Cpu& cpu_;
  StealConfig config_;
  sim::Stream stream_;
  sim::Timer next_;
};

}  // namespace models
