// One source, one server, one sink: the textbook queue as ordinary components, on any engine with the
// interface of sim::Engine. `Draw` is called for the next inter-arrival or service time.
#pragma once

#include <cstdint>

#include "sim/port.h"
#include "sim/ring.h"
#include "sim/time.h"

namespace perf {

template <class Engine, class Draw>
class Source {
 public:
  Source(Engine& engine, Draw interarrival) : engine_{engine}, interarrival_{interarrival} {}
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  sim::Port<void()> job;

  void start() { engine_.template after<&Source::arrive>(interarrival_(), *this); }

 private:
  void arrive() {
    start();
    job();
  }

  Engine& engine_;
  Draw interarrival_;
};

template <class Engine, class Draw>
class Server {
 public:
  Server(Engine& engine, Draw service) : engine_{engine}, service_{service} {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  sim::Port<void(sim::Nanos)> served;  // the time that the job waited for its service to start

  void submit() {
    waiting_.push(engine_.now());
    if (!busy_) {
      serve();
    }
  }

 private:
  void serve() {
    busy_ = true;
    waited_ = engine_.now() - waiting_.pop();
    engine_.template after<&Server::done>(service_(), *this);
  }

  void done() {
    busy_ = false;
    served(waited_);
    if (!waiting_.empty()) {
      serve();
    }
  }

  Engine& engine_;
  Draw service_;
  sim::Ring<sim::SimTime> waiting_{1 << 12};
  sim::Nanos waited_{};
  bool busy_ = false;
};

class Sink {
 public:
  void take(sim::Nanos waited) {
    ++jobs_;
    waited_ += waited;
    unqueued_ += waited == sim::Nanos{0} ? 1 : 0;
  }

  std::uint64_t jobs() const { return jobs_; }
  double mean_wait_ns() const { return static_cast<double>(waited_.count()) / static_cast<double>(jobs_); }
  double share_unqueued() const { return static_cast<double>(unqueued_) / static_cast<double>(jobs_); }

 private:
  std::uint64_t jobs_ = 0;
  std::uint64_t unqueued_ = 0;
  sim::Nanos waited_{};
};

template <class Engine, class Draw>
class SingleServerQueue {
 public:
  SingleServerQueue(Draw interarrival, Draw service)
      : source_{engine_, interarrival}, server_{engine_, service} {
    source_.job.template connect<&Server<Engine, Draw>::submit>(server_);
    server_.served.template connect<&Sink::take>(sink_);
    source_.start();
  }

  Engine& engine() { return engine_; }
  const Sink& sink() const { return sink_; }

 private:
  Engine engine_;
  Source<Engine, Draw> source_;
  Server<Engine, Draw> server_;
  Sink sink_;
};

}  // namespace perf
