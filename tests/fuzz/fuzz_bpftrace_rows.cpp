#include "calibration/traces/bpftrace_rows.h"
#include "tests/fuzz/harness.h"

namespace fuzz {

void bpftrace_rows(std::string_view input) {
  if (compressed(input)) {
    return;
  }
  may_refuse([&] {
    calibration::BpftraceReader reader{path_of(input)};
    std::uint64_t rows = 0;
    for (calibration::BpftraceRow row; reader.next(row); ++rows) {
      promise(row.program == reader.log().program, "all rows are of one program");
    }
    const calibration::BpftraceLog& log = reader.log();
    promise(rows > 0 && log.rows == rows, "an accepted capture has rows, and all are counted");
    promise(log.messages.size() <= log.kept && log.unknown.size() <= log.kept, "few lines are kept");
    const auto seen = rows + log.attach_lines + log.blank_lines + log.map_lines + log.lost_lines +
                      log.rlimit_lines + log.message_lines + log.unknown_lines +
                      (log.partial_last_line ? 1U : 0U);
    // A record of -f json may print several lines, or a part of one.
    promise(log.json || seen == static_cast<std::uint64_t>(reader.file().line_number()),
            "every line is counted once");
  });
}

}  // namespace fuzz
