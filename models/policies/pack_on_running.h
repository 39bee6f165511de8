// A vendor's placement, as measured on a 6.18 guest: work is packed, up to two tasks deep, on running vCPUs.
//
// A running CPU has room for a wakee if at most `limit` tasks are runnable on it and, with the wakee, fair
// tasks use less than `utilisation_gate` of it. The waker's CPU is tried first, then, for wakees that slept
// there, another running one, and at last an idle one, within the kernel's own budget for that (SIS_UTIL).
// Wakees from elsewhere that find no room stay where they slept. An interrupt over idle always keeps its
// wakee.
//
// The rule and its two parameters are fitted to decisions of that guest; the vendor's code is not public.
// With two CPUs "another" is the only other one; with more, the rule is an extrapolation: the next CPU of the
// LLC that passes.
#pragma once

#include "models/policies/kernel_default.h"

namespace models {

class PackOnRunning : public KernelDefault {
 public:
  static constexpr std::string_view name = "pack_on_running";
  using KernelDefault::KernelDefault;

  CpuId select_task_rq(const Placement& placement);

 private:
  bool fits(const Placement& placement, CpuId id) const;
  CpuId other_than(const Placement& placement) const;
};

}  // namespace models
