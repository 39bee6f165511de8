// The scheduler's events as Perfetto's own ftrace bundles, one run of events per CPU: its CPU rows, thread
// states, idle states, and the SQL tables `sched`, `thread_state` and `ftrace_event` come from these.
//
// Why so:   sched_switch, not CompactSched: the compact form leaves out who was switched from, takes it to be
//           who was switched to last, and so hides a broken switch; it also drops each CPU's first one.
//           Interrupts are not in the bundles: they are tracks of their own, because arrows cannot end on
//           rows that Perfetto makes from ftrace, and two rows of one thing would be drawn.
// Left out: a process tree: events have no TGID, and thread names are in sched_switch and sched_waking.
// Memory:   a bundle per CPU.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calibration/traces/event.h"
#include "calibration/traces/perfetto_stream.h"

namespace calibration {

class PerfettoSched {
 public:
  PerfettoSched(PerfettoStream& stream, const Names& names) : stream_{stream}, names_{names} {}

  // Takes sched_*, cpu_idle and lost, and leaves all others. event.cpu is not negative, and small.
  void write(const Event& event);
  void finish();

 private:
  struct Bundle {
    std::string bytes;
    int events = 0;
    bool lost = false;  // before its first event
  };

  void add(Bundle& bundle, const Event& event);
  void flush(Bundle& bundle, std::int32_t cpu);

  PerfettoStream& stream_;
  const Names& names_;
  std::vector<Bundle> bundles_;  // by CPU
  std::string event_;
};

}  // namespace calibration
