// Which costs steps can find, when no event shows them.
#include <algorithm>
#include <array>
#include <iterator>
#include <variant>

#include "calibration/fit/match_steps.h"

namespace calibration {
namespace {

using models::BackgroundKind;
using models::Cost;

struct Candidate {
  FreeCost free;
  bool (*exercised)(const models::HostConfig& host);  // whether a load's steps can depend on it
};

bool always(const models::HostConfig&) { return true; }

bool halts(const models::HostConfig& host) {
  return std::any_of(host.topology.idle.begin(), host.topology.idle.end(),
                     [](const auto& state) { return state.state == models::IdleState::hlt; });
}

template <class Device>
bool reads_from(const models::HostConfig& host) {
  return std::any_of(host.devices.begin(), host.devices.end(), [&](const auto& device) {
    const auto* of_kind = std::get_if<Device>(&device);
    return of_kind != nullptr && std::any_of(host.agents.begin(), host.agents.end(), [&](const auto& agent) {
             return agent.read.device == of_kind->name;
           });
  });
}

template <BackgroundKind kind>
bool has(const models::HostConfig& host) {
  return std::any_of(host.background.begin(), host.background.end(),
                     [](const auto& background) { return background.kind == kind; });
}

// The kernel's own code on the way of a completion: where no event tells them apart, they share a factor.
constexpr std::array kernel_path{
    Cost::syscall_entry,    Cost::syscall_exit,        Cost::tcp_sendmsg,      Cost::tcp_recvmsg,
    Cost::epoll_wait_entry, Cost::epoll_send_events,   Cost::nanosleep_entry,  Cost::io_uring_submit,
    Cost::block_submit,     Cost::io_uring_task_work,  Cost::cqe_post,         Cost::context_switch,
    Cost::try_to_wake_up,   Cost::ep_poll_callback,    Cost::softirq_overhead, Cost::napi_poll_fixed,
    Cost::napi_packet,      Cost::tcp_deliver,         Cost::backlog_packet,   Cost::softirq_block_fixed,
    Cost::block_complete,   Cost::hardirq_entry,       Cost::hardirq_exit,     Cost::hrtimer_interrupt,
    Cost::idle_enter,       Cost::idle_loop_exit,      Cost::nic_irq_handler,  Cost::nvme_irq_handler,
    Cost::nvme_cqe_reap,    Cost::migration_cold_cache};

const std::array candidates{
    Candidate{{Cost::idle_exit_hlt, Adjust::scale, 0.2, 5,
               "leaving HLT up to the first event inside the guest: how it spreads"},
              halts},
    Candidate{{Cost::idle_exit_hlt, Adjust::shift, -15'000, 30'000,
               "leaving HLT up to the first event inside the guest: its constant part"},
              halts},
    Candidate{{Cost::idle_exit_hlt_deep, Adjust::shift, 0, 40'000,
               "what a long halt adds, when the host's CPU has cooled down"},
              halts},
    Candidate{{Cost::tick_restart, Adjust::shift, 0, 30'000,
               "the stopped tick's restart on leaving idle, with its exits to the hypervisor"},
              halts},
    Candidate{{Cost::ipi_delivery, Adjust::scale, 0.3, 60,
               "an interrupt to another CPU until it arrives, in a guest by way of the hypervisor"},
              always},
    Candidate{{Cost::tick, Adjust::scale, 0.2, 30,
               "the tick with the exits to the hypervisor around it, which the guest cannot see"},
              always},
    Candidate{{Cost::timer_delivery, Adjust::scale, 0.2, 40,
               "from a timer's time to the handler on a running CPU; in a guest, by way of the hypervisor"},
              always},
    Candidate{
        {Cost::clockevent_program, Adjust::scale, 0.1, 5, "programming the clock event, an exit in a guest"},
        always},
    Candidate{{Cost::ipi_send, Adjust::scale, 0.1, 5, "an interrupt to another CPU, an exit in a guest"},
              always},
    Candidate{
        {Cost::virtio_blk_notify, Adjust::scale, 0.2, 10, "waking the host's thread that serves the disk"},
        reads_from<models::VirtioBlkConfig>},
    Candidate{
        {Cost::virtio_blk_notify_deep, Adjust::shift, 0, 60'000, "what a long sleep of that thread adds"},
        reads_from<models::VirtioBlkConfig>},
    Candidate{{Cost::virtio_blk_request, Adjust::scale, 0.3, 3, "the host's service of a read"},
              reads_from<models::VirtioBlkConfig>},
    Candidate{{Cost::nvme_read_4k, Adjust::scale, 0.3, 3, "the device's service of a read"},
              reads_from<models::NvmeConfig>},
    Candidate{{Cost::copy_per_kib, Adjust::scale, 0.3, 20, "copying to and from userspace"},
              has<BackgroundKind::bulk>},
    Candidate{{Cost::virtio_blk_128k, Adjust::scale, 0.2, 5, "the host's service of a large write"},
              has<BackgroundKind::writer>},
};

// What a hypervisor does on a timer's way and events see under a tracer only, which slows the exits around
// it.
const std::array untraced{
    FreeCost{Cost::timer_delivery, Adjust::scale, 0.2, 1.0001, "a timer's delivery without a tracer"},
    FreeCost{Cost::idle_exit_hlt, Adjust::scale, 0.2, 1.0001, "leaving HLT without a tracer"},
    FreeCost{Cost::idle_exit_hlt_deep, Adjust::scale, 0.2, 1.0001,
             "what a long halt adds, without a tracer"}};

template <class Costs>
bool holds(const Costs& costs, Cost cost) {
  return std::find(costs.begin(), costs.end(), cost) != costs.end();
}

void add_to(FreeCost& group, Cost cost) {
  if (group.cost == Cost::count) {
    group.cost = cost;
  } else {
    group.also.push_back(cost);
  }
}

}  // namespace

std::vector<FreeCost> free_costs(const std::vector<models::Cost>& identified,
                                 const std::vector<StepLoad>& loads, StepsTraced traced) {
  std::vector<FreeCost> free;
  FreeCost path{Cost::count, Adjust::scale, 0.2, 2,
                "kernel code on the way of a completion that no event tells apart: one factor for all"};
  for (const Cost cost : kernel_path) {
    if (!holds(identified, cost)) {
      add_to(path, cost);
    }
  }
  if (path.cost != Cost::count) {
    free.push_back(path);
  }
  for (const Candidate& candidate : candidates) {
    const bool exercised = std::any_of(loads.begin(), loads.end(),
                                       [&](const StepLoad& load) { return candidate.exercised(load.host); });
    if (!holds(identified, candidate.free.cost) && exercised) {
      free.push_back(candidate.free);
    }
  }
  if (traced == StepsTraced::no) {
    std::copy_if(untraced.begin(), untraced.end(), std::back_inserter(free),
                 [&](const FreeCost& each) { return holds(identified, each.cost); });
  }
  return free;
}

}  // namespace calibration
