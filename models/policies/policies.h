// The one list of policies. Adding one: a file and a line here.
//
// A host applies a list of policies. Each hook goes to the last policy of the list that redefines it.
#pragma once

#include <span>
#include <string_view>
#include <type_traits>
#include <variant>

#include "models/policies/agent_wakeup_placement.h"
#include "models/policies/attribution.h"
#include "models/policies/block_completion_class.h"
#include "models/policies/kernel_default.h"
#include "models/policies/latency_bounded_napi.h"
#include "models/policies/pack_on_running.h"

namespace models {

using AnyPolicy = std::variant<KernelDefault, PackOnRunning, Attribution, AgentWakeupPlacement,
                               LatencyBoundedNapi, BlockCompletionClass>;

std::span<const std::string_view> policy_names();

// The policy of that name; the name is one of policy_names().
AnyPolicy make_policy(Sched& sched, const PolicyConfig& config);

// Whether policy P redefines the hook that &KernelDefault::hook and &P::hook name.
template <class Default, class Redefined>
constexpr bool redefines(Default, Redefined) {
  return !std::is_same_v<Default, Redefined>;
}

}  // namespace models
