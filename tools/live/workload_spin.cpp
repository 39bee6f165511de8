#include "tools/live/workload_spin.h"

#include <algorithm>
#include <vector>

#include "tools/live/recorder.h"

namespace tools::live {

__attribute__((noinline, aligned(64))) void spin(std::uint64_t turns) {
  std::uint64_t value = turns | 1;
  for (std::uint64_t i = 0; i < turns; ++i) {
    value *= 0x9e3779b97f4a7c15U;
    asm volatile("" : "+r"(value));
  }
}

double measure_spin(std::int64_t budget_ns) {
  constexpr std::uint64_t turns = 25'000;  // tens of microseconds, as the compute of a step
  std::vector<std::int64_t> took;
  const std::int64_t end = monotonic_ns() + budget_ns;
  std::int64_t before = monotonic_ns();
  while (before < end || took.size() < 16) {
    spin(turns);
    const std::int64_t after = monotonic_ns();
    took.push_back(after - before);
    before = monotonic_ns();
  }
  constexpr std::size_t fastest = 50;  // one in so many
  const auto undisturbed = took.begin() + static_cast<std::ptrdiff_t>(took.size() / fastest);
  std::nth_element(took.begin(), undisturbed, took.end());
  return static_cast<double>(*undisturbed) / static_cast<double>(turns);
}

}  // namespace tools::live
