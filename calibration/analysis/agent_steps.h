// The steps of agents, found in the event stream.
//
//   expiry        start                                                     end
//     | timer_late  |    tool (epoll gates)   |   read (io_uring gates)  | parse |
//     |<----------------------------------- step ------------------------------>|
//
// A step begins with the expiry of a timer that the agent sleeps on outside a wait gate, and ends when it
// next goes to sleep on such a timer; sleeps in between, in a gate or not, are part of it. An agent that
// never sleeps on a timer has steps that begin with a completion that wakes it in its epoll gate and end when
// it next sleeps in that gate.
//
// The expiry is what hrtimer_expire_entry gives as `now`: the lateness before the handler ran is not in a
// trace. `start` is the switch to the agent, a little before its program sees the time.
#pragma once

#include <cstdint>
#include <vector>

#include "calibration/analysis/critical_path.h"
#include "calibration/analysis/history.h"

namespace calibration {

// One of the requests that a gate waited for.
struct FanInRequest {
  std::int64_t issued = 0, completed = 0;
  std::uint64_t sector = 0;
};

struct AgentStep {
  std::int32_t pid = -1;
  std::int64_t number = 0;  // of this agent, from 1
  bool from_timer = true;   // otherwise from an arrival
  std::int64_t intended = 0, start = 0, end = 0;
  std::int64_t read_begin = 0, read_end = 0;  // io_uring gates: first entry, last exit; 0: none
  bool whole = true;                          // no broken switch, nothing lost
  NodeId end_node = NodeId::none;
  std::vector<FanInRequest> reads;  // in order of issue

  std::int64_t duration() const { return end - intended; }
  std::int64_t timer_late() const { return start - intended; }
  std::int64_t tool() const { return (read_begin != 0 ? read_begin : end) - start; }
  std::int64_t read() const { return read_end - read_begin; }
  std::int64_t parse() const { return read_begin != 0 ? end - read_end : 0; }
};

// The steps in progress. `done` steps are handed out by the calls that end one.
class AgentSteps {
 public:
  static constexpr std::size_t max_reads = 256;  // kept of one step

  // All take the slot that the task keeps, 0 before its first step.
  // The agent is woken by its own timer outside a gate. True when a step ended: it is in `done()`.
  bool timer(std::uint32_t& slot, std::int32_t pid, std::int64_t expiry);
  // Woken inside its epoll gate by a completion that began at `arrival`.
  void arrived(std::uint32_t& slot, std::int32_t pid, std::int64_t arrival);
  void woken_otherwise(std::uint32_t slot);  // the sleep before did not end the step
  void running(std::uint32_t slot, std::int64_t now);
  // Goes to sleep; in_gate: inside a wait gate, in_epoll: epoll's. True when a step ended.
  bool sleeps(std::uint32_t slot, std::int64_t now, NodeId node, bool in_gate, bool in_epoll);
  void read_begins(std::uint32_t slot, std::int64_t now);
  void read_ends(std::uint32_t slot, std::int64_t now);
  void request(std::uint32_t slot, const FanInRequest& read);
  void forget(std::uint32_t slot);  // it is another task's from now on
  void broken(std::uint32_t slot);  // what is measured of this step is not whole

  const AgentStep& done() const { return done_; }
  std::uint64_t open() const;  // steps that the capture's end cut off

 private:
  struct Slot {
    AgentStep step;
    bool open = false;
    bool on_timer = false;  // this agent has been seen to sleep on a timer
    bool ended = false;     // it sleeps outside a gate: the step's end, if a timer wakes it
    std::int64_t steps = 0;
  };
  Slot& make(std::uint32_t& slot);
  void begin(Slot& slot, std::int32_t pid, std::int64_t intended, bool from_timer);
  bool finish(Slot& slot);
  Slot* at(std::uint32_t slot) { return slot == 0 ? nullptr : &slots_[slot - 1]; }

  std::vector<Slot> slots_;
  AgentStep done_;
};

}  // namespace calibration
