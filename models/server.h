// A tool server on this host: one thread per connection reads the request, takes its time, replies.
#pragma once

#include "models/agent.h"

namespace models {

class Server {
 public:
  Server(const Kernel& kernel, const Agent& client, Task& task, FlowId flow, const sim::Rng& rng)
      : kernel_{kernel},
        client_{client},
        task_{task},
        flow_{flow},
        service_{rng.stream(client.name() + "/service")} {}
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start() {
    kernel_.tcp.recv_blocking(task_, kernel_.tcp.socket(flow_), then<&Server::request_read>(*this));
  }

 private:
  void request_read() {
    CompletionId completion = CompletionId::none;
    if (!kernel_.tcp.take_message(kernel_.tcp.socket(flow_), completion)) {
      start();
      return;
    }
    kernel_.nanosleep.sleep(task_, client_.config().tool.service.sample(service_), CompletionId::none,
                            then<&Server::served>(*this));
  }

  // The reply carries the context of the step it answers.
  void served() {
    const CompletionId completion = kernel_.completions.acquire(
        client_.ctx(), client_.task_id(),
        {.source = WakeSource::net, .cookie = static_cast<std::int64_t>(task_.id)});
    kernel_.tcp.send(task_, kernel_.tcp.socket(flow_), sim::raw(client_.config().tool.reply), completion,
                     then<&Server::start>(*this));
  }

  Kernel kernel_;
  const Agent& client_;
  Task& task_;
  FlowId flow_;
  sim::Stream service_;
};

}  // namespace models
