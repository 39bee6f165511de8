// Follows the frames of a zstd stream, to know whether it ends where a frame ends: the decompressor that
// capture_file.h uses reports damage, but takes a stream that breaks off for a complete one.
//
// Models: RFC 8878 section 3.1: frame header, blocks up to the one marked last, checksum; skippable frames.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace calibration {

class ZstdFrames {
 public:
  // The next bytes of the compressed stream, in order, in pieces of any size.
  void feed(std::string_view bytes);

  // Whether everything fed so far ends between two frames. Damage (no frame where one must be) is left
  // to the decompressor to report and counts as complete here.
  bool complete() const {
    return part_ == Part::damaged || (part_ == Part::magic && have_ == 0 && skip_ == 0);
  }

 private:
  enum class Part { magic, skippable_size, descriptor, block_header, damaged };

  void read_part();
  void expect(Part part, std::size_t size);

  Part part_ = Part::magic;
  std::array<std::uint8_t, 4> bytes_{};  // of the part being collected
  std::size_t have_ = 0;
  std::size_t need_ = 4;
  std::uint64_t skip_ = 0;  // content bytes to pass over before the part
  bool checksum_ = false;
};

}  // namespace calibration
