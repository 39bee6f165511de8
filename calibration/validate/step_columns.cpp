#include "calibration/validate/step_columns.h"

#include <algorithm>

namespace calibration {

models::Metric metric_of(StepColumn column) {
  constexpr std::array<models::Metric, step_columns> metrics{models::Metric::timer_late, models::Metric::tool,
                                                             models::Metric::read, models::Metric::compute,
                                                             models::Metric::step};
  return metrics[static_cast<std::size_t>(column)];
}

std::int64_t value_of(const StepRow& row, StepColumn column) {
  switch (column) {
    case StepColumn::timer_late:
      return row.timer_late_ns;
    case StepColumn::tool:
      return row.tool_ns;
    case StepColumn::read:
      return row.read_ns;
    case StepColumn::parse:
      return row.parse_ns;
    default:
      return row.step_ns();
  }
}

StepSample step_sample(std::span<const StepRow> rows) {
  StepSample sample;
  for (std::size_t i = 0; i < step_columns; ++i) {
    std::vector<std::int64_t>& values = sample.ascending[i];
    values.reserve(rows.size());
    for (const StepRow& row : rows) {
      values.push_back(value_of(row, static_cast<StepColumn>(i)));
    }
    std::sort(values.begin(), values.end());
  }
  return sample;
}

StepSample pooled(std::span<const StepSample> samples) {
  StepSample sum;
  for (std::size_t i = 0; i < step_columns; ++i) {
    std::vector<std::int64_t>& values = sum.ascending[i];
    for (const StepSample& each : samples) {
      values.insert(values.end(), each.ascending[i].begin(), each.ascending[i].end());
    }
    std::sort(values.begin(), values.end());
  }
  return sum;
}

std::vector<std::vector<StepRow>> in_blocks(std::span<const StepRow> rows, std::size_t blocks) {
  std::vector<StepRow> ordered(rows.begin(), rows.end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const StepRow& a, const StepRow& b) { return a.end_ns() < b.end_ns(); });
  const std::size_t count = std::min(blocks, ordered.size());
  std::vector<std::vector<StepRow>> parts(count);
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    parts[i * count / ordered.size()].push_back(ordered[i]);
  }
  return parts;
}

}  // namespace calibration
