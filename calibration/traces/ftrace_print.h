// What follows the time stamp in a line of the kernel's `trace` file: "sched_waking: comm=agent-0 pid=1004
// ...".
//
// Models:   the TP_printk of include/trace/events/: irq, napi, net, sched, block, io_uring, timer, power, ipi
//           (6.12); kernel/trace/trace_syscalls.c: print_syscall_enter, print_syscall_exit.
// Constant: what an Event does not keep reads as in every line of the captures: an I/O priority of "be,0,4",
// no
//           SCSI command "()", rc=0 of net_dev_xmit, cflags 0x0 extra1 0 extra2 0 of io_uring_complete,
//           arguments of a system call past the fourth (argp: 0, argsz: 8).
// Lost:     the letter of a task state that is none of R S D I (it reads X, dead), offsets in the functions
// of
//           ipi_send_cpu, every field of a tracepoint without a kind of its own; the parameters' names of a
//           system call that is no wait gate (they read arg0, arg1, ...).
// Invented: agent_wakeup, the proposal's patch 3/8, is printed with its fields' names, in their order.
#pragma once

#include <fmt/format.h>

#include "calibration/traces/event.h"

namespace calibration {

struct FtracePrintOptions {
  bool hex_prefix = true;  // system calls' arguments read 0x1f, as of recent kernels; up to 6.12: 1f
};

// Appends the line's text, without its end. `lost` has none: it is a line of another form (ftrace_writer.h).
void print_event(fmt::memory_buffer& text, const Event& event, const Names& names,
                 const FtracePrintOptions& options = {});

}  // namespace calibration
