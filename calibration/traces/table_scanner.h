// Takes numbers and words off the front of a printed table's line; for the .cpp files of histogram_lines.h.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include "calibration/traces/captured_histogram.h"

namespace calibration {

inline constexpr std::string_view blanks = " \t";

// A piece that is not there leaves the line as it was; blanks before a piece are skipped.
class TableScanner {
 public:
  explicit TableScanner(std::string_view text) : rest_{text} {}

  bool text(std::string_view piece) {
    skip_blanks();
    if (!rest_.starts_with(piece)) {
      return false;
    }
    rest_.remove_prefix(piece.size());
    return true;
  }

  // Whole; beyond 64 bits the largest or smallest.
  bool number(std::int64_t& value) {
    skip_blanks();
    const bool negative = rest_.starts_with('-');
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error == std::errc::invalid_argument) {
      return false;
    }
    if (error == std::errc::result_out_of_range) {
      value = negative ? open_below : open_above;
    }
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }

  bool count(std::uint64_t& value) {
    std::int64_t number_read = 0;
    if (!number(number_read) || number_read < 0) {
      return false;
    }
    value = static_cast<std::uint64_t>(number_read);
    return true;
  }

  // An edge as bpftrace prints it: "512", "1K", "4M", of 1024 each; older versions wrote "1k".
  bool edge(std::int64_t& value) {
    if (!number(value)) {
      return false;
    }
    constexpr std::string_view suffixes = "KMGTPE";
    const char suffix = rest_.empty() ? ' ' : rest_.front() == 'k' ? 'K' : rest_.front();
    if (const auto power = suffixes.find(suffix); power != std::string_view::npos) {
      rest_.remove_prefix(1);
      const int shift = 10 * (static_cast<int>(power) + 1);
      const std::int64_t largest = open_above >> shift;
      value = value > largest    ? open_above
              : value < -largest ? open_below
                                 : value * (std::int64_t{1} << shift);
    }
    return true;
  }

  std::string_view rest() {
    skip_blanks();
    return rest_;
  }

 private:
  void skip_blanks() {
    const auto begin = rest_.find_first_not_of(blanks);
    rest_.remove_prefix(begin == std::string_view::npos ? rest_.size() : begin);
  }
  std::string_view rest_;
};

inline std::int64_t one_after(std::int64_t value) { return value == open_above ? open_above : value + 1; }

// "12 |****   |", the end of a bucket's line.
inline bool count_and_bar(TableScanner& scanner, std::uint64_t& count) {
  return scanner.count(count) && scanner.text("|");
}

}  // namespace calibration
