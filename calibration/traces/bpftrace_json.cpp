#include "calibration/traces/bpftrace_json.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "calibration/traces/captured_tables.h"

namespace calibration {
namespace {

using nlohmann::json;
using Kind = BpftraceRecord::Kind;

constexpr std::string_view beginning = "{\"type\":";

// A printf record with nothing to unescape but a last newline, which nearly all are: no JSON is built for it.
std::optional<std::string_view> plain_printf(std::string_view line) {
  constexpr std::string_view prefix = R"({"type": "printf", "data": ")";
  constexpr std::string_view suffix = R"(\n"})";
  if (!line.starts_with(prefix) || !line.ends_with(suffix) || line.size() < prefix.size() + suffix.size()) {
    return std::nullopt;
  }
  const std::string_view text = line.substr(prefix.size(), line.size() - prefix.size() - suffix.size());
  return text.find_first_of("\\\"") == std::string_view::npos ? std::optional{text} : std::nullopt;
}

// Brackets are counted before a parser sees them: it would follow them down.
bool nested_too_deep(std::string_view line) {
  constexpr int deepest = 32;  // a map of tuples of structures
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_text) {
      i += c == '\\' ? 1 : 0;
      in_text = c != '"';
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest) {
        return true;
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

// Task names may hold any bytes, JSON only UTF-8: where that is broken, every byte beyond ASCII reads "?".
json parse(std::string_view line) {
  json parsed = json::parse(line, nullptr, false);
  if (parsed.is_discarded()) {
    std::string ascii{line};
    std::replace_if(
        ascii.begin(), ascii.end(), [](char c) { return static_cast<signed char>(c) < 0; }, '?');
    parsed = json::parse(ascii, nullptr, false);
  }
  return parsed;
}

std::optional<std::int64_t> whole_number(const json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    return number > static_cast<std::uint64_t>(open_above) ? open_above : static_cast<std::int64_t>(number);
  }
  if (value.is_number_integer()) {
    return value.get<std::int64_t>();
  }
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = !text.empty() && end == text.data() + text.size();
    if (whole && error == std::errc::result_out_of_range) {
      return text.front() == '-' ? open_below : open_above;
    }
    return whole && error == std::errc{} ? std::optional{number} : std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::int64_t> member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? std::nullopt : whole_number(*found);
}

// {"min": 4, "max": 7, "count": 5}: both inside, either missing at an open end.
std::optional<HistogramBucket> bucket_of(const json& entry) {
  if (!entry.is_object()) {
    return std::nullopt;
  }
  const auto count = member(entry, "count");
  const auto last = member(entry, "max");
  if (!count || *count < 0) {
    return std::nullopt;
  }
  return HistogramBucket{.lower = member(entry, "min").value_or(open_below),
                         .upper = !last || *last == open_above ? open_above : *last + 1,
                         .count = static_cast<std::uint64_t>(*count)};
}

void add_histogram(const std::string& name, std::string_view key, const json& entries,
                   BpftraceRecord& record) {
  CapturedHistogram histogram{
      .name = TableStore::cut(name), .key = TableStore::cut(key), .unit = unit_of_name(name)};
  for (const json& entry : entries) {
    const auto bucket = bucket_of(entry);
    if (!bucket || !TableStore::add_bucket(histogram, *bucket)) {
      record.ascending = false;
      return;
    }
  }
  record.histograms.push_back(std::move(histogram));
}

bool is_stats(const json& value) {
  return value.is_object() && value.size() == 3 && member(value, "count") && member(value, "average") &&
         member(value, "total");
}

void add_value(const std::string& name, std::string_view key, const json& value, BpftraceRecord& record) {
  CapturedValue entry{.name = TableStore::cut(name), .key = TableStore::cut(key), .unit = unit_of_name(name)};
  if (is_stats(value)) {
    entry.value = *member(value, "average");
    const std::int64_t count = *member(value, "count");
    entry.stats = StatedSummary{.average = entry.value,
                                .total = *member(value, "total"),
                                .count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, count)),
                                .unit = entry.unit};
  } else if (const auto number = whole_number(value)) {
    entry.value = *number;
  } else {
    ++record.text_values;
    return;
  }
  record.values.push_back(std::move(entry));
}

