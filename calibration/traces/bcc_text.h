// What the bcc tools and perf-tools print: distributions with sections and summaries, totals, argdist's
// counts.
//
//   disk = 'xvda1'                                     a section, of the next distribution
//        usecs               : count     distribution
//            4 -> 7          : 12       |****    |
//   avg = 5 usecs, total: 60 usecs, count: 12          of the distribution above
//
//   HARDIRQ                    TOTAL_usecs             a value for each row and column
//   eth0                             11441
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/captured_tables.h"
#include "calibration/traces/histogram_lines.h"

namespace calibration {

class BccText {
 public:
  explicit BccText(TableStore& store) : store_{store} {}

  // Whether the line is of such a table. `clock` is what was printed above.
  bool take(std::string_view line, std::int64_t line_number, const std::string& clock);
  void section(std::string_view text);  // "" ends one
  void close();                         // what was open ends here
  void cut();                           // rows of what is open are missing

 private:
  bool take_histogram(std::string_view line, std::int64_t line_number, const std::string& clock);
  void add_record(const BccRecord& record, std::int64_t line_number);
  void state(const StatedSummary& summary, std::int64_t line_number);
  bool take_totals(std::string_view line, std::int64_t line_number, const std::string& clock);
  bool add_total(const std::string& column, std::string_view key, std::string_view cell,
                 std::int64_t line_number, const std::string& clock);

  TableStore& store_;
  std::optional<CapturedHistogram> open_;  // whose buckets are being read
  bool upper_outside_ = false;             // the grammar of its buckets
  std::vector<std::string> columns_;       // of the table of totals being read
  bool number_first_ = false;              // argdist: the number stands before the name
  std::string section_;
};

}  // namespace calibration
