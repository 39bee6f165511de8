// What `chainsim analyze` prints and writes: text, JSON, and slow steps drawn as timelines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/analyzed.h"

namespace tools {

std::string analysis_text(const Analyzed& analyzed);
nlohmann::ordered_json analysis_json(const Analyzed& analyzed);  // docs/analysis.schema.json

// One slow step, piece by piece of its critical path, with bars to scale.
std::string timeline_text(const Analyzed& analyzed, const calibration::SlowStep& slow, std::size_t number);

// Whose and which: "own work", "run queue behind hog", "softirq of agentload (peer)".
std::string piece_text(const Analyzed& analyzed, const calibration::PathPiece& piece);

}  // namespace tools
