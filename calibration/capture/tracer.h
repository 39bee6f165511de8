// bpftrace as a child process: started, waited for until it traces, interrupted, and its output taken.
//
// It dies with us (PR_SET_PDEATHSIG), and its probes with it: nothing stays on the machine, even after a kill
// -9. It is in a process group of its own, so that a Ctrl-C at the terminal reaches us alone and bpftrace
// still prints what it has.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calibration {

class TracerProcess {
 public:
  // `program`: path of bpftrace; `text`: what it is to run. Throws std::system_error.
  TracerProcess(const std::string& program, const std::string& text,
                const std::vector<std::string>& environment);
  ~TracerProcess();  // kills it, if it still runs, and waits for it
  TracerProcess(const TracerProcess&) = delete;
  TracerProcess& operator=(const TracerProcess&) = delete;

  // The next line of its standard output; false at its end, or when `deadline` (monotonic ns) has passed or
  // `stop` is set (then `timed_out`). Lines longer than 64 KiB are cut into several.
  bool next_line(std::string& line, std::int64_t deadline, const std::atomic<bool>* stop);
  bool timed_out() const { return timed_out_; }

  void interrupt();  // SIGINT: print the maps and end
  // After interrupt(): the next line, false at the end of them. bpftrace looks whether it was interrupted and
  // then waits for output without a limit (0.17, BPFtrace::poll_perf_events): a signal that comes between the
  // two is lost. A second one may end it in the midst of its lines. So when it is silent for long, it is
  // stopped and continued: its wait ends with EINTR (signal(7)), and nothing else changes.
  bool next_line_awake(std::string& line);
  void kill();
  int wait();  // exit status as of waitpid; once
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  const std::string& messages() const { return messages_; }  // its standard error, up to 64 KiB
  std::int64_t cpu_ns() const { return cpu_ns_; }            // user and system time, after wait()
  std::int64_t max_rss() const { return max_rss_; }          // bytes, after wait()

 private:
  bool take_line(std::string& line);
  void drain_messages();

  pid_t pid_ = -1;
  int out_ = -1;
  int error_ = -1;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::string messages_;
  bool timed_out_ = false;
  std::int64_t cpu_ns_ = 0;
  std::int64_t max_rss_ = 0;
};

std::int64_t monotonic_ns();  // the clock of bpftrace's nsecs

}  // namespace calibration
