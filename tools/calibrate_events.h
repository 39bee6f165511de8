// What calibrate prints of captures of events and of matching to live steps.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "calibration/fit/calibrate.h"

namespace tools {

// Empty where there were no captures of events. `conditions`: also how costs depend on context and residency.
std::string events_text(const calibration::Calibration& result, bool conditions);
nlohmann::ordered_json events_json(const calibration::Calibration& result);

// Empty where nothing was matched.
std::string steps_text(const calibration::Calibration& result);
nlohmann::ordered_json steps_json(const calibration::Calibration& result);

}  // namespace tools
