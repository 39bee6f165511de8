#include "calibration/traces/parser_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

#include "calibration/traces/parser_child.h"
#include "scenarios/input_error.h"

namespace calibration {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int poll_ms = 100;  // between two looks at how long it has been silent
constexpr std::string_view blank = " \n\r\t";

[[noreturn]] void fail(const char* what) { throw std::system_error{errno, std::generic_category(), what}; }

// One end of a pipe, or nothing.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_{fd} {}
  Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      fail("pipe");
    }
    out = Fd{ends[0]};
    in = Fd{ends[1]};
  }
  Fd out, in;
};

class ParserProcess final : public EventSource {
 public:
  ParserProcess(const ParserJob& job, Names& names, CaptureLog& log);
  ~ParserProcess() override { reap(); }
  ParserProcess(const ParserProcess&) = delete;
  ParserProcess& operator=(const ParserProcess&) = delete;

  bool next(Event& event) override;

 private:
  bool read_more();
  void wait_for_bytes();
  std::chrono::milliseconds cpu_time() const;
  bool read_complaints();
  int reap();
  void finish();
  scenarios::InputError refusal(const Refusal& why);
  scenarios::InputError ended_badly(int status);
  scenarios::InputError misbehaved(const std::string& how);
  std::string_view complaint(bool first);
  static std::string with(std::string found, std::string_view said);

  std::string file_, parser_, expected_;
  ParserLimits limits_;
  std::string_view (*gist_)(std::string_view line);
  CaptureLog& log_;
  EventDecoder decoder_;
  Fd events_, complaints_;
  ::pid_t child_ = -1;
  std::uint64_t taken_ = 0;      // events
  std::string complaints_text_;  // what it wrote to stderr: the first bytes and the last
  bool done_ = false;
};

