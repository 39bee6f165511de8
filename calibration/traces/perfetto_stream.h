// Perfetto's track events, packet by packet: tracks, slices and instants on them, counters, arrows, and the
// names that each sequence of packets says once and then numbers.
//
//   perfetto_writer.cpp and its parts ──► PerfettoStream ──► OutputFile
//
// Models:   TracePacket sequences with incremental state (docs: reference/synthetic-track-event,
// trace-format). Clock:    nanoseconds as they are; with no ClockSnapshot in the file, Perfetto takes them
// for trace time. Memory:   a block of packets and the names said; a name is said at most once per sequence.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "scenarios/output.h"

namespace calibration {

enum class Track : std::uint32_t { none = 0 };  // its uuid in the file
enum class FlowId : std::uint64_t { none = 0 };

enum class TraceCategory : std::uint8_t { irq, softirq, timer, block, net, sched, agent, link, trace };
inline constexpr std::size_t trace_categories = 9;

// The arguments that Perfetto shows beside an event.
enum class TraceArg : std::uint8_t {
  pid,
  cpu,
  sector,
  bytes,
  error,
  work,
  budget,
  len,
  result,
  agent_id,
  step_id,
  latency_class,
  cookie,
  count,
};
inline constexpr std::size_t trace_args = 14;

struct TraceMark {
  std::int64_t time = 0;  // ns
  Track track = Track::none;
  TraceCategory category{};
  std::string_view name;
  FlowId flow = FlowId::none;      // an arrow that begins or passes here
  std::span<const FlowId> ends{};  // arrows that end here
  struct Arg {
    TraceArg name;
    std::int64_t value;
  };
  std::array<Arg, 6> args{};
  std::size_t arg_count = 0;

  TraceMark& arg(TraceArg name_of, std::int64_t value) {
    args[arg_count++] = {name_of, value};
    return *this;
  }
};

struct TrackForm {
  std::string_view name;
  Track parent = Track::none;
  int rank = -1;  // among its siblings; -1: by name
  bool ranks_children = false;
  bool own_row = false;       // also beside siblings of the same name; such a track can be renamed
  std::string_view counts{};  // a counter's unit, "requests"; empty: no counter
};

// Which sequence a packet is of. Times never go back in `events`; in `afterwards` they do.
enum class TraceSequence : std::uint8_t { events, ftrace, afterwards };

class PerfettoStream {
 public:
  explicit PerfettoStream(scenarios::OutputFile& file) : file_{file} {}
  PerfettoStream(const PerfettoStream&) = delete;
  PerfettoStream& operator=(const PerfettoStream&) = delete;

  Track track(const TrackForm& form);
  void rename(Track track, const TrackForm& form);  // the form that it was made of, with another name
  FlowId flow() { return static_cast<FlowId>(++flows_); }

  void begin(const TraceMark& mark) { write(mark, slice_begin, TraceSequence::events); }
  void end(std::int64_t time, Track track);  // of the slice begun last on that track
  void instant(const TraceMark& mark, TraceSequence sequence = TraceSequence::events) {
    write(mark, instant_event, sequence);
  }
  void counter(std::int64_t time, Track track, std::int64_t value,
               TraceSequence sequence = TraceSequence::events);

  void ftrace_bundle(std::string_view bundle);   // an encoded FtraceEventBundle
  void system(std::string_view kernel_release);  // "6.12.0": decides how task states are read
  void flush();                                  // throws scenarios::OutputError, as all do

  std::uint64_t packets() const { return packets_; }
  std::uint64_t flows() const { return flows_; }

 private:
  enum Kind : int { slice_begin = 1, slice_end, instant_event, counter_event };

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Said {  // of one sequence
    bool begun = false;
    std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>> names;
    std::array<bool, trace_categories> categories{};
    std::array<bool, trace_args> args{};
  };

  void describe(Track track, const TrackForm& form);
  void write(const TraceMark& mark, Kind kind, TraceSequence sequence);
  std::uint64_t name_iid(Said& said, std::string_view name);
  void intern(int field, std::uint64_t iid, std::string_view name);
  void open_packet(TraceSequence sequence, std::int64_t time, bool incremental);
  void close_packet();

  scenarios::OutputFile& file_;
  std::array<Said, 3> said_;
  std::string packet_;
  std::string interned_;  // what this packet says for the first time
  std::string buffer_;
  std::uint32_t tracks_ = 0;
  std::uint64_t flows_ = 0;
  std::uint64_t packets_ = 0;
};

}  // namespace calibration
