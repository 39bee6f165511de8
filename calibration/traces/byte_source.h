// The bytes of a file or pipe as they lie there, with the first few kept, so that their magic can be looked
// at before anything is read for good: a pipe cannot be rewound.
//
// Throws std::system_error when the file cannot be opened or read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "calibration/traces/zstd_frames.h"

namespace calibration {

class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  bool directory() const;
  bool regular() const;     // can be opened again and read from its start
  double progress() const;  // share of a regular file's bytes read; 0 for others
  std::string_view peek();  // up to 16 bytes from the start; before the first read()

  // The next bytes, at most `size`; 0 at the end.
  std::size_t read(char* out, std::size_t size);

  // From now on the bytes are a zstd stream, and complete() says whether what was read ends with a frame.
  void follow_zstd() { zstd_frames_.emplace(); }
  bool complete() const { return !zstd_frames_ || zstd_frames_->complete(); }

 private:
  std::size_t read_file(char* out, std::size_t size);

  int fd_;
  std::array<char, 16> first_{};
  std::size_t kept_ = 0;
  std::size_t taken_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::optional<ZstdFrames> zstd_frames_;
};

}  // namespace calibration
