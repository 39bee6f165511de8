#include "calibration/traces/histogram_lines.h"

#include <algorithm>
#include <array>

#include "calibration/traces/table_scanner.h"

namespace calibration {
namespace {

bool is_clock(std::string_view text) {
  constexpr std::string_view form = "00:00:00";
  return text.size() == form.size() && std::equal(text.begin(), text.end(), form.begin(), [](char c, char f) {
           return f == '0' ? c >= '0' && c <= '9' : c == f;
         });
}

}  // namespace

std::string_view without_spaces(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view{}
                                         : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::optional<HistogramBucket> parse_bpftrace_bucket(std::string_view line) {
  if (!line.starts_with('[') && !line.starts_with('(')) {
    return std::nullopt;
  }
  HistogramBucket bucket;
  TableScanner scanner{line.substr(1)};
  if (scanner.text("...")) {
    bucket.lower = open_below;
  } else if (!scanner.edge(bucket.lower)) {
    return std::nullopt;
  }
  if (scanner.text(",")) {
    if (scanner.text("...")) {
      bucket.upper = open_above;
    } else if (!scanner.edge(bucket.upper)) {
      return std::nullopt;
    }
    if (scanner.text("]")) {  // older versions: "[0, 1]", "(...,0]"
      bucket.upper = one_after(bucket.upper);
    } else if (!scanner.text(")")) {
      return std::nullopt;
    }
  } else if (scanner.text("]") && bucket.lower != open_below) {
    bucket.upper = one_after(bucket.lower);
  } else {
    return std::nullopt;
  }
  const bool whole = count_and_bar(scanner, bucket.count) && bucket.lower < bucket.upper;
  return whole ? std::optional{bucket} : std::nullopt;
}

std::optional<MapLine> parse_map_line(std::string_view line) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (!line.starts_with('@')) {
    return std::nullopt;
  }
  const auto end = std::min(line.find_first_not_of(letters, 1), line.size());
  MapLine map{.name = line.substr(0, end)};
  const std::string_view rest = line.substr(end);
  if (rest.starts_with(':')) {
    map.value = without_spaces(rest.substr(1));
    return map;
  }
  if (!rest.starts_with('[')) {
    return std::nullopt;
  }
  // The last one, since a key may hold anything; a number or a tuple does not.
  if (const auto close = rest.rfind("]:"); close != std::string_view::npos) {
    map.key = rest.substr(1, close - 1);
    map.value = without_spaces(rest.substr(close + 2));
  } else {
    map.key = rest.substr(1);
    map.key_goes_on = true;
  }
  return map;
}

std::optional<MapLine> parse_key_end(std::string_view line) {
  const auto close = line.rfind("]:");
  if (close == std::string_view::npos || (close != 0 && !line.starts_with(','))) {
    return std::nullopt;
  }
  return MapLine{.key = line.substr(0, close), .value = without_spaces(line.substr(close + 2))};
}

std::optional<std::int64_t> parse_map_number(std::string_view value) {
  std::int64_t number = 0;
  TableScanner scanner{value};
  return scanner.number(number) && scanner.rest().empty() ? std::optional{number} : std::nullopt;
}

std::optional<StatedSummary> parse_map_stats(std::string_view value) {
  StatedSummary stats;
  TableScanner scanner{value};
  const bool record = scanner.text("{ .");
  const auto field = [&](std::string_view name) {
    return scanner.text(name) && (!record || scanner.text("="));
  };
  const auto comma = [&] { return scanner.text(",") && (!record || scanner.text(".")); };
  const bool whole = field("count") && scanner.count(stats.count) && comma() && field("average") &&
                     scanner.number(stats.average) && comma() && field("total") &&
                     scanner.number(stats.total) && (!record || scanner.text("}"));
  return whole && scanner.rest().empty() ? std::optional{stats} : std::nullopt;
}

std::optional<std::string_view> parse_clock(std::string_view line) {
  line = without_spaces(line);
  if (line.starts_with('[') && line.ends_with(']')) {
    line = line.substr(1, line.size() - 2);
  } else if (line.ends_with(':')) {
    line.remove_suffix(1);
  }
  return is_clock(line) ? std::optional{line} : std::nullopt;
}

std::optional<std::uint64_t> parse_lost_events(std::string_view line) {
  TableScanner scanner{line};
  scanner.text("WARNING:");
  std::uint64_t count = 0;
  return scanner.text("Lost ") && scanner.count(count) && scanner.text("event") ? std::optional{count}
                                                                                : std::nullopt;
}

bool is_table_decoration(std::string_view line) {
  constexpr std::array beginnings{
      "#",       "^C",    "Attaching ", "Attached ",  "Tracing ", "Sampling ", "Detaching", "Ending tracing",
      "WARNING", "ERROR", "HINT",       "Hit Ctrl-C", "./",       "stdin:",    "Counting ",
  };
  return without_spaces(line).empty() || std::any_of(beginnings.begin(), beginnings.end(),
                                                     [&](const char* b) { return line.starts_with(b); });
}

}  // namespace calibration
