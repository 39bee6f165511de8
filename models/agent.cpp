#include "models/agent.h"

namespace models {

Agent::Agent(const Kernel& kernel, const AgentConfig& config, Task& task, std::int32_t agent_id,
             DeviceId read_device, const sim::Rng& rng)
    : kernel_{kernel},
      config_{config},
      task_{task},
      read_device_{read_device},
      think_{rng.stream(task.name + "/think")},
      service_{rng.stream(task.name + "/service")},
      compute_{rng.stream(task.name + "/compute")},
      addresses_{rng.stream(task.name + "/addresses")} {
  ctx_.agent_id = agent_id;
  ctx_.latency_class = config.latency_class;
}

void Agent::think() {
  const sim::Nanos span = config_.think.sample(think_);
  intended_ = kernel_.engine.now() + span;
  ++ctx_.step_id;
  ctx_.deadline = config_.deadline.count() == 0 ? sim::never : intended_ + config_.deadline;
  timer_ = kernel_.completions.acquire(ctx_, task_.id, Nanosleep::cause(task_.id));
  kernel_.nanosleep.sleep(task_, span, timer_, then<&Agent::awake>(*this));
}

void Agent::awake() {
  phase_ = kernel_.engine.now();
  const Completion& timer = kernel_.completions[timer_];
  times_ = {.agent_id = ctx_.agent_id, .start = phase_, .timer_late = phase_ - intended_};
  kernel_.meter.record(Metric::timer_late, times_.timer_late);
  measure_return(timer, Metric::stage_return, Metric::chain_timer, intended_, phase_);
  if (timer.has(Stage::waking)) {
    kernel_.meter.record(Metric::stage_irq, timer.when(Stage::waking) - intended_);
  }
  kernel_.meter.finish(timer);
  kernel_.completions.release(timer_);
  if (flow_ == FlowId::none) {
    retrieve();
    return;
  }
  Socket& socket = kernel_.tcp.socket(flow_);
  CompletionId completion = CompletionId::none;
  if (socket.transport == Transport::nic && socket.peer == FlowId::none) {
    completion = kernel_.completions.acquire(ctx_, task_.id, {.source = WakeSource::net});
    remote_call(flow_, config_.tool.service.sample(service_), completion);
  }
  kernel_.tcp.send(task_, socket, sim::raw(config_.tool.request), completion,
                   then<&Agent::request_sent>(*this));
}

void Agent::request_sent() {
  kernel_.tcp.epoll_wait(task_, kernel_.tcp.socket(flow_), then<&Agent::reply_readable>(*this));
}

void Agent::reply_readable() {
  Socket& socket = kernel_.tcp.socket(flow_);
  reply_at_ = socket.completion != CompletionId::none ? kernel_.engine.now() : unstamped;
  kernel_.tcp.recv(task_, socket, then<&Agent::reply_received>(*this));
}

void Agent::reply_received() {
  CompletionId completion = CompletionId::none;
  if (!kernel_.tcp.take_message(kernel_.tcp.socket(flow_), completion)) {
    request_sent();  // only a part of the reply so far
    return;
  }
  if (completion != CompletionId::none) {
    const Completion& reply = kernel_.completions[completion];
    if (reply_at_ == unstamped) {  // its end came while its beginning was being read
      reply_at_ = kernel_.engine.now();
    }
    const sim::SimTime from =
        reply.has(Stage::device_done) ? reply.when(Stage::device_done) : reply.when(Stage::softirq_raise);
    measure_return(reply, Metric::return_epoll, Metric::chain_network, from, reply_at_);
    kernel_.meter.finish(reply);
    kernel_.completions.release(completion);
  }
  times_.tool = kernel_.engine.now() - phase_;
  kernel_.meter.record(Metric::tool, times_.tool);
  retrieve();
}

void Agent::retrieve() {
  phase_ = kernel_.engine.now();
  if (read_device_ == DeviceId::none) {
    compute();
    return;
  }
  const ReadCall call{read_device_, config_.read.count,
                      static_cast<std::int32_t>(sim::raw(config_.read.size)), config_.read.ring, ctx_};
  kernel_.io_uring.submit_and_wait(task_, call, addresses_, then<&Agent::retrieved>(*this));
}

void Agent::read_reached_user(const Completion& completion) {
  if (completion.has(Stage::device_done)) {
    measure_return(completion, Metric::return_io_uring, Metric::chain_block,
                   completion.when(Stage::device_done), completion.when(Stage::user));
  }
}

void Agent::retrieved() {
  times_.read = kernel_.engine.now() - phase_;
  kernel_.meter.record(Metric::read, times_.read);
  compute();
}

void Agent::compute() {
  phase_ = kernel_.engine.now();
  kernel_.sched.work_user<&Agent::computed>(task_, config_.compute.sample(compute_), *this);
}

void Agent::computed() {
  const sim::SimTime now = kernel_.engine.now();
  Meter& meter = kernel_.meter;
  times_.compute = now - phase_;
  meter.record(Metric::compute, times_.compute);
  meter.record(Metric::step, now - intended_);
  meter.count(Counter::steps);
  meter.step(times_);
  if (now > ctx_.deadline) {
    meter.count(Counter::deadline_misses);
  }
  session_measured_ = session_steps_ == 0 ? meter.on() : session_measured_;
  session_ += now - intended_;
  if (++session_steps_ == config_.steps_per_session) {
    end_session();
  }
  think();
}

void Agent::end_session() {
  if (session_measured_) {  // all of it was after the warm-up
    kernel_.meter.record(Metric::session, session_);
    kernel_.meter.count(Counter::sessions);
  }
  session_ = sim::Nanos{0};
  session_steps_ = 0;
}

// A completion has reached userspace, at `user` by the program's own clock: its last hop, its whole chain.
void Agent::measure_return(const Completion& completion, Metric gate, Metric chain, sim::SimTime from,
                           sim::SimTime user) {
  if (completion.has(Stage::running)) {
    kernel_.meter.record(gate, user - completion.when(Stage::running));
    if (gate != Metric::stage_return) {
      kernel_.meter.record(Metric::stage_return, user - completion.when(Stage::running));
    }
  }
  kernel_.meter.record(chain, user - from);
  kernel_.meter.count(Counter::completions);
}

}  // namespace models
