// Stamps the tagged work in a stretch of a device's ring: what landed, what a message tells of.
#pragma once

#include <algorithm>
#include <cstdint>

#include "models/completion.h"
#include "models/ids.h"
#include "sim/port.h"
#include "sim/ring.h"

namespace models {

using StampPort = sim::Port<void(CompletionId, Stage)>;

// Entries at positions [from, end) that are still in the ring. Each entry is looked at once per stage.
template <class Entry>
void stamp_entries(const StampPort& stamp, Stage stage, const sim::Ring<Entry>& ring, std::uint64_t from,
                   std::uint64_t end) {
  if (!stamp.connected()) {
    return;
  }
  for (std::uint64_t at = std::max(from, ring.first()); at < end; ++at) {
    if (const CompletionId completion = ring.at(at).completion; completion != CompletionId::none) {
      stamp(completion, stage);
    }
  }
}

}  // namespace models
