// The file that agents read and writers write: written from end to end, because a read of a hole or of an
// extent that was only allocated never reaches the disk.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace tools::live {

class DataFile {
 public:
  static constexpr std::uint64_t default_size = std::uint64_t{1} << 30;  // bytes, as in the captures

  // Takes the file at `path` if it has that size and no holes, else writes it anew (O_DIRECT; seconds).
  // `stop` ends the writing: then complete() is false. Throws scenarios::InputError where the file system
  // refuses O_DIRECT (tmpfs), scenarios::OutputError when it cannot be written.
  DataFile(std::string path, std::uint64_t size, const std::atomic<bool>& stop);
  ~DataFile();  // removes a file that it has written, unless kept
  DataFile(const DataFile&) = delete;
  DataFile& operator=(const DataFile&) = delete;

  const std::string& path() const { return path_; }
  bool made() const { return made_; }  // not one that was there before
  bool complete() const { return complete_; }
  void keep() { kept_ = true; }

 private:
  void fill(std::uint64_t size, const std::atomic<bool>& stop);

  std::string path_;
  bool made_ = false;
  bool complete_ = false;
  bool kept_ = false;
};

}  // namespace tools::live
