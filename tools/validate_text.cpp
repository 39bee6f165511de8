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
using calibration::Contributions;
using calibration::Coverage;
using calibration::Effect;
using calibration::PercentileComparison;
using calibration::StepColumn;
using calibration::VariantValidation;

constexpr std::size_t shown_parts = 3;

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

std::string effects_table(const ValidationReport& report) {
  if (report.validation.effects.empty()) {
    return "";
  }
  Table table{{"EFFECT ON THE STEP, us", "real", "95 % of it", "of", "simulated", "95 % of it", "size", ""}};
  table.left(7);
  for (const Effect& effect : report.validation.effects) {
    table.heading(
        fmt::format("{} against {}, {} pairs of repetitions", effect.variant, effect.against, effect.pairs));
    const auto step = std::find_if(effect.columns.begin(), effect.columns.end(),
                                   [](const auto& each) { return each.column == StepColumn::step; });
    for (std::size_t i = 0; step != effect.columns.end() && i < compared_percentiles.size(); ++i) {
      const calibration::PercentileEffect& each = step->percentiles[i];
      const auto interval = [](const sim::PairedDifference& difference) {
        return fmt::format("[{}, {}]", microseconds(difference.interval.low),
                           microseconds(difference.interval.high));
      };
      table.row({fmt::format("  {}", calibration::percentile_texts[i]), signed_number(each.real.mean / 1000),
                 interval(each.real), microseconds(each.reference_ns),
                 signed_number(each.simulated.mean / 1000), interval(each.simulated),
                 each.exceeds_noise() ? number(each.size()) : "-", effect_verdict(each)});
    }
  }
  return table.text() + "  size: simulated / real; right within 25 %. Paired by repetition number.\n";
}

std::string parts_text(const Contributions& contributions) {
  std::string text;
  for (std::size_t i = 0; i < std::min(shown_parts, contributions.parts.size()); ++i) {
    const calibration::Contribution& part = contributions.parts[i];
    text += fmt::format("{}{} {} ({:.0f} %)", text.empty() ? "" : ", ", part.part,
                        signed_number(part.difference_ns() / 1000), 100 * part.share);
  }
  return text;
}

std::string where_line(const std::string& what, const Contributions& contributions) {
  if (contributions.real_steps == 0 || contributions.simulated_steps == 0) {
    return "";
  }
  return wrapped(fmt::format("    {:<22} {} of {}: {}", what,
                             signed_number((contributions.simulated_ns - contributions.real_ns) / 1000),
                             microseconds(contributions.real_ns), parts_text(contributions)),
                 27);
}

std::string where_text(const ValidationReport& report) {
  std::string text =
      "WHERE DIFFERENCES COME FROM, mean us a step, simulated - real of real: largest parts (share of all "
      "parts)\n";
  for (const VariantValidation& variant : report.validation.variants) {
    text += "  " + variant.name + "\n";
    text += where_line("all steps", variant.all_steps);
    text += where_line("slowest 1 %", variant.slowest_steps);
    for (const calibration::CaptureComparison& capture : variant.captures) {
      text += where_line("captured, all", capture.all_steps);
      text += where_line("captured, slowest 1 %", capture.slowest_steps);
    }
  }
  return text;
}

std::string pair(double simulated, double real) { return number(simulated) + "/" + number(real); }

std::string load_table(const ValidationReport& report) {
  Table table{{"LOAD, simulated/real", "steps/s", "background MB/s", "user %", "system %", "softirq %",
               "hardirq %", "idle %", "stolen %"}};
  for (const VariantValidation& variant : report.validation.variants) {
    const calibration::LoadUse& real = variant.real_use;
    const calibration::LoadUse& simulated = variant.simulated_use;
    std::vector<std::string> cells{"  " + variant.name,
                                   pair(simulated.steps_per_second, real.steps_per_second)};
    const auto megabytes = [](const std::optional<double>& bytes) {
      return bytes ? number(*bytes / 1e6) : std::string{"-"};
    };
    cells.push_back(megabytes(simulated.background_bytes_per_second) + "/" +
                    megabytes(real.background_bytes_per_second));
    using calibration::CpuUse;
    for (double CpuUse::*part : {&CpuUse::user, &CpuUse::system, &CpuUse::softirq, &CpuUse::hardirq,
                                 &CpuUse::idle, &CpuUse::steal}) {
      cells.push_back((simulated.cpu ? number((*simulated.cpu).*part) : std::string{"-"}) + "/" +
                      (real.cpu ? number((*real.cpu).*part) : std::string{"-"}));
    }
    table.row(std::move(cells));
  }
  return table.text();
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
  const std::string effects = effects_table(report);
  text += effects.empty() ? "" : effects + "\n";
  text += where_text(report) + "\n" + load_table(report);
  return text + (verbose ? validation_detail(report)
                         : "--verbose prints every column and stage of every variant.\n");
}

}  // namespace tools
