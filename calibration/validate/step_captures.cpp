#include "calibration/validate/step_captures.h"

#include <algorithm>
#include <optional>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

constexpr std::array compressions{"", ".gz", ".zst", ".xz"};

std::optional<StepCapture> step_capture(const fs::path& path) {
  const std::string name = path.filename().string();
  for (const char* kind : {".trace", ".chain.txt", ".dat"}) {
    for (const char* compression : compressions) {
      const std::string suffix = std::string{kind} + compression;
      if (!name.ends_with(suffix) || name.size() == suffix.size()) {
        continue;
      }
      const std::string load = name.substr(0, name.size() - suffix.size());
      for (const char* packed : compressions) {
        fs::path steps = path.parent_path() / (load + ".steps.csv" + packed);
        if (fs::exists(steps) && !fs::exists(path.parent_path() / (load + ".run.json"))) {
          return StepCapture{load, path, std::move(steps)};
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<StepCapture> find_step_captures(std::span<const fs::path> paths) {
  std::vector<StepCapture> found;
  for (const fs::path& path : paths) {
    if (!fs::is_directory(path)) {
      if (auto capture = step_capture(path)) {
        found.push_back(std::move(*capture));
      }
      continue;
    }
    std::error_code unreadable;
    for (const fs::directory_entry& entry : fs::directory_iterator{path, unreadable}) {
      if (auto capture = step_capture(entry.path())) {
        found.push_back(std::move(*capture));
      }
    }
  }
  std::sort(found.begin(), found.end(),
            [](const StepCapture& a, const StepCapture& b) { return a.load < b.load; });
  return found;
}

LiveRun read_step_capture(const StepCapture& capture) {
  Steps steps = read_steps(capture.steps);
  if (steps.rows.size() < 100) {
    throw scenarios::InputError{{.file = capture.steps.string(),
                                 .found = std::to_string(steps.rows.size()) + " steps",
                                 .expected = "at least 100, to cut into blocks of time"}};
  }
  LiveRun run;
  run.variant = capture.load;
  run.repetition = 1;
  run.captured = true;
  run.start_ns = steps.first_ns();
  run.end_ns = steps.last_ns();
  run.steps = std::move(steps.rows);
  run.events = capture.events;
  return run;
}

}  // namespace calibration
