// The memory that the workload's processes share with chainsim: who they are, what they have measured, and
// when to begin. All of it exists before the first process; nothing is allocated while anything is measured.
//
// An agent writes a row and then counts it (release); the reader takes the count (acquire) and then the rows.
#pragma once

#include <time.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "calibration/traces/steps.h"

namespace tools::live {

inline std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// Of one thread.
struct alignas(64) TaskSlot {
  std::atomic<std::int32_t> pid{0}, tid{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> loops{0};
};

// Of one agent, ahead of its rows.
struct alignas(64) AgentLog {
  std::atomic<std::uint64_t> count{0};
};

struct alignas(64) Control {
  std::atomic<std::uint32_t> ready{0};   // threads that wait for `go`
  std::atomic<std::uint32_t> go{0};      // futex
  std::atomic<std::uint32_t> failed{0};  // 1: somebody writes `error`; 2: it stands there
  std::atomic<std::uint32_t> stopping{0};
  std::atomic<std::uint32_t> processes{0};
  // Steps with an intended start from here on are recorded.
  std::atomic<std::int64_t> measure_from{std::numeric_limits<std::int64_t>::max()};
  std::array<char, 512> error{};
  static constexpr std::size_t most_processes = 1024;
  std::array<std::atomic<std::int32_t>, most_processes> pids{};
};

struct RecorderSize {
  std::size_t tasks = 0;
  std::size_t agents = 0;
  std::uint64_t rows_per_agent = 0;
};

class Recorder {
 public:
  // Maps and touches it. Throws scenarios::InputError when there is not enough memory.
  explicit Recorder(const RecorderSize& size);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  Control& control() { return *static_cast<Control*>(memory_); }
  TaskSlot& task(std::size_t index) { return tasks_[index]; }
  AgentLog& log(std::size_t agent) { return logs_[agent]; }
  calibration::StepRow* rows(std::size_t agent) { return rows_ + agent * size_.rows_per_agent; }
  const RecorderSize& size() const { return size_; }
  std::uint64_t steps() const;  // recorded so far, of all agents
  bool full() const;            // an agent has no room for another row

  // By a process of the workload: keeps the first error; the caller goes to sleep, and is killed.
  void fail(std::string_view message);
  std::string error() const;
  // By a thread of the workload: says that it is ready and sleeps until all may go.
  void wait_for_go();
  void go();  // by chainsim

 private:
  RecorderSize size_;
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  TaskSlot* tasks_ = nullptr;
  AgentLog* logs_ = nullptr;
  calibration::StepRow* rows_ = nullptr;
};

}  // namespace tools::live
