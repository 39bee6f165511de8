// The feature flags of CPU selection and load balancing.
//
// Models:   kernel/sched/features.h (debugfs sched/features), with the kernel's names and defaults. The
//           flags of the fair queue itself are in sched_features.h.
#pragma once

namespace models {

struct PlacementFeatures {
  bool ttwu_queue = true;        // remote wakeups of idle CPUs and other LLCs go through the wake list
  bool sis_util = true;          // utilisation bounds how many CPUs a wakeup looks at
  bool wa_idle = true;           // wake_affine_idle
  bool wa_weight = true;         // wake_affine_weight
  bool wa_bias = true;           // which favours the waker's CPU a little
  bool nontask_capacity = true;  // interrupts and stolen time reduce a CPU's capacity
  bool ni_random = true;         // newly idle CPUs search as often as searching has helped
  bool lb_min = false;           // balancing by load ignores loads below 16
};

template <class Visitor>
void fields(PlacementFeatures& features, Visitor&& field) {
  field("ttwu_queue", features.ttwu_queue);
  field("sis_util", features.sis_util);
  field("wa_idle", features.wa_idle);
  field("wa_weight", features.wa_weight);
  field("wa_bias", features.wa_bias);
  field("nontask_capacity", features.nontask_capacity);
  field("ni_random", features.ni_random);
  field("lb_min", features.lb_min);
}

}  // namespace models
