// One block request between blk-mq and a device: what the simulator needs of a struct request.
//
// Left out: the sector (`draw_key` stands for it), segments, flags, and the data.
#pragma once

#include <cstdint>
#include <type_traits>

#include "models/completion.h"
#include "models/ids.h"
#include "sim/time.h"

namespace models {

// /sys/block/D/queue/scheduler. The kernel's choice (elevator_get_default) is mq-deadline for a device with
// one hardware queue, none for several.
enum class IoScheduler : std::uint8_t { kernel_choice, none, mq_deadline };

template <class Visitor>
void enumerators(IoScheduler*, Visitor&& named) {
  named("default", IoScheduler::kernel_choice);
  named("none", IoScheduler::none);
  named("mq-deadline", IoScheduler::mq_deadline);
}

constexpr bool has_io_scheduler(IoScheduler scheduler, int hw_queues) {
  return scheduler == IoScheduler::mq_deadline || (scheduler == IoScheduler::kernel_choice && hw_queues == 1);
}

struct Request {
  DeviceId device = DeviceId::none;
  TaskId submitter = TaskId::none;
  CpuId submit_cpu = CpuId::none;  // the software context's CPU, where rq_affinity sends it back to
  std::int32_t tag = -1;
  std::int32_t bytes = 0;  // > 0
  bool write = false;
  LatencyClass latency_class = LatencyClass::normal;
  CompletionId completion = CompletionId::none;  // none: background I/O
  sim::SimTime issued{};                         // block_rq_issue
  std::uint64_t draw_key = 0;                    // the address: chooses the device's internal channel
};
static_assert(std::is_trivially_copyable_v<Request>);

}  // namespace models
