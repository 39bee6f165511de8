// The agent's loop: think -> tool call -> retrieval reads -> compute, one step after another.
//
//   think ─timer─► awake ─► send ─► epoll_wait ─► recv ─► submit_and_wait ─► compute ─► step done ─► think
//
// Each method is the userspace code that runs when the call before it has returned, so the file reads as the
// program it simulates. The loop is closed: a step's end starts the next think time.
#pragma once

#include <cstdint>

#include "models/completion_pool.h"
#include "models/io_uring.h"
#include "models/meter.h"
#include "models/nanosleep.h"
#include "models/tcp.h"
#include "models/workload_config.h"
#include "sim/rng.h"

namespace models {

// The system calls that programs use.
struct Kernel {
  sim::Engine& engine;
  Sched& sched;
  CostSampler& costs;
  CompletionPool& completions;
  Meter& meter;
  Nanosleep& nanosleep;
  Tcp& tcp;
  IoUring& io_uring;
};

class Agent {
 public:
  Agent(const Kernel& kernel, const AgentConfig& config, Task& task, std::int32_t agent_id,
        DeviceId read_device, const sim::Rng& rng);
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // out: the request is about to be sent to a tool server on another machine. Carries the flow, the
  // server's time for this call, and the reply's completion.
  sim::Port<void(FlowId, sim::Nanos, CompletionId)> remote_call;

  void connect_socket(FlowId flow) { flow_ = flow; }
  Task& task() { return task_; }
  TaskId task_id() const { return task_.id; }
  const std::string& name() const { return task_.name; }
  const AgentConfig& config() const { return config_; }
  // The agent's current context: what a server's reply to it carries.
  const AgentLatencyCtx& ctx() const { return ctx_; }

  void start() { think(); }  // in: the task's first work

  void read_reached_user(const Completion& completion);  // in: from io_uring

 private:
  void think();
  void awake();
  void request_sent();
  void reply_readable();
  void reply_received();
  void retrieve();
  void retrieved();
  void compute();
  void computed();
  void end_session();
  void measure_return(const Completion& completion, Metric gate, Metric chain, sim::SimTime from,
                      sim::SimTime user);

  Kernel kernel_;
  const AgentConfig& config_;
  Task& task_;
  DeviceId read_device_;
  FlowId flow_ = FlowId::none;
  sim::Stream think_, service_, compute_, addresses_;

  AgentLatencyCtx ctx_;
  CompletionId timer_ = CompletionId::none;
  sim::SimTime intended_{};            // start of the step: the timer's expiry
  sim::SimTime phase_{};               // start of the current part of the step
  StepTimes times_;                    // of the parts so far
  sim::SimTime reply_at_ = unstamped;  // epoll_wait returned with the whole reply there
  sim::Nanos session_{0};
  int session_steps_ = 0;
  bool session_measured_ = false;
};

}  // namespace models
