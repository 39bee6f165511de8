// Where the tests that replay kept inputs put them: a real file, read as a user's is.
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

// One file in memory for the whole process: making and naming a file for each input would take longer than
// reading it.
struct MemoryFile {
  MemoryFile() : fd{::memfd_create("fuzz-input", MFD_CLOEXEC)}, path{"/proc/self/fd/" + std::to_string(fd)} {
    check(fd);
  }
  ~MemoryFile() { ::close(fd); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void write(std::string_view input) const {
    check(::ftruncate(fd, static_cast<::off_t>(input.size())));
    for (::off_t at = 0; at < static_cast<::off_t>(input.size());) {
      const ::ssize_t written =
          ::pwrite(fd, input.data() + at, input.size() - static_cast<std::size_t>(at), at);
      check(written);
      at += written;
    }
  }

  static void check(::ssize_t result) {
    if (result < 0) {
      throw std::system_error{errno, std::generic_category(), "the file of a fuzzed input"};
    }
  }

  int fd;
  std::string path;
};

}  // namespace

const std::string& path_of(std::string_view input) {
  static const MemoryFile file;
  file.write(input);
  return file.path;
}

}  // namespace fuzz
