// A tool server's thread, as models/server.h has it: reads a request, takes its time, replies.
#pragma once

#include "tools/live/agent_thread.h"

namespace tools::live {

[[noreturn]] void run_server(const ThreadContext& context);

}  // namespace tools::live
