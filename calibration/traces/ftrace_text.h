// The text of ftrace: `trace`, `trace_pipe`, trace-cmd report, Android's atrace and systrace. One line
// grammar:
//
//        agent-0-9967  ( 9960) [001] d.h1.  6910.964497: irq_handler_entry: irq=36 name=virtio1-req.0
//        comm-pid      (tgid)  [cpu] flags  time:        event
//
// A task's name may hold spaces, dashes, colons and brackets: it ends at the last dash before its pid. TGID
// and flags may be absent, as in trace-cmd report; so may CPU or task, in excerpts from mails. trace-cmd
// report -l has CPU and flags in one word ("0d.h1").
//
// Models:   kernel/trace/trace_output.c: trace_print_context, trace_print_lat_fmt; trace.c: the header,
// "CPU:1
//           [LOST 12 EVENTS]", "##### CPU 1 buffer started ####"; trace-cmd-report.c; up to 6.18, with
//           PREEMPT_RT's flags of seven characters and lazy preemption's letters.
// Left out: function_graph's text, which holds no tracepoints; the latency tracers' tables ("bash-1977 0d...
// 12us").
//           Function tracer lines and stacks are events of kind `other`, stack entries are passed over.
#pragma once

#include <string_view>

#include "calibration/traces/event_line.h"
#include "calibration/traces/text_format.h"

namespace calibration {

TextFormat ftrace_text_format();

// One line into its parts; false when it is no event. For tests and other tools.
bool split_ftrace_line(std::string_view line, EventLine& parts);

// "d.h1." as flags; all unknown when the letters are none of them.
EventFlags ftrace_flags(std::string_view column);

}  // namespace calibration
