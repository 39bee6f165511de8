// The hot path allocates nothing: what a run needs is there after the warm-up.
#include <atomic>
#include <cstdlib>
#include <new>

#include <catch2/catch.hpp>

#include "models/host.h"
#include "tests/support/sched_hosts.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> allocations{0};

void* counted(std::size_t bytes) {
  if (counting.load(std::memory_order_relaxed)) {
    allocations.fetch_add(1, std::memory_order_relaxed);
  }
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) {
    return memory;
  }
  throw std::bad_alloc{};
}

}  // namespace

// All of them, so that what one allocates another may free.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

namespace models {
namespace {

std::int64_t allocations_of(Host& host, sim::Nanos from, sim::Nanos until) {
  host.advance(sim::SimTime{from}, 0ns);
  allocations = 0;
  counting = true;
  host.advance(sim::SimTime{until}, 0ns);
  counting = false;
  return allocations;
}

TEST_CASE("the counter of allocations counts", "[host]") {
  allocations = 0;
  counting = true;
  std::vector<int> grown;
  grown.reserve(1000);
  counting = false;

  CHECK(allocations == 1);
}

// A histogram grows by whole octaves when a value exceeds all before it; that is all a run may still
// allocate.
TEST_CASE("after its warm-up a host allocates nothing but the octaves of longer and longer waits", "[host]") {
  const std::uint64_t number = GENERATE(range(0, 30));
  const RandomHost random{sim::Rng{number}.stream("allocation")};
  Host host{random.config, number};
  CAPTURE(number, random.config.topology.cpus);

  const std::int64_t allocated = allocations_of(host, 300ms, 400ms);
  INFO(allocated);
  CHECK(allocated <= 3);
}

}  // namespace
}  // namespace models
