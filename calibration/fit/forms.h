// The distribution forms that a measured quantity is tried against, and their maximum-likelihood fit to
// values of which only an interval is known: a printed 3 us is anything from 3 to 4 us, and half of a
// quantity's rows may share two such intervals, where midpoints would mislead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/distribution.h"

namespace calibration {

enum class Form { constant, exponential, lognormal, gamma, weibull };
inline constexpr std::array all_forms{Form::constant, Form::exponential, Form::lognormal, Form::gamma,
                                      Form::weibull};

std::string_view to_string(Form form);
std::size_t parameter_count(Form form);

// Values in [low, high) ns, high > low; ascending, without overlap.
struct ValueInterval {
  double low_ns = 0;
  double high_ns = 0;
  double weight = 0;  // number of values
};

struct FormParameter {
  std::string name;
  double value = 0;
  std::string unit;  // "ns" or "" for a pure number
};

// One fitted form. The parameters are rounded to whole nanoseconds and to 1e-4, and the distribution is
// made of the rounded ones: what is printed is what was judged.
struct FittedForm {
  Form form{};
  std::vector<FormParameter> parameters;
  sim::Distribution distribution = sim::Distribution::constant(sim::Nanos{0});
  double log_likelihood = 0;
};

// Of at least one interval.
FittedForm fit_form(Form form, const std::vector<ValueInterval>& values);

}  // namespace calibration
