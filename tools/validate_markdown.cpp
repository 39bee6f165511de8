// The whole error table as docs/validation.md has it: every variant, column and percentile, however it looks.
#include <fmt/format.h>

#include <algorithm>

#include "tools/tables.h"
#include "tools/validate_runs.h"

namespace tools {
namespace {

using calibration::compared_percentiles;
using calibration::StepColumn;
using calibration::VariantValidation;

std::string row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) {
    text += " " + cell + " |";
  }
  return text + "\n";
}

std::string header(const std::vector<std::string>& cells) {
  return row(cells) + row(std::vector<std::string>(cells.size(), "---"));
}

std::string cell(const calibration::PercentileComparison& each, std::size_t i) {
  std::string text = fmt::format("{} / {} ({}", microseconds(each.simulated_ns), microseconds(each.real_ns),
                                 error_text(each, i));
  text += fmt::format(" [{:+.1f}, {:+.1f}]", 100 * each.error_interval.low, 100 * each.error_interval.high);
  if (each.spread) {
    text += fmt::format("; {}..{}, {:.1f} %", microseconds(each.spread->low_ns),
                        microseconds(each.spread->high_ns), 100 * each.spread->relative);
  }
  return text + ") " + equivalence_mark(each);
}

std::string column_table(const ValidationReport& report, StepColumn column) {
  std::string text = fmt::format("### {}\n\n", to_string(column));
  text += header({"variant", "p50 us", "p90 us", "p99 us", "p99.9 us", "W % (floor)", "KS (floor)"});
  for (const VariantValidation& variant : report.validation.variants) {
    const calibration::ColumnComparison* found = variant.find(column);
    if (found == nullptr) {
      continue;
    }
    std::vector<std::string> cells{variant.name + (variant.calibrated ? " (calibrated)" : "")};
    for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
      cells.push_back(cell(found->percentiles[i], i));
    }
    cells.push_back(fmt::format("{:.1f} ({:.1f})", 100 * found->distances.wasserstein,
                                100 * found->distances.wasserstein_floor));
    cells.push_back(fmt::format("{:.3f} ({:.3f})", found->distances.ks, found->distances.ks_floor));
    text += row(cells);
  }
  return text + "\n";
}

std::string effects(const ValidationReport& report) {
  if (report.validation.effects.empty()) {
    return "";
  }
  std::string text = "### Effects on the step\n\n";
  text += header(
      {"variant", "against", "percentile", "real us [95 %]", "simulated us [95 %]", "size", "verdict"});
  for (const calibration::Effect& effect : report.validation.effects) {
    for (const calibration::ColumnEffect& column : effect.columns) {
      for (std::size_t i = 0; column.column == StepColumn::step && i < compared_percentiles.size(); ++i) {
        const calibration::PercentileEffect& each = column.percentiles[i];
        const auto interval = [](const sim::PairedDifference& difference) {
          return fmt::format("{} [{}, {}]", signed_number(difference.mean / 1000),
                             microseconds(difference.interval.low), microseconds(difference.interval.high));
        };
        text += row({effect.variant, effect.against, std::string{calibration::percentile_texts[i]},
                     interval(each.real), interval(each.simulated),
                     each.exceeds_noise() ? number(each.size()) : "-", effect_verdict(each)});
      }
    }
  }
  return text + "\n";
}

std::string loads(const ValidationReport& report) {
  std::string text = "### Load, simulated / real\n\n";
  text += header({"variant", "steps/s", "background MB/s", "busy %", "softirq %"});
  for (const VariantValidation& variant : report.validation.variants) {
    const auto megabytes = [](const calibration::LoadUse& use) {
      return use.background_bytes_per_second ? number(*use.background_bytes_per_second / 1e6)
                                             : std::string{"-"};
    };
    const auto cpu = [](const calibration::LoadUse& use, bool softirq) {
      return use.cpu ? number(softirq ? use.cpu->softirq : 100 - use.cpu->idle) : std::string{"-"};
    };
    const calibration::LoadUse& real = variant.real_use;
    const calibration::LoadUse& simulated = variant.simulated_use;
    text +=
        row({variant.name, number(simulated.steps_per_second) + " / " + number(real.steps_per_second),
             megabytes(simulated) + " / " + megabytes(real), cpu(simulated, false) + " / " + cpu(real, false),
             cpu(simulated, true) + " / " + cpu(real, true)});
  }
  return text + "\n";
}

