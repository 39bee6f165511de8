#include <string>

#include "calibration/traces/bpftrace_rows.h"
#include "calibration/traces/foreign_text.h"
#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

std::string printed(const calibration::BpftraceRow& row) {
  const std::array numbers{row.key, row.duration_us, row.ret};
  std::string text;
  std::size_t number = 0;
  for (std::string_view form = calibration::row_form(row.program); !form.empty();) {
    if (form.starts_with("%d")) {
      text += std::to_string(numbers.at(number++));
      form.remove_prefix(2);
    } else {
      text += form.front();
      form.remove_prefix(1);
    }
  }
  return text;
}

}  // namespace

void bpftrace_line(std::string_view input) {
  const auto row = calibration::parse_bpftrace_row(input);
  if (row) {
    promise(row->key >= 0, "an id counts from 0");
    // Zeros in front of a number (and "-0") are the only other way to write the same row.
    const auto again = calibration::parse_bpftrace_row(printed(*row));
    promise(again && again->program == row->program && again->key == row->key &&
                again->duration_us == row->duration_us && again->ret == row->ret,
            "a row that is printed reads as the same row");
    promise(printed(*row).size() <= input.size(), "a row has no more in it than its line");
  } else {
    const calibration::RowMismatch mismatch = calibration::explain_mismatch(input);
    promise(mismatch.column >= 1 && static_cast<std::size_t>(mismatch.column) <= input.size() + 1,
            "a mismatch is inside the line or just behind it");
    promise(!mismatch.expected.empty(), "a mismatch says what was expected");
  }
  calibration::recognise_foreign_text(input);
}

}  // namespace fuzz
