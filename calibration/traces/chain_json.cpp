#include "calibration/traces/chain_json.h"

#include <memory>
#include <string>
#include <string_view>

#include "calibration/traces/chain_rows.h"
#include "calibration/traces/event_line.h"
#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

constexpr std::string_view map_key = "\"@e\":";

// A JSON text at `text`, whose quotes are passed over; escapes other than \uXXXX below 0x80 and the
// two-letter ones are kept as they stand.
bool json_text(TextScan& text, std::string& value) {
  value.clear();
  if (!text.literal("\"")) {
    return false;
  }
  while (!text.done() && !text.next_is('"')) {
    char c = *text.at++;
    if (c == '\\') {
      if (text.done()) {
        return false;
      }
      c = *text.at++;
      if (c == 'u') {
        std::uint64_t code = 0;
        if (text.rest().size() < 4) {
          return false;
        }
        TextScan hex{text.rest().substr(0, 4)};
        if (!hex.hex(code) || !hex.done()) {
          return false;
        }
        text.at += 4;
        c = code < 0x80 ? static_cast<char>(code) : '?';
      } else if (constexpr std::string_view letters = "nrtbf", meant = "\n\r\t\b\f";
                 letters.find(c) != std::string_view::npos) {
        c = meant[letters.find(c)];
      }
    }
    value += c;
  }
  return text.literal("\"");
}

// A number, bare or in quotes.
template <class Int>
bool json_number(TextScan& text, Int& value) {
  text.spaces();
  const bool quoted = text.literal("\"");
  std::int64_t negative = 0;
  const bool read = text.next_is('-') ? text.number(negative) : text.number(value);
  if (negative != 0) {
    value = static_cast<Int>(negative);
  }
  return read && (!quoted || text.literal("\""));
}

bool comma(TextScan& text) {
  text.spaces();
  return text.literal(",");
}

class JsonRows final : public EventSource {
 public:
  explicit JsonRows(TextInput input) : input_{input}, state_{input.names} {
    if (!input.file.regular()) {
      throw input.file.error(0, "the chain program's map as JSON from a pipe", "a file",
                             "save it to a file first, or print it without -f json");
    }
    file_ = std::make_unique<CaptureFile>(input.file.name(), max_chain_map);
    input_.log.detail = "printed by bpftrace -f json";
  }

  bool next(Event& event) override {
    for (;;) {
      if (ChainRow row; !entries_.done() && entry(row)) {
        event = decode(row, input_.names);
        state_.complete(event);
        return true;
      }
      if (std::string_view line; !file_->next_line(line)) {
        return false;
      } else {
        ++input_.log.lines;
        begin(line);
      }
    }
  }

 private:
  void begin(std::string_view line) {
    input_.log.partial_last_line = file_->partial_line();
    entries_ = TextScan{""};
    if (line.find(chain_exact_tag) != std::string_view::npos) {
      state_.context_is_exact(true);
    }
    constexpr std::size_t preamble = 64;  // {"type": "map", "data": {"@e": {
    const auto key = line.substr(0, preamble).find(map_key);
    if (key != std::string_view::npos) {
      TextScan text{line.substr(key + map_key.size())};
      text.spaces();
      if (text.literal("{")) {
        entries_ = text;
      }
    }
  }

  // The next entry; false at the map's end, and where it makes no sense, which also ends it.
  bool entry(ChainRow& row) {
    TextScan& text = entries_;
    text.spaces();
    std::int64_t time = 0, cpu = 0;
    std::uint64_t head = 0;
    const char* const from = text.at;
    bool good = text.literal("\"") && text.number(time) && comma(text);
    if (good) {
      text.spaces();
      good = text.number(cpu) && text.literal("\"") && text.literal(":");
    }
    if (good) {
      text.spaces();
      good = text.literal("[") && json_number(text, head);
    }
    for (std::uint64_t& word : row.words) {
      good = good && comma(text) && json_number(text, word);
    }
    good = good && comma(text);
    if (good) {
      text.spaces();
      good = json_text(text, text_) && (text.spaces(), text.literal("]")) &&
             fill_chain_row(time, cpu, head, text_, row);
    }
    if (!good) {
      stop_at(from);
      return false;
    }
    comma(text);
    return true;
  }

  void stop_at(const char* from) {
    const std::string_view rest{from, static_cast<std::size_t>(entries_.end - from)};
    if (!trimmed(rest).starts_with("}")) {
      warn(input_.log, file_->line_number(),
           "the map breaks off or makes no sense at " + scenarios::quoted(rest.substr(0, 60)));
      ++input_.log.unknown_lines;
    }
    entries_ = TextScan{""};
  }

  TextInput input_;
  std::unique_ptr<CaptureFile> file_;
  ChainState state_;
  TextScan entries_{""};  // what is left of the map's line
  std::string text_;
};

bool recognises(std::string_view head) {
  constexpr std::string_view tagged = "\"# chainsim chain raw 1\\n";
  return head.find("{\"type\":") != std::string_view::npos && head.find(tagged) != std::string_view::npos;
}

std::unique_ptr<EventSource> open(TextInput input) { return std::make_unique<JsonRows>(input); }

}  // namespace

TextFormat chain_json_format() {
  return {.format = CaptureFormat::bpftrace_json, .recognises = recognises, .open = open};
}

}  // namespace calibration
