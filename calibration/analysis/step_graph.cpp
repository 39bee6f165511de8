#include "calibration/analysis/step_graph.h"

#include <algorithm>
#include <array>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/topological_sort.hpp>
#include <map>
#include <ostream>

namespace calibration {
namespace {

using Vertex = StepGraph::vertex_descriptor;

// Collects, from the end back, every node on which another one depends.
class Builder {
 public:
  Builder(const History& history, std::int64_t start, CausalGraph& result)
      : history_{history}, start_{start}, result_{result} {}

  void from(NodeId end) {
    vertex(end);
    while (!open_.empty()) {
      const Vertex effect = open_.back();
      open_.pop_back();
      const Node node = result_.graph[effect].node;
      link(effect, node.before, Relation::sequence);
      link(effect, node.cause, node.kind == NodeKind::completed ? Relation::device : Relation::cause);
      if (node.kind == NodeKind::completed && node.cause != NodeId::none) {
        link_interrupt(effect, node);
      }
    }
  }

 private:
  std::optional<Vertex> vertex(NodeId id) {
    if (const auto known = known_.find(id); known != known_.end()) {
      return known->second;
    }
    const Node* node = history_.find(id);
    if (node == nullptr || known_.size() >= max_step_vertices) {
      result_.cut_off |= id != NodeId::none;
      return std::nullopt;
    }
    if (node->time < start_) {
      return std::nullopt;
    }
    const Vertex added = boost::add_vertex({*node, id}, result_.graph);
    known_.emplace(id, added);
    open_.push_back(added);
    return added;
  }

  void link(Vertex effect, NodeId cause, Relation relation) {
    if (cause == NodeId::none) {
      return;
    }
    if (const std::optional<Vertex> from = vertex(cause)) {
      boost::add_edge(*from, effect, {relation}, result_.graph);
    }
  }

  // The request was with its device from its issue to the interrupt that told of it, where that came later.
  void link_interrupt(Vertex completed, const Node& node) {
    const Node* issue = history_.find(node.cause);
    NodeId up = node.before;
    for (int hops = 0; issue != nullptr && hops < 4; ++hops) {
      const Node* above = history_.find(up);
      if (above == nullptr || above->time < issue->time) {
        return;
      }
      if (above->kind == NodeKind::irq_entry) {
        const std::optional<Vertex> irq = vertex(up);
        const std::optional<Vertex> from = vertex(node.cause);
        if (irq && from) {
          boost::add_edge(*from, *irq, {Relation::device}, result_.graph);
          boost::remove_edge(*from, completed, result_.graph);
        }
        return;
      }
      up = above->before;
    }
  }

  const History& history_;
  const std::int64_t start_;
  CausalGraph& result_;
  std::map<NodeId, Vertex> known_;
  std::vector<Vertex> open_;
};

// Backwards in topological order: late(v) = min over effects (late(effect) - lag), where the lag is the
// edge's whole span if it was the last to arrive, and at least 0 if it waited for another.
std::vector<std::int64_t> slacks(const StepGraph& graph) {
  std::vector<Vertex> effects_first;
  boost::topological_sort(graph, std::back_inserter(effects_first));
  std::vector<std::int64_t> slack(boost::num_vertices(graph), INT64_MAX);
  for (const Vertex v : effects_first) {
    if (boost::out_degree(v, graph) == 0) {
      slack[v] = 0;
    }
    for (const auto edge : boost::make_iterator_range(boost::out_edges(v, graph))) {
      const Vertex effect = boost::target(edge, graph);
      std::int64_t last = INT64_MIN;
      for (const auto other : boost::make_iterator_range(boost::in_edges(effect, graph))) {
        last = std::max(last, graph[boost::source(other, graph)].node.time);
      }
      const std::int64_t waited = last - graph[v].node.time;  // for the cause that came last
      slack[v] = std::min(slack[v], slack[effect] + waited);
    }
  }
  return slack;
}

}  // namespace

CausalGraph causal_graph(const History& history, const AgentStep& step) {
  CausalGraph result;
  Builder{history, step.intended, result}.from(step.end_node);
  result.slack = slacks(result.graph);
  return result;
}

std::string_view to_string(NodeKind kind) {
  constexpr std::array<std::string_view, 13> names{"timer expires",
                                                   "irq entry",
                                                   "softirq raise",
                                                   "softirq entry",
                                                   "block issue",
                                                   "block complete",
                                                   "waking",
                                                   "wakeup",
                                                   "switch in",
                                                   "switch out",
                                                   "gate enter",
                                                   "gate exit",
                                                   "cqe"};
  return names[static_cast<std::size_t>(kind)];
}

void write_dot(std::ostream& out, const CausalGraph& causal, const std::string& title,
               const std::vector<std::pair<std::int32_t, std::string>>& task_names) {
  const StepGraph& graph = causal.graph;
  const std::int64_t end = boost::num_vertices(graph) == 0 ? 0 : graph[0].node.time;
  const auto task_name = [&](std::int32_t pid) {
    const auto known = std::find_if(task_names.begin(), task_names.end(),
                                    [&](const auto& each) { return each.first == pid; });
    return known == task_names.end() ? std::to_string(pid) : known->second;
  };
  boost::write_graphviz(
      out, graph,
      [&](std::ostream& text, Vertex v) {
        const Node& node = graph[v].node;
        text << "[label=\"" << to_string(node.kind) << "\\n"
             << task_name(node.pid) << " cpu " << node.cpu << "\\n"
             << static_cast<double>(node.time - end) / 1000.0 << " us";
        if (causal.slack[v] > 0) {
          text << "\\nslack " << static_cast<double>(causal.slack[v]) / 1000.0 << " us";
        }
        text << "\"" << (causal.slack[v] == 0 ? ", penwidth=2" : ", color=gray") << "]";
      },
      [&](std::ostream& text, StepGraph::edge_descriptor edge) {
        const std::int64_t span =
            graph[boost::target(edge, graph)].node.time - graph[boost::source(edge, graph)].node.time;
        text << "[label=\"" << static_cast<double>(span) / 1000.0 << "\""
             << (graph[edge].relation == Relation::device ? ", style=dashed" : "") << "]";
      },
      [&](std::ostream& text) {
        text << "label=\"" << title << "\"; rankdir=LR; node [shape=box, fontsize=9];\n";
      });
}

}  // namespace calibration
