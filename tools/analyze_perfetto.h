// --perfetto FILE of analyze: the events as a Perfetto trace, with an arrow along every proved link that the
// events alone do not show.
#pragma once

#include <optional>
#include <string>

#include "calibration/analysis/analysis.h"
#include "calibration/traces/perfetto_writer.h"
#include "scenarios/output.h"

namespace tools {

class PerfettoFile {
 public:
  explicit PerfettoFile(std::string path) : path_{std::move(path)} {}

  void begin();  // also over again: what was written is void
  void event(const calibration::Event& event, const calibration::Names& names);
  void link(const calibration::WakeLink& link);
  void commit();

 private:
  std::string path_;
  std::optional<scenarios::OutputFile> file_;
  std::optional<calibration::PerfettoWriter> writer_;
};

}  // namespace tools
