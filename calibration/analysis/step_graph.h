// The causal graph of one step, as a Boost.Graph: everything in the history that the step's end depends on,
// from its intended start on, requests that it did not wait for last included.
//
//   issue A ─► completed A ──────────┐ (slack: A was ready early)
//   issue B ─► irq ─► softirq ─► completed B ─► waking ─► wakeup ─► switch_in ─► cqe A ─► cqe B ─► end
//
// Edges lead from cause to effect. A vertex becomes possible when the last of its causes is there; an edge
// from an earlier cause has slack. The slack of a vertex is how much later it could have come without moving
// the step's end, if nothing else had changed: 0 along the critical path, and for a read that was ready early
// what its being faster would not have gained.
//
// Source: the critical path method (Kelley & Walker 1959) on a happens-before graph.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "calibration/analysis/agent_steps.h"
#include "calibration/analysis/history.h"

namespace calibration {

struct StepVertex {
  Node node;
  NodeId id = NodeId::none;
};
enum class Relation : std::uint8_t { sequence, cause, device };  // device: issue to interrupt or completion
struct StepEdge {
  Relation relation{};
};
using StepGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, StepVertex, StepEdge>;

struct CausalGraph {
  StepGraph graph;                  // vertex 0 is the step's end
  std::vector<std::int64_t> slack;  // ns, by vertex
  bool cut_off = false;             // more vertices than max_vertices, or older than the history
};

inline constexpr std::size_t max_step_vertices = 4096;

// Of a step whose nodes are still in the history: call it when the step ends.
CausalGraph causal_graph(const History& history, const AgentStep& step);

// Graphviz. `label` gives a task's name.
void write_dot(std::ostream& out, const CausalGraph& graph, const std::string& title,
               const std::vector<std::pair<std::int32_t, std::string>>& task_names);

std::string_view to_string(NodeKind kind);

}  // namespace calibration