// A stack's frames, which are lines, become one.
std::string one_line(std::string_view key) {
  std::string line;
  for (const char c : key) {
    if (c != '\n') {
      line += c;
    } else if (!line.empty()) {
      line += ';';
    }
  }
  return line;
}

void add_map(const std::string& name, const json& data, BpftraceRecord& record) {
  if (record.type == "tseries") {
    ++record.time_series;
  } else if (record.type == "hist" && data.is_array()) {
    add_histogram(name, "", data, record);
  } else if (!data.is_object() || is_stats(data)) {
    add_value(name, "", data, record);
  } else {
    for (const auto& [key, value] : data.items()) {
      if (record.type == "hist") {
        add_histogram(name, one_line(key), value, record);
      } else {
        add_value(name, one_line(key), value, record);
      }
    }
  }
}

Kind kind_of(const std::string& type) {
  const auto is = [&](std::initializer_list<std::string_view> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  return type == "printf"                                                    ? Kind::text
         : type == "time"                                                    ? Kind::time
         : type == "lost_events"                                             ? Kind::lost_events
         : type == "attached_probes"                                         ? Kind::attached_probes
         : is({"map", "stats", "hist", "tseries"})                           ? Kind::tables
         : is({"runtime_error", "helper_error", "errorf", "warnf", "error"}) ? Kind::message
                                                                             : Kind::other;
}

void read_data(const json& data, BpftraceRecord& record) {
  switch (record.kind) {
    case Kind::text:
    case Kind::time:
      record.text = data.is_string() ? data.get<std::string>() : "";
      break;
    case Kind::tables:
      if (data.is_object()) {
        for (const auto& [name, map] : data.items()) {
          add_map(name, map, record);
        }
      }
      break;
    case Kind::lost_events:
    case Kind::attached_probes:
      if (data.is_object()) {
        const char* name = record.kind == Kind::lost_events ? "events" : "probes";
        record.count = static_cast<std::uint64_t>(std::max<std::int64_t>(0, member(data, name).value_or(0)));
      }
      break;
    case Kind::message:
    case Kind::other:
      break;
  }
}

}  // namespace

bool is_bpftrace_record(std::string_view line) { return line.starts_with(beginning); }

std::optional<BpftraceRecord> parse_bpftrace_record(std::string_view line) {
  BpftraceRecord record;
  if (const auto text = plain_printf(line)) {
    record.kind = Kind::text;
    record.type = "printf";
    record.text.reserve(text->size() + 1);
    record.text.append(*text) += '\n';
    return record;
  }
  if (!is_bpftrace_record(line) || nested_too_deep(line)) {
    return std::nullopt;
  }
  const json parsed = parse(line);
  if (!parsed.is_object()) {
    return std::nullopt;
  }
  const auto type = parsed.find("type");
  if (type == parsed.end() || !type->is_string()) {
    return std::nullopt;
  }
  record.type = type->get<std::string>();
  record.kind = kind_of(record.type);
  if (const auto data = parsed.find("data"); data != parsed.end()) {
    read_data(*data, record);
  }
  if (const auto message = parsed.find("msg"); message != parsed.end() && message->is_string()) {
    record.text = message->get<std::string>();
  }
  return record;
}

void PrintedLines::add(std::string_view text) {
  text_.erase(0, begin_);
  begin_ = 0;
  const std::size_t room = text.find('\n') == std::string_view::npos && text_.size() + text.size() > longest
                               ? longest - std::min(longest, text_.size())
                               : text.size();
  text_ += text.substr(0, room);
}

bool PrintedLines::next(std::string& line) {
  const auto newline = text_.find('\n', begin_);
  if (newline == std::string::npos) {
    return false;
  }
  line.assign(text_, begin_, newline - begin_);
  begin_ = newline + 1;
  return true;
}

}  // namespace calibration
