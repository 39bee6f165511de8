// Everything that one capture of histograms and maps holds, within bounds.
//
//   bpftrace's text and JSON, bcc, perf-tools, rtla ──► TableStore ──► CapturedTables ──► survey
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/capture_file.h"
#include "calibration/traces/captured_histogram.h"

namespace calibration {

struct TableWarning {
  std::int64_t line = 0;
  std::string text;
};

struct CapturedTables {
  std::string format;  // "bpftrace maps", "bpftrace -f json", "bcc tables", ...
  std::vector<CapturedHistogram> histograms;
  std::vector<CapturedValue> values;
  std::uint64_t stack_keys = 0;       // entries keyed by a stack (its frames are joined into the key)
  std::uint64_t text_values = 0;      // entries that hold a text, a tuple or a structure: counted, not kept
  std::uint64_t time_series = 0;      // bpftrace's tseries(): counted, not kept
  std::uint64_t lost_events = 0;      // "Lost N events"
  std::uint64_t printed_records = 0;  // of -f json: printf and whatever else is no map
  std::uint64_t unknown_lines = 0;
  bool partial_last_line = false;
  std::vector<TableWarning> warnings;  // the first few

  std::uint64_t samples() const;  // of all histograms
};

// Bounds on what a capture can make a reader keep. Beyond them it is refused.
struct TableLimits {
  static constexpr std::size_t line = 4 * 1024 * 1024;  // bytes: -f json prints a whole map in one line
  static constexpr std::size_t histograms = 100'000;
  static constexpr std::size_t values = 100'000;
  static constexpr std::size_t buckets = 1'000'000;        // of all histograms together
  static constexpr std::size_t histogram_buckets = 4'096;  // of one; bpftrace makes 1002 at most
  static constexpr std::size_t key = 256;                  // bytes; what is longer is cut
  static constexpr std::size_t warnings = 8;
};

// Adds to a CapturedTables what its readers find; throws InputError at the file's current line where a bound
// is passed.
class TableStore {
 public:
  explicit TableStore(const CaptureFile& file) : file_{file} {}

  void add(CapturedHistogram histogram);
  void add(CapturedValue value);
  void warn(std::int64_t line, std::string text);
  void format(std::string_view name);  // the first one stays

  CapturedTables& tables() { return tables_; }

  static std::string cut(std::string_view text);  // to TableLimits::key, ending in "..."
  // False, and nothing done, when the bucket would not ascend or is one too many.
  static bool add_bucket(CapturedHistogram& histogram, const HistogramBucket& bucket);

 private:
  const CaptureFile& file_;
  CapturedTables tables_;
  std::size_t buckets_ = 0;
};

// The unit that a name says: "usecs", "@us", "lat_ms"; unknown for anything else.
TableUnit unit_of_name(std::string_view name);

// What a total says about a unit that is printed wrongly; changes `tables` and adds warnings.
//
// bcc's hardirqs -d and softirqs -d printed nanoseconds under "usecs" until 2017 (bcc pull request 1361). A
// row of a TOTAL_usecs table is a sum of at least one duration. Where it is below the shortest of 100 or more
// durations of the same name, the two cannot have one unit, and all such histograms of the file are taken
// for nanoseconds; where no total speaks, they are left and marked.
void judge_units(CapturedTables& tables);

}  // namespace calibration
