// Files that are either written whole or not at all.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace scenarios {

// A result could not be written: full disk, no permission. main() exits with status 3.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A file written piece by piece, which replaces `path` only by commit(). Until then it has no name where the
// file system can do that (O_TMPFILE), so that even a killed program leaves nothing behind; elsewhere it is a
// temporary file beside `path`. A device or pipe is written in place. Each call throws OutputError, "path:
// cannot be written: No space left on device".
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();  // without commit(): what was there stays
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  bool seekable() const { return !special_; }
  // Over bytes already written; only where seekable.
  void rewrite(std::uint64_t offset, std::string_view bytes);
  void commit();  // fsync, rename; once, and last

  std::uint64_t size() const { return size_; }  // bytes written so far
  const std::string& path() const { return path_; }

 private:
  [[noreturn]] void fail(int error) const;
  void take_name();
  void discard();

  std::string path_;
  std::string temporary_;  // the name it has until commit(); empty: none
  bool special_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

// Replaces `path` by `contents` in the same way.
void write_file(const std::string& path, std::string_view contents);

// Makes `directory` (and its parents) and proves that a file can be written there; before a long run.
void prepare_directory(const std::string& directory);

}  // namespace scenarios
