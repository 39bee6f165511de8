// In the fuzzers, the file that readers open is the fuzzed bytes where they lie: this takes the place of
// calibration/traces/byte_source.cpp, so that no system call is made for an input. A quarter of the time.
#include <algorithm>
#include <string>

#include "calibration/traces/byte_source.h"
#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

std::string_view current_input;

}  // namespace

const std::string& path_of(std::string_view input) {
  static const std::string path = "input";
  current_input = input;
  return path;
}

}  // namespace fuzz

namespace calibration {

ByteSource::ByteSource(const std::filesystem::path&) : fd_{-1} {}
ByteSource::~ByteSource() = default;
bool ByteSource::directory() const { return false; }
bool ByteSource::regular() const { return true; }

double ByteSource::progress() const {
  const std::size_t size = fuzz::current_input.size();
  return size == 0 ? 0 : static_cast<double>(bytes_read_) / static_cast<double>(size);
}

std::string_view ByteSource::peek() {
  kept_ = std::min(fuzz::current_input.size(), first_.size());
  std::copy_n(fuzz::current_input.data(), kept_, first_.data());
  return {first_.data(), kept_};
}

std::size_t ByteSource::read(char* out, std::size_t size) {
  const std::size_t got = std::min(size, fuzz::current_input.size() - bytes_read_);
  std::copy_n(fuzz::current_input.data() + bytes_read_, got, out);
  bytes_read_ += got;
  if (zstd_frames_) {
    zstd_frames_->feed({out, got});
  }
  return got;
}

}  // namespace calibration
