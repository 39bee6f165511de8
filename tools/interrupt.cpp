#include "tools/interrupt.h"

#include <csignal>

namespace tools {
namespace {

std::atomic<bool> flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may set it");

void on_signal(int signal) {
  flag.store(true, std::memory_order_relaxed);
  std::signal(signal, SIG_DFL);
}

}  // namespace

const std::atomic<bool>& interrupted() {
  static const bool installed = [] {
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    if (std::signal(SIGHUP, on_signal) == SIG_IGN) {
      std::signal(SIGHUP, SIG_IGN);  // nohup
    }
    return true;
  }();
  static_cast<void>(installed);
  return flag;
}

}  // namespace tools
