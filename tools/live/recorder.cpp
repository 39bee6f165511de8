#include "tools/live/recorder.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include "scenarios/input_error.h"

namespace tools::live {
namespace {

static_assert(std::atomic<std::int64_t>::is_always_lock_free, "processes share these");

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
  return ::syscall(SYS_futex, &word, operation, value, nullptr, nullptr, 0);
}

}  // namespace

Recorder::Recorder(const RecorderSize& size) : size_{size} {
  const std::size_t rows_at =
      sizeof(Control) + size.tasks * sizeof(TaskSlot) + size.agents * sizeof(AgentLog);
  bytes_ = rows_at + size.agents * size.rows_per_agent * sizeof(calibration::StepRow);
  memory_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory_ == MAP_FAILED) {
    throw scenarios::InputError{{.file = "this machine",
                                 .found = "no " + std::to_string(bytes_ >> 20) +
                                          " MiB of memory for steps (" + std::strerror(errno) + ")",
                                 .suggestion = "measure fewer steps, or for a shorter time"}};
  }
  ::mlock(memory_, bytes_);  // best effort: it is populated already, and without swap it stays
  auto* const bytes = static_cast<std::byte*>(memory_);
  new (memory_) Control;
  tasks_ = reinterpret_cast<TaskSlot*>(bytes + sizeof(Control));
  std::uninitialized_default_construct_n(tasks_, size.tasks);
  logs_ = reinterpret_cast<AgentLog*>(tasks_ + size.tasks);
  std::uninitialized_default_construct_n(logs_, size.agents);
  rows_ = reinterpret_cast<calibration::StepRow*>(bytes + rows_at);
}

Recorder::~Recorder() { ::munmap(memory_, bytes_); }

std::uint64_t Recorder::steps() const {
  std::uint64_t sum = 0;
  for (std::size_t agent = 0; agent < size_.agents; ++agent) {
    sum += logs_[agent].count.load(std::memory_order_relaxed);
  }
  return sum;
}

bool Recorder::full() const {
  return std::any_of(logs_, logs_ + size_.agents, [&](const AgentLog& log) {
    return log.count.load(std::memory_order_relaxed) >= size_.rows_per_agent;
  });
}

void Recorder::fail(std::string_view message) {
  std::uint32_t nobody = 0;
  if (control().failed.compare_exchange_strong(nobody, 1)) {
    auto& error = control().error;
    const std::size_t length = std::min(message.size(), error.size() - 1);
    std::memcpy(error.data(), message.data(), length);
    control().failed.store(2, std::memory_order_release);
  }
}

std::string Recorder::error() const {
  const auto& control = *static_cast<const Control*>(memory_);
  return control.failed.load(std::memory_order_acquire) == 2 ? control.error.data() : "";
}

void Recorder::wait_for_go() {
  control().ready.fetch_add(1, std::memory_order_release);
  while (control().go.load(std::memory_order_acquire) == 0) {
    futex(control().go, FUTEX_WAIT, 0);
  }
}

void Recorder::go() {
  control().go.store(1, std::memory_order_release);
  futex(control().go, FUTEX_WAKE, INT_MAX);
}

}  // namespace tools::live
