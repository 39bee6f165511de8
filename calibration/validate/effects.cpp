#include "calibration/validate/effects.h"

#include <algorithm>
#include <utility>

namespace calibration {
namespace {

// Positions of the repetitions that both sides have.
std::vector<std::pair<std::size_t, std::size_t>> pairs_of(std::span<const int> a, std::span<const int> b) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto other = std::find(b.begin(), b.end(), a[i]);
    if (other != b.end()) {
      pairs.emplace_back(i, static_cast<std::size_t>(other - b.begin()));
    }
  }
  return pairs;
}

PercentileEffect effect_of(const PercentileComparison& with, const PercentileComparison& without,
                           std::span<const std::pair<std::size_t, std::size_t>> pairs) {
  PercentileEffect effect;
  std::vector<double> with_real;
  std::vector<double> without_real;
  for (const auto& [i, k] : pairs) {
    with_real.push_back(with.real_each_ns[i]);
    without_real.push_back(without.real_each_ns[k]);
  }
  const std::size_t replications = std::min(with.simulated_each_ns.size(), without.simulated_each_ns.size());
  effect.reference_ns = sim::mean(without_real);
  effect.real = sim::paired_difference(with_real, without_real);
  effect.simulated = sim::paired_difference(std::span{with.simulated_each_ns}.first(replications),
                                            std::span{without.simulated_each_ns}.first(replications));
  effect.judged = with.judged && without.judged;
  return effect;
}

}  // namespace

Effect compare_effect(std::string variant, std::string against, const EffectSide& with,
                      const EffectSide& without) {
  Effect result{std::move(variant), std::move(against), 0, {}};
  const auto pairs = pairs_of(with.repetitions, without.repetitions);
  result.pairs = static_cast<int>(pairs.size());
  if (pairs.size() < 2) {
    return result;
  }
  for (const ColumnComparison& column : with.columns) {
    const auto other = std::find_if(without.columns.begin(), without.columns.end(),
                                    [&](const auto& each) { return each.column == column.column; });
    if (other != without.columns.end()) {
      ColumnEffect effect{column.column, {}};
      for (std::size_t i = 0; i < compared_percentiles.size(); ++i) {
        effect.percentiles[i] = effect_of(column.percentiles[i], other->percentiles[i], pairs);
      }
      result.columns.push_back(effect);
    }
  }
  return result;
}

}  // namespace calibration
