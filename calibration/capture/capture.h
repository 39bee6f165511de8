// A capture of this machine from beginning to end: the program is run, its rows are taken, scrubbed, sorted
// and stored with what is needed to judge them.
//
//   inspect_machine ─► chain_program ─► TracerProcess ─► ChainRow ─► Scrubber ─► ChainWriter ─►
//   NAME.chain.txt.zst
//
// Stored in one directory, the rows last: where NAME.chain.txt.zst is, everything is.
//   NAME.chain.txt.zst   the events (docs/capture.md)
//   NAME.meta.json       machine, filters, losses, what the tracing cost
//   NAME.topology.yaml   CPUs, interrupts, queues, scheduler
//
// Left out: what happens before everything is traced and after the first probe may be gone; it is not stored.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "calibration/capture/bpf_stats.h"
#include "calibration/capture/event_rate.h"
#include "calibration/capture/machine.h"
#include "calibration/capture/program.h"
#include "calibration/capture/scrubber.h"
#include "calibration/capture/switch_check.h"

namespace calibration {

// For whoever watches a capture from another thread: CLOCK_MONOTONIC, ns; 0 until then.
struct CaptureProgress {
  std::atomic<std::int64_t> start{0};  // everything is traced
  std::atomic<std::int64_t> end{0};    // nothing after this is stored, and tasks may end
};

struct CaptureRequest {
  std::string directory = ".";
  std::string name = "capture";
  double seconds = 5;
  ChainProgramOptions program;
  std::vector<std::int32_t> own_processes;  // keep their names, as do their descendants
  std::uint64_t map_entries = 0;            // 0: by the rate of events
  std::vector<std::string> command;         // run while it captures; its end ends the capture
  bool topology = true;
  CaptureProgress* progress = nullptr;  // optional
};

enum class CaptureEnd { time, command, signal, map_full };
std::string_view to_string(CaptureEnd end);

struct CaptureSummary {
  CaptureEnd ended_by = CaptureEnd::time;
  std::int64_t start = 0, end = 0;  // CLOCK_MONOTONIC, ns: of what is stored
  std::uint64_t events = 0;
  std::vector<std::pair<std::string, std::uint64_t>> events_by_kind;
  std::uint64_t rows = 0;       // as printed, before scrubbing
  std::uint64_t odd_lines = 0;  // that bpftrace printed and nobody understands
  ScrubberCounts scrubbed;
  SwitchCheck switches;
  MapPlan map;
  BpfRuns runs;  // between start and end; 0 where the kernel does not count
  bool counted = false;
  std::int64_t tracer_cpu_ns = 0;  // bpftrace's, between start and end
  std::int64_t tracer_total_cpu_ns = 0;
  std::int64_t tracer_max_rss = 0;  // bytes
  std::int64_t printing_ns = 0;     // from its interruption to its end
  std::int32_t tracer_pid = 0;
  int command_status = 0;  // as of waitpid
  std::string messages;    // of bpftrace, without those known to be harmless
  std::vector<std::string> files;

  bool partial() const { return ended_by == CaptureEnd::signal || ended_by == CaptureEnd::map_full; }
  // Share of all CPUs' time that the probes took while events were captured.
  double probe_share(int cpus) const;
};

// Runs it. Throws scenarios::InputError when bpftrace does not trace (with what it said), OutputError when
// nothing could be stored. `stop` ends it early; what was captured until then is stored, and when that is
// nothing at all, `files` is empty.
CaptureSummary capture_chain(const Machine& machine, const CaptureRequest& request,
                             const std::atomic<bool>& stop);

// The proposal's five programs, one after another, `seconds` each, into DIRECTORY/NAME.PROGRAM.txt. Returns
// the files that were written; fewer than five when `stop` was set.
std::vector<std::string> capture_seed_programs(const Machine& machine, const CaptureRequest& request,
                                               const std::atomic<bool>& stop);

// NAME.meta.json of a capture.
std::string capture_meta(const Machine& machine, const CaptureRequest& request, const CaptureSummary& summary,
                         const ChainProgram& program);

// Without the lines that say nothing about this capture.
std::string relevant_messages(std::string_view messages);

}  // namespace calibration
