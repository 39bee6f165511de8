// What was last made of a short text, found again in a few nanoseconds: a capture says the same few names in
// every line. Direct mapped: two texts that share a slot displace each other, and nothing is lost but time.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "calibration/traces/event.h"

namespace calibration {

template <class Value>
class TextCache {
 public:
  static constexpr std::size_t longest = 35;  // bytes; a longer text is never kept

  const Value* find(std::string_view text) const {
    if (text.empty() || text.size() > longest) {
      return nullptr;
    }
    const Slot& slot = slots_[slot_of(text)];
    return slot.size == text.size() && std::memcmp(slot.text.data(), text.data(), text.size()) == 0
               ? &slot.value
               : nullptr;
  }

  void keep(std::string_view text, const Value& value) {
    if (!text.empty() && text.size() <= longest) {
      Slot& slot = slots_[slot_of(text)];
      slot.size = static_cast<std::uint8_t>(text.size());
      std::memcpy(slot.text.data(), text.data(), text.size());
      slot.value = value;
    }
  }

 private:
  static constexpr int bits = 9;
  struct Slot {
    std::array<char, longest> text{};
    std::uint8_t size = 0;
    Value value{};
  };

  template <class Word>
  static std::uint64_t load(const char* from) {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
  }

  // Its ends, which is where names differ; a multiplication spreads them over the high bits.
  static std::size_t slot_of(std::string_view text) {
    const char* p = text.data();
    const std::size_t n = text.size();
    std::uint64_t first = static_cast<unsigned char>(p[0]);
    std::uint64_t last = static_cast<unsigned char>(p[n - 1]);
    if (n >= 8) {
      first = load<std::uint64_t>(p);
      last = load<std::uint64_t>(p + n - 8);
    } else if (n >= 4) {
      first = load<std::uint32_t>(p);
      last = load<std::uint32_t>(p + n - 4);
    } else if (n == 3) {
      first = load<std::uint16_t>(p);
    }
    const std::uint64_t h = (first ^ std::rotl(last, 23) ^ n) * 0x9e3779b97f4a7c15u;
    return static_cast<std::size_t>((h ^ (h << 27)) >> (64 - bits));
  }

  std::vector<Slot> slots_ = std::vector<Slot>(std::size_t{1} << bits);
};

// Names with such a cache before it.
class CachedNames {
 public:
  explicit CachedNames(Names& names) : names_{names} {}

  Name intern(std::string_view text) {
    if (const Name* known = cache_.find(text)) {
      return *known;
    }
    const Name name = names_.intern(text);
    cache_.keep(text, name);
    return name;
  }

 private:
  Names& names_;
  TextCache<Name> cache_;
};

}  // namespace calibration
