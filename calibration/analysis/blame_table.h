// Where the time of many steps went, for slow steps as against median ones, without keeping the steps: sums
// by the step's duration, in buckets of an eighth of an octave.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "calibration/analysis/critical_path.h"
#include "calibration/traces/event.h"

namespace calibration {

// The fan-in of steps that waited for several requests at once.
struct FanIn {
  static constexpr std::size_t places = 8;       // later ones count as the last
  std::uint64_t gates = 0;                       // steps with two requests or more
  std::array<std::uint64_t, places> last_was{};  // the request that completed last, by order of issue
  std::int64_t waited_beyond_ns = 0;             // for the last, after the one before it had completed
};

struct BlameCohort {
  std::uint64_t steps = 0;
  std::int64_t duration_low = 0, duration_high = 0;  // of its buckets
  BlameSums sums;
  FanIn fan_in;
  std::map<Name, std::int64_t> behind;  // run_queue ns by who had the CPU; Name::none: the rest
};

class BlameTable {
 public:
  static constexpr std::size_t max_behind = 64;  // names kept a bucket

  // `behind_name`: the name of a piece's `behind` task.
  template <class NameOf>
  void add(std::int64_t duration, const CriticalPath& path, NameOf&& name_of) {
    Bucket& bucket = buckets_[bucket_of(duration)];
    ++bucket.steps;
    for (std::size_t i = 0; i < blames; ++i) {
      bucket.sums.own[i] += path.sums.own[i];
      bucket.sums.peer[i] += path.sums.peer[i];
    }
    for (const PathPiece& piece : path.pieces) {
      if (piece.blame == Blame::run_queue) {
        note_behind(bucket, name_of(piece.behind), piece.to - piece.from);
      }
    }
  }
  void add_fan_in(std::int64_t duration, std::size_t last, std::int64_t waited_beyond_ns);

  std::uint64_t steps() const;
  // The steps whose rank by duration is in (low, high] of all, whole buckets: at least one bucket.
  BlameCohort cohort(double low, double high) const;

 private:
  struct Bucket {
    std::uint64_t steps = 0;
    BlameSums sums;
    FanIn fan_in;
    std::map<Name, std::int64_t> behind;
  };
  static constexpr int octaves = 63, per_octave = 8;
  static std::size_t bucket_of(std::int64_t duration);
  static std::int64_t bucket_low(std::size_t bucket);
  static void note_behind(Bucket& bucket, Name name, std::int64_t span);

  std::vector<Bucket> buckets_ = std::vector<Bucket>(octaves * per_octave);
};

}  // namespace calibration
