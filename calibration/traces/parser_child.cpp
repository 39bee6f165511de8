#include "calibration/traces/parser_child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fstream>
#include <new>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

constexpr int events_fd = 3;
constexpr int input_fd = 4;
constexpr ::rlim_t open_files = 4096;  // a CTF trace has a file for each CPU
constexpr int failed = 1;              // exit status; stderr says why

void or_fail(bool done, const char* what) {
  if (!done) {
    std::perror(what);
    ::_exit(failed);
  }
}

// The parent's handlers (of a test framework, of Ctrl-C) must not run here.
void reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    ::signal(number,
             number == SIGINT || number == SIGQUIT ? SIG_IGN : SIG_DFL);  // NOLINT: some cannot be set
  }
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void die_with(::pid_t parent) {
  or_fail(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "PR_SET_PDEATHSIG");
  if (::getppid() != parent) {
    ::_exit(failed);  // it died before we asked
  }
}

// Puts `from` at number `to`, from a number that none of the later ones overwrites.
int out_of_the_way(int fd) { return fd < 0 ? fd : ::fcntl(fd, F_DUPFD, input_fd + 1); }

void arrange_files(ChildFiles files, int input) {
  const int events = out_of_the_way(files.events);
  const int complaints = out_of_the_way(files.complaints);
  const int kept_input = out_of_the_way(input);
  const int null = out_of_the_way(::open("/dev/null", O_RDWR));
  or_fail(events >= 0 && complaints >= 0 && null >= 0, "open /dev/null");
  or_fail(::dup2(complaints, STDERR_FILENO) >= 0 && ::dup2(null, STDIN_FILENO) >= 0 &&
              ::dup2(null, STDOUT_FILENO) >= 0 && ::dup2(events, events_fd) >= 0,
          "dup2");
  if (kept_input >= 0) {
    or_fail(::dup2(kept_input, input_fd) >= 0, "dup2");
  }
  const unsigned first_unused = kept_input >= 0 ? input_fd + 1 : input_fd;
  or_fail(::close_range(first_unused, ~0U, 0) == 0, "close_range");
}

void limit(__rlimit_resource resource, ::rlim_t soft, ::rlim_t hard) {
  ::rlimit now{};
  or_fail(::getrlimit(resource, &now) == 0, "getrlimit");
  const ::rlimit wanted{std::min(soft, now.rlim_max), std::min(hard, now.rlim_max)};
  or_fail(::setrlimit(resource, &wanted) == 0, "setrlimit");
}

void limit_memory(::rlim_t beyond_what_is_mapped) {
#if !defined(__SANITIZE_ADDRESS__)  // which maps terabytes of shadow
  ::rlim_t pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages;
  const ::rlim_t most = pages * static_cast<::rlim_t>(::sysconf(_SC_PAGESIZE)) + beyond_what_is_mapped;
  limit(RLIMIT_AS, most, most);
#else
  static_cast<void>(beyond_what_is_mapped);
#endif
}

void put_up_limits(const ParserLimits& limits) {
  limit_memory(limits.memory);
  limit(RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_FSIZE, 0, 0);
  limit(RLIMIT_NOFILE, open_files, open_files);
  ::prctl(PR_SET_DUMPABLE, 0);  // RLIMIT_CORE does not bind a core_pattern that is a pipe
}

void parse(const ParserJob& job) {
  EventWriter out{events_fd};
  try {
    job.parse(out, job.input >= 0 ? input_fd : -1);
    out.end();
  } catch (const Refusal& refusal) {
    out.refuse(refusal);
  } catch (const std::bad_alloc&) {
    out.refuse(
        {"something that makes " + job.parser + " ask for more memory than it may have", job.expected, ""});
  }
}

}  // namespace

void run_parser_child(const ParserJob& job, ChildFiles files, ::pid_t parent) {
  try {
    reset_signals();
    die_with(parent);
    arrange_files(files, job.input);
    put_up_limits(job.limits);
    parse(job);
    ::_exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::fflush(stderr);
  } catch (...) {
    std::fputs("an unknown exception\n", stderr);
  }
  ::_exit(failed);
}

}  // namespace calibration
