#include "calibration/traces/capture_file.h"
#include "tests/fuzz/harness.h"

namespace fuzz {

void capture_file(std::string_view input) {
  // A few kilobytes may decompress to gigabytes of short lines. They are streamed, so that takes time and no
  // memory; a part of them shows both.
  constexpr std::int64_t enough_lines = 5'000;
  may_refuse([&] {
    calibration::CaptureFile file{path_of(input)};
    std::int64_t lines = 0;
    bool partial = false;
    for (std::string_view line; lines < enough_lines && file.next_line(line);) {
      ++lines;
      promise(!partial, "nothing follows the line that the file breaks off in");
      partial = file.partial_line();
      promise(line.size() <= calibration::CaptureFile::max_line, "a line has at most max_line bytes");
      promise(line.find('\n') == line.npos && line.find('\0') == line.npos, "a line is text");
      promise(file.line_number() == lines, "lines are numbered from 1");
    }
    promise(file.crlf_lines() <= lines, "carriage returns are counted by line");
  });
}

}  // namespace fuzz
