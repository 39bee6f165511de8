// Finds in one capture the flaws of the programs and of the capture itself, corrects what its data allows
// and writes down the rest. Used by measure() only.
#pragma once

#include <cstdint>

#include "calibration/fit/measured.h"
#include "calibration/fit/plausible.h"
#include "calibration/fit/printed_rows.h"
#include "calibration/traces/roles.h"

namespace calibration {

void note_races(MeasuredCapture& capture, const Races& races, const PlausibleDuration& rule);

// Corrects a vector's durations when races prove that CPUs shared it, the expected overlap is below a
// tenth of its runs and no tick raises it everywhere at once; otherwise reports how large it may be.
void note_overlap(MeasuredCapture& capture, MeasuredQuantity& quantity, std::int64_t key, const Races& races);

void note_tracer(MeasuredCapture& capture, const TaskRoles& roles);
void note_truncation(MeasuredCapture& capture);
void note_wakeup_stamps(MeasuredCapture& capture);
void note_log(MeasuredCapture& capture);  // lost events, RLIMIT_MEMLOCK, unknown and partial lines, ...
void note_side_files(MeasuredCapture& capture, bool roles_known, bool steps_partial);

}  // namespace calibration
