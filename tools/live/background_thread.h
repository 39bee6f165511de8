// Background load, one loop per kind, as models/background.h has them: the same draws and the same pacing.
#pragma once

#include "tools/live/agent_thread.h"

namespace tools::live {

// Of any kind but agent and server. Throws std::runtime_error: a broken connection, a failed write.
[[noreturn]] void run_background(const ThreadContext& context);

}  // namespace tools::live
