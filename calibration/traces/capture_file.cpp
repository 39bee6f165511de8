#include "calibration/traces/capture_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace calibration {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::string_view kind;
  std::string_view suggestion = "decompress it or export it as text";
};

// What people hand over by mistake, by its first bytes.
constexpr std::array foreign_kinds{
    Magic{"PERFILE2"sv, "a perf.data file", "give what 'perf script' prints of it"},
    Magic{"\xc1\x1f\xfc\xc1"sv, "a stream of a CTF trace", "give the trace's directory"},
    Magic{"\x57\x1d\xd1\x75"sv, "the metadata of a CTF trace", "give the trace's directory"},
    Magic{"\x17\x08\x44tracing"sv, "a trace-cmd trace.dat file"},
    Magic{"\x7f"
          "ELF"sv,
          "an ELF program"},
    Magic{"BZh"sv, "bzip2 data"},
    Magic{"PK\x03\x04"sv, "a zip archive"},
    Magic{"\x04\x22\x4d\x18"sv, "lz4 data"},
    Magic{"7z\xbc\xaf\x27\x1c"sv, "a 7z archive"},
    Magic{"SQLite format 3"sv, "a database"},
    Magic{"\xff\xfe"sv, "UTF-16 text"},
    Magic{"\xfe\xff"sv, "UTF-16 text"},
};

}  // namespace

CaptureFile::CaptureFile(const std::filesystem::path& path, std::size_t longest_line)
    : name_{path.string()}, longest_line_{longest_line}, block_(block_size) {
  try {
    stream_ = std::make_unique<CompressedFile>(path);
    if (stream_->directory()) {
      throw file_error("a directory", "a capture file", "name the file in it");
    }
    stream_->open();
  } catch (const std::system_error& error) {
    const bool missing = error.code().value() == ENOENT;
    throw file_error(missing ? "no such file" : "a file that cannot be read: " + error.code().message(),
                     "a readable capture", missing ? "check the path" : "check its permissions");
  }
  if (!refill()) {
    const bool plain = stream_->compression() == Compression::none;
    throw file_error(plain ? "an empty file" : "nothing after decompression", "the output of a capture",
                     "was the program stopped before it wrote anything?");
  }
  check_head();
  if (std::string_view{block_.data(), end_}.starts_with("\xef\xbb\xbf")) {
    begin_ = 3;  // a byte order mark, put there by an editor
  }
}

CaptureFile::~CaptureFile() = default;

Compression CaptureFile::compression() const { return stream_->compression(); }

bool CaptureFile::regular() const { return stream_->regular(); }

double CaptureFile::progress() const { return stream_->progress(); }

// Moves the unread bytes to the front and reads on behind them; false when nothing more came.
bool CaptureFile::refill() {
  const std::size_t moved = begin_;
  std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (end_ == block_.size()) {  // one line fills it
    block_.resize(2 * block_.size());
  }
  std::size_t added = 0;
  try {
    added = stream_->read(block_.data() + end_, block_.size() - end_);
  } catch (const std::ios_base::failure&) {
    // Caught before system_error, its base: with a filter in the chain it is the filter that gave up.
    throw error(0, "damaged or cut " + std::string{to_string(compression())} + " data",
                "a complete compressed file", "copy or compress it again");
  } catch (const std::system_error& failure) {
    throw error(0, "a file that cannot be read: " + failure.code().message(), "a readable capture",
                "check the disk and the path");
  }
  if (added == 0 && !stream_->complete()) {
    throw error(0, "zstd data that breaks off", "a complete compressed file", "copy or compress it again");
  }
  if (nul_ != no_nul) {
    nul_ -= moved;
  } else if (const void* nul = std::memchr(block_.data() + end_, '\0', added); nul != nullptr) {
    nul_ = static_cast<std::size_t>(static_cast<const char*>(nul) - block_.data());
  }
  end_ += added;
  return added > 0;
}

void CaptureFile::check_head() const {
  const std::string_view block{block_.data(), std::min(end_, head_size)};
  for (const Magic& foreign : foreign_kinds) {
    if (block.starts_with(foreign.bytes)) {
      throw file_error(std::string{foreign.kind}, "the text that a capture program printed",
                       std::string{foreign.suggestion});
    }
  }
  if (const auto nul = block.find('\0'); nul != std::string_view::npos) {
    throw file_error("binary content (a NUL at byte " + std::to_string(nul) + ")",
                     "the text that a capture program printed", "give the program's output, not a binary");
  }
  const auto control = std::count_if(block.begin(), block.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && "\t\n\r\f\v\x1b"sv.find(c) == std::string_view::npos);
  });
  if (static_cast<std::size_t>(control) * 20 > block.size()) {
    throw file_error("binary content (" + std::to_string(control) + " control characters in the first " +
                         std::to_string(block.size()) + " bytes)",
                     "the text that a capture program printed", "give the program's output, not a binary");
  }
}

void CaptureFile::refuse_nul() const {
  throw error(static_cast<std::int64_t>(nul_ - begin_) + 1, "a NUL byte", "text",
              "was the disk full, or the machine reset, while the capture was written?");
}

std::string_view CaptureFile::head() const {
  const std::string_view block{block_.data() + begin_, std::min(head_size, end_ - begin_)};
  const auto newline = block.rfind('\n');
  return newline == std::string_view::npos ? block : block.substr(0, newline + 1);
}

void CaptureFile::limit_to(std::int64_t first, std::int64_t last) {
  for (std::string_view line; line_number_ + 1 < first && take_line(line);) {
  }
  last_line_ = last > 0 ? last : std::numeric_limits<std::int64_t>::max();
}

bool CaptureFile::next_line(std::string_view& line) { return line_number_ < last_line_ && take_line(line); }

bool CaptureFile::take_line(std::string_view& line) {
  std::size_t searched = 0;
  const char* newline = nullptr;
  for (;;) {
    const char* from = block_.data() + begin_ + searched;
    newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_ - searched));
    searched = end_ - begin_;
    if (newline != nullptr || searched > longest_line_ || !refill()) {
      break;
    }
  }
  if (newline == nullptr && searched == 0) {
    return false;
  }
  const char* start = block_.data() + begin_;
  const std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - start) : searched;
  ++line_number_;
  if (length > longest_line_) {
    throw error(0, "a line of more than " + std::to_string(longest_line_) + " bytes", "short rows of text",
                "is this the output of a capture program?");
  }
  if (nul_ < begin_ + length) {
    refuse_nul();
  }
  line = {start, length};
  begin_ += length + (newline != nullptr ? 1 : 0);
  partial_line_ = newline == nullptr;
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
    ++crlf_lines_;
  }
  return true;
}

scenarios::InputError CaptureFile::error(std::int64_t column, std::string found, std::string expected,
                                         std::string suggestion) const {
  return scenarios::InputError{{.file = name_,
                                .line = line_number_,
                                .column = column,
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .suggestion = std::move(suggestion)}};
}

scenarios::InputError CaptureFile::file_error(std::string found, std::string expected,
                                              std::string suggestion) const {
  return scenarios::InputError{{.file = name_,
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .suggestion = std::move(suggestion)}};
}

}  // namespace calibration
