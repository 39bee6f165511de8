// The kernels that can be simulated: each stands for the latest stable release of its series that was read.
#pragma once

#include <cstdint>
#include <string_view>

namespace models {

enum class KernelRelease : std::uint8_t { v6_12, v6_18 };

template <class Visitor>
void enumerators(KernelRelease*, Visitor&& named) {
  named("6.12", KernelRelease::v6_12);
  named("6.18", KernelRelease::v6_18);
}

}  // namespace models
