// What each text format offers to EventReader: how its text is recognised, and a reader for it. The list of
// them all is in event_reader.cpp; the order there decides where two would both say yes.
#pragma once

#include <memory>
#include <string_view>

#include "calibration/traces/capture_file.h"
#include "calibration/traces/event.h"
#include "calibration/traces/event_reader.h"

namespace calibration {

// What a reader is given: it takes lines from `file`, puts names into `names` and notes into `log`. All three
// outlive it.
struct TextInput {
  CaptureFile& file;
  Names& names;
  CaptureLog& log;
};

struct TextFormat {
  CaptureFormat format;
  // Whether `head`, the first lines (up to 64 KiB, whole lines unless the file is one line), is of this
  // format.
  bool (*recognises)(std::string_view head);
  std::unique_ptr<EventSource> (*open)(TextInput input);
  // The time, ns, of a line that is an event, without reading more of it; false for other lines. It finds the
  // beginnings of sorted runs; nullptr: by reading the events.
  bool (*time_of)(std::string_view line, std::int64_t& time) = nullptr;
};

}  // namespace calibration
