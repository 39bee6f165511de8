#include "calibration/traces/unpacked_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/iostreams/categories.hpp>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filter/lzma.hpp>
#include <boost/iostreams/filter/zstd.hpp>
#include <boost/iostreams/filtering_streambuf.hpp>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "calibration/traces/byte_source.h"
#include "scenarios/input_error.h"
#include "scenarios/output.h"

namespace calibration {
namespace {

namespace io = boost::iostreams;
using namespace std::string_view_literals;

struct Unpacker {
  std::string_view magic;
  std::string_view name;
  void (*push)(io::filtering_streambuf<io::input>& chain, ByteSource& source);
};

constexpr std::string_view xz_magic =
    "\xfd"
    "7zXZ\0"sv;

constexpr Unpacker unpackers[] = {
    {"\x1f\x8b"sv, "gzip", [](auto& chain, ByteSource&) { chain.push(io::gzip_decompressor{}); }},
    {"\x28\xb5\x2f\xfd"sv, "zstd",
     [](auto& chain, ByteSource& source) {
       source.follow_zstd();
       chain.push(io::zstd_decompressor{});
     }},
    {xz_magic, "xz", [](auto& chain, ByteSource&) { chain.push(io::lzma_decompressor{}); }},
};

const Unpacker* unpacker_of(std::string_view head) {
  for (const Unpacker& unpacker : unpackers) {
    if (head.starts_with(unpacker.magic)) {
      return &unpacker;
    }
  }
  return nullptr;
}

// Boost copies its devices; this one only points at the source.
struct SourceDevice {
  using char_type = char;
  using category = io::source_tag;
  ByteSource* source;
  std::streamsize read(char* out, std::streamsize size) {
    const std::size_t got = source->read(out, static_cast<std::size_t>(size));
    return got == 0 ? -1 : static_cast<std::streamsize>(got);
  }
};

scenarios::InputError refusal(const std::filesystem::path& path, std::string found, std::string suggestion) {
  return scenarios::InputError{{.file = path.string(),
                                .found = std::move(found),
                                .expected = "a readable capture",
                                .suggestion = std::move(suggestion)}};
}

scenarios::OutputError no_room(const std::filesystem::path& directory) {
  return scenarios::OutputError{directory.string() +
                                ", for unpacking: " + std::generic_category().message(errno)};
}

int temporary_file(const std::filesystem::path& directory) {
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
    return fd;
  }
  std::string name = (directory / "chainsim-XXXXXX").string();  // a file system without O_TMPFILE
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) {
    ::unlink(name.c_str());
  }
  return named;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ::ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
  }
  return true;
}

// Bytes written to `fd`.
std::uint64_t unpack(ByteSource& source, const Unpacker& unpacker, int fd, std::uint64_t most,
                     const std::filesystem::path& path, const std::filesystem::path& directory) {
  io::filtering_streambuf<io::input> chain;
  unpacker.push(chain, source);
  chain.push(SourceDevice{&source});
  const std::string damaged = "damaged or cut " + std::string{unpacker.name} + " data";
  std::vector<char> block(std::size_t{256} << 10);
  for (std::uint64_t size = 0;;) {
    std::streamsize got = 0;
    try {
      got = chain.sgetn(block.data(), static_cast<std::streamsize>(block.size()));
    } catch (const std::ios_base::failure&) {
      throw refusal(path, damaged, "copy or compress it again");
    }
    if (got <= 0) {
      if (!source.complete()) {
        throw refusal(path, damaged, "copy or compress it again");
      }
      return size;
    }
    size += static_cast<std::uint64_t>(got);
    if (size > most) {
      throw refusal(path, "more than " + std::to_string(most) + " bytes after decompression",
                    "decompress it yourself and give the result");
    }
    if (!write_all(fd, {block.data(), static_cast<std::size_t>(got)})) {
      throw no_room(directory);
    }
  }
}

}  // namespace

UnpackedFile::UnpackedFile(const std::filesystem::path& path, std::uint64_t most_bytes) try {
  ByteSource source{path};
  if (!source.regular()) {
    throw refusal(path, "no regular file", "write it to a file first: it is read in more than one place");
  }
  const Unpacker* const unpacker = unpacker_of(source.peek());
  if (unpacker == nullptr) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      throw std::system_error{errno, std::generic_category()};
    }
    size_ = std::filesystem::file_size(path);
    return;
  }
  const std::filesystem::path directory = std::filesystem::temp_directory_path();
  fd_ = temporary_file(directory);
  if (fd_ < 0) {
    throw no_room(directory);
  }
  try {
    size_ = unpack(source, *unpacker, fd_, most_bytes, path, directory);
    ::lseek(fd_, 0, SEEK_SET);
  } catch (...) {
    ::close(fd_);  // no destructor runs for what was never made
    throw;
  }
} catch (const std::system_error& error) {
  throw refusal(path, "a file that cannot be read: " + error.code().message(),
                "check the path and its permissions");
}

UnpackedFile::~UnpackedFile() { ::close(fd_); }

}  // namespace calibration
