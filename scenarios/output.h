// Files that are either written whole or not at all.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace scenarios {

// A result could not be written: full disk, no permission. main() exits with status 3.
class OutputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Replaces `path` by `contents`: a temporary file beside it, fsync, rename. A device or pipe is written
// in place. On failure throws OutputError, "path: No space left on device", and leaves what was there.
void write_file(const std::string& path, std::string_view contents);

// Makes `directory` (and its parents) and proves that a file can be written there; before a long run.
void prepare_directory(const std::string& directory);

}  // namespace scenarios
