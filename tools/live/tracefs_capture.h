// A capture by the kernel's own tracer, in a tracefs instance of our own: nobody else's tracing is touched.
//
//   instances/chainsim-PID (clock mono, our events) ─► trace ─► NAME.trace.zst
//
// Only settings of the instance are made, and it is removed with them. After a kill -9 it stays, not tracing
// anything that matters but costing time: its name starts with `instance_prefix`, for whoever cleans up.
//
// Some kernels never record what an idle task does outside interrupts. The trace is therefore read back, and
// a switch that does not leave the task that its CPU last entered makes it incomplete.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calibration/capture/switch_check.h"
#include "calibration/capture/tasks.h"
#include "calibration/traces/event.h"

namespace tools::live {

inline constexpr const char* instance_prefix = "chainsim-";

struct TracefsSummary {
  std::uint64_t events = 0;
  std::uint64_t lost = 0;       // overwritten or dropped, of all CPUs
  std::uint64_t odd_lines = 0;  // that the reader does not understand
  calibration::SwitchCheck switches;
  std::vector<std::string> absent_events;  // that this kernel does not have
  std::int64_t start = 0, end = 0;         // CLOCK_MONOTONIC, ns
  std::vector<std::string> files;

  bool complete() const { return events > 0 && lost == 0 && switches.broken() == 0; }
};

class TracefsCapture {
 public:
  // Makes the instance and sets it up, not tracing yet. Throws scenarios::InputError: no tracefs, not root.
  explicit TracefsCapture(std::uint64_t buffer_kib_per_cpu = std::uint64_t{128} * 1024);
  ~TracefsCapture();  // removes it
  TracefsCapture(const TracefsCapture&) = delete;
  TracefsCapture& operator=(const TracefsCapture&) = delete;

  void start();
  void stop();
  // While they live: the tasks of these processes keep their names, as kernel threads do; all others are
  // called `other` in what is stored.
  void note_tasks(const std::vector<std::int32_t>& processes);
  // Reads the trace, judges it, and stores it as DIRECTORY/NAME.trace.zst. Throws scenarios::OutputError.
  TracefsSummary store(const std::string& directory, const std::string& name);

  const std::string& path() const { return path_; }

 private:
  void set(const std::string& file, const std::string& value) const;
  void enable_events();
  std::uint64_t lost_events() const;
  void rewrite(const std::string& raw, const std::string& text);
  void hide_names(calibration::Event& event, calibration::Names& names) const;

  std::string path_;
  calibration::TaskCensus census_{{}};
  TracefsSummary summary_;
};

}  // namespace tools::live
