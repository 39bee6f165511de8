#include "models/msix.h"

#include <catch2/catch.hpp>

#include "sim/rng.h"
#include "tests/models/devices/bench.h"

namespace models {
namespace {

struct MsixBench {
  explicit MsixBench(MsixConfig config) : vector{engine, config} {
    vector.irq.connect<&InterruptLog::hit>(irqs);
  }
  void post_at(sim::Nanos when) {
    engine.run_until(sim::SimTime{when});
    vector.post();
  }

  sim::Engine engine;
  MsixVector vector;
  InterruptLog irqs{engine};
};

TEST_CASE("a vector without coalescing interrupts for every completion", "[msix]") {
  MsixBench bench{{}};

  bench.post_at(10us);
  bench.post_at(10us);
  bench.post_at(25us);

  CHECK(bench.irqs.at == Times{10us, 10us, 25us});
}

TEST_CASE("a full batch interrupts once, at its last completion", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 3, .aggregation_time = 100us}};

  bench.post_at(1us);
  bench.post_at(2us);
  bench.post_at(4us);
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{4us});
}

TEST_CASE("a partial batch interrupts when its first completion has waited long enough", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 8, .aggregation_time = 100us}};

  bench.vector.post();
  bench.post_at(40us);
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{100us});
}

TEST_CASE("in CQE mode a batch interrupts when its latest completion has waited long enough", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 8, .aggregation_time = 100us, .mode = ModerationMode::cqe}};

  bench.vector.post();
  bench.post_at(40us);
  bench.post_at(139us);
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{239us});
}

TEST_CASE("a batch that fills takes its wait along", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 2, .aggregation_time = 100us}};

  bench.post_at(0us);
  bench.post_at(60us);
  bench.post_at(90us);
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{60us, 190us});
}

TEST_CASE("a threshold without a time keeps nothing waiting", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 8}};

  bench.post_at(5us);

  CHECK(bench.irqs.at == Times{5us});
}

TEST_CASE("completions of one instant share a message", "[msix]") {
  MsixBench bench{{.one_shot = true}};

  bench.vector.post(4);

  CHECK(bench.irqs.at == Times{0us});
}

TEST_CASE("a one-shot vector stays silent until software arms it again", "[msix]") {
  MsixBench bench{{.one_shot = true}};

  bench.post_at(1us);
  bench.post_at(2us);
  bench.post_at(3us);
  REQUIRE(bench.irqs.at == Times{1us});
  REQUIRE_FALSE(bench.vector.armed());
  bench.vector.rearm(0);
  bench.post_at(9us);

  CHECK(bench.irqs.at == Times{1us, 9us});
}

TEST_CASE("completions that software has not taken begin a new wait when it arms the vector", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 2, .aggregation_time = 100us, .one_shot = true}};

  bench.vector.post(2);
  bench.post_at(30us);
  bench.engine.run_until(sim::SimTime{50us});
  bench.vector.rearm(1);
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{0us, 150us});
}

TEST_CASE("enough completions that software has not taken interrupt as soon as it arms the vector",
          "[msix]") {
  MsixBench bench{{.aggregation_threshold = 2, .aggregation_time = 100us, .one_shot = true}};

  bench.vector.post(2);
  bench.post_at(30us);
  bench.post_at(31us);
  bench.engine.run_until(sim::SimTime{50us});
  bench.vector.rearm(2);

  CHECK(bench.irqs.at == Times{0us, 50us});
}

TEST_CASE("arming an armed vector leaves the batch's wait as it is", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 2, .aggregation_time = 100us, .one_shot = true}};

  bench.vector.post();
  bench.engine.run_until(sim::SimTime{60us});
  bench.vector.rearm(1);
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{100us});
}

TEST_CASE("a disarmed vector forgets its batch", "[msix]") {
  MsixBench bench{{.aggregation_threshold = 2, .aggregation_time = 100us, .one_shot = true}};

  bench.vector.post();
  bench.vector.disarm();
  bench.engine.run_for(1ms);
  bench.vector.rearm(0);
  bench.vector.post();
  bench.engine.run_for(99us);
  REQUIRE(bench.irqs.at.empty());
  bench.engine.run_for(1ms);

  CHECK(bench.irqs.at == Times{1100us});
}

TEST_CASE("no completion waits longer than the aggregation time, nor is a batch larger than its threshold",
          "[msix]") {
  MsixBench bench{{.aggregation_threshold = 4, .aggregation_time = 50us}};
  sim::Stream stream = sim::Rng{7}.stream("posts");
  Times posts;
  sim::Nanos now{0};

  for (int i = 0; i < 2000; ++i) {
    now += sim::Nanos{static_cast<std::int64_t>(stream.below(40'000))};
    bench.post_at(now);
    posts.push_back(now);
  }
  bench.engine.run_for(1ms);

  std::size_t post = 0;
  for (const sim::Nanos irq : bench.irqs.at) {
    int batch = 0;
    for (; post < posts.size() && posts[post] <= irq && batch < 4; ++post, ++batch) {
      CHECK(irq - posts[post] <= 50us);
    }
    CHECK(batch >= 1);
  }
  CHECK(post == posts.size());
  CHECK(bench.vector.interrupts() == static_cast<std::int64_t>(bench.irqs.at.size()));
}

}  // namespace
}  // namespace models
