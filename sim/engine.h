// The discrete-event engine: a clock and the events that are still to come.
//
//   engine.after<&Napi::poll>(2us, *this);              // once, 2 us from now
//   poll_timer_.bind<&Napi::poll>(engine, *this);       // a fixed slot, for what happens again and again
//   poll_timer_.arm(2us);
//
// An event is a method of a component, called at an instant. Events at one instant run in the order
// in which they were scheduled; a rescheduled event queues as if newly scheduled. Time is integer
// nanoseconds from SimTime{} on. One engine belongs to one thread.
//
// Left out: removal of an object's events with the object. Who schedules on itself outlives its
// events or cancels them; a Timer disarms itself. An engine outlives its timers.
// Limits: 2^20 events pending at once, 2^44 schedulings in one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "sim/check.h"
#include "sim/event_queue.h"
#include "sim/time.h"

namespace sim {

// One scheduling of one event: its slot and the sequence number it was scheduled under. Never reused.
enum class EventId : std::uint64_t { none = 0 };

class Engine {
 public:
  // Memory for `expected_pending` (at least 1) events is taken at once. More cost a reallocation.
  explicit Engine(int expected_pending = 256);
  Engine(const Engine&) = delete;  // components and timers point here
  Engine& operator=(const Engine&) = delete;

  SimTime now() const { return SimTime{Nanos{static_cast<std::int64_t>(now_)}}; }

  // Calls object.Method() or object.Method(argument) once: `delay` >= 0 from now, or at `when` >= now().
  template <auto Method, class T>
  EventId after(Nanos delay, T& object, std::uint64_t argument = 0);
  template <auto Method, class T>
  EventId at(SimTime when, T& object, std::uint64_t argument = 0);

  // Nothing happens to an event that has run or was cancelled, nor to EventId::none.
  void cancel(EventId id);
  // False from the moment its method is called.
  bool pending(EventId id) const;
  // Moves a pending event to `when` >= now(). The id stays valid.
  void reschedule(EventId id, SimTime when);

  // Runs everything up to and including `horizon`, also what is scheduled for it while it runs.
  // Afterwards now() == horizon, unless an event called stop(): then it is that event's time.
  void run_until(SimTime horizon);
  void run_for(Nanos span);
  void stop();

  std::uint64_t executed() const { return executed_; }
  // Counts; for reports and tests.
  std::size_t pending_count() const;

 private:
  friend class Timer;
  using Call = void (*)(void* object, std::uint64_t argument);

  // What to do when a slot wins. `pending` is the id of the event that waits in it. Without one, the
  // slot's key in the queue is a leftover: it stays until it wins or the slot is used again, because a
  // handler that schedules again gets the same slot, and then repairs one path and not two.
  struct Slot {
    Call call = nullptr;
    void* object = nullptr;
    std::uint64_t argument = 0;
    EventId pending = EventId::none;
    std::uint32_t single_use = 1;  // 0: a Timer's own
  };

  template <auto Method, class T>
  static void call(void* object, std::uint64_t argument);

  static std::uint32_t slot_number(EventId id) {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(id) & slot_mask);
  }
  std::uint64_t instant(Nanos delay) const;
  std::uint64_t instant(SimTime when) const;

  template <auto Method, class T>
  EventId add(std::uint64_t time, T& object, std::uint64_t argument);
  std::uint32_t take_slot();
  void release_slot(std::uint32_t slot);
  void add_slots();
  EventId place(std::uint32_t slot, std::uint64_t time);

  EventQueue queue_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;  // a stack in its first free_count_ elements: last released, first taken
  std::size_t free_count_ = 0;
  std::uint64_t now_ = 0;
  std::uint64_t limit_ = 0;  // run_until stops before this instant
  std::uint64_t sequence_ = 0;
  std::uint64_t executed_ = 0;
  bool running_ = false;
};

// A component's own event, armed over and over. Its slot is taken at set-up, so that arming it never
// allocates, and there is no id to keep.
class Timer {
 public:
  Timer() = default;
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Once, before anything else.
  template <auto Method, class T>
  void bind(Engine& engine, T& object, std::uint64_t argument = 0);

  // Arming an armed timer moves it. `when` >= now(), `delay` >= 0.
  void arm_at(SimTime when);
  void arm(Nanos delay);
  void disarm();
  // False from the moment its method is called.
  bool armed() const;
  // Of an armed timer.
  SimTime when() const;

