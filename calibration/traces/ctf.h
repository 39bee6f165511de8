// LTTng's kernel traces, Common Trace Format 1.8: a directory with `metadata` and a file of packets for each
// CPU, through babeltrace2's library.
//
// Models:   lttng-modules' names of the kernel's tracepoints, from 2.0 (softirq_entry, sys_*, exit_syscall)
// to 2.13
//           (irq_softirq_entry, syscall_entry_*).
// Left out: traces of user space (their events are `other`); several traces below one directory.
//
// Times are ns since the clock's origin, for LTTng the Unix epoch. Who runs is not in the events: pid and
// comm follow each CPU's sched_switch and are -1 and none before its first; a context (tid, procname) goes
// before. The streams are merged here and not by babeltrace2's muxer, which gives up where a packet begins
// before the one ahead of it ended: an LTTng of 2013 stamps that late, though the events on both sides are
// in order. Should time go back from one event of a stream to its next, they are handed out as they lie
// there, and CaptureLog::time_went_back counts it.
#pragma once

#include <filesystem>
#include <memory>

#include "calibration/traces/event_reader.h"

namespace calibration {

// Throws scenarios::InputError, as next() does, with babeltrace2's own words. Its library runs in a process
// of its own (parser_process.h).
std::unique_ptr<EventSource> open_ctf(const std::filesystem::path& directory, Names& names, CaptureLog& log);

}  // namespace calibration
