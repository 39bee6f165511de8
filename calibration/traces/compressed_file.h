// The bytes of a file or pipe, decompressed where they are gzip, zstd or xz, which the first bytes tell.
//
// Left out: bzip2, lz4, zip and archives.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace calibration {

enum class Compression { none, gzip, zstd, xz };

std::string_view to_string(Compression compression);

// The first bytes of a regular file, decompressed, at most `size`; "" for what cannot be read.
std::string first_bytes(const std::filesystem::path& path, std::size_t size);

class CompressedFile {
 public:
  explicit CompressedFile(const std::filesystem::path& path);  // throws std::system_error
  ~CompressedFile();
  CompressedFile(const CompressedFile&) = delete;
  CompressedFile& operator=(const CompressedFile&) = delete;

  // Looks at the first bytes; once, before the first read. Throws std::system_error.
  void open();

  // The next bytes, as many as there are up to `size`; 0 at the end. Throws std::ios_base::failure for
  // damaged compressed data and std::system_error for what cannot be read.
  std::size_t read(char* out, std::size_t size);

  Compression compression() const;
  bool complete() const;  // what was read ends where a compressed stream may end
  bool directory() const;
  bool regular() const;     // may be opened again; a pipe may not
  double progress() const;  // share of the bytes on disk taken so far, 0..1; 0 for a pipe

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace calibration
