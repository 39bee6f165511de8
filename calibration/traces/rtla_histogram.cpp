#include "calibration/traces/rtla_histogram.h"

#include <array>
#include <charconv>
#include <string>
#include <utility>

namespace calibration {
namespace {

constexpr std::size_t most_columns = 4096;  // three contexts on 1365 CPUs

// Takes the next word off `line`; "" at its end.
std::string_view next_word(std::string_view& line) {
  const auto begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

bool is_number(std::string_view word, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc{} && end == word.data() + word.size();
}

bool is_summary(std::string_view name) {
  for (const std::string_view known : {"count:", "min:", "avg:", "max:"}) {
    if (name == known) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool RtlaHistogram::take(std::string_view line, std::int64_t line_number) {
  if (line.starts_with("# RTLA ") && line.ends_with("histogram")) {
    finish();
    announced_ = true;
    unit_ = TableUnit::unknown;
    return true;
  }
  if (!announced_) {
    return false;
  }
  if (line.starts_with("# Time unit is ")) {
    unit_ = unit_of_name(line.substr(std::min(line.find('(') + 1, line.size()), 2));
    return true;
  }
  if (line.starts_with("# Duration")) {
    return true;
  }
  if (columns_.empty()) {
    return line.starts_with("Index") && open(line, line_number);
  }
  const std::string_view name = next_word(line);
  std::vector<std::uint64_t> numbers;
  for (std::string_view word; !(word = next_word(line)).empty();) {
    std::uint64_t number = 0;
    if (numbers.size() == columns_.size() || (!is_number(word, number) && word != "-")) {
      return false;
    }
    numbers.push_back(number);
  }
  if (numbers.size() != columns_.size()) {
    return false;
  }
  if (is_summary(name)) {
    summary(name, numbers, line_number);
    return true;
  }
  return row(name, numbers);
}

bool RtlaHistogram::open(std::string_view line, std::int64_t line_number) {
  next_word(line);
  for (std::string_view word; !(word = next_word(line)).empty() && columns_.size() < most_columns;) {
    columns_.push_back({.name = TableStore::cut(word), .unit = unit_, .line = line_number});
  }
  return !columns_.empty();
}

bool RtlaHistogram::row(std::string_view name, const std::vector<std::uint64_t>& counts) {
  const auto& before = columns_.front().buckets;
  if ((before.size() + 1) * columns_.size() > TableLimits::buckets) {
    return false;
  }
  std::uint64_t index = 0;
  HistogramBucket bucket;
  if (name == "over:") {
    bucket = {.lower = before.empty() ? 0 : before.back().upper, .upper = open_above};
  } else if (is_number(name, index) && index < static_cast<std::uint64_t>(open_above)) {
    bucket = {.lower = static_cast<std::int64_t>(index), .upper = static_cast<std::int64_t>(index) + 1};
  } else {
    return false;
  }
  bool whole = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    bucket.count = counts[i];
    whole = TableStore::add_bucket(columns_[i], bucket) && whole;
  }
  return whole;
}

void RtlaHistogram::summary(std::string_view name, const std::vector<std::uint64_t>& numbers,
                            std::int64_t line_number) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::uint64_t total = columns_[i].total();
    if (name == "count:" && total != numbers[i]) {
      columns_[i].cut = true;
      store_.warn(line_number, columns_[i].name + ": the rows count " + std::to_string(total) +
                                   " samples, rtla says " + std::to_string(numbers[i]));
    }
  }
}

void RtlaHistogram::finish() {
  if (!columns_.empty()) {
    store_.format("rtla histogram");
  }
  for (CapturedHistogram& column : columns_) {
    store_.add(std::move(column));
  }
  columns_.clear();
  announced_ = false;
}

}  // namespace calibration
