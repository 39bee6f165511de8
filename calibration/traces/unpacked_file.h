// A capture as a file that can be seeked in: the file itself, or, for .gz, .xz and .zst, what comes out of
// it, in a temporary file that has no name and goes with its last descriptor.
//
// Throws scenarios::InputError for a missing, unreadable or damaged file, for a pipe (its bytes cannot be had
// twice) and for one that unpacks to more than `most` bytes; scenarios::OutputError when the temporary
// directory (TMPDIR, else /tmp) has no room.
#pragma once

#include <cstdint>
#include <filesystem>

namespace calibration {

class UnpackedFile {
 public:
  static constexpr std::uint64_t most = std::uint64_t{8} << 30;

  explicit UnpackedFile(const std::filesystem::path& path, std::uint64_t most_bytes = most);
  ~UnpackedFile();
  UnpackedFile(const UnpackedFile&) = delete;
  UnpackedFile& operator=(const UnpackedFile&) = delete;

  int fd() const { return fd_; }  // at its start, for reading
  std::uint64_t size() const { return size_; }

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace calibration
