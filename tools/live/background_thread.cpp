#include "tools/live/background_thread.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

#include "models/background.h"
#include "sim/rng.h"
#include "tools/live/workload_spin.h"

namespace tools::live {
namespace {

void count_transfer(TaskSlot& slot, std::size_t bytes) {
  slot.bytes.fetch_add(bytes, std::memory_order_relaxed);
  slot.loops.fetch_add(1, std::memory_order_relaxed);
}

void pace(models::Pace& pace) {
  if (const sim::Nanos wait = pace.wait(sim::SimTime{sim::Nanos{monotonic_ns()}}); wait.count() > 0) {
    sleep_for(wait.count());
  }
}

[[noreturn]] void run_burst(const ThreadContext& context) {
  const models::BackgroundConfig& config = *context.plan.background;
  const sim::Rng rng{context.seed};
  sim::Stream busy = rng.stream(context.plan.stream + "/busy");
  sim::Stream sleep = rng.stream(context.plan.stream + "/sleep");
  context.recorder.wait_for_go();
  for (;;) {
    spin(turns_of(config.busy.sample(busy).count(), context.turn_ns));
    sleep_for(config.sleep.sample(sleep).count());
    context.slot.loops.fetch_add(1, std::memory_order_relaxed);
  }
}

[[noreturn]] void run_hog(const ThreadContext& context) {
  const std::uint64_t millisecond = turns_of(1'000'000, context.turn_ns);
  context.recorder.wait_for_go();
  for (;;) {
    spin(millisecond);
    context.slot.loops.fetch_add(1, std::memory_order_relaxed);
  }
}

struct Free {
  void operator()(void* memory) const { ::free(memory); }
};

[[noreturn]] void run_writer(const ThreadContext& context) {
  constexpr std::size_t page = 4096;
  const models::BackgroundConfig& config = *context.plan.background;
  const auto size = static_cast<std::size_t>(sim::raw(config.size));
  const std::size_t bytes = (size + page - 1) / page * page;
  const std::unique_ptr<char, Free> buffer{static_cast<char*>(std::aligned_alloc(page, bytes))};
  if (buffer == nullptr) {
    throw std::bad_alloc{};
  }
  std::memset(buffer.get(), 'w', bytes);
  sim::Stream addresses = sim::Rng{context.seed}.stream(context.plan.stream + "/addresses");
  const std::uint64_t places = context.file_bytes / size;
  models::Pace rate{config.size, config.rate};
  context.recorder.wait_for_go();
  for (;;) {
    const auto offset = static_cast<off_t>(addresses.below(places) * size);
    if (::pwrite(context.file, buffer.get(), size, offset) != static_cast<ssize_t>(size)) {
      throw std::runtime_error{std::string{"writing the data file: "} + std::strerror(errno)};
    }
    count_transfer(context.slot, size);
    pace(rate);
  }
}

[[noreturn]] void run_sender(const ThreadContext& context) {
  const models::BackgroundConfig& config = *context.plan.background;
  const std::vector<char> data(static_cast<std::size_t>(sim::raw(config.size)), 'b');
  models::Pace rate{config.size, config.rate};
  context.recorder.wait_for_go();
  for (;;) {
    for (std::size_t sent = 0; sent < data.size();) {
      const ssize_t more = ::send(context.socket, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
      if (more <= 0) {
        throw std::runtime_error{"sending bulk: the connection is closed"};
      }
      sent += static_cast<std::size_t>(more);
    }
    context.slot.loops.fetch_add(1, std::memory_order_relaxed);
    pace(rate);
  }
}

[[noreturn]] void run_receiver(const ThreadContext& context) {
  constexpr std::size_t room = 256 * 1024;  // whatever has arrived fits
  std::vector<char> data(room);
  context.recorder.wait_for_go();
  for (;;) {
    const ssize_t got = ::recv(context.socket, data.data(), data.size(), 0);
    if (got <= 0) {
      throw std::runtime_error{"receiving bulk: the connection is closed"};
    }
    count_transfer(context.slot, static_cast<std::size_t>(got));
  }
}

}  // namespace

void run_background(const ThreadContext& context) {
  switch (context.plan.kind) {
    case TaskKind::burst:
      run_burst(context);
    case TaskKind::hog:
      run_hog(context);
    case TaskKind::writer:
      run_writer(context);
    case TaskKind::bulk_tx:
      run_sender(context);
    case TaskKind::bulk_rx:
      run_receiver(context);
    default:
      throw std::runtime_error{"an agent or a server is no background load"};
  }
}

}  // namespace tools::live
