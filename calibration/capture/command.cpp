#include "calibration/capture/command.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace calibration {

void Command::start() {
  std::vector<char*> arguments;
  for (std::string& word : words_) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  if (words_.empty()) {
    return;
  }
  pid_ = ::fork();
  if (pid_ > 0) {
    ::setpgid(pid_, pid_);  // here and there: whoever comes first
  }
  if (pid_ != 0) {
    return;
  }
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(127);
}

bool Command::ended() {
  if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) {
    pid_ = -1;
    return true;
  }
  return false;
}

void Command::stop() {
  constexpr int looks = 40;
  constexpr useconds_t between = 50'000;
  if (pid_ <= 0) {
    return;
  }
  ::kill(-pid_, SIGTERM);
  for (int look = 0; look < looks && !ended(); ++look) {
    ::usleep(between);
  }
  if (pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
    pid_ = -1;
  }
}

}  // namespace calibration
