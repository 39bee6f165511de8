// What our chain program keeps of each event, and how that becomes an Event again. Both sides of it stand
// here: the generator (calibration/capture/program.h) writes the words, the reader (chain_rows.h) takes them.
//
//   tracepoint ──► @e[nsecs, cpu] = (kind | tid << 8, a, b, c, d, text) ──► ChainRow ──► Event
//
// A map entry holds four words and one text of 16 bytes (NUL included), so two numbers of 32 bits share a
// word, the first in its upper half. The key makes an entry unique: no CPU fires two events in one
// nanosecond.
//
// Models:   the fields of include/trace/events/*.h (6.1 to 6.18) that event.h knows; and, as `other` events,
//           arch/x86/include/asm/trace/irq_vectors.h, which tell when the timer's and other CPUs' interrupts
//           run: no irq_handler_entry does.
// Left out: names of the tasks that fire an event (they follow from the switches), names longer than 15
// bytes.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "calibration/traces/event.h"

namespace calibration {

inline constexpr std::string_view chain_raw_tag = "# chainsim chain raw 1";  // the program prints it first,
inline constexpr std::string_view chain_exact_tag = "# context exact";       // and this, where it is so

enum class ChainFilter : std::uint8_t { none, task, device };  // what a filter may leave out

// One half of a word, or all of it: a field of the tracepoint; "" for nothing.
struct ChainWord {
  std::string_view high;  // upper 32 bits
  std::string_view low;   // lower 32 bits, or the whole word when `high` is ""
};

struct ChainPoint {
  std::uint8_t code;  // in the row; never changes its meaning
  EventKind kind;
  std::string_view tracepoint;  // "sched:sched_switch"
  std::array<ChainWord, 4> words;
  std::string_view text;  // a field; "" for none
  ChainFilter filter = ChainFilter::none;
  bool optional = false;  // kernels without it can be captured all the same
};

std::span<const ChainPoint> chain_points();
const ChainPoint* chain_point(std::uint8_t code);   // nullptr: no such code
std::string_view name_of(const ChainPoint& point);  // "sched_switch", "sys_enter_epoll_wait"

struct ChainRow {
  std::int64_t time = 0;  // ns
  std::int32_t cpu = 0;
  std::int32_t tid = 0;  // of the task that the CPU runs or has interrupted
  std::uint8_t code = 0;
  std::array<std::uint64_t, 4> words{};
  std::array<char, 16> text{};

  std::string_view text_view() const;
};

// The event of a row, without names of tasks except those in the row (wakee, next task, migrated task).
// A function is named "0x..." by its address. `row.code` must be one of chain_points().
Event decode(const ChainRow& row, Names& names);

}  // namespace calibration
