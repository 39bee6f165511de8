#include "calibration/replay/replay.h"

#include <algorithm>
#include <utility>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

bool names_capture(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  return name.find(".trace") != std::string::npos || name.find(".dat") != std::string::npos;
}

}  // namespace

CaptureReplay replay_capture(const std::filesystem::path& capture, const ReplayRequest& request) {
  CaptureReplay replay;
  replay.input = read_replay_input(capture, request.input);
  replay.placement = request.teacher.placement.name;
  if (request.teacher_forced) {
    replay.teacher = replay_teacher_forced(replay.input, request.teacher);
  }
  if (request.free_running) {
    replay.free = replay_free(replay.input, request.teacher.placement, request.seed, request.worst);
  }
  return replay;
}

std::vector<std::filesystem::path> find_replayable(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> found;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
      throw scenarios::InputError{{.file = path,
                                   .found = "no such file",
                                   .expected = "a capture of scheduling events, or a directory of them",
                                   .suggestion = ""}};
    }
    if (!std::filesystem::is_directory(path, error)) {
      found.emplace_back(path);
      continue;
    }
    std::vector<std::filesystem::path> inside;
    for (const auto& entry : std::filesystem::directory_iterator{path, error}) {
      if (entry.is_regular_file(error) && names_capture(entry.path())) {
        inside.push_back(entry.path());
      }
    }
    std::sort(inside.begin(), inside.end());
    if (inside.empty()) {
      throw scenarios::InputError{{.file = path,
                                   .found = "a directory without captures",
                                   .expected = "files named LOAD.trace or LOAD.dat, plain, .gz, .xz or .zst",
                                   .suggestion = "name the capture itself"}};
    }
    found.insert(found.end(), inside.begin(), inside.end());
  }
  return found;
}

std::vector<const DecisionDisagreement*> worst_disagreements(const TeacherResult& result, std::size_t count) {
  std::array<std::vector<const DecisionDisagreement*>, decisions> by_decision;
  for (const DecisionDisagreement& each : result.disagreements) {
    by_decision[static_cast<std::size_t>(each.decision)].push_back(&each);
  }
  std::vector<const DecisionDisagreement*> chosen;
  for (auto& list : by_decision) {
    std::stable_sort(list.begin(), list.end(),
                     [](const auto* a, const auto* b) { return a->severity > b->severity; });
  }
  for (std::size_t rank = 0; chosen.size() < count; ++rank) {
    const std::size_t before = chosen.size();
    for (const auto& list : by_decision) {
      if (rank < list.size() && chosen.size() < count) {
        chosen.push_back(list[rank]);
      }
    }
    if (chosen.size() == before) {
      break;
    }
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const auto* a, const auto* b) { return a->decision < b->decision; });
  return chosen;
}

}  // namespace calibration
