// trace.dat, the binary that `trace-cmd record` and `extract` write, through libtracecmd: versions 6 and 7,
// compressed inside or not, all buffer instances, in the order of time over all CPUs.
//
// Models:   trace-cmd.dat(5); the ring buffer's pages, kernel/trace/ring_buffer.c.
// Left out: clocks that count no nanoseconds (counter, uptime, x86-tsc without its scale), whose times are as
//           stored; guests' records in the host's file; plugins of libtraceevent, which only print.
//
// The library runs in a process of its own (parser_process.h). Reading needs seeks: a compressed file is
// unpacked into a temporary one first (unpacked_file.h).
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "calibration/traces/event_reader.h"
#include "calibration/traces/parser_process.h"

namespace calibration {

// Whether these are the first bytes of one (uncompressed).
bool is_trace_dat(std::string_view head);

// Throws scenarios::InputError, as next() does; scenarios::OutputError when there is no room to unpack.
std::unique_ptr<EventSource> open_trace_dat(const std::filesystem::path& path, Names& names, CaptureLog& log);

}  // namespace calibration
