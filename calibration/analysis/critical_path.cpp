#include "calibration/analysis/critical_path.h"

#include <algorithm>
#include <array>

namespace calibration {
namespace {

// Bounds the walk; a step of more hops than this is told as cut off.
constexpr int max_hops = 20'000;

class Walk {
 public:
  Walk(const History& history, std::int32_t pid, std::int64_t start, CriticalPath& path)
      : history_{history}, pid_{pid}, start_{start}, path_{path}, whose_{pid} {}

  void from(NodeId end) {
    const Node* to = history_.find(end);
    if (to == nullptr) {
      path_.cut_off = true;
      return;
    }
    for (int hops = 0; to->time > start_; ++hops) {
      const Node* next = hops < max_hops ? step(*to) : nullptr;
      if (next == nullptr) {
        path_.cut_off = true;
        add(*to, start_, to->time, Blame::unknown);
        return;
      }
      to = next;
    }
  }

 private:
  // Blames the edge that leads to `to` and returns where it comes from.
  const Node* step(const Node& to) {
    switch (to.kind) {
      case NodeKind::waking:
        return wakeup_cause(to);
      case NodeKind::wakeup:
        return edge(to, history_.find(to.before), Blame::wake);
      case NodeKind::switch_in:
        return waited_for_cpu(to);
      case NodeKind::completed:
        issue_ = history_.find(to.cause);
        return interrupt_edge(to, Blame::softirq);
      case NodeKind::softirq_entry:
        return interrupt_edge(to, Blame::softirq_queue);
      case NodeKind::raise:
        return raised_by(to);
      case NodeKind::irq_entry:
      case NodeKind::expire:
        return beyond_interrupt(to);
      default:
        return ran(to);
    }
  }

  // The sleeping task's own past is kept, for where the cause turns out to come from outside.
  const Node* wakeup_cause(const Node& to) {
    whose_ = to.pid;
    sleeper_ = history_.find(to.before);
    issue_ = nullptr;
    rule_ = to.rule;
    const Node* cause = proves(to.rule) ? history_.find(to.cause) : nullptr;
    if (cause == nullptr) {
      return edge(to, sleeper_, Blame::unknown);
    }
    if (cause->kind == NodeKind::expire || cause->kind == NodeKind::irq_entry) {
      return edge(to, cause, Blame::hardirq);
    }
    if (cause->kind == NodeKind::completed || cause->kind == NodeKind::softirq_entry) {
      return batch_edge(to, cause, Blame::softirq);
    }
    whose_ = cause->pid;  // another task did it: on with what that task did
    return edge(to, cause, Blame::own);
  }

  const Node* waited_for_cpu(const Node& to) {
    const Node* from = history_.find(to.before);
    if (from == nullptr || (from->kind != NodeKind::wakeup && from->kind != NodeKind::switch_out)) {
      return edge(to, from, Blame::own);
    }
    if (from->cpu != to.cpu) {
      return edge(to, from, Blame::migration);
    }
    const Spent spent = to.spent - from->spent;
    parts(to, *from,
          {Part{spent.task, Blame::run_queue}, Part{spent.softirq + spent.hardirq, Blame::interrupts_ahead}},
          Blame::idle_exit);
    return from;
  }

  // Up the interrupt's own sequence, unless the request was issued later than what is there.
  const Node* interrupt_edge(const Node& to, Blame blame) {
    const Node* from = history_.find(to.before);
    if (issue_ != nullptr && (from == nullptr || issue_->time >= from->time)) {
      return reach_issue(to);
    }
    return from == nullptr ? beyond_interrupt(to) : batch_edge(to, from, blame);
  }

  const Node* raised_by(const Node& to) {
    const Node* from = history_.find(to.before);
    if (issue_ != nullptr && (from == nullptr || issue_->time >= from->time)) {
      return reach_issue(to);
    }
    if (from == nullptr) {
      return beyond_interrupt(to);
    }
    if (from->kind == NodeKind::irq_entry) {
      return edge(to, from, Blame::hardirq);
    }
    if (from->kind == NodeKind::softirq_entry) {
      return edge(to, from, Blame::softirq);
    }
    whose_ = to.pid;  // a task's send
    return ran(to);
  }

