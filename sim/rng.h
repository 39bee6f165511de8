// Named, splittable, counter-based random numbers: Philox4x32-10.
//
//   Rng(seed) ──stream("nvme0/service_time")──► Stream ──next()──► 64 bits
//                                                  └──split("read")──► Stream
//
// A stream is a function of (seed, names, position) and of nothing else. Each consumer holds its own,
// so a new component does not shift the others' numbers, and the same entity draws the same numbers
// under every variant: common random numbers by construction.
//
// Models:   Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, as
//           Random123 implements it. The 64-bit key and the upper half of the 128-bit counter hold
//           the stream's identity, the lower half its position, so two names share numbers only if
//           two 128-bit hashes collide.
// Left out: cryptographic strength.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sim {

class Stream {
 public:
  Stream() = default;  // usable only after assignment from an Rng or another stream

  // Philox itself: block i is that of `key` and counter (i, lane). Everyone else goes by name.
  static Stream raw(std::uint64_t key, std::uint64_t lane) { return {key, lane}; }

  // 64 uniform bits.
  std::uint64_t next() {
    if (at_ == buffer_.size()) [[unlikely]] {
      refill();
    }
    return buffer_[at_++];
  }

  // Uniform in (0, 1), never 0 or 1: the odd multiples of 2^-53.
  double uniform() { return (static_cast<double>(static_cast<std::int64_t>(next() >> 12)) + 0.5) * 0x1p-52; }

  // Uniform in [0, n), without bias; n >= 1. Now and then takes more than one draw.
  std::uint64_t below(std::uint64_t n);

  // A child stream, the same whatever has been drawn from this one. A name and an index never meet.
  Stream split(std::string_view name) const;
  Stream split(std::uint64_t index) const;

  // Goes to the draw at `index`, counted from 0, in constant time. A consumer that keys its draws by
  // step seeks to `step << 8`, say, which leaves 256 draws to each step.
  void seek(std::uint64_t index);

 private:
  Stream(std::uint64_t key, std::uint64_t lane) : key_{key}, lane_{lane}, live_{true} {}

  void refill();
  Stream child(std::uint64_t hash, std::uint64_t domain) const;

  static constexpr std::uint32_t blocks_a_refill = 8;
  std::array<std::uint64_t, std::size_t{2} * blocks_a_refill> buffer_{};  // [at_, end) is drawn next
  std::uint32_t at_ = 2 * blocks_a_refill;
  std::uint64_t block_ = 0;  // the counter that the next refill starts from
  std::uint64_t key_ = 0;
  std::uint64_t lane_ = 0;
  bool live_ = false;
};

// The root of one run's streams.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : seed_{seed} {}

  Stream stream(std::string_view name) const;
  Stream stream(std::string_view name, std::uint64_t index) const;  // one of many alike: ("agent", 3)
  std::uint64_t seed() const { return seed_; }

 private:
  std::uint64_t seed_;
};

}  // namespace sim
