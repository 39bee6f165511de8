// The columns of a steps file (traces/steps.h), and samples of them, real or simulated alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "calibration/traces/steps.h"
#include "models/metrics.h"

namespace calibration {

enum class StepColumn : std::uint8_t { timer_late, tool, read, parse, step, count };
inline constexpr std::size_t step_columns = static_cast<std::size_t>(StepColumn::count);

constexpr std::string_view to_string(StepColumn column) {
  constexpr std::array<std::string_view, step_columns> names{"timer_late", "tool", "read", "parse", "step"};
  return names[static_cast<std::size_t>(column)];
}

// "compute" for parse, as the models call it; otherwise the same names.
models::Metric metric_of(StepColumn column);

std::int64_t value_of(const StepRow& row, StepColumn column);  // ns

// The values of one repetition, each column ascending.
struct StepSample {
  std::array<std::vector<std::int64_t>, step_columns> ascending;

  const std::vector<std::int64_t>& operator[](StepColumn column) const {
    return ascending[static_cast<std::size_t>(column)];
  }
  std::vector<std::int64_t>& operator[](StepColumn column) {
    return ascending[static_cast<std::size_t>(column)];
  }
  std::size_t steps() const { return (*this)[StepColumn::step].size(); }
};
StepSample step_sample(std::span<const StepRow> rows);
StepSample pooled(std::span<const StepSample> samples);

// A run cut into stretches of equally many steps, in the order in which they ended: what stands for
// repetitions where there is only one. Neighbouring stretches are not quite independent, and none shows what
// differs from one start of the program to the next. At most `rows.size()` parts.
std::vector<std::vector<StepRow>> in_blocks(std::span<const StepRow> rows, std::size_t blocks);

}  // namespace calibration