  const Node* reach_issue(const Node& to) {
    const Node* from = issue_;
    issue_ = nullptr;
    edge(to, from, Blame::device);
    whose_ = from->pid;
    return from;
  }

  // Nothing on this machine came before the interrupt: the device, the wire, or a timer of the sleeper's.
  const Node* beyond_interrupt(const Node& to) {
    if (issue_ != nullptr && issue_->time <= to.time) {
      return reach_issue(to);
    }
    const Node* from = sleeper_;
    sleeper_ = nullptr;
    if (from == nullptr || from->time > to.time) {
      return nullptr;
    }
    const bool timer = rule_ == Rule::hrtimer_wakeup || to.kind == NodeKind::expire;
    return edge(to, from,
                timer                          ? Blame::timer
                : rule_ == Rule::device_packet ? Blame::remote
                                               : Blame::unknown);
  }

  // The task ran from the node before to this one, with whatever interrupted it.
  const Node* ran(const Node& to) {
    const Node* from = history_.find(to.before);
    if (from == nullptr) {
      return nullptr;
    }
    if (from->cpu != to.cpu) {
      return edge(to, from, Blame::own);
    }
    const Spent spent = to.spent - from->spent;
    parts(to, *from, {Part{spent.softirq, Blame::softirq}, Part{spent.hardirq, Blame::hardirq}}, Blame::own);
    return from;
  }

  const Node* batch_edge(const Node& to, const Node* from, Blame blame) {
    if (to.batch_from <= from->time) {
      return edge(to, from, blame);
    }
    parts(to, *from, {Part{to.batch_from - from->time, Blame::batch_ahead}, Part{0, blame}}, blame);
    return from;
  }

  const Node* edge(const Node& to, const Node* from, Blame blame) {
    if (from != nullptr) {
      add(to, from->time, to.time, blame);
    }
    return from;
  }

  struct Part {
    std::int64_t span;
    Blame blame;
  };
  // The parts of one edge, in time from the first to `rest`; pieces go into the path from the latest on.
  void parts(const Node& to, const Node& from, std::array<Part, 2> known, Blame rest) {
    const auto behind = from.behind > 0 ? from.behind : to.behind;
    const auto until = [&](std::int64_t left, const Part& part) {
      return std::min(left + std::max<std::int64_t>(part.span, 0), to.time);
    };
    const std::int64_t first = until(from.time, known[0]);
    const std::int64_t second = until(first, known[1]);
    add(to, second, to.time, rest);
    add(to, first, second, known[1].blame, behind);
    add(to, from.time, first, known[0].blame, behind);
  }

  void add(const Node& to, std::int64_t from, std::int64_t until, Blame blame, std::int32_t behind = -1) {
    from = std::max(from, start_);
    if (until <= from) {
      return;
    }
    const bool peer = whose_ != pid_;
    auto& sums = peer ? path_.sums.peer : path_.sums.own;
    sums[static_cast<std::size_t>(blame)] += until - from;
    path_.pieces.push_back({from, until, blame, peer, whose_, behind, to.cpu, to.kind});
  }

  const History& history_;
  const std::int32_t pid_;
  const std::int64_t start_;
  CriticalPath& path_;
  std::int32_t whose_;
  const Node* sleeper_ = nullptr;
  const Node* issue_ = nullptr;
  Rule rule_ = Rule::none;
};

}  // namespace

std::string_view to_string(Blame blame) {
  constexpr std::array<std::string_view, blames> names{
      "own work", "hardirq",   "softirq",   "batch ahead",      "softirq queue", "device", "remote",
      "wake",     "idle exit", "run queue", "interrupts ahead", "migration",     "timer",  "unknown"};
  return names[static_cast<std::size_t>(blame)];
}

std::int64_t BlameSums::total() const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < blames; ++i) {
    sum += own[i] + peer[i];
  }
  return sum;
}

void critical_path(const History& history, NodeId end, std::int32_t pid, std::int64_t start,
                   CriticalPath& path) {
  path.pieces.clear();
  path.sums = {};
  path.cut_off = false;
  Walk{history, pid, start, path}.from(end);
}

}  // namespace calibration
