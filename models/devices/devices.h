// The one list of devices. Adding one: a pair of files and a line here.
#pragma once

#include <string>
#include <variant>

#include "models/devices/nic.h"
#include "models/devices/nvme.h"
#include "models/devices/veth.h"
#include "models/devices/virtio_blk.h"

namespace models {

using AnyDeviceConfig = std::variant<NicConfig, NvmeConfig, VirtioBlkConfig, VethConfig>;

// Each config has `static constexpr std::string_view model`, a `name`, and `fields`.
inline const std::string& device_name(const AnyDeviceConfig& config) {
  return std::visit([](const auto& device) -> const std::string& { return device.name; }, config);
}

}  // namespace models
