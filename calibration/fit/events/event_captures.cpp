// Finding captures of events and reading them, for event_costs.h.
#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "calibration/fit/events/event_costs.h"
#include "calibration/fit/events/scan_intervals.h"
#include "calibration/traces/event_reader.h"
#include "calibration/traces/steps.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> compressions{"", ".gz", ".zst", ".xz"};

// "n4.c1" of "n4.c1.chain.txt.zst"; empty when the name is not that of a capture of events.
std::string stem_of(const std::string& name) {
  for (const std::string_view compression : compressions) {
    for (const std::string_view kind : {".chain.txt", ".chain.json", ".trace", ".dat"}) {
      const std::string ending = std::string{kind} + std::string{compression};
      if (name.size() > ending.size() && name.ends_with(ending)) {
        return name.substr(0, name.size() - ending.size());
      }
    }
  }
  return {};
}

std::optional<fs::path> beside(const fs::path& capture, const std::string& ending) {
  const std::string stem = stem_of(capture.filename().string());
  for (const std::string_view compression : compressions) {
    fs::path path = capture.parent_path() / (stem + ending + std::string{compression});
    std::error_code ignored;
    if (!stem.empty() && fs::exists(path, ignored)) {
      return path;
    }
  }
  return std::nullopt;
}

EventCapture capture_at(const fs::path& path) {
  return {.path = path,
          .steps = beside(path, ".steps.csv"),
          .meta = beside(path, ".meta.json"),
          .idle_states = {}};
}

// What each event costs the traced machine, as the kernel counted it; 0 where the capture does not say.
double probe_cost(const std::optional<fs::path>& meta) {
  if (!meta) {
    return 0;
  }
  std::ifstream in{*meta};
  const nlohmann::json json = nlohmann::json::parse(in, nullptr, false);
  if (!json.is_object() || !json.contains("overhead")) {
    return 0;
  }
  const nlohmann::json& overhead = json["overhead"];
  return overhead.is_object() && overhead.contains("ns_per_hit") && overhead["ns_per_hit"].is_number()
             ? overhead["ns_per_hit"].get<double>()
             : 0;
}

}  // namespace

bool is_event_capture(const fs::path& path) { return !stem_of(path.filename().string()).empty(); }

std::vector<EventCapture> take_event_captures(std::vector<fs::path>& paths) {
  std::vector<EventCapture> captures;
  std::vector<fs::path> rest;
  for (const fs::path& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      if (is_event_capture(path)) {
        captures.push_back(capture_at(path));
      } else {
        rest.push_back(path);
      }
      continue;
    }
    std::vector<fs::path> found;
    for (const fs::directory_entry& file : fs::directory_iterator{path, error}) {
      if (is_event_capture(file.path())) {
        found.push_back(file.path());
      }
    }
    std::sort(found.begin(), found.end());
    for (const fs::path& each : found) {
      captures.push_back(capture_at(each));
    }
    if (found.empty()) {
      rest.push_back(path);
    }
  }
  paths = std::move(rest);
  return captures;
}

ScannedCapture scan_capture(const EventCapture& capture) {
  ScannedCapture scanned;
  Steps steps;
  if (capture.steps) {
    steps = read_steps(*capture.steps);
  }
  ScanOptions options;
  if (!capture.idle_states.empty()) {
    options.idle_states = capture.idle_states;
  }
  options.probe_ns = probe_cost(capture.meta);
  options.steps = capture.steps ? &steps.rows : nullptr;
  read_capture(capture.path, [&](EventReader& reader) {
    IntervalScan scan{reader.names(), options};
    for (Event event; reader.next(event);) {
      scan.add(event);
    }
    scan.finish();
    const CaptureLog& log = reader.log();
    scanned.about = {.name = capture.path.filename().string(),
                     .events = log.events,
                     .lost = log.lost_events,
                     .seconds = static_cast<double>(log.last_time - log.first_time) * 1e-9,
                     .resolution_ns = log.time_resolution,
                     .probe_ns = options.probe_ns,
                     .stamps = scan.stamps()};
    scanned.samples = scan.samples();
  });
  return scanned;
}

}  // namespace calibration
