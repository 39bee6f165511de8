// The child's side of parser_process.h: puts the fences up and runs the parser.
#pragma once

#include <sys/types.h>

#include "calibration/traces/parser_process.h"

namespace calibration {

// What the child keeps of the parent's files.
struct ChildFiles {
  int events;      // where to write what was read
  int complaints;  // its stderr
};

// Does not return. `parent` is who forked this process.
[[noreturn]] void run_parser_child(const ParserJob& job, ChildFiles files, ::pid_t parent);

}  // namespace calibration
