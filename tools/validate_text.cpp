// A validation for someone who wants to know whether to believe the profile: what is off first, details on
// demand.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/tables.h"
#include "tools/validate_runs.h"

namespace tools {
namespace {

using calibration::ColumnComparison;
using calibration::compared_percentiles;
using calibration::Coverage;
using calibration::PercentileComparison;
using calibration::StepColumn;
using calibration::VariantValidation;

std::string percent(double share, int digits = 1) { return fmt::format("{:+.{}f}%", 100 * share, digits); }
std::string plain_percent(double share) { return fmt::format("{:.1f}", 100 * share); }

std::string origin(const ValidationReport& report) {
  std::string loads;
  for (const std::string& load : report.calibrated_on) {
    loads += (loads.empty() ? "" : ", ") + load;
  }
  return wrapped(fmt::format("Simulated against real: {} ({}), profile {}, calibrated on {}{}", report.source,
                             report.scenario, report.profile, loads.empty() ? "no load it names" : loads,
                             report.kernel.empty() ? "." : "; real runs on " + report.kernel + ".")) +
         "\n";
}

// The step of each variant: the one table that everything else explains.
std::string step_table(const ValidationReport& report) {
  std::vector<std::string> header{"STEP, us"};
  for (const std::string_view p : calibration::percentile_texts) {
    header.push_back(std::string{p} + " real");
    header.push_back("error");
  }
  header.insert(header.end(), {"W %", "floor", "equal", "n x steps"});
  Table table{header};
  for (const bool calibrated : {true, false}) {
    const auto& variants = report.validation.variants;
    if (std::none_of(variants.begin(), variants.end(),
                     [&](const VariantValidation& each) { return each.calibrated == calibrated; })) {
      continue;
    }
    table.heading(calibrated ? "calibrated on" : "held out");
    for (const VariantValidation& variant : report.validation.variants) {
      const ColumnComparison* step = variant.find(StepColumn::step);
      if (variant.calibrated != calibrated || step == nullptr) {
        continue;
      }
      std::vector<std::string> cells{"  " + variant.name};
      std::string equal;
      for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
        cells.push_back(microseconds(step->percentiles[i].real_ns));
        cells.push_back(error_text(step->percentiles[i], i));
        equal += equivalence_mark(step->percentiles[i]);
      }
      const auto runs = static_cast<std::uint64_t>(variant.repetitions.size());
      cells.push_back(plain_percent(step->distances.wasserstein));
      cells.push_back(plain_percent(step->distances.wasserstein_floor));
      cells.push_back(equal);
      cells.push_back(fmt::format("{} x {}", runs, variant.real_steps / runs));
      table.row(std::move(cells));
    }
  }
  return table.text();
}

std::string legend(const ValidationReport& report) {
  const bool blocks = std::any_of(report.validation.variants.begin(), report.validation.variants.end(),
                                  [](const VariantValidation& each) { return each.blocks; });
  return wrapped(fmt::format(
             "  error: simulated / real - 1, medians over repetitions. ! misses the aim ({:.0f}, {:.0f}, "
             "{:.0f}, "
             "{:.0f} %); * beyond it, but inside the spread of the real repetitions; ~ fewer than {} samples "
             "above: not judged. W: Wasserstein distance to a real run, % of its mean; floor: between real "
             "{}. equal: = equivalent within {:.0f} %, # different, ? cannot tell, for each percentile.",
             100 * calibration::aimed_errors[0], 100 * calibration::aimed_errors[1],
             100 * calibration::aimed_errors[2], 100 * calibration::aimed_errors[3],
             calibration::samples_above_to_judge, blocks ? "repetitions, or halves of a single run" : "runs",
             100 * report.margin)) +
         (blocks
              ? wrapped("  A single real run: intervals from 10 blocks of time that stand for repetitions.")
              : "");
}

std::string aims_text(const ValidationReport& report) {
  std::string text;
  for (const bool calibrated : {false, true}) {
    std::string counts;
    int all = 0;
    for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
      int judged = 0;
      int met = 0;
      for (const VariantValidation& variant : report.validation.variants) {
        const ColumnComparison* step = variant.find(StepColumn::step);
        if (variant.calibrated == calibrated && step != nullptr && step->percentiles[i].judged) {
          ++judged;
          met += step->percentiles[i].aim_met(i) ? 1 : 0;
        }
      }
      all += judged;
      counts += fmt::format("{}{} {} of {}", counts.empty() ? "" : ", ", calibration::percentile_texts[i],
                            met, judged);
    }
    if (all > 0) {
      text += fmt::format("{}: aims met at {}.\n", calibrated ? "Calibrated on" : "Held out", counts);
    }
  }
  return text;
}

