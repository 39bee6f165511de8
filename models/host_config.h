// Everything one host is built from. The scenario loader fills it; models/host.cpp builds it.
#pragma once

#include <string>
#include <vector>

#include "models/costs.h"
#include "models/devices/devices.h"
#include "models/kernel_config.h"
#include "models/policy_config.h"
#include "models/workload_config.h"

namespace models {

struct HostConfig {
  TopologyConfig topology;
  KernelConfig kernel;
  Costs costs;
  std::vector<CgroupConfig> cgroups;
  std::vector<AnyDeviceConfig> devices;
  std::vector<AgentConfig> agents;
  std::vector<BackgroundConfig> background;
  std::vector<PolicyConfig> policies;  // applied in order; none: kernel_default
  TracerConfig tracer;
};

}  // namespace models
