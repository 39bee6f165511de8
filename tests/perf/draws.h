// Where the workloads take their numbers from: a tape recorded in advance, or the product's generator.
// Both sides of a race hold their own reader of the same tape, or equal generators.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/distribution.h"
#include "sim/rng.h"
#include "sim/time.h"

namespace perf {

// Exponential increments and uniform offsets in 1 .. pending-1, so that a measurement holds no
// generator. A reader that comes to the end starts over.
class Tape {
 public:
  static constexpr std::size_t length = std::size_t{1} << 16;

  Tape(std::string_view name, sim::Nanos mean, int pending = 2) {
    sim::Stream stream = sim::Rng{1}.stream(name);
    for (std::size_t i = 0; i < length; ++i) {
      const double increment = -std::log(stream.uniform()) * static_cast<double>(mean.count());
      increments_.push_back(static_cast<std::uint32_t>(increment));
      offsets_.push_back(
          static_cast<std::uint32_t>(1 + stream.below(static_cast<std::uint64_t>(pending - 1))));
    }
  }

  class Reader {
   public:
    explicit Reader(const Tape& tape)
        : increments_{tape.increments_.data()}, offsets_{tape.offsets_.data()} {}
    sim::Nanos operator()() { return sim::Nanos{increments_[next_increment_++ % length]}; }
    std::uint32_t offset() { return offsets_[next_offset_++ % length]; }

   private:
    const std::uint32_t* increments_;
    const std::uint32_t* offsets_;
    std::size_t next_increment_ = 0;
    std::size_t next_offset_ = 0;
  };

 private:
  std::vector<std::uint32_t> increments_;
  std::vector<std::uint32_t> offsets_;
};

class Generator {
 public:
  Generator(std::string_view name, sim::Nanos mean, int pending = 2)
      : stream_{sim::Rng{1}.stream(name)},
        exponential_{sim::Distribution::exponential(mean)},
        others_{static_cast<std::uint64_t>(pending - 1)} {}

  sim::Nanos operator()() { return exponential_.sample(stream_); }
  std::uint64_t offset() { return 1 + stream_.below(others_); }

 private:
  sim::Stream stream_;
  sim::Distribution exponential_;
  std::uint64_t others_;
};

}  // namespace perf