std::string where(const calibration::Contributions& contributions) {
  std::string text = signed_number((contributions.simulated_ns - contributions.real_ns) / 1000) + ": ";
  for (std::size_t i = 0; i < std::min<std::size_t>(4, contributions.parts.size()); ++i) {
    const calibration::Contribution& part = contributions.parts[i];
    text += fmt::format("{}{} {} ({:.0f} %)", i == 0 ? "" : ", ", part.part,
                        signed_number(part.difference_ns() / 1000), 100 * part.share);
  }
  return text;
}

std::string differences(const ValidationReport& report) {
  std::string text = "### Where differences come from, mean us a step, simulated - real\n\n";
  text += header({"variant", "all steps", "slowest 1 %"});
  for (const VariantValidation& variant : report.validation.variants) {
    text += row({variant.name, where(variant.all_steps), where(variant.slowest_steps)});
    for (const calibration::CaptureComparison& capture : variant.captures) {
      text += row({capture.name, where(capture.all_steps), where(capture.slowest_steps)});
    }
  }
  return text + "\n";
}

std::string stages(const ValidationReport& report) {
  std::string text;
  for (const VariantValidation& variant : report.validation.variants) {
    for (const calibration::CaptureComparison& capture : variant.captures) {
      text += fmt::format("### Stages of {} ({}), simulated / real us\n\n", capture.name, variant.name);
      text += header({"stage", "group", "a second", "p50", "p90", "p99", "p99.9", "W %"});
      for (const calibration::StageComparison& each : capture.stages) {
        std::vector<std::string> cells{
            std::string{info(each.stage).name}, each.group,
            number(each.simulated_per_second) + " / " + number(each.real_per_second)};
        for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
          const auto error = each.error(i);
          cells.push_back(fmt::format("{} / {}{}", microseconds(each.simulated_ns[i]),
                                      microseconds(each.real_ns[i]),
                                      !each.judged[i] ? " ~"
                                      : error         ? fmt::format(" ({:+.0f} %)", 100 * *error)
                                                      : ""));
        }
        cells.push_back(each.wasserstein ? fmt::format("{:.1f}", 100 * *each.wasserstein) : "-");
        text += row(cells);
      }
      text += "\n";
    }
  }
  return text;
}

std::string coverage(const ValidationReport& report) {
  std::string text = "### Coverage of 95 % prediction intervals\n\n";
  text += header({"column", "variants", "p50", "p90", "p99", "p99.9"});
  for (std::size_t column = 0; column < calibration::step_columns; ++column) {
    for (const bool calibrated : {false, true}) {
      const auto id = static_cast<StepColumn>(column);
      std::vector<std::string> cells{std::string{to_string(id)}, calibrated ? "calibrated" : "held out"};
      int all = 0;
      for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
        const calibration::Coverage each = report.validation.coverage(id, i, calibrated);
        all += each.predictions;
        cells.push_back(fmt::format("{} / {}", each.predicted, each.predictions));
      }
      text += all > 0 ? row(cells) : "";
    }
  }
  return text + "\n";
}

}  // namespace

std::string validation_markdown(const ValidationReport& report) {
  std::string text = fmt::format("Simulated / real of `{}` with `{}`, margin of equivalence {:.0f} %.\n\n",
                                 report.scenario, report.profile, 100 * report.margin);
  for (const StepColumn column :
       {StepColumn::step, StepColumn::timer_late, StepColumn::tool, StepColumn::read, StepColumn::parse}) {
    text += column_table(report, column);
  }
  text += effects(report) + coverage(report) + loads(report) + differences(report) + stages(report);
  for (const VariantValidation& variant : report.validation.variants) {
    for (const std::string& warning : variant.warnings) {
      text += "* " + variant.name + ": " + warning + "\n";
    }
  }
  return text;
}

}  // namespace tools
