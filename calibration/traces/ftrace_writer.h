// A simulated run as the text of the kernel's `trace` file, line by line in the form of the captures.
//
//   models::TraceRecorder ──┐
//   models::Host (names) ───┴─► "     agent-0-1004    [001] d..2.     1.000123: sched_switch: ..."
//
// Models:   kernel/trace/trace.c: print_event_info, print_func_help_header_irq; trace_output.c:
//           trace_print_context; trace_syscalls.c with the 0x of recent releases; the TP_printk of
//           include/trace/events/: irq, napi, net, sched, block, io_uring, timer, power.
// Invented: what the simulator has no notion of. Kernel pointers, file descriptors and user addresses
//           come from ids: one object has one value throughout. Every disk is 259,0.
// Left out: preemption in kernel mode (R+): who leaves without sleeping leaves in state R, as on the
//           return to user. Uninterruptible sleep (D): O_DIRECT writers sleep in S. Events that no
//           model fires: ipi_send_cpu, nvme_sq, NET_TX.
#pragma once

#include <string>

#include "models/host.h"
#include "models/tracepoints.h"

namespace calibration {

struct FtraceOptions {
  bool nanoseconds = false;  // nine digits, as `trace-cmd report -t`; the kernel rounds to six
  int first_pid = 1000;      // pid of TaskId 0, >= 1; the idle tasks are 0
};

// The whole text. The records are of `host`; they may come in any order, and those of one instant keep
// theirs. What the recorder could not keep is counted in entries-written, as the kernel counts an overrun.
std::string ftrace_text(const models::Host& host, const models::TraceRecorder& recorder,
                        const FtraceOptions& options = {});

// The same into a file that is whole or untouched. Throws scenarios::OutputError.
void write_ftrace(const std::string& path, const models::Host& host, const models::TraceRecorder& recorder,
                  const FtraceOptions& options = {});

}  // namespace calibration
