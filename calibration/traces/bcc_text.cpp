#include "calibration/traces/bcc_text.h"

#include <algorithm>
#include <utility>

namespace calibration {
namespace {

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> result;
  for (std::size_t begin = 0; (begin = line.find_first_not_of(" \t", begin)) != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
    result.push_back(line.substr(begin, end - begin));
    begin = end;
  }
  return result;
}

}  // namespace

bool BccText::take(std::string_view line, std::int64_t line_number, const std::string& clock) {
  return take_histogram(line, line_number, clock) || take_totals(line, line_number, clock);
}

bool BccText::take_histogram(std::string_view line, std::int64_t line_number, const std::string& clock) {
  if (const auto heading = parse_bcc_heading(line)) {
    close();
    const bool perf_tools = heading->upper_outside || heading->title == "Range";
    store_.format(perf_tools ? "perf-tools histograms" : "bcc tables");
    open_ = CapturedHistogram{.name = TableStore::cut(heading->title),
                              .key = std::exchange(section_, ""),
                              .time = clock,
                              .unit = heading->unit,
                              .line = line_number};
    upper_outside_ = heading->upper_outside;
    return true;
  }
  if (const auto summary = parse_bcc_summary(line)) {
    close();
    state(*summary, line_number);
    return true;
  }
  if (const auto record = parse_bcc_record(line)) {
    close();
    add_record(*record, line_number);
    return true;
  }
  const auto bucket = open_ ? parse_bcc_bucket(line, upper_outside_) : std::nullopt;
  return bucket && TableStore::add_bucket(*open_, *bucket);
}

void BccText::add_record(const BccRecord& record, std::int64_t line_number) {
  CapturedHistogram histogram{.name = TableStore::cut(record.title),
                              .key = TableStore::cut(record.section),
                              .time = TableStore::cut(record.time),
                              .unit = unit_of_name(record.title),
                              .line = line_number};
  for (const HistogramBucket& bucket : record.buckets) {
    histogram.cut |= !TableStore::add_bucket(histogram, bucket);
  }
  store_.format("bcc tables");
  store_.add(std::move(histogram));
}

// The summary belongs to the histogram before it, if they agree on the count.
void BccText::state(const StatedSummary& summary, std::int64_t line_number) {
  auto& histograms = store_.tables().histograms;
  if (histograms.empty() || histograms.back().stated || histograms.back().total() != summary.count) {
    return;
  }
  CapturedHistogram& histogram = histograms.back();
  histogram.stated = summary;
  const auto mean = histogram.mean();
  const auto average = static_cast<double>(summary.average);
  // The average is cut to a whole number, so it may be up to 1 below the mean.
  if (mean && summary.unit != histogram.unit && mean->low - 1 <= average && average <= mean->high) {
    histogram.stated->unit = histogram.unit;
    store_.warn(line_number, "the average is printed in " + std::string{to_string(summary.unit)} +
                                 ", but fits the histogram above only in its " +
                                 std::string{to_string(histogram.unit)});
  }
}

bool BccText::take_totals(std::string_view line, std::int64_t line_number, const std::string& clock) {
  const auto cells = words(line);
  const bool counts = cells.size() == 2 && cells[0] == "COUNT" && cells[1] == "EVENT";
  if (counts || (cells.size() >= 2 && cells[1].starts_with("TOTAL_"))) {
    close();
    store_.format("bcc tables");
    columns_.assign(cells.begin() + 1, cells.end());
    if (counts) {
      columns_ = {"COUNT"};
    }
    number_first_ = counts;
    return true;
  }
  if (columns_.empty() || cells.size() <= columns_.size()) {
    return false;
  }
  if (number_first_) {
    const auto name = static_cast<std::size_t>(cells[1].data() - line.data());
    return add_total(columns_[0], line.substr(name), cells[0], line_number, clock);
  }
  const std::size_t first = cells.size() - columns_.size();
  const std::string_view name = line.substr(0, static_cast<std::size_t>(cells[first].data() - line.data()));
  bool all = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    all = add_total(columns_[i], name, cells[first + i], line_number, clock) && all;
  }
  return all;
}

bool BccText::add_total(const std::string& column, std::string_view key, std::string_view cell,
                        std::int64_t line_number, const std::string& clock) {
  const auto number = parse_map_number(cell);
  if (number) {
    store_.add(CapturedValue{.name = TableStore::cut(column),
                             .key = TableStore::cut(without_spaces(key)),
                             .time = clock,
                             .unit = unit_of_name(column),
                             .value = *number,
                             .line = line_number});
  }
  return number.has_value();
}

void BccText::section(std::string_view text) {
  close();
  section_ = TableStore::cut(text);
}

void BccText::close() {
  columns_.clear();
  if (open_) {
    store_.add(*std::exchange(open_, std::nullopt));
  }
}

void BccText::cut() {
  if (open_) {
    open_->cut = true;
  }
}

}  // namespace calibration
