// One server against queueing theory (Kleinrock, "Queueing Systems I", 1975).
//
// With arrival rate l, mean service S and utilisation r = l S, a job waits for its service to start for
//   M/M/1   W = S r / (1 - r)          M/D/1   W = S r / (2 (1 - r))
// on average (Pollaczek-Khinchine), and a share 1 - r of jobs does not wait at all (PASTA).
//
// Tolerance: waits of successive jobs are correlated. The mean over N jobs of an M/M/1 queue has
// variance S^2 r (2 + 5r - 4r^2 + r^3) / ((1 - r)^4 N) (Daley 1968, in units of service): for N = 10^6
// a standard error of 0.54 % of W at r = 0.5 and 0.92 % at r = 0.75. M/D/1 stays below both. The tests allow
// four standard errors; their seeds are fixed.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <utility>

#include "sim/distribution.h"
#include "sim/engine.h"
#include "sim/rng.h"
#include "tests/perf/mm1.h"

namespace {

using namespace std::chrono_literals;
using sim::Distribution;

class Draw {
 public:
  Draw(sim::Stream stream, Distribution distribution)
      : stream_{stream}, distribution_{std::move(distribution)} {}
  sim::Nanos operator()() { return distribution_.sample(stream_); }

 private:
  sim::Stream stream_;
  Distribution distribution_;
};

constexpr double jobs = 1e6;
constexpr sim::Nanos service = 30us;

perf::Sink simulate(double utilisation, Distribution service_time) {
  const sim::Rng rng{7};
  const sim::Nanos interarrival{std::llround(static_cast<double>(service.count()) / utilisation)};
  perf::SingleServerQueue<sim::Engine, Draw> queue{
      Draw{rng.stream("interarrival"), Distribution::exponential(interarrival)},
      Draw{rng.stream("service"), std::move(service_time)}};
  queue.engine().run_for(interarrival * static_cast<std::int64_t>(jobs));
  return queue.sink();
}

// W / S as theory has it: `variability` is 1 for M/M/1 and 1/2 for M/D/1.
double expected_wait(double utilisation, double variability) {
  return variability * utilisation / (1 - utilisation);
}

void check_queue(double utilisation, double tolerance, double variability, const Distribution& service_time) {
  const perf::Sink sink = simulate(utilisation, service_time);

  CHECK(static_cast<double>(sink.jobs()) == Approx(jobs).epsilon(0.01));
  CHECK(sink.mean_wait_ns() / static_cast<double>(service.count()) ==
        Approx(expected_wait(utilisation, variability)).epsilon(tolerance));
  CHECK(sink.share_unqueued() == Approx(1 - utilisation).epsilon(tolerance));
}

TEST_CASE("M/M/1 jobs wait S r / (1 - r)", "[theory][engine]") {
  const Distribution exponential = Distribution::exponential(service);
  check_queue(0.5, 0.022, 1.0, exponential);
  check_queue(0.75, 0.037, 1.0, exponential);
}

TEST_CASE("M/D/1 jobs wait half as long as M/M/1 jobs", "[theory][engine]") {
  const Distribution constant = Distribution::constant(service);
  check_queue(0.5, 0.022, 0.5, constant);
  check_queue(0.75, 0.037, 0.5, constant);
}

}  // namespace
