// A veth pair whose ends have NAPIs of their own. Part of the host's wiring; nothing else includes it.
#pragma once

#include <array>

#include "models/devices/veth.h"
#include "models/napi_thread.h"

namespace models {

struct VethPort {
  std::int64_t drops() const { return rqs[0].drops() + rqs[1].drops(); }

  // By who receives: agents and bulk receivers are in one namespace, tool servers and bulk senders in the
  // other.
  std::array<VethRq, 2> rqs;
  int first_napi = 0;  // host-wide, from 0
};

}  // namespace models
