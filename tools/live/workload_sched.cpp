#include "tools/live/workload_sched.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace tools::live {
namespace {

[[noreturn]] void declined(const std::string& what) {
  throw std::runtime_error{what + ": " + std::strerror(errno)};
}

std::uint32_t policy_of(models::SchedClass sched) {
  switch (sched) {
    case models::SchedClass::normal:
      return SCHED_OTHER;
    case models::SchedClass::batch:
      return SCHED_BATCH;
    case models::SchedClass::idle:
      return SCHED_IDLE;
    case models::SchedClass::fifo:
      return SCHED_FIFO;
    case models::SchedClass::rr:
      return SCHED_RR;
  }
  return SCHED_OTHER;
}

void set_affinity(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) {
    CPU_SET(static_cast<std::size_t>(cpu), &set);
  }
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    declined("affinity (sched_setaffinity)");
  }
}

bool same(const SchedAttributes& wanted, const SchedAttributes& found) {
  const bool slice_kept = wanted.runtime == 0 || found.runtime == wanted.runtime;
  return found.policy == wanted.policy && found.nice == wanted.nice && found.priority == wanted.priority &&
         slice_kept;
}

}  // namespace

SchedAttributes sched_attributes(pid_t tid) {
  SchedAttributes attributes;
  if (::syscall(SYS_sched_getattr, tid, &attributes, sizeof attributes, 0) != 0) {
    declined("sched_getattr");
  }
  return attributes;
}

void apply_sched(const models::SchedConfig& config, sim::Nanos timer_slack) {
  if (!config.cpus.empty()) {
    set_affinity(config.cpus);
  }
  // 0 would mean the default slack to prctl(2).
  ::prctl(PR_SET_TIMERSLACK, std::max<std::int64_t>(timer_slack.count(), 1), 0, 0, 0);
  SchedAttributes wanted{.policy = policy_of(config.sched)};
  if (config.sched == models::SchedClass::fifo || config.sched == models::SchedClass::rr) {
    wanted.priority = static_cast<std::uint32_t>(config.rt_priority);
  } else {
    wanted.nice = config.nice;
    wanted.runtime = static_cast<std::uint64_t>(config.slice.count());
  }
  if (::syscall(SYS_sched_setattr, 0, &wanted, 0) != 0) {
    declined("policy, nice or slice (sched_setattr)");
  }
  if (!same(wanted, sched_attributes(0))) {
    throw std::runtime_error{"policy, nice or slice (sched_setattr): this kernel does not keep what was set"};
  }
}

}  // namespace tools::live
