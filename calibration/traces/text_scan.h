// A place in a line of text that moves forward as what is expected there is found. Nothing here depends on
// the locale, reads past the end or overflows: a number too large for its type is simply not a number.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

namespace calibration {

struct TextScan {
  const char* at;
  const char* end;

  explicit TextScan(std::string_view text) : at{text.data()}, end{text.data() + text.size()} {}

  bool done() const { return at == end; }
  std::string_view rest() const { return {at, static_cast<std::size_t>(end - at)}; }
  bool next_is(char c) const { return at != end && *at == c; }
  bool next_is_digit() const { return at != end && digit(*at) < 10; }

  bool literal(std::string_view text) {
    if (static_cast<std::size_t>(end - at) < text.size() || std::memcmp(at, text.data(), text.size()) != 0) {
      return false;
    }
    at += text.size();
    return true;
  }

  void spaces() {
    while (next_is(' ') || next_is('\t')) {
      ++at;
    }
  }

  std::string_view word() { return until(' '); }  // up to the next space or the end

  std::string_view until(char stop) {
    const char* from = at;
    while (at != end && *at != stop) {
      ++at;
    }
    return {from, static_cast<std::size_t>(at - from)};
  }

  // Moves behind the next `text`, which must come.
  bool past(std::string_view text) {
    const auto found = rest().find(text);
    if (found == std::string_view::npos) {
      return false;
    }
    at += found + text.size();
    return true;
  }

  // Decimal, with a minus where the type has a sign.
  template <std::integral Int>
  bool number(Int& value) {
    const bool negative = std::is_signed_v<Int> && next_is('-');
    const char* p = at + (negative ? 1 : 0);
    const char* const first = p;
    std::uint64_t magnitude = 0;
    const char* const safe = end - p > 18 ? p + 18 : end;  // up to which nothing overflows
    unsigned d = 0;
    for (; p != safe && (d = digit(*p)) < 10; ++p) {
      magnitude = magnitude * 10 + d;
    }
    for (; p != end && (d = digit(*p)) < 10; ++p) {
      if (__builtin_mul_overflow(magnitude, std::uint64_t{10}, &magnitude) ||
          __builtin_add_overflow(magnitude, std::uint64_t{d}, &magnitude)) {
        return false;
      }
    }
    constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<Int>::max());
    if (p == first || magnitude > largest) {
      return false;
    }
    value = static_cast<Int>(negative ? -static_cast<std::int64_t>(magnitude)
                                      : static_cast<std::int64_t>(magnitude));
    at = p;
    return true;
  }

  // Hexadecimal, with or without 0x, of up to 64 bits.
  bool hex(std::uint64_t& value) {
    const char* p = at;
    if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
      p += 2;
    }
    const char* const first = p;
    std::uint64_t read = 0;
    for (unsigned d = 0; p != end && (d = hex_digit(*p)) < 16; ++p) {
      if (read >> 60 != 0) {
        return false;
      }
      read = read << 4 | d;
    }
    if (p == first) {
      return false;
    }
    value = read;
    at = p;
    return true;
  }

  // What events, system calls and functions are called: "sched_switch", "cpu/cycles=2/", "schedule.part.0".
  static bool in_name(char c) { return name_letters[static_cast<unsigned char>(c)]; }

  std::string_view name() {
    const char* from = at;
    while (at != end && in_name(*at)) {
      ++at;
    }
    return {from, static_cast<std::size_t>(at - from)};
  }

  static unsigned digit(char c) { return static_cast<unsigned>(static_cast<unsigned char>(c)) - '0'; }
  static unsigned hex_digit(char c) {
    const unsigned decimal = digit(c);
    const unsigned letter = (static_cast<unsigned>(static_cast<unsigned char>(c)) | 0x20) - 'a';
    return decimal < 10 ? decimal : letter < 6 ? letter + 10 : 16;
  }

 private:
  static constexpr std::array<bool, 256> name_letters = [] {
    std::array<bool, 256> in{};
    for (const char c :
         std::string_view{"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/=,"}) {
      in[static_cast<unsigned char>(c)] = true;
    }
    return in;
  }();
};

// A CPU's number, 0..4095, and a task's, not negative; false for what cannot be one.
inline bool scan_cpu(TextScan& text, std::int32_t& cpu) {
  constexpr std::int32_t limit = 4096;
  return text.number(cpu) && cpu >= 0 && cpu < limit;
}
inline bool scan_pid(TextScan& text, std::int32_t& pid) { return text.number(pid) && pid >= 0; }

// Without the spaces and tabs around it.
inline std::string_view trimmed(std::string_view text) {
  const char* from = text.data();
  const char* to = from + text.size();
  while (from != to && (to[-1] == ' ' || to[-1] == '\t')) {
    --to;
  }
  while (from != to && (*from == ' ' || *from == '\t')) {
    ++from;
  }
  return {from, static_cast<std::size_t>(to - from)};
}

}  // namespace calibration
