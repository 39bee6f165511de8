#include "scenarios/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sim/check.h"

namespace scenarios {
namespace {

constexpr mode_t mode = 0666;  // the umask takes what it takes

[[noreturn]] void fail(const std::string& path, int error) {
  throw OutputError{path + ": cannot be written: " + std::strerror(error)};
}

bool is_special(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

std::string directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path{path}.parent_path().string();
  return directory.empty() ? "." : directory;
}

std::string temporary_name(const std::string& path) { return path + ".tmp" + std::to_string(::getpid()); }

void sync_directory_of(const std::string& path) {
  const int file = ::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file >= 0) {
    ::fsync(file);  // some file systems refuse it on a directory; the rename stands either way
    ::close(file);
  }
}

}  // namespace

OutputFile::OutputFile(std::string path) : path_{std::move(path)}, special_{is_special(path_)} {
  if (special_) {
    file_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    // A file without a name gets one through /proc (take_name).
    const std::string directory = directory_of(path_);
    if (::access("/proc/self/fd", X_OK) == 0) {
      file_ = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    }
    if (file_ < 0) {
      temporary_ = temporary_name(path_);
      file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    }
  }
  if (file_ < 0) {
    const int error = errno;
    temporary_.clear();
    fail(error);
  }
}

OutputFile::~OutputFile() { discard(); }

void OutputFile::write(std::string_view bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      fail(errno);
    }
  }
}

void OutputFile::rewrite(std::uint64_t offset, std::string_view bytes) {
  sim::check(seekable() && offset + bytes.size() <= size_, "what is rewritten was written");
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    } else if (errno != EINTR) {
      fail(errno);
    }
  }
}

void OutputFile::commit() {
  if (!special_ && ::fsync(file_) != 0) {
    fail(errno);
  }
  if (!special_ && temporary_.empty()) {
    take_name();
  }
  if (const int file = std::exchange(file_, -1); ::close(file) != 0) {
    fail(errno);
  }
  if (special_) {
    return;
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail(errno);
  }
  temporary_.clear();
  sync_directory_of(path_);
}

void OutputFile::take_name() {
  const std::string name = temporary_name(path_);
  const std::string link = "/proc/self/fd/" + std::to_string(file_);
  ::unlink(name.c_str());  // left by a process that had this id and was killed
  if (::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
    fail(errno);
  }
  temporary_ = name;
}

void OutputFile::fail(int error) const { scenarios::fail(path_, error); }

void OutputFile::discard() {
  if (file_ >= 0) {
    ::close(file_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

void write_file(const std::string& path, std::string_view contents) {
  OutputFile file{path};
  file.write(contents);
  file.commit();
}

void prepare_directory(const std::string& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) {
    fail(directory, failure.value());
  }
  if (!std::filesystem::is_directory(directory, failure)) {
    fail(directory, ENOTDIR);
  }
  const std::string probe = directory + "/.probe" + std::to_string(::getpid());
  write_file(probe, "probe\n");
  ::unlink(probe.c_str());
}

}  // namespace scenarios
