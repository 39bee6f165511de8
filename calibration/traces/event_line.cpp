#include "calibration/traces/event_line.h"

#include <algorithm>
#include <array>
#include <utility>

namespace calibration {

namespace {

// Six digits and a colon, as nearly every stamp ends; -1 for anything else.
std::int64_t microseconds(const char* p, const char* end) {
  if (end - p < 7 || p[6] != ':') {
    return -1;
  }
  unsigned value = 0;
  unsigned highest = 0;
  for (int i = 0; i < 6; ++i) {
    const unsigned d = TextScan::digit(p[i]);
    highest = d > highest ? d : highest;
    value = value * 10 + d;
  }
  return highest < 10 ? value : -1;
}

}  // namespace

bool split_time(TextScan text, EventLine& line) {
  constexpr std::int64_t most_seconds = 4'600'000'000;  // 145 years: below max_event_time (event_wire.h)
  constexpr std::array<std::int64_t, 10> unit{1'000'000'000, 100'000'000, 10'000'000, 1'000'000, 100'000,
                                              10'000,        1'000,       100,        10,        1};
  std::int64_t seconds = 0;
  const char* p = text.at;
  const char* const start = p;
  for (unsigned d = 0; p != text.end && p - start <= 10 && (d = TextScan::digit(*p)) < 10; ++p) {
    seconds = seconds * 10 + d;
  }
  if (p == start || p == text.end || *p != '.' || seconds > most_seconds) {
    return false;
  }
  const char* const point = p++;
  std::int64_t fraction = microseconds(p, text.end);
  if (fraction >= 0) [[likely]] {
    p += 6;
  } else {
    fraction = 0;
    for (unsigned d = 0; p != text.end && p - point <= 10 && (d = TextScan::digit(*p)) < 10; ++p) {
      fraction = fraction * 10 + d;
    }
  }
  const std::ptrdiff_t digits = p - point - 1;
  if (digits < 1 || digits > 9 || p == text.end || *p != ':') {
    return false;
  }
  line.resolution = unit[static_cast<std::size_t>(digits)];
  line.time = seconds * 1'000'000'000 + fraction * line.resolution;
  text.at = p + 1;
  text.spaces();
  line.text = text.rest();
  return true;
}

bool split_cpu(TextScan& text, std::int32_t& cpu) {
  return text.literal("[") && scan_cpu(text, cpu) && text.literal("]");
}

bool find_time(std::string_view line, EventLine& parts, std::string_view& before) {
  constexpr int most_colons = 8;  // in a task's name
  std::size_t from = 0;
  for (int i = 0; i < most_colons; ++i) {
    const auto colon = line.find(':', from);
    if (colon == std::string_view::npos) {
      return false;
    }
    std::size_t start = colon;
    while (start > 0 && (TextScan::digit(line[start - 1]) < 10 || line[start - 1] == '.')) {
      --start;
    }
    if (start > 0 && line[start - 1] == ' ' && split_time(TextScan{line.substr(start)}, parts)) {
      before = trimmed(line.substr(0, start));
      return true;
    }
    from = colon + 1;
  }
  return false;
}

void warn(CaptureLog& log, std::int64_t line, std::string text) {
  if (log.warnings.size() < CaptureLog::kept_warnings) {
    log.warnings.push_back({.line = line, .text = std::move(text)});
  }
}

void Nonsense::unknown(const TextInput& input, std::string_view line, std::size_t column,
                       std::string_view expected) {
  ++unknown_;
  ++input.log.unknown_lines;
  const std::int64_t lines = known_ + unknown_ + passed_;
  const std::string found = scenarios::quoted(line.substr(std::min(column - 1, line.size())));
  if ((lines > enough_lines && unknown_ * allowed_share > lines) ||
      (lines >= longest_prelude && known_ == 0)) {
    throw input.file.error(static_cast<std::int64_t>(column),
                           found + ", the " + std::to_string(unknown_) + "th of " + std::to_string(lines) +
                               " lines that makes no sense",
                           std::string{expected}, "is all of the file the output of one tracer?");
  }
  warn(input.log, input.file.line_number(), "makes no sense: " + found);
}

}  // namespace calibration
