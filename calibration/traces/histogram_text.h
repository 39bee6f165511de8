// Reads captures that hold no single events but what a tracer counted: histograms, maps and totals.
//
//   CapturedTables tables = read_tables("runqlat.txt");
//   tables.histograms[0].percentile(0.99)   // [16384, 32768) us
//
// Formats:  bpftrace's maps (hist, lhist, count, sum, min, max, avg, stats; keys of several parts and
// stacks),
//           printed as text or by -f json, 0.17 as it printed them and later ones from published samples;
//           bcc's distributions (power of two and linear, with sections and clocks, also biolatency -j), its
//           totals (hardirqs, softirqs) and argdist's counts; perf-tools' iolatency and perf-stat-hist;
//           rtla's histograms of timerlat and osnoise.
// Throws InputError: a file that holds none of these, or mostly something else (foreign_text.h says what), or
//           more of them than TableLimits allows.
// Left out: schbench, cyclictest and tables with commas, which are summaries of another kind.
#pragma once

#include <filesystem>

#include "calibration/traces/captured_tables.h"

namespace calibration {

CapturedTables read_tables(const std::filesystem::path& path);

}  // namespace calibration
