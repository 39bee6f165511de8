#include "models/policies/policies.h"

#include <array>
#include <utility>

#include "sim/check.h"

namespace models {

namespace {

template <std::size_t... I>
constexpr auto names_of(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{std::variant_alternative_t<I, AnyPolicy>::name...};
}
constexpr auto names = names_of(std::make_index_sequence<std::variant_size_v<AnyPolicy>>{});

template <std::size_t I = 0>
AnyPolicy make(Sched& sched, const PolicyConfig& config) {
  if constexpr (I == std::variant_size_v<AnyPolicy>) {
    sim::check(false, "a policy's name is checked when the scenario is loaded");
    return KernelDefault{sched, config};
  } else {
    using Policy = std::variant_alternative_t<I, AnyPolicy>;
    return config.name == Policy::name ? AnyPolicy{Policy{sched, config}} : make<I + 1>(sched, config);
  }
}

}  // namespace

std::span<const std::string_view> policy_names() { return names; }

AnyPolicy make_policy(Sched& sched, const PolicyConfig& config) { return make(sched, config); }

}  // namespace models
