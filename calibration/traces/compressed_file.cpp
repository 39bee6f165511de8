#include "calibration/traces/compressed_file.h"

#include <algorithm>
#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>
#include <system_error>

#include "calibration/traces/byte_source.h"

namespace calibration {
namespace {

using namespace std::string_view_literals;
namespace io = boost::iostreams;

constexpr std::string_view gzip_magic = "\x1f\x8b"sv;
constexpr std::string_view zstd_magic = "\x28\xb5\x2f\xfd"sv;
constexpr std::string_view xz_magic =
    "\xfd"
    "7zXZ\0"sv;

// Boost's own buffers, of 4 KiB, cost as much as the decompression of our texts.
constexpr std::streamsize buffer_size = 64 * 1024;

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

struct CompressedFile::Stream {
  explicit Stream(const std::filesystem::path& path) : source{path} {}

  template <class Filter>
  void decompress(Compression kind, const Filter& filter) {
    compression = kind;
    chain.push(filter, buffer_size);
    chain.push(SourceDevice{&source}, buffer_size);
  }

  ByteSource source;
  Compression compression = Compression::none;
  io::filtering_streambuf<io::input> chain;
};

CompressedFile::CompressedFile(const std::filesystem::path& path) : stream_{std::make_unique<Stream>(path)} {}

CompressedFile::~CompressedFile() = default;

void CompressedFile::open() {
  const std::string_view first = stream_->source.peek();
  if (first.starts_with(gzip_magic)) {
    stream_->decompress(Compression::gzip, io::gzip_decompressor{io::zlib::default_window_bits, buffer_size});
  } else if (first.starts_with(zstd_magic)) {
    stream_->source.follow_zstd();
    stream_->decompress(Compression::zstd, io::zstd_decompressor{buffer_size});
  } else if (first.starts_with(xz_magic)) {
    stream_->decompress(Compression::xz, io::lzma_decompressor{buffer_size});
  }
}

std::size_t CompressedFile::read(char* out, std::size_t size) {
  if (stream_->compression != Compression::none) {
    return static_cast<std::size_t>(
        std::max<std::streamsize>(stream_->chain.sgetn(out, static_cast<std::streamsize>(size)), 0));
  }
  std::size_t got = 0;
  for (std::size_t more = 1; got < size && more > 0; got += more) {
    more = stream_->source.read(out + got, size - got);
  }
  return got;
}

Compression CompressedFile::compression() const { return stream_->compression; }
bool CompressedFile::complete() const { return stream_->source.complete(); }
bool CompressedFile::directory() const { return stream_->source.directory(); }
bool CompressedFile::regular() const { return stream_->source.regular(); }
double CompressedFile::progress() const { return stream_->source.progress(); }

std::string_view to_string(Compression compression) {
  switch (compression) {
    case Compression::gzip:
      return "gzip";
    case Compression::zstd:
      return "zstd";
    case Compression::xz:
      return "xz";
    case Compression::none:
      break;
  }
  return "none";
}

std::string first_bytes(const std::filesystem::path& path, std::size_t size) {
  std::string bytes(size, '\0');
  try {
    CompressedFile file{path};
    if (file.regular()) {
      file.open();
      bytes.resize(file.read(bytes.data(), size));
      return bytes;
    }
  } catch (const std::system_error&) {
    // Opening it in earnest says why.
  }
  return "";
}

}  // namespace calibration
