#include "calibration/traces/sorted_runs.h"

#include <catch2/catch.hpp>
#include <memory>
#include <vector>

#include "tests/calibration/capture_bench.h"

using namespace calibration;

namespace {

// Events of given times, one a line of the file that it reads along.
class Times final : public EventSource {
 public:
  Times(CaptureFile& file, std::vector<std::int64_t> times) : file_{file}, times_{std::move(times)} {}

  bool next(Event& event) override {
    std::string_view line;
    if (at_ == times_.size() || !file_.next_line(line)) {
      return false;
    }
    event = Event{};
    event.time = times_[at_++];
    return true;
  }

 private:
  CaptureFile& file_;
  std::vector<std::int64_t> times_;
  std::size_t at_ = 0;
};

constexpr std::int64_t ms = 1'000'000;  // ns

void add(SortedRuns& runs, const CaptureBench& bench, const std::vector<std::int64_t>& times) {
  auto file = std::make_unique<CaptureFile>(bench.write("lines", "1\n2\n3\n4\n5\n6\n"));
  auto source = std::make_unique<Times>(*file, times);
  runs.add(std::move(file), std::move(source));
}

std::vector<std::int64_t> read(SortedRuns& runs) {
  std::vector<std::int64_t> times;
  for (Event event; runs.next(event);) {
    times.push_back(event.time / ms);
  }
  return times;
}

}  // namespace

TEST_CASE("jumps back tell the lines at which further runs begin", "[sorted_runs]") {
  const CaptureBench bench;
  SortedRuns runs;
  add(runs, bench, {10 * ms, 20 * ms, 5 * ms, 30 * ms, 3 * ms});

  try {
    read(runs);
    FAIL("unsorted events were taken for sorted ones");
  } catch (const UnsortedCapture& unsorted) {
    CHECK(unsorted.runs == std::vector<std::int64_t>{3, 5});
  }
}

TEST_CASE("a jump back of up to a millisecond is left as it is", "[sorted_runs]") {
  const CaptureBench bench;
  SortedRuns runs;
  add(runs, bench, {10 * ms, 9 * ms, 11 * ms});

  CHECK(read(runs) == std::vector<std::int64_t>{10, 9, 11});
}

TEST_CASE("a run that turns out unsorted while runs are merged is refused, not searched again",
          "[sorted_runs]") {
  const CaptureBench bench;
  SortedRuns runs;
  add(runs, bench, {10 * ms, 20 * ms});
  add(runs, bench, {15 * ms, 5 * ms});

  CHECK_THROWS_AS(read(runs), scenarios::InputError);
}
