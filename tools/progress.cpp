#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace tools {
namespace {

std::string duration(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  return whole < 3600 ? fmt::format("{}:{:02}", whole / 60, whole % 60)
                      : fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace

ProgressLine::ProgressLine() : terminal_{::isatty(STDERR_FILENO) == 1} {}

ProgressLine::~ProgressLine() {
  if (shown_) {
    std::fputs("\r\033[K", stderr);
  }
}

void ProgressLine::operator()(const scenarios::Progress& progress) {
  constexpr double quiet_seconds = 2;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (!terminal_ || seconds < quiet_seconds) {
    return;
  }
  const std::string left =
      progress.share > 0 ? duration(seconds * (1 - progress.share) / progress.share) + " left" : "starting";
  const std::string line = fmt::format("\r\033[K{}/{} replications, {:.0f} %, {:.2f} M events/s, {}",
                                       progress.done, progress.total, 100 * progress.share,
                                       static_cast<double>(progress.events) / seconds / 1e6, left);
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

}  // namespace tools
