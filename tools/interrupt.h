// Ctrl-C: the first one asks for an orderly end, the second one kills.
#pragma once

#include <atomic>

namespace tools {

// Set by SIGINT, SIGTERM and SIGHUP (a closed terminal, but not under nohup) from the first call on.
const std::atomic<bool>& interrupted();

}  // namespace tools
