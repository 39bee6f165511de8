// Identities. Each is an index into the host's table of that kind; `none` where there is none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace models {

enum class CpuId : std::int16_t { none = -1 };
enum class TaskId : std::int32_t { none = -1 };
enum class DeviceId : std::int16_t { none = -1 };
enum class QueueId : std::int16_t { none = -1 };       // a device's hardware queue
enum class VectorId : std::int16_t { none = -1 };      // an MSI-X vector, host-wide: the Linux irq number
enum class FlowId : std::int32_t { none = -1 };        // one TCP connection
enum class CompletionId : std::int32_t { none = -1 };  // a slot of the completion pool

template <class Id>
constexpr auto index(Id id) {
  return static_cast<std::size_t>(id);
}

}  // namespace models
