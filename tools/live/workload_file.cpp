#include "tools/live/workload_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "sim/rng.h"

namespace tools::live {
namespace {

constexpr std::size_t chunk = std::size_t{1} << 20;  // bytes of one write
constexpr std::size_t page = 4096;
constexpr std::uint64_t sector = 512;  // unit of st_blocks

// Its size, and every block of it allocated. Whether the blocks were ever written stat(2) does not tell; such
// a file is one of ours, and those are.
bool is_whole(const std::string& path, std::uint64_t size) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         static_cast<std::uint64_t>(status.st_size) == size &&
         static_cast<std::uint64_t>(status.st_blocks) * sector >= size;
}

struct Free {
  void operator()(void* memory) const { ::free(memory); }
};

// Not zeros: a disk may keep those nowhere.
std::unique_ptr<char, Free> noise() {
  std::unique_ptr<char, Free> buffer{static_cast<char*>(std::aligned_alloc(page, chunk))};
  if (buffer == nullptr) {
    throw std::bad_alloc{};
  }
  sim::Stream stream = sim::Rng{1}.stream("data_file");
  for (std::size_t at = 0; at < chunk; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = stream.next();
    std::memcpy(buffer.get() + at, &word, sizeof word);
  }
  return buffer;
}

}  // namespace

DataFile::DataFile(std::string path, std::uint64_t size, const std::atomic<bool>& stop)
    : path_{std::move(path)} {
  if (is_whole(path_, size)) {
    complete_ = true;
    return;
  }
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0) {
    throw scenarios::InputError{
        {.file = path_,
         .found = "a file that is not a whole data file",
         .expected = "one of " + std::to_string(size) + " bytes without holes, or none",
         .suggestion = "name another file, or remove it"}};
  }
  try {
    fill(size, stop);
  } catch (...) {
    ::unlink(path_.c_str());
    throw;
  }
}

void DataFile::fill(std::uint64_t size, const std::atomic<bool>& stop) {
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_DIRECT | O_CLOEXEC, 0600);
  if (file < 0 && errno == EINVAL) {
    throw scenarios::InputError{
        {.file = path_, .found = "a file system without O_DIRECT", .expected = "one on a disk (not tmpfs)"}};
  }
  if (file < 0) {
    throw scenarios::OutputError{path_ + ": cannot be written: " + std::strerror(errno)};
  }
  made_ = true;
  const std::unique_ptr<char, Free> buffer = noise();
  std::uint64_t at = 0;
  bool good = true;
  for (; at < size && good && !stop.load(std::memory_order_relaxed); at += chunk) {
    // The last one is written whole, as O_DIRECT wants it, and cut below.
    good = ::pwrite(file, buffer.get(), chunk, static_cast<off_t>(at)) == static_cast<ssize_t>(chunk);
  }
  complete_ = good && at >= size;
  good = good && (!complete_ || (::ftruncate(file, static_cast<off_t>(size)) == 0 && ::fsync(file) == 0));
  const int error = errno;
  ::close(file);
  if (!good) {
    throw scenarios::OutputError{path_ + ": cannot be written: " + std::strerror(error)};
  }
}

DataFile::~DataFile() {
  if (made_ && !kept_) {
    ::unlink(path_.c_str());
  }
}

}  // namespace tools::live
