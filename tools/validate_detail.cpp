// Every column, percentile and stage of every variant of a validation.
#include <fmt/format.h>

#include <cmath>

#include "tools/tables.h"
#include "tools/validate_runs.h"

namespace tools {
namespace {

using calibration::ColumnComparison;
using calibration::compared_percentiles;
using calibration::PercentileComparison;
using calibration::VariantValidation;

std::string percent(double share, int digits = 1) { return fmt::format("{:+.{}f}%", 100 * share, digits); }
std::string plain_percent(double share) { return fmt::format("{:.1f}", 100 * share); }
std::string range(double low, double high) { return fmt::format("[{}, {}]", percent(low), percent(high)); }

std::string columns_table(const VariantValidation& variant) {
  Table table{{"COLUMN, us", "real", "pooled", "simulated", "error", "95 % of it", "real spread", "SD %",
               "predicted", "equal"}};
  for (const ColumnComparison& column : variant.columns) {
    table.heading(fmt::format("{}: W {} %, floor {} %; KS {:.3f}, floor {:.3f}; mean {} real, {} simulated",
                              to_string(column.column), plain_percent(column.distances.wasserstein),
                              plain_percent(column.distances.wasserstein_floor), column.distances.ks,
                              column.distances.ks_floor, microseconds(column.real_mean_ns),
                              microseconds(column.simulated_mean_ns)));
    for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
      const PercentileComparison& row = column.percentiles[i];
      table.row({fmt::format("  {}", calibration::percentile_texts[i]), microseconds(row.real_ns),
                 microseconds(row.real_pooled_ns), microseconds(row.simulated_ns), error_text(row, i),
                 range(row.error_interval.low, row.error_interval.high),
                 row.spread ? fmt::format("{}..{}", microseconds(row.spread->low_ns),
                                          microseconds(row.spread->high_ns))
                            : "-",
                 row.spread ? plain_percent(row.spread->relative) : "-",
                 fmt::format("{}..{}", microseconds(row.prediction.interval.low),
                             microseconds(row.prediction.interval.high)),
                 equivalence_mark(row)});
    }
  }
  return table.text();
}

// Differences below the capture's resolution are none.
std::string stage_cell(const calibration::StageComparison& row, std::size_t i, std::int64_t resolution) {
  const bool packets = row.stage == calibration::StageId::napi_work;
  const auto value = [&](double ns) { return packets ? fmt::format("{:.0f}", ns) : microseconds(ns); };
  const auto error = row.error(i);
  const bool resolved =
      packets || std::abs(row.simulated_ns[i] - row.real_ns[i]) > static_cast<double>(resolution);
  return fmt::format("{}/{}{}", value(row.simulated_ns[i]), value(row.real_ns[i]),
                     !row.judged[i]      ? "~"
                     : error && resolved ? " " + percent(*error, 0)
                                         : "");
}

std::string stages_table(const calibration::CaptureComparison& capture) {
  Table table{{"STAGE, simulated/real us", "a second", "p50", "p90", "p99", "p99.9", "W %"}};
  for (const calibration::StageComparison& row : capture.stages) {
    std::vector<std::string> cells{fmt::format("  {} {}", info(row.stage).name, row.group),
                                   number(row.simulated_per_second) + "/" + number(row.real_per_second)};
    for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
      cells.push_back(stage_cell(row, i, capture.time_resolution_ns));
    }
    cells.push_back(row.wasserstein ? plain_percent(*row.wasserstein) : "-");
    table.row(std::move(cells));
  }
  return table.text();
}

std::string capture_text(const VariantValidation& variant, std::size_t index) {
  const calibration::CaptureComparison& capture = variant.captures[index];
  std::string text =
      fmt::format("{}: {:.1f} s captured, stamps of {} ns, {} of {} switches broken, {} events lost",
                  capture.name, capture.real_seconds, capture.time_resolution_ns, capture.broken_switches,
                  capture.switches, capture.lost_events);
  if (index < variant.capture_slowdown.size()) {
    text +=
        fmt::format("; capturing made the step's p50 {} slower", percent(variant.capture_slowdown[index]));
  }
  text = wrapped(text + "; the simulated run is traced too") + stages_table(capture);
  const auto missing = [&](const char* side, const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
      list += (list.empty() ? "" : ", ") + name;
    }
    return list.empty() ? "" : wrapped(fmt::format("  only {}: {}", side, list), 4);
  };
  return text + missing("real", capture.only_real) + missing("simulated", capture.only_simulated);
}

}  // namespace

std::string validation_detail(const ValidationReport& report) {
  std::string text;
  for (const VariantValidation& variant : report.validation.variants) {
    text += fmt::format("\n{}{}: {} real {} of {:.1f} s, {} simulated of {:.1f} s\n", variant.name,
                        variant.title.empty() ? "" : " (" + variant.title + ")", variant.repetitions.size(),
                        variant.blocks ? "run" : "repetitions", variant.real_seconds, variant.replications,
                        variant.simulated_seconds);
    text += columns_table(variant);
    for (std::size_t i = 0; i < variant.captures.size(); ++i) {
      text += "\n" + capture_text(variant, i);
    }
  }
  return text;
}

}  // namespace tools
