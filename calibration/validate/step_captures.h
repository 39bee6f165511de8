// Captures of events with the steps of the same run beside them: LOAD.trace.zst, LOAD.chain.txt or LOAD.dat
// and LOAD.steps.csv, each plain or compressed. One real run of a load, as against a directory of live runs.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "calibration/validate/live_runs.h"

namespace calibration {

struct StepCapture {
  std::string load;
  std::filesystem::path events, steps;
};

// Those among `paths` and in the directories among them, by load. Files that are no event captures by their
// names, and captures without steps, are left out; so are live runs.
std::vector<StepCapture> find_step_captures(std::span<const std::filesystem::path> paths);

// The capture as a run: its steps from the first intended start to the last end. Throws InputError.
LiveRun read_step_capture(const StepCapture& capture);

}  // namespace calibration
