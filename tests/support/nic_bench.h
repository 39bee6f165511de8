// One CPU with a NIC of one receive queue, wired to its NAPI as host_devices.h does it: what arrives on the
// cable interrupts, is polled and delivered.
#pragma once

#include <utility>

#include "models/devices/nic.h"
#include "models/irq.h"
#include "tests/support/kernel_bench.h"

namespace models {

class NicBench : public KernelBench {
 public:
  NicBench(KernelSetup setup, NicConfig nic_config)
      : KernelBench{std::move(setup)}, nic{engine, std::move(nic_config)}, irq{engine,
                                                                               *cpus[0],
                                                                               costs,
                                                                               tracepoints,
                                                                               meter,
                                                                               VectorId{32},
                                                                               Cost::nic_irq_handler} {
    sockets_listen = false;
    nic.cost.connect<&NicBench::draw>(*this);
    nic.irq.connect<&NicBench::message>(*this);
    irq.handled.connect<&NicBench::handled>(*this);
    napi.id = 1;
    napi.poll.connect<&NicBench::poll>(*this);
    napi.irq_enable.connect<&NicBench::irq_enable>(*this);
  }

  Nic nic;
  DeviceIrq irq;
  Napi napi;

 private:
  sim::Nanos draw(Cost cost) { return costs.draw(cost); }
  void message(QueueId) { irq.message(); }
  void handled() {
    softnets[0]->napi_schedule(napi);
    irq.leave();
  }
  bool poll(Packet& packet) { return nic.poll(QueueId{0}, packet); }
  bool irq_enable() { return nic.irq_enable(QueueId{0}); }
};

}  // namespace models
