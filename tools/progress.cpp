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

std::string time_left(double seconds, double share) {
  return share > 0 ? duration(seconds * (1 - share) / share) + " left" : "starting";
}

}  // namespace

ProgressLine::ProgressLine() : terminal_{::isatty(STDERR_FILENO) == 1} {}

ProgressLine::~ProgressLine() {
  if (shown_) {
    std::fputs("\r\033[K", stderr);
  }
}

// Two seconds pass in silence.
bool ProgressLine::due(double& seconds) const {
  constexpr double quiet_seconds = 2;
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  return terminal_ && seconds >= quiet_seconds;
}

void ProgressLine::show(const std::string& line) {
  std::fputs(("\r\033[K" + line).c_str(), stderr);
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::operator()(const scenarios::Progress& progress) {
  double seconds = 0;
  if (due(seconds)) {
    show(fmt::format("{}/{} replications, {:.0f} %, {:.2f} M events/s, {}", progress.done, progress.total,
                     100 * progress.share, static_cast<double>(progress.events) / seconds / 1e6,
                     time_left(seconds, progress.share)));
  }
}

void ProgressLine::share(const char* doing, double share) {
  double seconds = 0;
  if (due(seconds)) {
    show(fmt::format("{}, {:.0f} %, {}", doing, 100 * share, time_left(seconds, share)));
  }
}

void ProgressLine::events(std::uint64_t events, double share) {
  double seconds = 0;
  if (due(seconds)) {
    const double millions = static_cast<double>(events) / 1e6;
    show(fmt::format("{:.1f} M events, {:.0f} %, {:.2f} M events/s, {}", millions, 100 * share,
                     millions / seconds, time_left(seconds, share)));
  }
}

void ProgressLine::runs(int done, int total, std::uint64_t steps, const std::string& name) {
  if (terminal_) {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    show(fmt::format("run {}/{} ({}), {:.0f} steps/s, {}", done + 1, total, name,
                     static_cast<double>(steps) / seconds,
                     time_left(seconds, static_cast<double>(done) / total)));
  }
}

}  // namespace tools
