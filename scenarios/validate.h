// What a scenario can say but no machine can be: each refused at its place, with the reason.
#pragma once

#include <string_view>

#include "models/host_config.h"
#include "scenarios/checker.h"
#include "scenarios/scenario.h"
#include "scenarios/yaml.h"

namespace scenarios {

// `root` is the tree that the config was read from; its addresses are labelled. All throw InputError.
void validate_run(const Yaml& root, const RunConfig& run);
void validate_host(const Yaml& root, const models::HostConfig& host);

// Its parts about tasks. `agent` and `load` point at what is checked.
inline constexpr int most_host_tasks = 100'000;
void validate_agent(const Checker& agent, const models::AgentConfig& config, const models::HostConfig& host);
void validate_background(const Checker& load, const models::BackgroundConfig& config,
                         const models::HostConfig& host);

// The vectors of nvme and virtio_blk are managed: their affinity is the kernel's (genirq/affinity.c).
void refuse_managed_vectors(const Yaml& device, std::string_view model);

}  // namespace scenarios
