// What reaches a CPU from outside: interrupt vectors, and the queue behind the call-function IPI.
//
// Models:   the local APIC's IRR (one latched edge per vector), kernel/smp.c:call_single_queue.
#pragma once

#include <cstdint>

#include "models/ids.h"
#include "sim/port.h"

namespace models {

enum class IrqKind : std::uint8_t { device, timer, ipi };

// One interrupt source routed to one CPU. Edges merge while one is latched (IRR), as in the kernel.
struct IrqLine {
  sim::Port<void()> handler;  // runs at entry; starts hardirq work, whose last callback starts no more
  IrqKind kind = IrqKind::device;
  bool latched = false;
  bool runs_softirqs = true;  // the reschedule IPI does not (a "simple" sysvec)
};

// One user of a CPU's call_single_queue: remote wakeups, block completions, RPS. The queue is one, and so is
// the IPI that an entry in an empty queue sends; whoever drains it runs all that is queued.
struct CallFunction {
  void (*run)(void* object, CpuId cpu) = nullptr;
  void* object = nullptr;
  bool queued = false;
};

}  // namespace models
