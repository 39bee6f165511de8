// Which softirq_raise a softirq_entry belongs to: the one that set the vector's pending bit. One for each
// CPU.
//
// Models:   kernel/softirq.c:handle_softirqs: a pass takes all pending bits, at an instant that no tracepoint
//           tells, and serves them in the order of the vectors; bits set since then wait for the next pass. A
//           pass begins at the latest with the entry of a vector that the last one did not owe. What a
//           hardirq raises after a pass has taken its bits and before its first entry shows by its flags: it
//           interrupted a softirq, none is between its entry and its exit, and the last pass owes none.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace calibration {

template <class Raise>  // Raise::time < 0: none
class SoftirqRaises {
 public:
  static constexpr std::size_t vectors = 10;

  // `in_softirq`: the event's flag; captures without flags say false. The raise that counts from now on for
  // this vector, and whether it is this one.
  std::pair<Raise*, bool> raised(std::size_t vec, const Raise& raise, bool in_softirq) {
    Raise& first = in_softirq && !running_ && !owes() ? late_[vec] : pending_[vec];
    const bool counts = first.time < 0;
    if (counts) {
      first = raise;
    }
    return {&first, counts};
  }
  Raise entered(std::size_t vec) {
    running_ = true;
    if (owed_[vec].time < 0) {
      owed_ = std::exchange(pending_, std::exchange(late_, {}));
    }
    return std::exchange(owed_[vec], {});
  }
  void exited() { running_ = false; }

  // Calls function(raise) for each that is still to be served for `vec`.
  template <class Function>
  void each_waiting(std::size_t vec, Function&& function) {
    for (Raise* raise : {&owed_[vec], &pending_[vec], &late_[vec]}) {
      if (raise->time >= 0) {
        function(*raise);
      }
    }
  }

 private:
  bool owes() const {
    return std::any_of(owed_.begin(), owed_.end(), [](const Raise& raise) { return raise.time >= 0; });
  }
  std::array<Raise, vectors> owed_, pending_, late_;
  bool running_ = false;
};

}  // namespace calibration
