// What a context of a CPU has to do: how long it takes, what follows, and where it may be preempted.
//
// A Work is the remainder of a piece of code between two points at which something may happen; its flags say
// what those points are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "sim/time.h"

namespace models {

enum class Context : std::uint8_t { task, softirq, hardirq };
inline constexpr std::size_t context_count = 3;

struct Work {
  void (*call)(void* object, std::uint64_t argument) = nullptr;  // null: no work
  void* object = nullptr;
  std::uint64_t argument = 0;
  sim::Nanos remaining{0};  // at full speed
  bool irqs_off = false;
  bool user = false;               // task context: userspace, where NEED_RESCHED acts at once
  bool boundary = false;           // task context: entered from userspace; NEED_RESCHED acts before it begins
  bool preempt_off = false;        // task context: preempt_count is not 0, which only full and lazy ask
  bool cond_resched = false;       // task context: cond_resched() before it begins, for none and voluntary
  bool might_sleep = false;        // task context: might_sleep() before it begins, for voluntary
  bool unscaled = false;           // takes its time whatever the CPU's speed: hardware latencies
  std::uint16_t done_1024ths = 0;  // of the next nanosecond of `remaining`
};

// Makes `work` anew where it lies, member by member: copying one that has just been written in small pieces
// would wait for each of them.
template <auto Method, class T>
void fill_work(Work& work, sim::Nanos cost, T& object, std::uint64_t argument = 0) {
  work.call = [](void* target, std::uint64_t arg) {
    if constexpr (std::is_invocable_v<decltype(Method), T&, std::uint64_t>) {
      (static_cast<T*>(target)->*Method)(arg);
    } else {
      (static_cast<T*>(target)->*Method)();
    }
  };
  work.object = &object;
  work.argument = argument;
  work.remaining = cost;
  work.irqs_off = work.user = work.boundary = work.preempt_off = false;
  work.cond_resched = work.might_sleep = work.unscaled = false;
  work.done_1024ths = 0;
}

template <auto Method, class T>
Work make_work(sim::Nanos cost, T& object, std::uint64_t argument = 0) {
  Work work;
  fill_work<Method>(work, cost, object, argument);
  return work;
}

}  // namespace models
