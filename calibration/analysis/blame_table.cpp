#include "calibration/analysis/blame_table.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace calibration {
namespace {

void add_to(BlameSums& sums, const BlameSums& more) {
  for (std::size_t i = 0; i < blames; ++i) {
    sums.own[i] += more.own[i];
    sums.peer[i] += more.peer[i];
  }
}

void add_to(FanIn& sums, const FanIn& more) {
  sums.gates += more.gates;
  sums.waited_beyond_ns += more.waited_beyond_ns;
  for (std::size_t i = 0; i < FanIn::places; ++i) {
    sums.last_was[i] += more.last_was[i];
  }
}

}  // namespace

// Octave k holds [2^k, 2^(k+1)) in eight equal parts.
std::size_t BlameTable::bucket_of(std::int64_t duration) {
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(duration, 8));
  const int octave = static_cast<int>(std::bit_width(value)) - 1;
  return static_cast<std::size_t>(octave) * per_octave + ((value >> (octave - 3)) & 7);
}

std::int64_t BlameTable::bucket_low(std::size_t bucket) {
  const auto octave = bucket / per_octave;
  return octave < 3 ? 0 : static_cast<std::int64_t>((8 + bucket % per_octave) << (octave - 3));
}

void BlameTable::note_behind(Bucket& bucket, Name name, std::int64_t span) {
  if (bucket.behind.size() >= max_behind && !bucket.behind.contains(name)) {
    name = Name::none;
  }
  bucket.behind[name] += span;
}

void BlameTable::add_fan_in(std::int64_t duration, std::size_t last, std::int64_t waited_beyond_ns) {
  FanIn& fan_in = buckets_[bucket_of(duration)].fan_in;
  ++fan_in.gates;
  ++fan_in.last_was[std::min(last, FanIn::places - 1)];
  fan_in.waited_beyond_ns += waited_beyond_ns;
}

std::uint64_t BlameTable::steps() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const Bucket& bucket) { return sum + bucket.steps; });
}

BlameCohort BlameTable::cohort(double low, double high) const {
  const auto all = static_cast<double>(steps());
  BlameCohort cohort;
  double below = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const Bucket& bucket = buckets_[i];
    const double above = below + static_cast<double>(bucket.steps);
    // A bucket belongs to the cohort when its middle rank does, or when the cohort lies within it.
    const double middle = (below + above) / 2;
    const bool within = below <= low * all && high * all <= above;
    if (bucket.steps != 0 && ((middle > low * all && middle <= high * all) || within)) {
      cohort.duration_low = cohort.steps == 0 ? bucket_low(i) : cohort.duration_low;
      cohort.duration_high = bucket_low(i + 1);
      cohort.steps += bucket.steps;
      add_to(cohort.sums, bucket.sums);
      add_to(cohort.fan_in, bucket.fan_in);
      for (const auto& [name, span] : bucket.behind) {
        cohort.behind[name] += span;
      }
    }
    below = above;
  }
  return cohort;
}

}  // namespace calibration
