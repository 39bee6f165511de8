// Rows of our chain program, in the two forms that text can have: as `chainsim capture` stores them, and as
// bpftrace prints the program's map when somebody runs it by hand (`chainsim capture --print`).
//
//   # chainsim chain 1                                                        stored, docs/capture.md
//   task 812 agent
//   11393006782345 0 812 sched_switch 812 120 S 0 120
//
//   # chainsim chain raw 1                                                    plain bpftrace output
//   @e[11393006782345, 0]: (207884, 3487513804800, 515396075640, 1, 0, swapper/0)
//
// Stored rows are sorted by time. Printed ones are sorted by bpftrace itself, by the key, from 0.9 on.
// With -f json the whole map is one line: chain_json.h.
//
// Throws scenarios::InputError: rows of another version, text whose lines mostly make no sense.
// Left out: names of functions in printed rows, which stay addresses ("0xffff..."): only the machine that was
//           captured knows them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "calibration/traces/chain_program.h"
#include "calibration/traces/chain_state.h"
#include "calibration/traces/event.h"
#include "calibration/traces/text_format.h"

namespace calibration {

TextFormat chain_rows_format();

// One printed row; false when it is none, or of no kind that this version knows.
bool parse_chain_row(std::string_view line, ChainRow& row);

// Whether the words fit their kind: head is the first number of the tuple.
bool fill_chain_row(std::int64_t time, std::int64_t cpu, std::uint64_t head, std::string_view text,
                    ChainRow& row);

// What stands in the head of a stored capture.
struct ChainHeader {
  std::int64_t cpus = 0;
  std::int64_t tracer = 0;     // pid of bpftrace; 0: not said
  bool exact_context = false;  // the machine has irq_vectors tracepoints
  std::uint64_t lost = 0;      // events, as far as they could be counted
};

// Writes the stored form. Events must come sorted by time and with the names of their tasks.
class ChainWriter {
 public:
  ChainWriter(std::string& out, const Names& names) : out_{out}, names_{names} {}

  void header(const ChainHeader& header);
  void event(const Event& event);
  void end();  // the last line; without it a capture counts as broken off

 private:
  void task(std::int32_t pid, Name comm);
  void tasks_of(const Event& event);
  void number(std::int64_t value);
  void token(Name name);

  std::string& out_;
  const Names& names_;
  TaskNames said_;
  std::uint64_t events_ = 0;
};

}  // namespace calibration
