// Which costs steps can find, when no event shows them.
#include <algorithm>
#include <array>
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

bool calls_tools(const models::HostConfig& host) {
  return std::any_of(host.agents.begin(), host.agents.end(),
                     [](const auto& agent) { return !agent.tool.device.empty(); });
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

const std::array candidates{
    Candidate{{Cost::idle_exit_hlt, Adjust::scale, 0.2, 5,
               "leaving HLT up to the first event inside the guest: how it spreads"},
              halts},
    Candidate{{Cost::idle_exit_hlt, Adjust::shift, -15'000, 30'000,
               "leaving HLT up to the first event inside the guest: its constant part"},
              halts},
    Candidate{{Cost::tick, Adjust::scale, 0.2, 30,
               "the tick with the exits to the hypervisor around it, which the guest cannot see"},
              always},
    Candidate{{Cost::tcp_sendmsg, Adjust::scale, 0.1, 20, "the way of a small message down to the device"},
              calls_tools},
    Candidate{{Cost::virtio_blk_request, Adjust::scale, 0.3, 3, "the host's service of a read"},
              reads_from<models::VirtioBlkConfig>},
    Candidate{{Cost::nvme_read_4k, Adjust::scale, 0.3, 3, "the device's service of a read"},
              reads_from<models::NvmeConfig>},
    Candidate{{Cost::copy_per_kib, Adjust::scale, 0.3, 20, "copying to and from userspace"},
              has<BackgroundKind::bulk>},
    Candidate{{Cost::virtio_blk_128k, Adjust::scale, 0.2, 5, "the host's service of a large write"},
              has<BackgroundKind::writer>},
};

}  // namespace

std::vector<FreeCost> free_costs(const std::vector<models::Cost>& identified,
                                 const std::vector<StepLoad>& loads) {
  std::vector<FreeCost> free;
  for (const Candidate& candidate : candidates) {
    const bool known =
        std::find(identified.begin(), identified.end(), candidate.free.cost) != identified.end();
    const bool exercised = std::any_of(loads.begin(), loads.end(), [&](const StepLoad& load) {
      return candidate.exercised(load.host);
    });
    if (!known && exercised) {
      free.push_back(candidate.free);
    }
  }
  return free;
}

}  // namespace calibration
