// One line on a terminal for jobs of more than two seconds: how far, how fast, how long still.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "scenarios/experiment.h"

namespace tools {

class ProgressLine {
 public:
  ProgressLine();   // silent unless standard error is a terminal
  ~ProgressLine();  // clears the line
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void operator()(const scenarios::Progress& progress);
  // Of reading a capture; `share` of it, 0: not known.
  void events(std::uint64_t events, double share);
  void share(const char* doing, double share);  // 0..1
  // Of runs on a real machine, which take the time that they take: before each, so that nothing of ours runs
  // during one. `name`: of the one that begins.
  void runs(int done, int total, std::uint64_t steps, const std::string& name);

 private:
  bool due(double& seconds) const;
  void show(const std::string& line);

  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool terminal_;
  bool shown_ = false;
};

}  // namespace tools