ParserProcess::ParserProcess(const ParserJob& job, Names& names, CaptureLog& log)
    : file_{job.file},
      parser_{job.parser},
      expected_{job.expected},
      limits_{job.limits},
      gist_{job.gist},
      log_{log},
      decoder_{names, log} {
  Pipe events, complaints;
  const ::pid_t parent = ::getpid();
  child_ = ::fork();
  if (child_ == 0) {
    run_parser_child(job, {events.in.get(), complaints.in.get()}, parent);
  }
  if (child_ < 0) {
    fail("fork");
  }
  events_ = std::move(events.out);
  complaints_ = std::move(complaints.out);
  ::fcntl(complaints_.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(events_.get(), F_SETPIPE_SZ, 1 << 20);  // fewer switches between the two; as it is where refused
}

bool ParserProcess::next(Event& event) {
  try {
    while (!done_) {
      if (decoder_.next(event)) {
        ++taken_;
        log_.lost_events += event.kind == EventKind::lost ? event.lost.count : 0;
        return true;
      }
      if (decoder_.over()) {
        finish();
      } else if (!read_more()) {
        throw ended_badly(reap());
      }
    }
  } catch (const EventDecoder::BadMessage& bad) {
    throw misbehaved("sends " + bad.what);
  }
  return false;
}

void ParserProcess::finish() {
  done_ = true;
  reap();
  if (decoder_.refusal()) {
    throw refusal(*decoder_.refusal());
  }
}

// False at the end of the stream.
bool ParserProcess::read_more() {
  const std::span<char> space = decoder_.space();
  for (;;) {
    wait_for_bytes();
    const ::ssize_t got = ::read(events_.get(), space.data(), space.size());
    if (got >= 0) {
      decoder_.filled(static_cast<std::size_t>(got));
      return got > 0;
    }
    if (errno != EINTR) {
      fail("read");
    }
  }
}

void ParserProcess::wait_for_bytes() {
  const Clock::time_point begin = Clock::now();
  const std::chrono::milliseconds cpu = cpu_time();
  for (;;) {
    std::array<::pollfd, 2> waited{::pollfd{events_.get(), POLLIN, 0},
                                   ::pollfd{complaints_.get(), POLLIN, 0}};
    const int ready = ::poll(waited.data(), waited.size(), poll_ms);
    if (ready < 0 && errno != EINTR) {
      fail("poll");
    }
    if (ready > 0 && waited[1].revents != 0) {
      read_complaints();
    }
    if (ready > 0 && waited[0].revents != 0) {
      return;
    }
    if (Clock::now() - begin > limits_.silence) {
      throw misbehaved("says nothing for " + std::to_string(limits_.silence.count()) + " ms");
    }
    if (cpu_time() - cpu > limits_.silent_cpu) {
      throw misbehaved("computes for " + std::to_string(limits_.silent_cpu.count()) + " ms and says nothing");
    }
  }
}

// What the child has used so far.
std::chrono::milliseconds ParserProcess::cpu_time() const {
  ::clockid_t clock{};
  ::timespec used{};
  if (::clock_getcpuclockid(child_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    return {};  // it has ended
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::seconds{used.tv_sec} +
                                                               std::chrono::nanoseconds{used.tv_nsec});
}

// False when there is nothing more for now.
bool ParserProcess::read_complaints() {
  constexpr std::size_t kept = 4096;  // of the beginning, and as much of the end
  std::array<char, kept> bytes{};
  const ::ssize_t got = ::read(complaints_.get(), bytes.data(), bytes.size());
  if (got > 0) {
    complaints_text_.append(bytes.data(), static_cast<std::size_t>(got));
    if (complaints_text_.size() > 2 * kept) {
      complaints_text_.erase(kept, complaints_text_.size() - 2 * kept);
    }
  } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
    complaints_.close();  // poll passes over what is negative
  }
  return got > 0;
}

// Ends the child if it still runs. Its status as waitpid gives it; 0 when there is none.
int ParserProcess::reap() {
  if (child_ < 0) {
    return 0;
  }
  events_.close();
  int status = 0;
  // A child that has closed its pipe is about to end by itself; one that has not is told to.
  ::kill(child_, SIGKILL);
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  return status;
}

// What it wrote to stderr, of one line, or nothing. After reap(): all is said by then.
std::string_view ParserProcess::complaint(bool first) {
  while (read_complaints()) {
  }
  std::string_view said = complaints_text_;
  const std::size_t begin = said.find_first_not_of(blank);
  if (begin == std::string_view::npos) {
    return {};
  }
  said = said.substr(begin, said.find_last_not_of(blank) + 1 - begin);
  const std::size_t newline = first ? said.find('\n') : said.rfind('\n');
  if (newline != std::string_view::npos) {
    said = first ? said.substr(0, newline) : said.substr(newline + 1);
  }
  return gist_ != nullptr ? gist_(said) : said;
}

// `found`, with what was said unless that is in it already.
std::string ParserProcess::with(std::string found, std::string_view said) {
  if (!said.empty() && found.find(said) == std::string::npos) {
    found += " (it said " + scenarios::quoted(said, 200) + ")";
  }
  return found;
}

scenarios::InputError ParserProcess::refusal(const Refusal& why) {
  return scenarios::InputError{{.file = file_,
                                .found = with(why.found, complaint(true)),
                                .expected = why.expected.empty() ? expected_ : why.expected,
                                .suggestion = why.suggestion}};
}

scenarios::InputError ParserProcess::misbehaved(const std::string& how) {
  done_ = true;
  reap();
  const std::string found =
      "something on which " + parser_ + " " + how + ", after " + std::to_string(taken_) + " events";
  return scenarios::InputError{{.file = file_,
                                .found = with(found, complaint(false)),
                                .expected = expected_,
                                .suggestion = "the file may be damaged: copy or record it again"}};
}

scenarios::InputError ParserProcess::ended_badly(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
    return misbehaved("takes more than " + std::to_string(limits_.cpu_seconds) + " s of CPU time");
  }
  if (WIFSIGNALED(status)) {
    return misbehaved("crashes (" + std::string{::strsignal(WTERMSIG(status))} + ")");
  }
  return misbehaved("gives up");
}

}  // namespace

std::uint64_t parser_cpu_seconds(std::uint64_t input_bytes) { return 60 + (input_bytes >> 20); }

std::unique_ptr<EventSource> start_parser(const ParserJob& job, Names& names, CaptureLog& log) {
  return std::make_unique<ParserProcess>(job, names, log);
}

}  // namespace calibration
