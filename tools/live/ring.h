// An agent's io_uring: `count` random reads submitted by one io_uring_enter that waits for all of them.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>

#include "models/workload_config.h"
#include "sim/rng.h"

namespace tools::live {

class Ring {
 public:
  // By the thread that will use it: IORING_SETUP_SINGLE_ISSUER binds the ring to it. `file` is open O_DIRECT
  // and has `file_bytes`. Throws std::runtime_error: a mode that this kernel declines.
  Ring(int file, std::uint64_t file_bytes, const models::ReadConfig& config, sim::Stream addresses);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  void read();  // returns when all are there; throws std::runtime_error when one failed

 private:
  struct Free {
    void operator()(void* memory) const { ::free(memory); }
  };

  io_uring ring_{};
  int file_;
  unsigned count_;
  unsigned size_;
  std::uint64_t places_;  // that a read may begin at
  sim::Stream addresses_;
  std::unique_ptr<char, Free> buffer_;
};

}  // namespace tools::live
