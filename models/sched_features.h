// How the fair class behaves: the kernel's feature flags, and where 6.12 and 6.18 decide differently.
//
// Models:   kernel/sched/features.h (debugfs sched/features); fair.c of 6.12.117 and of 6.18.33. Stable
//           releases carry backports, so each difference is a switch of its own and a release is only a set
//           of them.
// Left out: NEXT_BUDDY and HRTICK, which are off; PICK_BUDDY, which without groups and yield_to never finds a
//           buddy; the flags of load balance and CPU selection; the older wakeup check of 6.18.26, in which
//           a fork may preempt and only a shorter slice shortens protection.
#pragma once

#include <cstdint>

#include "models/kernel_config.h"

namespace models {

// Until when a task that was switched to keeps the CPU against earlier deadlines (RUN_TO_PARITY).
enum class SliceProtection : std::uint8_t {
  until_deadline_change,  // 6.12: until its deadline is moved, which expiry does
  vprot,                  // 6.18: until its vruntime reaches min(deadline, vruntime + smallest slice queued)
};

// The bound of |vlag| when an entity leaves the queue.
enum class LagClamp : std::uint8_t {
  two_slices,       // 6.12: max(2 * its slice, one tick)
  slice_plus_tick,  // 6.18: the largest slice queued + one tick
};

// What a wakeup that asks for the CPU may do to the running task's protection.
enum class WakeupCheck : std::uint8_t {
  // 6.12: an eligible wakee with a shorter slice ends it, whether it wins or not.
  breaks_protection,
  // 6.18: a wakee with a shorter slice is compared without regard to it, and ends it by winning. A wakee that
  // does not win shortens it. Forks do not win, and delayed sleepers that would are dequeued in the check.
  shortens_protection,
};

// How a weight change treats a queued entity.
enum class Reweight : std::uint8_t {
  around_avg_vruntime,  // 6.12: lag and deadline are scaled around V
  place_again,          // 6.18: taken out, scaled, and placed as at a wakeup
};

struct SchedFeatures {
  bool place_lag = true;
  bool place_deadline_initial = true;
  bool place_rel_deadline = true;
  bool run_to_parity = true;
  bool preempt_short = true;
  bool delay_dequeue = true;
  bool delay_zero = true;
  bool wakeup_preemption = true;

  SliceProtection slice_protection = SliceProtection::until_deadline_change;
  LagClamp lag_clamp = LagClamp::two_slices;
  WakeupCheck wakeup_check = WakeupCheck::breaks_protection;
  Reweight reweight = Reweight::around_avg_vruntime;
  bool scale_rel_deadline = false;        // a reweight off queue scales the stored relative deadline too
  bool resched_when_unprotected = false;  // 6.18: at each clock update; 6.12: only if ineligible as well
};

// The flags of sched/features, for configurations; the version switches follow the kernel release.
template <class Visitor>
void fields(SchedFeatures& features, Visitor&& field) {
  field("place_lag", features.place_lag);
  field("place_deadline_initial", features.place_deadline_initial);
  field("place_rel_deadline", features.place_rel_deadline);
  field("run_to_parity", features.run_to_parity);
  field("preempt_short", features.preempt_short);
  field("delay_dequeue", features.delay_dequeue);
  field("delay_zero", features.delay_zero);
  field("wakeup_preemption", features.wakeup_preemption);
}

constexpr SchedFeatures sched_features(KernelRelease release) {
  SchedFeatures features;
  if (release == KernelRelease::v6_18) {
    features.slice_protection = SliceProtection::vprot;
    features.lag_clamp = LagClamp::slice_plus_tick;
    features.wakeup_check = WakeupCheck::shortens_protection;
    features.reweight = Reweight::place_again;
    features.scale_rel_deadline = true;
    features.resched_when_unprotected = true;
  }
  return features;
}

}  // namespace models
