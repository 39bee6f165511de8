// The load that a capture runs: a process group of its own, which ends with the capture.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace calibration {

class Command {
 public:
  explicit Command(std::vector<std::string> words) : words_{std::move(words)} {}
  ~Command() { stop(); }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  void start();                           // nothing, when there are no words
  bool ended();                           // since the last call; false when it was never started
  void stop();                            // SIGTERM, and where that does not end it within 2 s, SIGKILL
  int status() const { return status_; }  // as of waitpid; 0 until it has ended

 private:
  std::vector<std::string> words_;
  pid_t pid_ = -1;
  int status_ = 0;
};

}  // namespace calibration
