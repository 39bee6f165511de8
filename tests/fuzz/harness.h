// What is fuzzed: one function for each reader, which gives it any bytes at all as if a user had. libFuzzer
// calls it (entry.cpp) and the tests replay the kept inputs through it (corpus_replay_test.cpp).
//
// A reader may read the input or refuse it with an InputError whose message is one printable line. Anything
// else is a finding: a crash, another exception, a Broken promise, more than 512 MB, more than 5 s.
#pragma once

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "scenarios/input_error.h"

namespace fuzz {

// A reader returned something that it promises not to.
class Broken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void promise(bool kept, const char* what) {
  if (!kept) {
    throw Broken{what};
  }
}

// Runs `read` and takes a refusal as an answer, if it is one that can be printed.
template <class Read>
void may_refuse(Read&& read) {
  try {
    read();
  } catch (const scenarios::InputError& error) {
    for (const char c : std::string_view{error.what()}) {
      promise(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f, "an error message is one printable line");
    }
    promise(error.line() >= 0 && error.column() >= 0, "an error's place counts from 1");
    promise(!error.found().empty(), "an error says what was found");
  }
}

// Where readers that take a path find `input`, until the next call. Two files define it: input_file.cpp for
// the tests, memory_source.cpp for the fuzzers.
const std::string& path_of(std::string_view input);

// Whether CaptureFile would decompress `input`. Only its own fuzzer tries that: in the others it would be the
// decompressor that most of the time goes to.
inline bool compressed(std::string_view input) {
  constexpr std::array<std::string_view, 3> magic{"\x1f\x8b", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ"};
  return std::any_of(magic.begin(), magic.end(), [&](auto bytes) { return input.starts_with(bytes); });
}

void bpftrace_line(std::string_view input);  // one row
void bpftrace_rows(std::string_view input);  // a capture of the proposal's programs
void capture_file(std::string_view input);   // lines, plain or compressed
void chain_rows(std::string_view input);     // a capture of the chain program
void event_line(std::string_view input);     // one line of ftrace, perf script or the chain program
void event_wire(std::string_view input);     // what a parser in a process of its own sends
void events(std::string_view input);         // a capture of events in any text format
void roles(std::string_view input);          // LOAD.PROGRAM.roles.csv
void steps(std::string_view input);          // LOAD.PROGRAM.steps.csv
void tables(std::string_view input);         // histograms and maps
void topology(std::string_view input);       // /proc and /sys, from saved files
void zstd_frames(std::string_view input);    // where the frames of a zstd stream end

struct Reader {
  std::string_view name;  // of the function, its file fuzz_NAME.cpp and its folder corpus/NAME
  void (*read)(std::string_view input);
};

inline constexpr std::array readers{
    Reader{"bpftrace_line", &bpftrace_line},
    Reader{"bpftrace_rows", &bpftrace_rows},
    Reader{"capture_file", &capture_file},
    Reader{"chain_rows", &chain_rows},
    Reader{"event_line", &event_line},
    Reader{"event_wire", &event_wire},
    Reader{"events", &events},
    Reader{"roles", &roles},
    Reader{"steps", &steps},
    Reader{"tables", &tables},
    Reader{"topology", &topology},
    Reader{"zstd_frames", &zstd_frames},
};

}  // namespace fuzz
