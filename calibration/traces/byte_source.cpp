#include "calibration/traces/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace calibration {

ByteSource::ByteSource(const std::filesystem::path& path) : fd_{::open(path.c_str(), O_RDONLY | O_CLOEXEC)} {
  if (fd_ < 0) {
    throw std::system_error{errno, std::generic_category()};
  }
}

ByteSource::~ByteSource() { ::close(fd_); }

bool ByteSource::directory() const {
  struct stat status {};
  return ::fstat(fd_, &status) == 0 && S_ISDIR(status.st_mode);
}

bool ByteSource::regular() const {
  struct stat status {};
  return ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
}

double ByteSource::progress() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size <= 0) {
    return 0;
  }
  return std::min(1.0, static_cast<double>(bytes_read_) / static_cast<double>(status.st_size));
}

std::string_view ByteSource::peek() {
  while (kept_ < first_.size()) {
    const std::size_t got = read_file(first_.data() + kept_, first_.size() - kept_);
    if (got == 0) {
      break;
    }
    kept_ += got;
  }
  return {first_.data(), kept_};
}

std::size_t ByteSource::read(char* out, std::size_t size) {
  std::size_t got = 0;
  if (taken_ < kept_) {
    got = std::min(size, kept_ - taken_);
    std::memcpy(out, first_.data() + taken_, got);
    taken_ += got;
  } else {
    got = read_file(out, size);
  }
  if (zstd_frames_) {
    zstd_frames_->feed({out, got});
  }
  return got;
}

std::size_t ByteSource::read_file(char* out, std::size_t size) {
  for (;;) {
    const ::ssize_t got = ::read(fd_, out, size);
    if (got >= 0) {
      bytes_read_ += static_cast<std::uint64_t>(got);
      return static_cast<std::size_t>(got);
    }
    if (errno != EINTR) {
      throw std::system_error{errno, std::generic_category()};
    }
  }
}

}  // namespace calibration
