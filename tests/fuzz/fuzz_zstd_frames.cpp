#include "calibration/traces/zstd_frames.h"

#include <algorithm>

#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

bool complete_in_pieces(std::string_view stream, std::size_t piece) {
  calibration::ZstdFrames frames;
  while (!stream.empty()) {
    frames.feed(stream.substr(0, piece));
    stream.remove_prefix(std::min(piece, stream.size()));
  }
  return frames.complete();
}

}  // namespace

void zstd_frames(std::string_view input) {
  const bool whole = complete_in_pieces(input, input.size());
  for (const std::size_t piece : {1, 3, 4096}) {
    promise(complete_in_pieces(input, piece) == whole, "how the stream is cut does not matter");
  }
}

}  // namespace fuzz
