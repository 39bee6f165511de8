// A third-party parser of captures in a process of its own: whatever a hostile or damaged file makes it do
// (crash, loop, eat memory, print, write) ends as an InputError here.
//
//   start_parser({.file = "trace.dat", .parser = "libtracecmd", .parse = [](EventWriter& out) { ... }}, ...)
//
// The child is a fork without exec, so that no second program is to be found or installed. All its signals
// are at their defaults, its only files are its input and two pipes, and rlimits bound its memory, CPU time
// and files and forbid core dumps. The pipe's capacity holds it back when the parent is slower.
//
// Left out: seccomp; the child still sees the file system, as whoever runs it does.
//
// Memory mapped by the parent counts in the child too, so its limit is beyond that. A fork of a program with
// threads copies only the calling thread; glibc keeps malloc and the loader usable in the child, and no lock
// of ours is taken there. The child dies with the thread that forked it: keep a reader in the thread that
// opened it. SIGINT and SIGQUIT are the parent's to handle: the child ignores them and dies with the parent
// or its reader.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "calibration/traces/event_reader.h"
#include "calibration/traces/event_wire.h"

namespace calibration {

struct ParserLimits {
  std::uint64_t memory = std::uint64_t{2} << 30;  // bytes; not enforced under AddressSanitizer
  std::uint64_t cpu_seconds = 60;
  // The longest wait for the next bytes, and the most CPU time that may go by in it: a parser that loops is
  // found out by the latter, however busy the machine.
  std::chrono::milliseconds silence{60'000};
  std::chrono::milliseconds silent_cpu{5'000};
};

// Generous for any real parser: a minute and a second for every MiB of input.
std::uint64_t parser_cpu_seconds(std::uint64_t input_bytes);

struct ParserJob {
  std::string file;      // as the user named it
  std::string parser;    // whose refusals these are: "libtracecmd"
  std::string expected;  // what the file should have been: "an undamaged trace.dat"
  int input = -1;        // an open file that the child keeps; closing it stays with the caller
  ParserLimits limits = {};
  // What of a line of its stderr is worth telling (no addresses, dates, process numbers); all of it when
  // null.
  std::string_view (*gist)(std::string_view line) = nullptr;
  // Runs in the child. Its `input` is another number for the same open file. Whatever it throws is a refusal;
  // it need not call end().
  std::function<void(EventWriter& out, int input)> parse;
};

// Throws std::system_error when there can be no further process. next() throws InputError: what the parser
// refused, or how it ended, with the first line of its stderr for a refusal and the last for anything else.
// The process is gone when the source is.
std::unique_ptr<EventSource> start_parser(const ParserJob& job, Names& names, CaptureLog& log);

}  // namespace calibration
