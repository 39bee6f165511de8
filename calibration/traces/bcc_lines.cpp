#include <algorithm>
#include <array>

#include "calibration/traces/captured_tables.h"
#include "calibration/traces/histogram_lines.h"
#include "calibration/traces/table_scanner.h"

namespace calibration {
namespace {

// What follows `label` in `text` up to `end`; none where either is missing.
std::optional<std::string_view> between(std::string_view text, std::string_view label, std::string_view end) {
  const auto begin = text.find(label);
  if (begin == std::string_view::npos) {
    return std::nullopt;
  }
  text.remove_prefix(begin + label.size());
  const auto length = text.find(end);
  return length == std::string_view::npos ? std::nullopt : std::optional{text.substr(0, length)};
}

}  // namespace

std::optional<BccHeading> parse_bcc_heading(std::string_view line) {
  const auto colon = line.rfind(" : ");
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  TableScanner scanner{line.substr(colon + 3)};
  if (!scanner.text("count") && !scanner.text("Count") && !scanner.text("I/O")) {
    return std::nullopt;
  }
  scanner.text("|");
  if (!scanner.text("distribution") && !scanner.text("Distribution")) {
    return std::nullopt;
  }
  BccHeading heading{.title = without_spaces(line.substr(0, colon))};
  heading.upper_outside = heading.title.starts_with(">=");
  heading.unit =
      unit_of_name(heading.upper_outside ? between(heading.title, "(", ")").value_or("") : heading.title);
  return heading;
}

std::optional<HistogramBucket> parse_bcc_bucket(std::string_view line, bool upper_outside) {
  HistogramBucket bucket{.lower = open_below, .upper = open_above};
  TableScanner scanner{line};
  const bool has_lower = scanner.number(bucket.lower);
  if (scanner.text("->")) {
    if (scanner.number(bucket.upper) && !upper_outside) {
      bucket.upper = one_after(bucket.upper);
    }
  } else if (has_lower) {
    bucket.upper = one_after(bucket.lower);
  } else {
    return std::nullopt;
  }
  const bool whole = scanner.text(":") && count_and_bar(scanner, bucket.count) && bucket.lower < bucket.upper;
  return whole ? std::optional{bucket} : std::nullopt;
}

std::optional<StatedSummary> parse_bcc_summary(std::string_view line) {
  StatedSummary summary;
  TableScanner scanner{line};
  if (!scanner.text("avg =") || !scanner.number(summary.average)) {
    return std::nullopt;
  }
  const std::string_view rest = scanner.rest();
  const auto total = rest.find("total:");
  const auto count = rest.find("count:");
  if (total == std::string_view::npos || count == std::string_view::npos) {
    return std::nullopt;
  }
  summary.unit = unit_of_name(rest.substr(0, rest.find_first_of(", ")));
  const bool whole = TableScanner{rest.substr(total + 6)}.number(summary.total) &&
                     TableScanner{rest.substr(count + 6)}.count(summary.count);
  return whole ? std::optional{summary} : std::nullopt;
}

std::optional<BccRecord> parse_bcc_record(std::string_view line) {
  const auto time = between(line, "{'ts': '", "'");
  const auto title = between(line, "'val_type': '", "'");
  const auto data = line.find("'data': [");
  if (!line.starts_with("{'ts'") || !time || !title || data == std::string_view::npos) {
    return std::nullopt;
  }
  BccRecord record{.time = *time, .title = *title};
  TableScanner scanner{line.substr(data + 9)};
  while (scanner.text("{'interval-start':")) {
    HistogramBucket bucket;
    if (!scanner.number(bucket.lower) || !scanner.text(",") || !scanner.text("'interval-end':") ||
        !scanner.number(bucket.upper) || !scanner.text(",") || !scanner.text("'count':") ||
        !scanner.count(bucket.count) || !scanner.text("}")) {
      return std::nullopt;
    }
    bucket.upper = one_after(bucket.upper);
    record.buckets.push_back(bucket);
    scanner.text(",");
  }
  if (!scanner.text("]")) {
    return std::nullopt;
  }
  scanner.text(",");
  record.section = scanner.rest();
  record.section.remove_suffix(record.section.ends_with('}') ? 1 : 0);
  return record;
}

std::optional<std::string_view> parse_section(std::string_view line) {
  if (line.empty() || line.front() == ' ' || line.front() == '\t' || line.front() == '#') {
    return std::nullopt;
  }
  constexpr std::array probes{"p:", "r:", "t:", "u:"};  // argdist
  const bool probe =
      line.find('(') != std::string_view::npos &&
      std::any_of(probes.begin(), probes.end(), [&](const char* p) { return line.starts_with(p); });
  const auto equals = line.find(" = ");
  const bool section = equals != std::string_view::npos && equals <= 32 && !line.starts_with("avg =");
  return probe || section ? std::optional{without_spaces(line)} : std::nullopt;
}

}  // namespace calibration
