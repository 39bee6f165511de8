#include "tools/live/ring.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

namespace tools::live {

Ring::Ring(int file, std::uint64_t file_bytes, const models::ReadConfig& config, sim::Stream addresses)
    : file_{file},
      count_{static_cast<unsigned>(config.count)},
      size_{static_cast<unsigned>(sim::raw(config.size))},
      places_{file_bytes / size_},
      addresses_{addresses} {
  constexpr std::size_t page = 4096;
  const std::size_t bytes = (std::size_t{size_} * count_ + page - 1) / page * page;
  buffer_.reset(static_cast<char*>(std::aligned_alloc(page, bytes)));
  if (buffer_ == nullptr) {
    throw std::bad_alloc{};
  }
  std::memset(buffer_.get(), 0, bytes);
  const bool defer = config.ring == models::RingMode::defer_taskrun;
  const unsigned flags = defer ? IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN : 0U;
  if (const int error = ::io_uring_queue_init(count_, &ring_, flags); error < 0) {
    throw std::runtime_error{std::string{"an io_uring"} + (defer ? " with DEFER_TASKRUN" : "") + ": " +
                             std::strerror(-error)};
  }
}

Ring::~Ring() { ::io_uring_queue_exit(&ring_); }

void Ring::read() {
  for (unsigned i = 0; i < count_; ++i) {
    io_uring_sqe* const request = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_read(request, file_, buffer_.get() + std::size_t{i} * size_, size_,
                         addresses_.below(places_) * size_);
  }
  if (const int error = ::io_uring_submit_and_wait(&ring_, count_); error < 0) {
    throw std::runtime_error{std::string{"io_uring_enter: "} + std::strerror(-error)};
  }
  for (unsigned i = 0; i < count_; ++i) {
    io_uring_cqe* done = nullptr;
    if (const int error = ::io_uring_wait_cqe(&ring_, &done); error < 0) {
      throw std::runtime_error{std::string{"waiting for a read: "} + std::strerror(-error)};
    }
    const int result = done->res;
    ::io_uring_cqe_seen(&ring_, done);
    if (result != static_cast<int>(size_)) {
      throw std::runtime_error{
          "a read of " + std::to_string(size_) +
          " bytes: " + (result < 0 ? std::strerror(-result) : "only " + std::to_string(result) + " came")};
    }
  }
}

}  // namespace tools::live
