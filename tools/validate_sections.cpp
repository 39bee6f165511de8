// Effects between variants, where differences come from, and the load.
#include <fmt/format.h>

#include <algorithm>

#include "tools/tables.h"
#include "tools/validate_runs.h"

namespace tools {
namespace {

using calibration::compared_percentiles;
using calibration::Contributions;
using calibration::Effect;
using calibration::StepColumn;
using calibration::VariantValidation;

constexpr std::size_t shown_parts = 3;

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

std::string pair(double simulated, double real) { return number(simulated) + "/" + number(real); }

}  // namespace

std::string effects_text(const ValidationReport& report) {
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

std::string differences_text(const ValidationReport& report) {
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

std::string load_text(const ValidationReport& report) {
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

}  // namespace tools
