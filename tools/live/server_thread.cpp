#include "tools/live/server_thread.h"

#include <sys/socket.h>

#include <stdexcept>
#include <vector>

#include "sim/rng.h"

namespace tools::live {

void run_server(const ThreadContext& context) {
  const models::ToolConfig& tool = context.plan.agent->tool;
  sim::Stream service = sim::Rng{context.seed}.stream(context.plan.stream + "/service");
  std::vector<char> request(static_cast<std::size_t>(sim::raw(tool.request)));
  const std::vector<char> reply(static_cast<std::size_t>(sim::raw(tool.reply)), 'r');
  context.recorder.wait_for_go();
  for (;;) {
    for (std::size_t got = 0; got < request.size();) {
      const ssize_t more = ::recv(context.socket, request.data() + got, request.size() - got, 0);
      if (more <= 0) {
        throw std::runtime_error{"reading a request: the connection is closed"};
      }
      got += static_cast<std::size_t>(more);
    }
    sleep_for(tool.service.sample(service).count());
    for (std::size_t sent = 0; sent < reply.size();) {
      const ssize_t more = ::send(context.socket, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) {
        throw std::runtime_error{"sending a reply: the connection is closed"};
      }
      sent += static_cast<std::size_t>(more);
    }
    context.slot.loops.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace tools::live
