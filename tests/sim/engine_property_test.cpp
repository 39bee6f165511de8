// The engine against the plainest one that is right: whatever is scheduled, moved and cancelled, from
// inside and outside of handlers, both run the same events at the same times in the same order.
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sim/engine.h"
#include "sim/rng.h"

namespace {

using sim::EventId;
using sim::Nanos;
using sim::SimTime;

// An ordered map from (time, order of scheduling) to what is called.
class PlainEngine {
 public:
  SimTime now() const { return now_; }

  template <auto Method, class T>
  EventId after(Nanos delay, T& object, std::uint64_t argument = 0) {
    const EventId id{++last_id_};
    const Key key{now_ + delay, ++order_};
    keys_[id] = key;
    events_[key] = {id, [](void* target, std::uint64_t value) { (static_cast<T*>(target)->*Method)(value); },
                    &object, argument};
    return id;
  }

  bool pending(EventId id) const { return keys_.contains(id); }

  void cancel(EventId id) {
    if (pending(id)) {
      events_.erase(keys_.at(id));
      keys_.erase(id);
    }
  }

  void reschedule(EventId id, SimTime when) {
    auto event = events_.extract(keys_.at(id));
    event.key() = keys_.at(id) = {when, ++order_};
    events_.insert(std::move(event));
  }

  void run_for(Nanos span) {
    const SimTime horizon = now_ + span;
    stopped_ = false;
    while (!stopped_ && !events_.empty() && events_.begin()->first.first <= horizon) {
      const auto [key, event] = *events_.begin();
      cancel(event.id);
      now_ = key.first;
      ++executed_;
      event.call(event.object, event.argument);
    }
    now_ = stopped_ ? now_ : horizon;
  }

  void stop() { stopped_ = true; }
  std::uint64_t executed() const { return executed_; }
  std::size_t pending_count() const { return events_.size(); }

 private:
  using Key = std::pair<SimTime, std::uint64_t>;
  struct Event {
    EventId id;
    void (*call)(void*, std::uint64_t);
    void* object;
    std::uint64_t argument;
  };
  std::map<Key, Event> events_;
  std::map<EventId, Key> keys_;
  SimTime now_{};
  std::uint64_t last_id_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t executed_ = 0;
  bool stopped_ = false;
};

class PlainTimer {
 public:
  template <auto Method, class T>
  void bind(PlainEngine& engine, T& object, std::uint64_t argument) {
    engine_ = &engine;
    schedule_ = [](PlainEngine& on, Nanos delay, void* target, std::uint64_t value) {
      return on.after<Method>(delay, *static_cast<T*>(target), value);
    };
    object_ = &object;
    argument_ = argument;
  }
  void arm(Nanos delay) {
    disarm();
    when_ = engine_->now() + delay;
    id_ = schedule_(*engine_, delay, object_, argument_);
  }
  void disarm() { engine_->cancel(id_); }
  bool armed() const { return engine_->pending(id_); }
  SimTime when() const { return when_; }

 private:
  PlainEngine* engine_ = nullptr;
  EventId (*schedule_)(PlainEngine&, Nanos, void*, std::uint64_t) = nullptr;
  void* object_ = nullptr;
  std::uint64_t argument_ = 0;
  EventId id_ = EventId::none;
  SimTime when_{};
};

// Does things at random, as long as the engine runs its events in the order that it drew them for.
template <class Engine, class Timer>
class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : draws_{sim::Rng{seed}.stream("chaos")}, timers_(6) {
    for (std::size_t i = 0; i < timers_.size(); ++i) {
      timers_[i].template bind<&Chaos::fire>(engine_, *this, 1'000'000 + i);
    }
  }

  void run() {
    for (int round = 0; round < 300; ++round) {
      const std::uint64_t burst = round % 100 == 50 ? 400 : 5;  // now and then more than ever before
      for (std::uint64_t i = 0; i < burst; ++i) {
        act();
      }
      engine_.run_for(Nanos{draws_.below(8)});
    }
  }

  // What happened: (time, event) and (time, answer) pairs, then the fate of every event.
  std::vector<std::pair<SimTime, std::uint64_t>> story() const {
    auto all = log_;
    for (const EventId id : ids_) {
      all.emplace_back(engine_.now(), engine_.pending(id) ? 1 : 0);
    }
    all.emplace_back(engine_.now(), engine_.executed());
    all.emplace_back(engine_.now(), engine_.pending_count());
    return all;
  }

 private:
  void fire(std::uint64_t event) {
    log_.emplace_back(engine_.now(), event);
    for (std::uint64_t acts = draws_.below(3); acts > 0; --acts) {
      act();
    }
  }

  Nanos delay() { return Nanos{draws_.below(3) * draws_.below(12)}; }  // many ties, some at this instant

  void act() {
    Timer& timer = timers_[draws_.below(timers_.size())];
    switch (draws_.below(10)) {
      case 0:
      case 1:
      case 2:
        ids_.push_back(engine_.template after<&Chaos::fire>(delay(), *this, ids_.size()));
        break;
      case 3:
        engine_.cancel(any_event());
        break;
      case 4:
      case 5:
      case 6:
        reschedule(any_event());
        break;
      case 7:
        timer.arm(delay());
        break;
      case 8:
        timer.disarm();
        break;
      default:
        log_.emplace_back(timer.armed() ? timer.when() : SimTime{}, timer.armed() ? 1 : 0);
        if (draws_.below(8) == 0) {
          engine_.stop();
        }
    }
  }

  // Mostly one of the latest, now and then one that is long over.
  EventId any_event() {
    if (ids_.empty()) {
      return EventId::none;
    }
    const std::uint64_t last = ids_.size() - 1;
    return ids_[last - (draws_.below(8) == 0 ? draws_.below(last + 1) : draws_.below(last + 1) % 30)];
  }

  void reschedule(EventId id) {
    const Nanos by = delay();
    if (engine_.pending(id)) {
      engine_.reschedule(id, engine_.now() + by);
    }
  }

  Engine engine_{};
  sim::Stream draws_;
  std::vector<Timer> timers_;
  std::vector<EventId> ids_;
  std::vector<std::pair<SimTime, std::uint64_t>> log_;
};

TEST_CASE("any mix of scheduling, moving, cancelling and stopping runs as in a sorted map", "[engine]") {
  const std::uint64_t seed = GENERATE(range(1, 41));
  Chaos<sim::Engine, sim::Timer> engine{seed};
  Chaos<PlainEngine, PlainTimer> plain{seed};

  engine.run();
  plain.run();

  CHECK(plain.story().size() > 2000);
  CHECK((engine.story() == plain.story()));
}

}  // namespace
