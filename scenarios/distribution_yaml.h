// Distributions of time in YAML: what read_value() accepts and calibration writes.
//
//   50us                                     {constant: 50us}
//   {exponential: {mean: 300us}}             {gamma: {mean: 5us, cv: 0.3}}
//   {lognormal: {median: 9us, p99: 25us}}    {lognormal: {median: 9us, sigma: 0.4}}
//   {weibull: {scale: 5us, shape: 1.5}}      {pareto: {minimum: 1us, shape: 2.5}}     shape > 1
//   {uniform: {low: 1us, high: 2us}}         {quantiles: [[0, 1us], [0.5, 3us], [1, 20us]]}
//   {histogram: [[1us, 2us, 30], [2us, 4us, 7]]}       low, high, count
//   {mixture: [{weight: 0.9, of: 3us}, {weight: 0.1, of: {exponential: {mean: 1ms}}}]}
//
// sim/distribution.h says what each means.
#pragma once

#include <utility>
#include <vector>

#include "scenarios/yaml.h"
#include "sim/distribution.h"
#include "sim/time.h"

namespace scenarios {

// What a profile keeps of a distribution: the text it is written as, and the sampler built from that very
// text, so that what is simulated is what the file says.
struct WrittenDistribution {
  Yaml yaml;
  sim::Distribution value = sim::Distribution::constant(sim::Nanos{0});
};

WrittenDistribution written_constant(sim::Nanos value);
WrittenDistribution written_exponential(sim::Nanos mean);
WrittenDistribution written_lognormal(sim::Nanos median, double sigma);
WrittenDistribution written_lognormal_p99(sim::Nanos median, sim::Nanos p99);
WrittenDistribution written_gamma(sim::Nanos mean, double cv);
WrittenDistribution written_weibull(sim::Nanos scale, double shape);
WrittenDistribution written_quantiles(const std::vector<std::pair<double, sim::Nanos>>& points);
WrittenDistribution written_mixture(const std::vector<std::pair<double, WrittenDistribution>>& parts);
WrittenDistribution read_distribution(const Yaml& node);  // throws InputError

}  // namespace scenarios
