#include "calibration/traces/map_text.h"

#include <utility>

#include "calibration/traces/histogram_lines.h"

namespace calibration {

bool MapText::take(std::string_view line, std::int64_t line_number, const std::string& clock) {
  if (take_stack(line, line_number, clock)) {
    return true;
  }
  const auto map = parse_map_line(line);
  if (!map) {
    return take_bucket(line);
  }
  close();
  store_.format("bpftrace maps");
  Entry whole{.name = std::string{map->name}, .key = std::string{map->key}};
  if (map->key_goes_on) {
    stack_ = std::move(whole);
    stack_lines_ = 0;
  } else {
    entry(whole, map->value, line_number, clock);
  }
  return true;
}

// A line of a key that is a stack.
bool MapText::take_stack(std::string_view line, std::int64_t line_number, const std::string& clock) {
  constexpr int most_lines = 256;  // bpftrace walks 127 frames by default
  if (!stack_) {
    return false;
  }
  if (const auto end = parse_key_end(line)) {
    Entry whole = *std::exchange(stack_, std::nullopt);
    whole.key += end->key;
    ++store_.tables().stack_keys;
    entry(whole, end->value, line_number, clock);
  } else if (++stack_lines_ > most_lines) {
    stack_.reset();
    return false;
  } else if (stack_->key.size() <= TableLimits::key) {
    stack_->key += stack_->key.empty() ? "" : ";";
    stack_->key += without_spaces(line);
  }
  return true;
}

void MapText::entry(const Entry& entry, std::string_view value, std::int64_t line_number,
                    const std::string& clock) {
  CapturedValue kept{.name = TableStore::cut(entry.name),
                     .key = TableStore::cut(entry.key),
                     .time = clock,
                     .unit = unit_of_name(entry.name),
                     .line = line_number};
  if (value.empty()) {
    open_ = CapturedHistogram{
        .name = kept.name, .key = kept.key, .time = clock, .unit = kept.unit, .line = line_number};
  } else if (const auto number = parse_map_number(value)) {
    kept.value = *number;
    store_.add(std::move(kept));
  } else if (const auto stats = parse_map_stats(value)) {
    kept.value = stats->average;
    kept.stats = stats;
    store_.add(std::move(kept));
  } else {
    ++store_.tables().text_values;
  }
}

bool MapText::take_bucket(std::string_view line) {
  if (!open_) {
    return false;
  }
  if (open_->buckets.empty() && line.find("hh:mm:ss") != std::string_view::npos) {  // tseries()
    ++store_.tables().time_series;
    open_.reset();
    in_time_series_ = true;
    return true;
  }
  const auto bucket = parse_bpftrace_bucket(line);
  return bucket && TableStore::add_bucket(*open_, *bucket);
}

void MapText::close() {
  if (open_) {
    store_.add(*std::exchange(open_, std::nullopt));
  }
}

void MapText::cut() {
  if (open_) {
    open_->cut = true;
  }
}

void MapText::blank() {
  close();
  in_time_series_ = false;
}

}  // namespace calibration