std::string coverage_text(const ValidationReport& report) {
  std::string text = "Prediction intervals (95 %) that held a real run's step percentile:\n";
  for (const bool calibrated : {false, true}) {
    std::string shares;
    for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
      const Coverage coverage = report.validation.coverage(StepColumn::step, i, calibrated);
      if (coverage.predictions > 0) {
        shares += fmt::format("{}{} {} of {} ({:.0f} %)", shares.empty() ? "" : ", ",
                              calibration::percentile_texts[i], coverage.predicted, coverage.predictions,
                              100.0 * coverage.predicted / coverage.predictions);
      }
    }
    if (!shares.empty()) {
      text += fmt::format("  {}: {}\n", calibrated ? "calibrated on" : "held out", shares);
    }
  }
  if (!report.uncertainties) {
    text += "  The profile tells no uncertainty of its costs: the intervals lack it.\n";
  }
  if (!report.repeat_spread) {
    text += wrapped(
        "  The profile tells no spread between repeated real runs: that of replications stands in, which is "
        "smaller.",
        2);
  }
  return text;
}

std::string warnings_text(const ValidationReport& report) {
  std::string text;
  for (const VariantValidation& variant : report.validation.variants) {
    for (const std::string& warning : variant.warnings) {
      text += wrapped("WARNING " + variant.name + ": " + warning);
    }
    for (const std::string& reason : variant.outside_domain) {
      text += wrapped("OUTSIDE CALIBRATED DOMAIN " + variant.name + ": " + reason);
    }
  }
  return text.empty() ? "" : text + "\n";
}

}  // namespace

std::string error_text(const PercentileComparison& row, std::size_t percentile) {
  const char* mark = !row.judged                                                    ? "~"
                     : std::abs(row.error) <= calibration::aimed_errors[percentile] ? ""
                     : row.inside_spread                                            ? "*"
                                                                                    : "!";
  return percent(row.error) + mark;
}

std::string effect_verdict(const calibration::PercentileEffect& effect) {
  return !effect.judged            ? "not judged"
         : !effect.exceeds_noise() ? "within the noise"
         : !effect.sign_right()    ? "WRONG SIGN"
         : effect.size_right()     ? "right"
                                   : "right sign, size off";
}

std::string equivalence_mark(const PercentileComparison& row) {
  if (!row.judged) {
    return "~";
  }
  switch (row.equivalence.verdict) {
    case sim::Equivalence::equivalent:
      return "=";
    case sim::Equivalence::different:
      return "#";
    case sim::Equivalence::cannot_tell:
      break;
  }
  return "?";
}

std::string validation_text(const ValidationReport& report, bool verbose) {
  std::string text = origin(report) + warnings_text(report) + step_table(report) + legend(report) + "\n" +
                     aims_text(report) + coverage_text(report) + "\n";
  const std::string effects = effects_text(report);
  text += effects.empty() ? "" : effects + "\n";
  text += differences_text(report) + "\n" + load_text(report);
  return text + (verbose ? validation_detail(report)
                         : "--verbose prints every column and stage of every variant.\n");
}

}  // namespace tools
