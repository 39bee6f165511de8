// What a replay of one capture found, in both modes, and as JSON.
//
//   capture ─► ReplayInput ─┬─► teacher-forced: TeacherResult
//                           └─► free-running:   FreeReport
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "calibration/replay/free_report.h"
#include "calibration/replay/replay_input.h"
#include "calibration/replay/teacher.h"

namespace calibration {

struct ReplayRequest {
  ReplayOptions input;
  TeacherOptions teacher;  // its placement is that of the free-running replay too
  bool teacher_forced = true;
  bool free_running = false;
  std::uint64_t seed = 1;  // of the free-running replay
  std::size_t worst = 0;   // disagreements to list, of each mode
};

struct CaptureReplay {
  ReplayInput input;
  std::string placement;
  std::optional<TeacherResult> teacher;
  std::optional<FreeReport> free;
};

// Throws InputError as read_replay_input does.
CaptureReplay replay_capture(const std::filesystem::path& capture, const ReplayRequest& request);

// Of a directory its captures (LOAD.trace, LOAD.dat, plain or packed), by name; anything else as it is.
// Throws InputError for a directory without any and for a path that is not there.
std::vector<std::filesystem::path> find_replayable(const std::vector<std::string>& paths);

// The disagreements to list: those whose choices lie furthest apart in virtual time come first, and no
// decision takes more than its share.
std::vector<const DecisionDisagreement*> worst_disagreements(const TeacherResult& result, std::size_t count);

nlohmann::ordered_json json_of(const CaptureReplay& replay, std::size_t worst);

}  // namespace calibration
