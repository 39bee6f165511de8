// How the fair class behaves: the kernel's feature flags, and where 6.12 and 6.18 decide differently.
//
// Models:   kernel/sched/features.h (debugfs sched/features); fair.c of 6.12.117 and of 6.18.33. Stable
//           releases carry backports, so each difference is a switch of its own and a release is only a set
//           of them.
// Left out: the flags of load balance and CPU selection; with NEXT_BUDDY, 6.18's reading of WF_SYNC.
#pragma once

#include <cstdint>

#include "models/kernel_release.h"

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
  // 6.18.26: a wakee with a shorter slice is compared without regard to it, and ends it by winning. If it
  // does not win, it shortens it.
  short_only,
  // 6.18.33: every wakee that does not win shortens protection. Forks do not win, unless their slice is
  // shorter, and delayed sleepers that would are dequeued in the check.
  shortens_protection,
};

// How a weight change treats a queued entity.
enum class Reweight : std::uint8_t {
  around_avg_vruntime,  // 6.12: lag and deadline are scaled around V
  place_again,          // 6.18: taken out, scaled, and placed as at a wakeup
};

// What sched_yield costs the yielding task.
enum class YieldRule : std::uint8_t {
  push_deadline,    // 6.12.0: its deadline moves by one slice
  forfeit_request,  // later: if eligible, its vruntime moves to its deadline, and a new request starts
};

// The kernels that were read. Later releases of a series carry backports that change decisions.
enum class FairVersion : std::uint8_t { v6_12_0, v6_12_117, v6_18_26, v6_18_33 };

struct SchedFeatures {
  bool place_lag = true;
  bool place_deadline_initial = true;
  bool place_rel_deadline = true;
  bool run_to_parity = true;
  bool preempt_short = true;
  bool delay_dequeue = true;
  bool delay_zero = true;
  bool wakeup_preemption = true;
  bool pick_buddy = true;
  bool next_buddy = false;
  bool hrtick = false;  // HRTICK and HRTICK_DL: a slice ends by timer, not at a tick

  SliceProtection slice_protection = SliceProtection::until_deadline_change;
  LagClamp lag_clamp = LagClamp::two_slices;
  WakeupCheck wakeup_check = WakeupCheck::breaks_protection;
  Reweight reweight = Reweight::around_avg_vruntime;
  bool scale_rel_deadline = false;        // a reweight off queue scales the stored relative deadline too
  bool resched_when_unprotected = false;  // 6.18: at each clock update; 6.12: only if ineligible as well
  bool buddy_in_pick = false;             // 6.18.33: wakeup checks look at the buddy too; before, only picks
  YieldRule yield = YieldRule::forfeit_request;
  bool throttle_tasks = false;  // cpu.max, 6.18: each task at its return to user; 6.12: the group at once
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
  field("pick_buddy", features.pick_buddy);
  field("next_buddy", features.next_buddy);
  field("hrtick", features.hrtick);
}

constexpr SchedFeatures sched_features(FairVersion version) {
  SchedFeatures features;
  if (version == FairVersion::v6_12_0) {
    features.yield = YieldRule::push_deadline;
  }
  if (version >= FairVersion::v6_18_26) {
    features.slice_protection = SliceProtection::vprot;
    features.lag_clamp = LagClamp::slice_plus_tick;
    features.wakeup_check = WakeupCheck::short_only;
    features.reweight = Reweight::place_again;
    features.scale_rel_deadline = true;
    features.resched_when_unprotected = true;
    features.throttle_tasks = true;
  }
  if (version >= FairVersion::v6_18_33) {
    features.wakeup_check = WakeupCheck::shortens_protection;
    features.buddy_in_pick = true;
  }
  return features;
}

// The latest of the series.
constexpr SchedFeatures sched_features(KernelRelease release) {
  return sched_features(release == KernelRelease::v6_18 ? FairVersion::v6_18_33 : FairVersion::v6_12_117);
}

// `release`'s rules with the flags of `flags`.
constexpr SchedFeatures sched_features(KernelRelease release, const SchedFeatures& flags) {
  const SchedFeatures rules = sched_features(release);
  SchedFeatures features = flags;
  features.slice_protection = rules.slice_protection;
  features.lag_clamp = rules.lag_clamp;
  features.wakeup_check = rules.wakeup_check;
  features.reweight = rules.reweight;
  features.scale_rel_deadline = rules.scale_rel_deadline;
  features.resched_when_unprotected = rules.resched_when_unprotected;
  features.buddy_in_pick = rules.buddy_in_pick;
  features.yield = rules.yield;
  features.throttle_tasks = rules.throttle_tasks;
  return features;
}

}  // namespace models
