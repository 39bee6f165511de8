// Percentiles of a run that stand for more runs: blocks of its time, drawn with replacement.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "calibration/validate/step_columns.h"
#include "sim/histogram.h"

namespace calibration {

// A sample with the block that each value came from: percentiles of resampled blocks, without sorting anew.
class BlockedSample {
 public:
  BlockedSample(std::span<const StepSample> blocks, StepColumn column) {
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      sizes_.push_back(blocks[block][column].size());
      for (const std::int64_t value : blocks[block][column]) {
        values_.push_back({value, block});
      }
    }
    std::sort(values_.begin(), values_.end());
  }

  double percentile(std::span<const std::size_t> units, double p) const {
    std::vector<std::uint64_t> times(sizes_.size());
    std::uint64_t count = 0;
    for (const std::size_t unit : units) {
      ++times[unit];
      count += sizes_[unit];
    }
    std::uint64_t above = count - sim::nearest_rank(p, count);
    for (auto at = values_.rbegin();; ++at) {
      if (times[at->second] > above) {
        return std::max(1.0, static_cast<double>(at->first));
      }
      above -= times[at->second];
    }
  }

 private:
  std::vector<std::uint64_t> sizes_;
  std::vector<std::pair<std::int64_t, std::size_t>> values_;
};

}  // namespace calibration
