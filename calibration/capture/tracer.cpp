#include "calibration/capture/tracer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

extern char** environ;

namespace calibration {
namespace {

constexpr std::size_t longest_line = 64 * 1024;
constexpr std::size_t block_size = 64 * 1024;
constexpr int poll_slice_ms = 100;  // between two looks at `stop`

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error{errno, std::generic_category(), what};
}

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw_errno("a pipe to bpftrace");
    }
  }
  std::array<int, 2> ends{};
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (std::string& text : texts) {
    result.push_back(text.data());
  }
  result.push_back(nullptr);
  return result;
}

// In the child, between fork and exec: only what is safe there.
[[noreturn]] void become(const char* program, char** arguments, char** variables, int out, int error,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(127);  // the parent has died in between
  }
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::execve(program, arguments, variables);
  ::_exit(127);
}

}  // namespace

std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

TracerProcess::TracerProcess(const std::string& program, const std::string& text,
                             const std::vector<std::string>& environment) {
  const Pipe out, error;
  // Buffered by line: the first line is the sign that it traces. It is attached by then, because bpftrace
  // looks at what its programs print only after it has attached them all.
  std::vector<std::string> arguments{program, "-B", "line", "-e", text};
  std::vector<std::string> variables{environment};
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::string_view{*variable}.substr(0, 9) != "BPFTRACE_") {
      variables.emplace_back(*variable);
    }
  }
  const std::vector<char*> argv = pointers(arguments), envp = pointers(variables);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) {
    throw_errno("a process for bpftrace");
  }
  if (pid_ == 0) {
    become(program.c_str(), const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), out.ends[1],
           error.ends[1], parent);
  }
  ::close(out.ends[1]);
  ::close(error.ends[1]);
  out_ = out.ends[0];
  error_ = error.ends[0];
  ::fcntl(error_, F_SETFL, O_NONBLOCK);
}

TracerProcess::~TracerProcess() {
  if (pid_ > 0) {
    kill();
    wait();
  }
  ::close(out_);
  ::close(error_);
}

void TracerProcess::interrupt() {
  if (pid_ > 0) {
    ::kill(pid_, SIGINT);
  }
}

void TracerProcess::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
  }
}

int TracerProcess::wait() {
  int status = 0;
  rusage used{};
  while (pid_ > 0 && ::wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  drain_messages();
  const auto ns = [](const timeval& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_usec} * 1'000;
  };
  cpu_ns_ = ns(used.ru_utime) + ns(used.ru_stime);
  max_rss_ = std::int64_t{used.ru_maxrss} * 1024;
  return status;
}

void TracerProcess::drain_messages() {
  std::array<char, 4096> block{};
  for (ssize_t got = 0; (got = ::read(error_, block.data(), block.size())) > 0;) {
    const std::size_t room = longest_line - std::min(longest_line, messages_.size());
    messages_.append(block.data(), std::min(room, static_cast<std::size_t>(got)));
  }
}

bool TracerProcess::take_line(std::string& line) {
  const auto newline = buffer_.find('\n', begin_);
  const std::size_t waiting = buffer_.size() - begin_;
  if (newline == std::string::npos && waiting < longest_line) {
    return false;
  }
  const std::size_t length =
      std::min(newline == std::string::npos ? waiting : newline - begin_, longest_line);
  line.assign(buffer_, begin_, length);
  begin_ += length + (begin_ + length == newline ? 1 : 0);
  return true;
}

bool TracerProcess::next_line(std::string& line, std::int64_t deadline, const std::atomic<bool>* stop) {
  timed_out_ = false;
  while (!take_line(line)) {
    const std::int64_t left_ms = (deadline - monotonic_ns() + 999'999) / 1'000'000;
    if (left_ms <= 0 || (stop != nullptr && stop->load(std::memory_order_relaxed))) {
      timed_out_ = true;
      return false;
    }
    std::array<pollfd, 2> polled{{{out_, POLLIN, 0}, {error_, POLLIN, 0}}};
    const int slice = static_cast<int>(std::min<std::int64_t>(left_ms, poll_slice_ms));
    if (::poll(polled.data(), polled.size(), slice) <= 0) {
      continue;
    }
    drain_messages();
    if (polled[0].revents == 0) {
      continue;
    }
    buffer_.erase(0, std::exchange(begin_, 0));
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + block_size);
    const ssize_t got = ::read(out_, buffer_.data() + kept, block_size);
    buffer_.resize(kept + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
      if (kept == 0) {
        return false;
      }
      buffer_ += '\n';  // what came last had no newline
    }
  }
  return true;
}

bool TracerProcess::next_line_awake(std::string& line) {
  constexpr std::int64_t patience = 1'000'000'000;
  while (!next_line(line, monotonic_ns() + patience, nullptr)) {
    if (!timed_out_) {
      return false;
    }
    ::kill(pid_, SIGSTOP);
    ::kill(pid_, SIGCONT);
  }
  return true;
}

}  // namespace calibration
