// The scheduler's side of what limits and guarantees CPU time: cpu.max of task groups (bandwidth.h) and the
// fair server (fair_server.h). Their timers are here; the interrupts that run them cost nothing.
#include "models/sched.h"

namespace models {

void Sched::connect_bandwidth() {
  fair().bandwidth.now.connect<&Sched::bandwidth_now>(*this);
  fair().bandwidth.start_timer.connect<&Sched::start_bandwidth_timer>(*this);
  fair().bandwidth.unthrottle.connect<&Sched::unthrottle>(*this);
}

void Sched::start_bandwidth_timer(GroupId group, BandwidthTimer timer, std::int64_t at) {
  const auto argument = static_cast<std::uint64_t>(group) << 1 | static_cast<std::uint64_t>(timer);
  engine_.at<&Sched::bandwidth_expired>(std::max(sim::SimTime{sim::Nanos{at}}, engine_.now()), *this,
                                        argument);
}

void Sched::bandwidth_expired(std::uint64_t argument) {
  fair().bandwidth_timer(static_cast<GroupId>(argument >> 1), static_cast<BandwidthTimer>(argument & 1));
}

void Sched::unthrottle(CpuId id) {
  update_clock(id);
  fair().unthrottle(id, rq(id).clock_task);
  take_fair_request(id, id);
  if (curr(id) == nullptr && nr_running(id) > 0) {
    resched_curr(id, id);
  }
  cpu(id).settle();  // nobody may execute there who would notice
}

void Sched::arm_fair_server(CpuId id) {
  if (!has_rt_tasks()) {
    return;
  }
  sim::Timer& timer = fair_servers_[index(id)];
  const std::int64_t at = rq(id).fair_server.timer_at();
  if (at < 0) {
    timer.disarm();
  } else {
    timer.arm_at(std::max(sim::SimTime{sim::Nanos{at}}, engine_.now()));
  }
}

void Sched::fair_server_expired(std::uint64_t cpu_number) {
  const auto id = static_cast<CpuId>(cpu_number);
  update_clock(id);
  if (fair_server_timer(id) && curr(id) != nullptr && curr(id)->is_rt) {
    resched_curr(id, id);
  }
  arm_fair_server(id);
  cpu(id).settle();
}

}  // namespace models
