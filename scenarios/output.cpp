#include "scenarios/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace scenarios {
namespace {

[[noreturn]] void fail(const std::string& path, int error) {
  throw OutputError{path + ": cannot be written: " + std::strerror(error)};
}

// 0 or the errno of what failed. Closes `file` in any case.
int write_and_close(int file, std::string_view contents, bool durable) {
  int error = 0;
  while (!contents.empty() && error == 0) {
    const ssize_t written = ::write(file, contents.data(), contents.size());
    if (written >= 0) {
      contents.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (error == 0 && durable && ::fsync(file) != 0) {
    error = errno;
  }
  if (::close(file) != 0 && error == 0) {
    error = errno;
  }
  return error;
}

bool is_special(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

void sync_directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path{path}.parent_path().string();
  const int file = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file >= 0) {
    ::fsync(file);  // some file systems refuse it on a directory; the rename stands either way
    ::close(file);
  }
}

}  // namespace

void write_file(const std::string& path, std::string_view contents) {
  constexpr mode_t mode = 0666;  // the umask takes what it takes
  if (is_special(path)) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    const int error = file < 0 ? errno : write_and_close(file, contents, false);
    return error == 0 ? void() : fail(path, error);
  }
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file < 0) {
    fail(path, errno);
  }
  int error = write_and_close(file, contents, true);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) {
    error = errno;
  }
  if (error != 0) {
    ::unlink(temporary.c_str());
    fail(path, error);
  }
  sync_directory_of(path);
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
