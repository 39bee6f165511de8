#include "calibration/capture/refusal.h"

#include <filesystem>
#include <sstream>

#include "calibration/capture/capture.h"
#include "scenarios/input_error.h"

namespace calibration {

std::string relevant_messages(std::string_view messages) {
  std::string kept;
  std::istringstream lines{std::string{messages}};
  for (std::string line; std::getline(lines, line);) {
    const bool harmless = line.find("RLIMIT_MEMLOCK") != std::string::npos || line.empty();
    kept += harmless ? "" : line + "\n";
  }
  if (!kept.empty()) {
    kept.pop_back();
  }
  return kept;
}

void no_tracing(const TracerProcess& tracer, const std::string& what) {
  const std::string said = relevant_messages(tracer.messages());
  throw scenarios::InputError{{.file = "bpftrace",
                               .found = what + (said.empty() ? "" : ": " + scenarios::quoted(said, 400)),
                               .expected = "events",
                               .suggestion = "see chainsim capture --check"}};
}

void refuse_existing(const std::string& path) {
  if (std::filesystem::exists(path)) {
    throw scenarios::InputError{{.file = path,
                                 .found = "a capture of that name",
                                 .expected = "none: a capture is never overwritten",
                                 .suggestion = "choose another --name or --out"}};
  }
}

}  // namespace calibration
