#include "calibration/traces/chain_rows.h"

#include <algorithm>
#include <memory>

#include "calibration/traces/chain_stored.h"
#include "calibration/traces/event_line.h"
#include "calibration/traces/event_wire.h"
#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

constexpr std::string_view raw_tag_start = "# chainsim chain raw ";

// A word of the map: unsigned, or signed where a version of bpftrace prints it so.
bool word(TextScan& text, std::uint64_t& value) {
  if (text.next_is('-')) {
    std::int64_t negative = 0;
    if (!text.number(negative)) {
      return false;
    }
    value = static_cast<std::uint64_t>(negative);
    return true;
  }
  return text.number(value);
}

// What bpftrace prints before and after the map.
bool is_around_rows(std::string_view line) {
  return trimmed(line).empty() || line.starts_with("Attach") ||
         line.find("ERROR: ") != std::string_view::npos || line.find("WARNING: ") != std::string_view::npos ||
         line.starts_with('#');
}

class PrintedRows final : public EventSource {
 public:
  explicit PrintedRows(TextInput input) : input_{input}, state_{input.names} {
    input_.log.detail = "printed by bpftrace";
  }

  bool next(Event& event) override {
    for (std::string_view line; input_.file.next_line(line);) {
      ++input_.log.lines;
      ChainRow row;
      if (input_.file.partial_line()) {
        input_.log.partial_last_line = true;
      } else if (parse_chain_row(line, row)) [[likely]] {
        nonsense_.known();
        event = decode(row, input_.names);
        state_.complete(event);
        return true;
      } else if (is_around_rows(line)) {
        around(line);
      } else {
        nonsense_.unknown(input_, line, 1, "a row of the chain program's map: @e[time, cpu]: (...)");
      }
    }
    return false;
  }

 private:
  void around(std::string_view line) {
    nonsense_.passed();
    if (line == chain_exact_tag) {
      state_.context_is_exact(true);
    }
    if (line.starts_with(raw_tag_start) && line != chain_raw_tag) {
      throw input_.file.error(1, "rows of another version: " + scenarios::quoted(line),
                              std::string{chain_raw_tag},
                              "read them with the chainsim that printed the program");
    }
  }

  TextInput input_;
  ChainState state_;
  Nonsense nonsense_;
};

bool is_raw(std::string_view head) {
  return head.starts_with(raw_tag_start) ||
         head.find("\n" + std::string{raw_tag_start}) != std::string_view::npos;
}

bool recognises(std::string_view head) { return head.starts_with(chain_stored_tag) || is_raw(head); }

std::unique_ptr<EventSource> open(TextInput input) {
  if (is_raw(input.file.head())) {
    return std::make_unique<PrintedRows>(input);
  }
  return open_stored_rows(input);
}

}  // namespace

bool fill_chain_row(std::int64_t time, std::int64_t cpu, std::uint64_t head, std::string_view text,
                    ChainRow& row) {
  constexpr std::uint64_t code_mask = 0xff;
  constexpr int tid_shift = 8;
  const std::uint64_t tid = head >> tid_shift;
  if (time < 0 || time > max_event_time || cpu < 0 || cpu > max_cpu ||
      tid > static_cast<std::uint64_t>(TaskNames::max_pid) ||
      chain_point(static_cast<std::uint8_t>(head & code_mask)) == nullptr) {
    return false;
  }
  row.time = time;
  row.cpu = static_cast<std::int32_t>(cpu);
  row.tid = static_cast<std::int32_t>(tid);
  row.code = static_cast<std::uint8_t>(head & code_mask);
  row.text.fill('\0');
  std::copy_n(text.data(), std::min(text.size(), row.text.size() - 1), row.text.begin());
  return true;
}

bool parse_chain_row(std::string_view line, ChainRow& row) {
  TextScan text{line};
  std::int64_t time = 0, cpu = 0;
  std::uint64_t head = 0;
  if (!line.ends_with(')') || !text.literal("@e[") || !text.number(time) || !text.literal(", ") ||
      !text.number(cpu) || !text.literal("]: (") || !word(text, head)) {
    return false;
  }
  for (std::uint64_t& each : row.words) {
    if (!text.literal(", ") || !word(text, each)) {
      return false;
    }
  }
  if (!text.literal(", ")) {
    return false;
  }
  return fill_chain_row(time, cpu, head, text.rest().substr(0, text.rest().size() - 1), row);
}

TextFormat chain_rows_format() {
  return {.format = CaptureFormat::bpftrace_chain, .recognises = recognises, .open = open};
}

}  // namespace calibration
