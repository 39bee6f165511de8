// Random histories of two run queues, checked after every step against definitions computed from scratch.
#include <catch2/catch.hpp>

#include <array>
#include <random>
#include <vector>

#include "models/eevdf.h"
#include "tests/models/fair_cpu.h"

namespace models {
namespace {

using namespace std::chrono_literals;

// Exact sums over a queue's entities; 128 bits, so that no trick with a zero point is needed.
struct Sums {
  __extension__ using Wide = __int128;
  Wide weighted_vruntime = 0;
  std::int64_t weight = 0;
  int queued = 0;
  int runnable = 0;

  std::int64_t floor_mean() const {
    const Wide quotient = weighted_vruntime / weight;
    return static_cast<std::int64_t>(quotient - (quotient * weight > weighted_vruntime ? 1 : 0));
  }
  bool eligible(const SchedEntity& se) const { return weighted_vruntime >= Wide{se.vruntime} * weight; }
};

class History {
 public:
  History(KernelRelease release, unsigned seed) : random_{seed}, cpus_{FairCpu{release}, FairCpu{release}} {
    const int tasks = 2 + below(7);
    for (int i = 0; i < tasks; ++i) {
      const sim::Nanos slice = below(3) == 0 ? sim::Nanos{100'000 + below(8'000'000)} : 0ns;
      tasks_.push_back({&cpus_[0].task(below(16) - 5, slice), 0});
    }
  }

  void step() {
    const sim::Nanos span{below(2'000'000)};
    for (FairCpu& cpu : cpus_) {
      cpu.run(span);
    }
    Placed& task = tasks_[static_cast<std::size_t>(below(static_cast<int>(tasks_.size())))];
    FairCpu& here = cpus_[task.cpu];
    if (!task.se->on_rq || task.se->sched_delayed) {
      here.wake(*task.se);
    } else if (here.running() == task.se) {
      here.block({.sleep = true, .special = below(8) == 0});
    } else {
      move(task);
    }
    if (below(10) == 0) {
      cpus_[task.cpu].rq.set_user_nice(*task.se, below(16) - 5, cpus_[task.cpu].clock);
    }
    for (std::size_t cpu = 0; cpu < 2; ++cpu) {
      check_queue(cpu);
    }
  }

 private:
  struct Placed {
    SchedEntity* se;
    std::size_t cpu;
  };

  int below(int bound) { return static_cast<int>(random_() % static_cast<unsigned>(bound)); }

  void move(Placed& task) {
    FairCpu& from = cpus_[task.cpu];
    from.rq.dequeue(*task.se, from.clock, {});
    task.cpu = 1 - task.cpu;
    FairCpu& to = cpus_[task.cpu];
    to.rq.enqueue(*task.se, to.clock, {.migrated = true});
    if (to.running() == nullptr || to.rq.wakeup_preempt(*task.se, to.clock)) {
      to.schedule();
    }
  }

  Sums sums(std::size_t cpu) const {
    Sums result;
    for (const Placed& task : tasks_) {
      if (task.cpu == cpu && task.se->on_rq) {
        result.weighted_vruntime += Sums::Wide{task.se->vruntime} * task.se->load.weight;
        result.weight += task.se->load.weight;
        ++result.queued;
        result.runnable += task.se->sched_delayed ? 0 : 1;
      }
    }
    return result;
  }

  void check_queue(std::size_t cpu) {
    CfsRq& rq = cpus_[cpu].rq;
    const Sums exact = sums(cpu);
    REQUIRE(rq.nr_queued() == exact.queued);
    REQUIRE(rq.nr_runnable() == exact.runnable);
    REQUIRE(rq.load() == exact.weight);
    if (exact.queued == 0) {
      REQUIRE(rq.pick(cpus_[cpu].clock) == nullptr);
      return;
    }
    const std::int64_t v = rq.avg_vruntime();
    REQUIRE(v == exact.floor_mean());

    Sums::Wide sum_of_lags = 0;
    for (const Placed& task : tasks_) {
      if (task.cpu == cpu && task.se->on_rq) {
        REQUIRE(rq.eligible(*task.se) == exact.eligible(*task.se));
        sum_of_lags += Sums::Wide{v - task.se->vruntime} * task.se->load.weight;
      }
    }
    REQUIRE((sum_of_lags <= 0 && sum_of_lags > -exact.weight));  // zero but for the rounding of V
    check_pick(cpu);
  }

  void check_pick(std::size_t cpu) {
    FairCpu& bench = cpus_[cpu];
    bench.rq.update_curr(bench.clock);
    const SchedEntity* picked = bench.rq.pick(bench.clock);  // finishes delayed dequeues on the way
    const Sums exact = sums(cpu);
    REQUIRE((picked == nullptr) == (exact.runnable == 0));
    if (picked == nullptr) {
      REQUIRE(exact.queued == 0);
      return;
    }
    REQUIRE_FALSE(picked->sched_delayed);
    REQUIRE(exact.eligible(*picked));
    const SchedEntity* running = bench.running();
    if (running != nullptr && running->on_rq && exact.eligible(*running) &&
        bench.rq.protected_slice(*running)) {
      REQUIRE(picked == running);
      return;
    }
    for (const Placed& task : tasks_) {
      if (task.cpu == cpu && task.se->on_rq && exact.eligible(*task.se)) {
        REQUIRE(picked->deadline <= task.se->deadline);
      }
    }
  }

  std::mt19937_64 random_;  // its sequence is fixed by the standard
  std::array<FairCpu, 2> cpus_;
  std::vector<Placed> tasks_;
};

}  // namespace

TEST_CASE("after any history, V, eligibility, counts and the pick follow from their definitions",
          "[eevdf][property]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    History history{release, seed};
    for (int step = 0; step < 250; ++step) {
      history.step();
    }
  }
}

}  // namespace models