 private:
  void place(std::uint64_t time);

  Engine* engine_ = nullptr;
  std::uint32_t slot_ = 0;
};

template <auto Method, class T>
void Engine::call(void* object, std::uint64_t argument) {
  if constexpr (std::is_invocable_v<decltype(Method), T&, std::uint64_t>) {
    (static_cast<T*>(object)->*Method)(argument);
  } else {
    (static_cast<T*>(object)->*Method)();
  }
}

template <auto Method, class T>
EventId Engine::after(Nanos delay, T& object, std::uint64_t argument) {
  return add<Method>(instant(delay), object, argument);
}

template <auto Method, class T>
EventId Engine::at(SimTime when, T& object, std::uint64_t argument) {
  return add<Method>(instant(when), object, argument);
}

template <auto Method, class T>
EventId Engine::add(std::uint64_t time, T& object, std::uint64_t argument) {
  const std::uint32_t slot = take_slot();
  const EventId id = place(slot, time);
  slots_[slot] = {&call<Method, T>, &object, argument, id, 1};
  return id;
}

inline std::uint64_t Engine::instant(Nanos delay) const {
  constexpr auto last = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto span = static_cast<std::uint64_t>(delay.count());  // a negative delay becomes too long a one
  check(span <= last - now_, "a delay is not negative and ends within the range of SimTime");
  return now_ + span;
}

inline std::uint64_t Engine::instant(SimTime when) const {
  check(when >= now(), "an event is not scheduled in the past");
  return static_cast<std::uint64_t>(count(when));
}

inline EventId Engine::place(std::uint32_t slot, std::uint64_t time) {
  sequence_ += std::uint64_t{1} << slot_bits;
  check(sequence_ != 0, "a run schedules fewer than 2^44 times");
  queue_.set(slot, event_key(time, sequence_ | slot));
  return EventId{sequence_ | slot};
}

inline std::uint32_t Engine::take_slot() {
  if (free_count_ == 0) [[unlikely]] {
    add_slots();
  }
  return free_[--free_count_];
}

inline void Engine::release_slot(std::uint32_t slot) { free_[free_count_++] = slot; }

inline bool Engine::pending(EventId id) const {
  return id != EventId::none && slots_[slot_number(id)].pending == id;
}

inline void Engine::cancel(EventId id) {
  if (pending(id)) {
    slots_[slot_number(id)].pending = EventId::none;
    release_slot(slot_number(id));
  }
}

inline void Engine::reschedule(EventId id, SimTime when) {
  check(pending(id), "a rescheduled event is pending");
  place(slot_number(id), instant(when));
}

inline void Engine::stop() { limit_ = 0; }

inline void Engine::run_for(Nanos span) {
  run_until(SimTime{Nanos{static_cast<std::int64_t>(instant(span))}});
}

template <auto Method, class T>
void Timer::bind(Engine& engine, T& object, std::uint64_t argument) {
  check(engine_ == nullptr, "a timer is bound once");
  engine_ = &engine;
  slot_ = engine.take_slot();
  engine.slots_[slot_] = {&Engine::call<Method, T>, &object, argument, EventId::none, 0};
}

inline Timer::~Timer() {
  if (engine_ != nullptr) {
    disarm();
    engine_->release_slot(slot_);
  }
}

inline void Timer::place(std::uint64_t time) { engine_->slots_[slot_].pending = engine_->place(slot_, time); }

inline void Timer::arm_at(SimTime when) {
  check(engine_ != nullptr, "a timer is bound before it is armed");
  place(engine_->instant(when));
}

inline void Timer::arm(Nanos delay) {
  check(engine_ != nullptr, "a timer is bound before it is armed");
  place(engine_->instant(delay));
}

inline void Timer::disarm() {
  if (engine_ != nullptr) {
    engine_->slots_[slot_].pending = EventId::none;
  }
}

inline bool Timer::armed() const {
  return engine_ != nullptr && engine_->slots_[slot_].pending != EventId::none;
}

inline SimTime Timer::when() const {
  check(armed(), "only an armed timer has a time");
  return SimTime{Nanos{static_cast<std::int64_t>(time_of(engine_->queue_.key(slot_)))}};
}

}  // namespace sim
