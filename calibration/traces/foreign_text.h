// Recognises, by one line, text that is not what a reader wants, so that the error can say what it is
// and what to do instead.
//
// Left out: binary files, which capture_file.h names by their first bytes.
#pragma once

#include <string_view>

namespace calibration {

struct ForeignText {
  std::string_view kind;        // "" when the line looks like nothing known
  std::string_view suggestion;  // never empty
};

ForeignText recognise_foreign_text(std::string_view line);

}  // namespace calibration
