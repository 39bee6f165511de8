#include "calibration/traces/zstd_frames.h"

#include <algorithm>

namespace calibration {
namespace {

std::uint32_t little_endian(const std::array<std::uint8_t, 4>& bytes) {
  return bytes[0] | static_cast<std::uint32_t>(bytes[1]) << 8 | static_cast<std::uint32_t>(bytes[2]) << 16 |
         static_cast<std::uint32_t>(bytes[3]) << 24;
}

// Length of what follows the frame header descriptor: window, dictionary id, content size.
std::uint64_t header_rest(std::uint8_t descriptor) {
  constexpr std::array<std::uint64_t, 4> dictionary_id{0, 1, 2, 4};
  constexpr std::array<std::uint64_t, 4> content_size{0, 2, 4, 8};
  const bool single_segment = (descriptor & 0x20) != 0;
  const auto size_flag = static_cast<std::size_t>(descriptor >> 6);
  const std::uint64_t content = size_flag == 0 && single_segment ? 1 : content_size[size_flag];
  return (single_segment ? 0U : 1U) + dictionary_id[descriptor & 3U] + content;
}

}  // namespace

void ZstdFrames::feed(std::string_view bytes) {
  while (!bytes.empty() && part_ != Part::damaged) {
    if (skip_ > 0) {
      const std::size_t passed = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
      skip_ -= passed;
      bytes.remove_prefix(passed);
    } else {
      bytes_[have_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
    }
    if (skip_ == 0 && have_ == need_) {
      read_part();
    }
  }
}

void ZstdFrames::expect(Part part, std::size_t size) {
  part_ = part;
  bytes_ = {};
  have_ = 0;
  need_ = size;
}

void ZstdFrames::read_part() {
  constexpr std::uint32_t frame_magic = 0xfd2fb528;
  constexpr std::uint32_t skippable_magic = 0x184d2a50;  // and the 15 that follow it
  const std::uint32_t value = little_endian(bytes_);
  switch (part_) {
    case Part::magic:
      if (value == frame_magic) {
        expect(Part::descriptor, 1);
      } else if ((value & 0xfffffff0U) == skippable_magic) {
        expect(Part::skippable_size, 4);
      } else {
        part_ = Part::damaged;
      }
      return;
    case Part::skippable_size:
      expect(Part::magic, 4);
      skip_ = value;
      return;
    case Part::descriptor:
      checksum_ = (value & 4U) != 0;
      expect(Part::block_header, 3);
      skip_ = header_rest(static_cast<std::uint8_t>(value));
      return;
    case Part::block_header: {
      const bool last = (value & 1U) != 0;
      const bool rle = ((value >> 1) & 3U) == 1;  // one byte of content, however long it decodes to
      const std::uint64_t size = rle ? 1 : value >> 3;
      expect(last ? Part::magic : Part::block_header, last ? 4 : 3);
      skip_ = size + (last && checksum_ ? 4 : 0);
      return;
    }
    case Part::damaged:
      return;
  }
}

}  // namespace calibration
