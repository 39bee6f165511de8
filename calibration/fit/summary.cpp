#include "calibration/fit/summary.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace calibration {
namespace {

constexpr std::size_t width = 110;

// "0 us", "1.3 us", "412 us", "2.49 ms": three digits and the unit.
std::string span_text(double ns) {
  struct Unit {
    double ns;
    const char* name;
  };
  constexpr std::array units{Unit{1e9, "s"}, Unit{1e6, "ms"}, Unit{1e3, "us"}};
  for (const Unit& unit : units) {
    if (ns >= unit.ns) {
      const double value = ns / unit.ns;
      return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, unit.name);
    }
  }
  return fmt::format("{:.0f} ns", ns);
}

std::string value_text(const MeasuredQuantity& quantity, std::int64_t value) {
  if (quantity.truncated()) {
    return fmt::format("{} us", value);  // as printed by the program
  }
  return span_text(static_cast<double>(value));
}

std::string percentile_text(const MeasuredQuantity& quantity, double p) {
  const bool judged = static_cast<double>(quantity.count()) * (1 - p) >= 10;
  return (judged ? "" : "~") + value_text(quantity, quantity.values.quantile(p));
}

std::string quantity_line(const MeasuredQuantity& quantity) {
  if (quantity.values.empty()) {
    return fmt::format("  {:<28}{:>9}\n", quantity.name, 0);
  }
  return fmt::format("  {:<28}{:>9}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", quantity.name, quantity.count(),
                     percentile_text(quantity, 0.5), percentile_text(quantity, 0.9),
                     percentile_text(quantity, 0.99), percentile_text(quantity, 0.999),
                     value_text(quantity, quantity.values.max()),
                     span_text(quantity.dequantized().mean_ns()));
}

// `text` broken at blanks into lines of at most `width` columns, each after `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string result;
  while (!text.empty()) {
    std::size_t cut = text.size();
    if (cut > width - indent) {
      const auto blank = text.rfind(' ', width - indent);
      cut = blank == std::string_view::npos || blank == 0 ? width - indent : blank;
    }
    result += std::string(indent, ' ') + std::string{text.substr(0, cut)} + '\n';
    text.remove_prefix(cut);
    while (text.starts_with(' ')) {
      text.remove_prefix(1);
    }
  }
  return result;
}

std::string heading(const MeasuredCapture& capture) {
  std::string text = fmt::format("{}: {} program, load {}, {} rows", capture.entry.rows.filename().string(),
                                 to_string(capture.program), capture.entry.load, capture.log.rows);
  if (capture.steps > 0) {
    text += fmt::format(", {} steps in {:.2f} s", capture.steps, capture.span_s);
  }
  return text + '\n';
}

std::string parameters_text(const FittedDistribution& fit) {
  if (!fit.table.empty()) {
    return fmt::format("{} points", fit.table.size());
  }
  std::string text;
  for (const FormParameter& parameter : fit.parameters) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", parameter.name,
                    parameter.unit == "ns" ? span_text(parameter.value) : fmt::format("{}", parameter.value));
  }
  return text;
}

}  // namespace

std::string summary(const MeasuredCapture& capture) {
  std::string text = heading(capture);
  text += fmt::format("  {:<28}{:>9}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}\n", "quantity", "count", "p50",
                      "p90", "p99", "p99.9", "max", "mean");
  for (const MeasuredQuantity& quantity : capture.quantities) {
    text += quantity_line(quantity);
  }
  for (const Flaw& flaw : capture.flaws) {
    text += wrapped(fmt::format("{}: {}", flaw.name, flaw.seen), 2);
    text += wrapped("-> " + flaw.done, 6);
  }
  return text;
}

std::string summary(const std::vector<MeasuredCapture>& captures) {
  std::string text;
  for (const MeasuredCapture& capture : captures) {
    text += (text.empty() ? "" : "\n") + summary(capture);
  }
  return text;
}

std::string fit_table(const std::vector<NamedFit>& fits) {
  std::string text = fmt::format("  {:<28}{:>8}  {:<12}{:<32}{:>7}{:>8}{:>8}{:>8}\n", "quantity", "count",
                                 "form", "parameters", "D", "p50", "p99", "p99.9");
  for (const auto& [name, fit] : fits) {
    text +=
        fmt::format("  {:<28}{:>8}  {:<12}{:<32}{:>7.3f}{:>+7.1f}%{:>+7.1f}%{:>+7.1f}%\n", name, fit.count,
                    fit.form, parameters_text(fit), fit.goodness.ks, 100 * fit.goodness.p50_error,
                    100 * fit.goodness.p99_error, 100 * fit.goodness.p999_error);
  }
  return text;
}

}  // namespace calibration
