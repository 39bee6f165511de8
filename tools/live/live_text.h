// What `chainsim live` prints: what was refused, what is set, the steps as they were measured, and what to
// look at first before believing them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "scenarios/results_json.h"
#include "tools/live/live_results.h"
#include "tools/live/requirements.h"

namespace tools::live {

// One line for each refusal.
std::string refusals_text(const std::vector<Refusal>& refusals);

// `live --check`: machine, refusals, settings and notes of each variant.
std::string check_text(const std::vector<const scenarios::Variant*>& variants, const LiveMachine& machine,
                       const std::vector<LivePlan>& plans);
nlohmann::ordered_json check_json(const std::vector<const scenarios::Variant*>& variants,
                                  const LiveMachine& machine, const std::vector<LivePlan>& plans);

// Doubts about a run, the gravest first: stolen time, another clock speed, background that fell short,
// captures that are not complete, repetitions that differ.
std::vector<std::string> doubts(const scenarios::Report& report, const std::vector<LiveRun>& runs);

// `report.live` is filled.
std::string live_text(const scenarios::Report& report, const LiveMachine& machine,
                      const std::vector<LivePlan>& plans, const std::vector<LiveRun>& runs);

}  // namespace tools::live
