// The text of perf script and perf sched script:
//
//   iperf 27409/28744 [000] 441995.133575:       sched:sched_switch: prev_comm=iperf prev_pid=28744 ...
//   comm  pid/tid     [cpu] time:                event:              fields
//
// With or without pid and CPU; a sample's period before its event; comment lines at the top; the stack of a
// sample in the lines below it, which is passed over, as are the samples of counters (kind `other`): they are
// no tracepoints. A file of nothing else still opens, since what it lacks depends on what is asked of it; the
// log warns.
//
// Models:   tools/perf/builtin-script.c: perf_sample__fprintf_start, process_event (6.12).
// Left out: perf script's other fields (-F), perf data of several machines.
#pragma once

#include <string_view>

#include "calibration/traces/event_line.h"
#include "calibration/traces/text_format.h"

namespace calibration {

TextFormat perf_script_format();

// One line into its parts; false when it is no event. `pid` of the parts is perf's tid.
bool split_perf_line(std::string_view line, EventLine& parts);

}  // namespace calibration
