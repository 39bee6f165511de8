// One capture on disk, read line by line: plain, gzip, zstd or xz, told apart by their first bytes and not
// by the file's name. Nothing but one block and the longest line is held in memory; pipes work too.
//
//   CaptureFile file{"idle.irq.txt.gz"};
//   for (std::string_view line; file.next_line(line);) { ... file.line_number() ... }
//
// Throws scenarios::InputError for what cannot be a text capture: a missing or unreadable file, a
// directory, nothing in it, binary content (NUL bytes; or more than 5 % control characters in the first
// 64 KiB), damaged or cut compressed data, a line longer than max_line.
//
// Left out: bzip2, lz4, zip and archives, which are named and refused; encodings other than ASCII and UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/traces/compressed_file.h"
#include "scenarios/input_error.h"

namespace calibration {

class CaptureFile {
 public:
  static constexpr std::size_t max_line = 16 * 1024;  // bytes; a row of any capture we read is far shorter
  static constexpr std::size_t head_size = 64 * 1024;

  // `longest_line`, in bytes: beyond max_line only for formats that print a whole map in one line.
  explicit CaptureFile(const std::filesystem::path& path, std::size_t longest_line = max_line);
  ~CaptureFile();
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  // The next line without its end ("\n" or "\r\n"); false after the last. `line` is valid until the next
  // call.
  bool next_line(std::string_view& line);

  // The first lines without taking them, up to `head_size` bytes: whole lines, unless it is only one. Before
  // the first next_line.
  std::string_view head() const;

  // Only lines [first, last] are handed out from here on, under their own numbers; last 0 means to the end.
  void limit_to(std::int64_t first, std::int64_t last);

  const std::string& name() const { return name_; }  // as the user gave it
  Compression compression() const;
  bool regular() const;     // may be opened again; a pipe may not
  double progress() const;  // share of the (compressed) bytes taken so far, 0..1; 0 for a pipe
  std::int64_t line_number() const { return line_number_; }  // of the last line handed out, from 1
  bool partial_line() const { return partial_line_; }        // it ended with the file, not with a newline
  std::int64_t crlf_lines() const { return crlf_lines_; }    // lines so far that ended in "\r\n"

  // An error at the last line handed out; column 0 for the line as a whole.
  scenarios::InputError error(std::int64_t column, std::string found, std::string expected,
                              std::string suggestion) const;

 private:
#ifdef CHAINSIM_FUZZ
  static constexpr std::size_t block_size = 1024;  // so that fuzzed inputs, of a few kilobytes, cross blocks
#else
  static constexpr std::size_t block_size = 256 * 1024;
#endif
  static constexpr std::size_t no_nul = std::numeric_limits<std::size_t>::max();

  bool refill();
  void check_head() const;
  bool take_line(std::string_view& line);
  [[noreturn]] void refuse_nul() const;
  scenarios::InputError file_error(std::string found, std::string expected, std::string suggestion) const;

  std::string name_;
  std::size_t longest_line_;
  std::unique_ptr<CompressedFile> stream_;
  std::vector<char> block_;
  std::size_t begin_ = 0;  // unread bytes of block_: [begin_, end_)
  std::size_t end_ = 0;
  std::size_t nul_ = no_nul;  // the first NUL in [begin_, end_)
  std::int64_t line_number_ = 0;
  std::int64_t last_line_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t crlf_lines_ = 0;
  bool partial_line_ = false;
};

}  // namespace calibration
