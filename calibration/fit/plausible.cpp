#include "calibration/fit/plausible.h"

#include <algorithm>

namespace calibration {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t wrap32 = std::int64_t{1} << 32;
constexpr std::int64_t margin_us = 60 * second_us;  // tracing may begin before the agents and end after

// 2^64 ns in microseconds, whole and as its low 32 bits.
constexpr std::int64_t wrap64_us = 18'446'744'073'709'551;
constexpr std::int64_t wrap64_low_us = wrap64_us % wrap32;

// Within a millisecond below the wrapped zero: an exit does not read its clock and then wait longer.
bool is_small_negative(std::int64_t printed) {
  constexpr std::int64_t longest = 1000;
  return (printed < 0 && printed >= -longest) ||
         (printed <= wrap64_low_us && printed >= wrap64_low_us - longest) ||
         (printed <= wrap64_us && printed >= wrap64_us - longest);
}

bool is_uptime(std::int64_t printed, const UptimeWindow& window) {
  if (printed >= window.from_us && printed <= window.to_us) {
    return true;  // a bpftrace that prints all 64 bits
  }
  const std::int64_t low = ((printed % wrap32) + wrap32) % wrap32;
  const std::int64_t wraps = std::max<std::int64_t>(0, window.to_us - low) / wrap32;
  const std::int64_t latest = low + wraps * wrap32;
  return latest >= window.from_us && latest <= window.to_us;
}

}  // namespace

PlausibleDuration plausible_duration(BpftraceProgram program, const Steps* steps) {
  constexpr std::int64_t soft_lockup_us = 20 * second_us;
  constexpr std::int64_t largest_printed_us = (std::int64_t{1} << 31) - 1;
  const bool handler = program == BpftraceProgram::irq || program == BpftraceProgram::softirq;
  PlausibleDuration rule{.longest_us = handler ? soft_lockup_us : largest_printed_us, .uptime = std::nullopt};
  if (steps != nullptr && !steps->rows.empty()) {
    const std::int64_t from = steps->first_ns() / 1000;
    const std::int64_t to = steps->last_ns() / 1000;
    rule.longest_us = std::min(rule.longest_us, to - from + margin_us);
    rule.uptime =
        UptimeWindow{.from_us = std::max<std::int64_t>(0, from - margin_us), .to_us = to + margin_us};
  }
  return rule;
}

DurationKind classify(std::int64_t printed_us, const PlausibleDuration& rule) {
  if (printed_us >= 0 && printed_us <= rule.longest_us) {
    return DurationKind::plausible;
  }
  if (is_small_negative(printed_us)) {
    return DurationKind::start_after_end;
  }
  if (rule.uptime && is_uptime(printed_us, *rule.uptime)) {
    return DurationKind::uptime;
  }
  return DurationKind::impossible;
}

}  // namespace calibration
