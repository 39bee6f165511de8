#include "tools/live/agent_thread.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

#include "sim/rng.h"
#include "tools/live/ring.h"
#include "tools/live/workload_spin.h"

namespace tools::live {
namespace {

class AgentThread {
 public:
  explicit AgentThread(const ThreadContext& context)
      : context_{context},
        config_{*context.plan.agent},
        think_{sim::Rng{context.seed}.stream(context.plan.stream + "/think")},
        compute_{sim::Rng{context.seed}.stream(context.plan.stream + "/compute")},
        request_(static_cast<std::size_t>(sim::raw(config_.tool.request)), 'q'),
        reply_(static_cast<std::size_t>(sim::raw(config_.tool.reply))),
        rows_{context.recorder.rows(static_cast<std::size_t>(context.plan.agent_id))},
        log_{context.recorder.log(static_cast<std::size_t>(context.plan.agent_id))} {
    if (context.socket >= 0) {
      open_epoll();
    }
    if (!config_.read.device.empty()) {
      ring_.emplace(context.file, context.file_bytes, config_.read,
                    sim::Rng{context.seed}.stream(context.plan.stream + "/addresses"));
    }
    touch_rows();
  }

  [[noreturn]] void run() {
    context_.recorder.wait_for_go();
    for (;;) {
      step();
    }
  }

 private:
  void open_epoll() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{.events = EPOLLIN, .data = {.fd = context_.socket}};
    if (epoll_ < 0 || ::epoll_ctl(epoll_, EPOLL_CTL_ADD, context_.socket, &event) != 0) {
      throw std::runtime_error{std::string{"epoll: "} + std::strerror(errno)};
    }
  }

  // The pages are there, but not yet in this process's page table.
  void touch_rows() {
    constexpr std::size_t page = 4096;
    auto* const bytes = reinterpret_cast<volatile char*>(rows_);
    const std::size_t size = context_.recorder.size().rows_per_agent * sizeof(calibration::StepRow);
    for (std::size_t at = 0; at < size; at += page) {
      bytes[at] = 0;
    }
  }

  void step() {
    const std::int64_t span = config_.think.sample(think_).count();
    const std::int64_t intended = monotonic_ns() + span;
    sleep_for(span);
    const std::int64_t start = monotonic_ns();
    std::int64_t called = start;
    if (epoll_ >= 0) {
      call_tool();
      called = monotonic_ns();
    }
    std::int64_t retrieved = called;
    if (ring_) {
      ring_->read();
      retrieved = monotonic_ns();
    }
    spin(turns_of(config_.compute.sample(compute_).count(), context_.turn_ns));
    const std::int64_t end = monotonic_ns();
    context_.slot.loops.fetch_add(1, std::memory_order_relaxed);
    record(intended, {.agent = context_.plan.agent_id,
                      .start_ns = start,
                      .timer_late_ns = std::max<std::int64_t>(start - intended, 0),
                      .tool_ns = called - start,
                      .read_ns = retrieved - called,
                      .parse_ns = end - retrieved});
  }

  void record(std::int64_t intended, const calibration::StepRow& row) {
    if (intended < context_.recorder.control().measure_from.load(std::memory_order_relaxed)) {
      return;
    }
    const std::uint64_t count = log_.count.load(std::memory_order_relaxed);
    if (count < context_.recorder.size().rows_per_agent) {
      rows_[count] = row;
      log_.count.store(count + 1, std::memory_order_release);
    }
  }

  void call_tool() {
    if (::send(context_.socket, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      throw std::runtime_error{std::string{"sending a request: "} + std::strerror(errno)};
    }
    for (std::size_t got = 0; got < reply_.size();) {
      epoll_event event{};
      if (::epoll_wait(epoll_, &event, 1, -1) < 0) {
        throw std::runtime_error{std::string{"epoll_wait: "} + std::strerror(errno)};
      }
      const ssize_t more = ::recv(context_.socket, reply_.data() + got, reply_.size() - got, 0);
      if (more <= 0) {
        throw std::runtime_error{"reading a reply: the connection is closed"};
      }
      got += static_cast<std::size_t>(more);
    }
  }

  const ThreadContext& context_;
  const models::AgentConfig& config_;
  sim::Stream think_, compute_;
  std::vector<char> request_, reply_;
  calibration::StepRow* rows_;
  AgentLog& log_;
  int epoll_ = -1;
  std::optional<Ring> ring_;
};

}  // namespace

void sleep_for(std::int64_t ns) {
  timespec span{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  ::nanosleep(&span, nullptr);
}

void run_agent(const ThreadContext& context) { AgentThread{context}.run(); }

}  // namespace tools::live
