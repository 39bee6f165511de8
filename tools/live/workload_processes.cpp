#include "tools/live/workload_processes.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "scenarios/input_error.h"
#include "tools/live/workload_builder.h"

namespace tools::live {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw scenarios::InputError{
      {.file = "live", .found = what, .expected = "a machine that runs the workload"}};
}

}  // namespace

Processes::Processes(const WorkloadPlan& plan, const ProcessesConfig& config, Recorder& recorder)
    : plan_{plan}, recorder_{recorder} {
  if (config.pairs.size() > BuiltPairs::most) {
    refuse("more than " + std::to_string(BuiltPairs::most) + " veth pairs");
  }
  void* const shared =
      ::mmap(nullptr, sizeof(BuiltPairs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    refuse("no memory to share");
  }
  pairs_ = new (shared) BuiltPairs;
  const pid_t chainsim = ::getpid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  builder_ = ::fork();
  if (builder_ == 0) {
    run_builder(chainsim, plan, config, recorder, *pairs_);
  }
  if (builder_ < 0) {
    ::munmap(pairs_, sizeof(BuiltPairs));
    refuse(std::string{"no process (fork): "} + std::strerror(errno));
  }
}

Processes::~Processes() {
  end();
  ::munmap(pairs_, sizeof(BuiltPairs));
}

bool Processes::ready() const {
  return recorder_.control().ready.load(std::memory_order_acquire) == plan_.tasks.size();
}

void Processes::check() {
  if (const std::string error = recorder_.error(); !error.empty()) {
    end();
    refuse("the workload failed: " + error);
  }
  if (builder_ > 0 && ::waitpid(builder_, nullptr, WNOHANG) == builder_) {
    builder_ = -1;
    end();
    refuse("the workload's first process died");
  }
}

// The builder is our child, so its id is nobody else's. The others die with their parents and become our
// children one after the other, as chainsim is their subreaper: only then are they waited for.
void Processes::end() {
  recorder_.control().stopping.store(1);
  if (builder_ > 0) {
    ::kill(builder_, SIGKILL);
    ::waitpid(builder_, nullptr, 0);
    builder_ = -1;
  }
  const Control& control = recorder_.control();
  const std::size_t count = std::min<std::size_t>(control.processes.load(), Control::most_processes);
  constexpr useconds_t between = 500;
  for (bool some = true; some; ::usleep(between)) {
    some = false;
    for (std::size_t i = 0; i < count; ++i) {
      const pid_t pid = control.pids[i].load();
      some = (pid > 0 && ::waitpid(pid, nullptr, WNOHANG) >= 0) || some;
    }
  }
}

std::vector<std::int32_t> Processes::pids() const {
  std::vector<std::int32_t> pids;
  for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
    pids.push_back(recorder_.task(i).pid.load());
  }
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

}  // namespace tools::live
