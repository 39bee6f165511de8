#include "calibration/traces/capture_file.h"

#include <algorithm>
#include <array>
#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "calibration/traces/byte_source.h"

namespace calibration {
namespace {

using namespace std::string_view_literals;

struct Magic {
  std::string_view bytes;
  std::string_view kind;
};

constexpr Magic gzip_magic{"\x1f\x8b"sv, "gzip"};
constexpr Magic zstd_magic{"\x28\xb5\x2f\xfd"sv, "zstd"};
constexpr Magic xz_magic{
    "\xfd"
    "7zXZ\0"sv,
    "xz"};

// What people hand over by mistake, by its first bytes.
constexpr std::array foreign_kinds{
    Magic{"PERFILE2"sv, "a perf.data file"},
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

// Boost copies its devices; this one only points at the source.
struct SourceDevice {
  using char_type = char;
  using category = boost::iostreams::source_tag;
  ByteSource* source;
  std::streamsize read(char* out, std::streamsize size) {
    const std::size_t got = source->read(out, static_cast<std::size_t>(size));
    return got == 0 ? -1 : static_cast<std::streamsize>(got);
  }
};

}  // namespace

struct CaptureFile::Stream {
  explicit Stream(const std::filesystem::path& path) : source{path} {}

  void open() {
    namespace io = boost::iostreams;
    const std::string_view first = source.peek();
    if (first.starts_with(gzip_magic.bytes)) {
      compression = Compression::gzip;
      chain.push(io::gzip_decompressor{});
    } else if (first.starts_with(zstd_magic.bytes)) {
      compression = Compression::zstd;
      source.follow_zstd();
      chain.push(io::zstd_decompressor{});
    } else if (first.starts_with(xz_magic.bytes)) {
      compression = Compression::xz;
      chain.push(io::lzma_decompressor{});
    }
    chain.push(SourceDevice{&source});
  }

  ByteSource source;
  Compression compression = Compression::none;
  boost::iostreams::filtering_streambuf<boost::iostreams::input> chain;
};

std::string_view to_string(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return gzip_magic.kind;
    case Compression::zstd:
      return zstd_magic.kind;
    case Compression::xz:
      return xz_magic.kind;
    case Compression::none:
      break;
  }
  return "none";
}

CaptureFile::CaptureFile(const std::filesystem::path& path) : name_{path.string()}, block_(4 * max_line) {
  try {
    stream_ = std::make_unique<Stream>(path);
    if (stream_->source.directory()) {
      throw file_error("a directory", "a capture file", "name the file in it");
    }
    stream_->open();
  } catch (const std::system_error& error) {
    const bool missing = error.code().value() == ENOENT;
    throw file_error(missing ? "no such file" : "a file that cannot be read: " + error.code().message(),
                     "a readable capture", missing ? "check the path" : "check its permissions");
  }
  if (!refill()) {
    const bool plain = stream_->compression == Compression::none;
    throw file_error(plain ? "an empty file" : "nothing after decompression", "the output of a capture",
                     "was the program stopped before it wrote anything?");
  }
  check_first_block();
  if (std::string_view{block_.data(), end_}.starts_with("\xef\xbb\xbf")) {
    begin_ = 3;  // a byte order mark, put there by an editor
  }
}

CaptureFile::~CaptureFile() = default;

Compression CaptureFile::compression() const { return stream_->compression; }

// Moves the unread bytes to the front and reads on behind them; false when nothing more came.
bool CaptureFile::refill() {
  std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  std::streamsize got = 0;
  try {
    got = stream_->chain.sgetn(block_.data() + end_, static_cast<std::streamsize>(block_.size() - end_));
  } catch (const std::ios_base::failure&) {
    // Caught before system_error, its base: with a filter in the chain it is the filter that gave up.
    throw error(0, "damaged or cut " + std::string{to_string(compression())} + " data",
                "a complete compressed file", "copy or compress it again");
  } catch (const std::system_error& failure) {
    throw error(0, "a file that cannot be read: " + failure.code().message(), "a readable capture",
                "check the disk and the path");
  }
  if (got <= 0 && !stream_->source.complete()) {
    throw error(0, "zstd data that breaks off", "a complete compressed file", "copy or compress it again");
  }
  end_ += got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0;
}

void CaptureFile::check_first_block() const {
  const std::string_view block{block_.data(), end_};
  for (const Magic& foreign : foreign_kinds) {
    if (block.starts_with(foreign.bytes)) {
      throw file_error(std::string{foreign.kind}, "the text that a capture program printed",
                       "decompress it or export it as text");
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

void CaptureFile::check_text(std::string_view line) const {
  if (const auto nul = line.find('\0'); nul != std::string_view::npos) {
    throw error(static_cast<std::int64_t>(nul) + 1, "a NUL byte", "text",
                "was the disk full, or the machine reset, while the capture was written?");
  }
}

bool CaptureFile::next_line(std::string_view& line) {
  std::size_t searched = 0;
  const char* newline = nullptr;
  for (;;) {
    const char* from = block_.data() + begin_ + searched;
    newline = static_cast<const char*>(std::memchr(from, '\n', end_ - begin_ - searched));
    searched = end_ - begin_;
    if (newline != nullptr || searched > max_line || !refill()) {
      break;
    }
  }
  if (newline == nullptr && searched == 0) {
    return false;
  }
  const char* start = block_.data() + begin_;
  const std::size_t length = newline != nullptr ? static_cast<std::size_t>(newline - start) : searched;
  ++line_number_;
  if (length > max_line) {
    throw error(0, "a line of more than " + std::to_string(max_line) + " bytes", "short rows of text",
                "is this the output of a capture program?");
  }
  line = {start, length};
  begin_ += length + (newline != nullptr ? 1 : 0);
  partial_line_ = newline == nullptr;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
    ++crlf_lines_;
  }
  check_text(line);
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
