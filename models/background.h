// Background load, one class per kind: what competes with the agents for CPUs, softirqs and the disk.
//
//   Burst   alternates CPU time and sleep            Hog      never sleeps
//   Writer  O_DIRECT writes, paced by sleep          Sender   TCP writes over a veth, paced by sleep
//   Sink    reads whatever arrives
#pragma once

#include "models/agent.h"

namespace models {

class Burst {
 public:
  Burst(const Kernel& kernel, const BackgroundConfig& config, Task& task, const sim::Rng& rng)
      : kernel_{kernel},
        config_{config},
        task_{task},
        busy_{rng.stream(task.name + "/busy")},
        sleep_{rng.stream(task.name + "/sleep")} {}
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  void start() { kernel_.sched.work_user<&Burst::computed>(task_, config_.busy.sample(busy_), *this); }

 private:
  void computed() {
    kernel_.nanosleep.sleep(task_, config_.sleep.sample(sleep_), CompletionId::none,
                            then<&Burst::start>(*this));
  }

  Kernel kernel_;
  const BackgroundConfig& config_;
  Task& task_;
  sim::Stream busy_, sleep_;
};

class Hog {
 public:
  Hog(const Kernel& kernel, Task& task) : kernel_{kernel}, task_{task} {}
  Hog(const Hog&) = delete;
  Hog& operator=(const Hog&) = delete;

  void start() { kernel_.sched.work_user<&Hog::start>(task_, sim::Nanos{1'000'000'000}, *this); }

 private:
  Kernel kernel_;
  Task& task_;
};

// Paces a program: the n-th transfer starts no earlier than n transfers at the rate would take.
class Pace {
 public:
  Pace(sim::Bytes size, sim::BytesPerSecond rate) : gap_{sim::to_nanos(size, rate)} {}
  // How long to wait before the next transfer; zero: it is due. A program that fell behind catches up.
  sim::Nanos wait(sim::SimTime now) {
    if (next_ == sim::SimTime{}) {
      next_ = now;
    }
    next_ += gap_;
    return next_ > now ? next_ - now : sim::Nanos{0};
  }

 private:
  sim::Nanos gap_;
  sim::SimTime next_{};
};

class Writer {
 public:
  Writer(const Kernel& kernel, const BackgroundConfig& config, Task& task, DeviceId device,
         const sim::Rng& rng)
      : kernel_{kernel},
        config_{config},
        task_{task},
        device_{device},
        pace_{config.size, config.rate},
        addresses_{rng.stream(task.name + "/addresses")} {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void start() {
    kernel_.io_uring.pwrite(task_, device_, static_cast<std::int32_t>(sim::raw(config_.size)), addresses_,
                            then<&Writer::written>(*this));
  }

 private:
  void written() {
    kernel_.meter.count(Counter::background_bytes, sim::raw(config_.size));
    const sim::Nanos wait = pace_.wait(kernel_.engine.now());
    if (wait.count() == 0) {
      start();
    } else {
      kernel_.nanosleep.sleep(task_, wait, CompletionId::none, then<&Writer::start>(*this));
    }
  }

  Kernel kernel_;
  const BackgroundConfig& config_;
  Task& task_;
  DeviceId device_;
  Pace pace_;
  sim::Stream addresses_;
};

class Sender {
 public:
  Sender(const Kernel& kernel, const BackgroundConfig& config, Task& task, FlowId flow)
      : kernel_{kernel}, config_{config}, task_{task}, flow_{flow}, pace_{config.size, config.rate} {}
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void start() {
    kernel_.tcp.send(task_, kernel_.tcp.socket(flow_), sim::raw(config_.size), CompletionId::none,
                     then<&Sender::sent>(*this));
  }

 private:
  void sent() {
    const sim::Nanos wait = pace_.wait(kernel_.engine.now());
    if (wait.count() == 0) {
      start();
    } else {
      kernel_.nanosleep.sleep(task_, wait, CompletionId::none, then<&Sender::start>(*this));
    }
  }

  Kernel kernel_;
  const BackgroundConfig& config_;
  Task& task_;
  FlowId flow_;
  Pace pace_;
};

class Sink {
 public:
  Sink(const Kernel& kernel, Task& task, FlowId flow) : kernel_{kernel}, task_{task}, flow_{flow} {}
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void start() { kernel_.tcp.recv_blocking(task_, kernel_.tcp.socket(flow_), then<&Sink::start>(*this)); }

 private:
  Kernel kernel_;
  Task& task_;
  FlowId flow_;
};

}  // namespace models
