// What `chainsim analyze` works on: a capture read and analysed, or a simulated run analysed as if captured.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calibration/analysis/analysis.h"
#include "calibration/analysis/attribution_quality.h"
#include "calibration/analysis/step_graph.h"
#include "calibration/traces/event_reader.h"
#include "scenarios/scenario.h"

namespace tools {

// What is wanted beside the tables; any may be empty.
struct AnalysisSinks {
  std::function<void(const calibration::Analysis&, const calibration::AgentStep&)> step;
  std::function<void(const calibration::Event&, const calibration::Names&)> event;
  std::function<void(const calibration::WakeLink&)> link;
  // Called when everything so far is void, because the capture has to be read anew (unsorted runs).
  std::function<void()> restart;
};

// The attribution rules' score in a simulated run, without and with the proposal's tracepoints.
struct SimulatedQuality {
  calibration::AttributionQuality plain, with_tracepoints;
};

struct Analyzed {
  std::string name;
  std::unique_ptr<calibration::EventReader> reader;  // of a capture
  std::unique_ptr<calibration::Names> names;         // of a simulation
  std::unique_ptr<calibration::Analysis> analysis;
  std::unique_ptr<SimulatedQuality> quality;  // of a simulation
  calibration::CausalGraph slowest_graph;     // of the slowest step
  std::size_t runs = 1;                       // sorted runs merged
  bool interrupted = false;

  const calibration::Names& texts() const { return reader ? reader->names() : *names; }
};

// Throws InputError, Interrupted is told in the result: what was read until then is analysed.
Analyzed analyze_capture(const std::string& path, const calibration::AnalysisOptions& options,
                         const AnalysisSinks& sinks);

// One replication of `variant`, its measured part.
Analyzed analyze_simulation(const scenarios::Scenario& scenario, const scenarios::Variant& variant,
                            const calibration::AnalysisOptions& options, const AnalysisSinks& sinks);

}  // namespace tools
