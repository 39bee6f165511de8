// The fair server: when starving fair tasks go before real-time ones, and for how long.
#include "models/fair_server.h"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

namespace models {

using namespace std::chrono_literals;

namespace {

// A CPU with a fair task that never sleeps, beside an RT task that runs in [busy_from, busy_to) of each
// period. Time goes in steps of 1 ms. Notes when the server is at work, in ms.
struct ServerBench {
  using Spans = std::vector<std::pair<int, int>>;

  template <class RtRuns>
  Spans run(int from, int to, RtRuns&& rt_runs) {
    Spans spans;
    for (int ms = from; ms < to; ++ms) {
      const std::int64_t clock = ms * std::int64_t{1'000'000};
      if (server.timer_at() >= 0 && server.timer_at() <= clock) {
        server.expire(clock);
      }
      if (server.runs_fair()) {
        if (spans.empty() || spans.back().second != ms) {
          spans.emplace_back(ms, ms);
        }
        spans.back().second = ms + 1;
      }
      if (server.runs_fair() || !rt_runs(ms)) {
        server.fair_ran(1ms, clock + 1'000'000);
      }
    }
    return spans;
  }
  FairServer server{FairServerConfig{}};
};

bool always(int) { return true; }
bool never(int) { return false; }

}  // namespace

// Deadline 1000 ms, runtime 50 ms: activated at 950 ms, with a new deadline at 1950 ms; from then on at each
// deadline.
TEST_CASE("under an RT hog fair tasks get 50 ms of each second, after 950 ms", "[fair_server]") {
  ServerBench bench;
  bench.server.start(0);
  CHECK(bench.server.timer_at() == 950'000'000);

  const auto spans = bench.run(0, 4000, always);

  CHECK(spans == ServerBench::Spans{{950, 1000}, {1950, 2000}, {2950, 3000}, {3950, 4000}});
}

TEST_CASE("fair tasks that run by themselves never need the server", "[fair_server]") {
  ServerBench bench;
  bench.server.start(0);

  const auto spans = bench.run(0, 3000, never);

  CHECK(spans.empty());
  CHECK(bench.server.timer_at() == 3950'000'000);  // the last 50 ms ended at 3000 ms: a period, less 50 ms
}

TEST_CASE("what fair tasks run by themselves puts the activation off", "[fair_server]") {
  ServerBench bench;
  bench.server.start(0);

  // 20 ms of their own, then starving: runtime 30 ms, activation at 1000 - 30 ms.
  const auto spans = bench.run(0, 1500, [](int ms) { return ms >= 20; });

  CHECK(spans == ServerBench::Spans{{970, 1020}});  // a full runtime: the old one would not fit its deadline
}

TEST_CASE("a server that is not needed any more waits to be needed again", "[fair_server]") {
  ServerBench bench;
  bench.server.start(0);
  CHECK(bench.run(0, 1000, always) == ServerBench::Spans{{950, 1000}});

  // At 1100 ms the RT task pauses for 10 ms: the first of them ends the waiting for the next period.
  const auto spans = bench.run(1000, 4000, [](int ms) { return ms < 1100 || ms >= 1110; });

  // A new period from 1101 ms; 9 ms of it are run, so 41 are left: activation at 2101 - 41 ms.
  CHECK(spans == ServerBench::Spans{{2060, 2110}, {3060, 3110}});
}

TEST_CASE("without fair tasks the server is off, and a new start keeps a deadline that is ahead",
          "[fair_server]") {
  FairServer server{FairServerConfig{}};
  server.start(0);
  server.fair_ran(10ms, 10'000'000);
  server.stop();
  CHECK(server.timer_at() < 0);
  CHECK_FALSE(server.runs_fair());

  server.start(100'000'000);  // 40 ms are left for 900: less than its share
  CHECK(server.timer_at() == 960'000'000);
  server.stop();
  server.start(990'000'000);  // 40 ms until 1000 would be too much
  CHECK(server.timer_at() == 990'000'000 + 950'000'000);
}

TEST_CASE("time idle counts as time that fair tasks could have had", "[fair_server]") {
  FairServer server{FairServerConfig{}};
  server.start(0);
  server.stop();
  server.idled(30ms);

  server.start(100'000'000);

  CHECK(server.timer_at() == 980'000'000);
  server.idled(30ms);
  server.expire(980'000'000);
  CHECK(server.timer_at() == 1'000'000'000);  // nothing is left: put off to the deadline
}

TEST_CASE("a server without runtime does nothing", "[fair_server]") {
  FairServer server{FairServerConfig{.runtime = 0ms}};
  server.start(0);
  server.fair_ran(1s, 1'000'000'000);
  CHECK(server.timer_at() < 0);
  CHECK_FALSE(server.runs_fair());
}

}  // namespace models
