// Ctrl-C: the first one asks for an orderly end, the second one kills.
#pragma once

#include <atomic>

namespace tools {

// Set by SIGINT and SIGTERM from the first call on.
const std::atomic<bool>& interrupted();

}  // namespace tools
