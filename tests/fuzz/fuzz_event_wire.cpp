#include <algorithm>
#include <cstring>

#include "calibration/traces/event_wire.h"
#include "tests/fuzz/events.h"
#include "tests/fuzz/harness.h"

namespace fuzz {

// What a parser in a process of its own sends: any bytes, in pieces that the first byte gives the size of.
void event_wire(std::string_view input) {
  if (input.empty()) {
    return;
  }
  const std::size_t piece = 1 + static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  calibration::Names names;
  calibration::CaptureLog log;
  calibration::EventDecoder decoder{names, log};
  try {
    while (!input.empty() && !decoder.over()) {
      const auto space = decoder.space();
      const std::size_t size = std::min({piece, input.size(), space.size()});
      promise(size > 0, "there is room for a whole message");
      std::memcpy(space.data(), input.data(), size);
      decoder.filled(size);
      input.remove_prefix(size);
      for (calibration::Event event; decoder.next(event);) {
        check_event(event, names);
      }
    }
  } catch (const calibration::EventDecoder::BadMessage& bad) {
    promise(!bad.what.empty(), "a bad message is explained");
  }
  promise(log.warnings.size() <= log.kept_warnings, "few warnings are kept");
}

}  // namespace fuzz
