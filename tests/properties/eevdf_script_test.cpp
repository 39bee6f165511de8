// The fair queue under random scripts, checked after each step against definitions computed from scratch.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "tests/properties/fair_script.h"
#include "tests/properties/for_all.h"

namespace models {
namespace {

using Script = std::vector<Step>;

TEST_CASE("weighted lags sum to zero but for the rounding of V, after any script", "[property][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  support::for_all({.count = 300}, [release](const Script& script) {
    ScriptedQueue queue{release};
    for (const Step& step : script) {
      queue.step(step);
      const ScriptedQueue::Sums exact = queue.sums();
      RC_ASSERT(queue.cpu.rq.nr_queued() == exact.queued);
      RC_ASSERT(queue.cpu.rq.nr_runnable() == exact.runnable);
      if (exact.queued == 0) {
        continue;
      }
      // V is the mean rounded down, so W * V lies at most W - 1 below the sum of w_i * v_i.
      const std::int64_t v = queue.cpu.rq.avg_vruntime();
      const auto sum_of_lags = ScriptedQueue::Sums::Wide{v} * exact.weight - exact.weighted_vruntime;
      RC_ASSERT(sum_of_lags <= 0);
      RC_ASSERT(sum_of_lags > -exact.weight);
      for (const SchedEntity& se : queue.cpu.tasks) {
        RC_ASSERT(!se.on_rq || queue.cpu.rq.eligible(se) == exact.eligible(se));
      }
    }
  });
}

TEST_CASE("who is picked is eligible, and has the earliest deadline of the eligible or is protected",
          "[property][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  support::for_all({.count = 300}, [release](const Script& script) {
    ScriptedQueue queue{release};
    CfsRq& rq = queue.cpu.rq;
    for (const Step& step : script) {
      queue.step(step);
      const SchedEntity* picked = rq.pick(queue.cpu.clock);
      const ScriptedQueue::Sums exact = queue.sums();
      RC_ASSERT((picked == nullptr) == (exact.queued == 0));  // the pick ends delayed dequeues on its way
      if (picked == nullptr) {
        continue;
      }
      RC_ASSERT(picked->on_rq);
      RC_ASSERT(!picked->sched_delayed);
      RC_ASSERT(exact.eligible(*picked));
      const SchedEntity* running = queue.cpu.running();
      const bool keeps = running != nullptr && running->on_rq && exact.eligible(*running) &&
                         rq.protected_slice(*running) && exact.queued > 1;
      RC_ASSERT(!keeps || picked == running);
      for (const SchedEntity& se : queue.cpu.tasks) {
        RC_ASSERT(keeps || !se.on_rq || !exact.eligible(se) || picked->deadline <= se.deadline);
      }
      queue.cpu.schedule();
    }
  });
}

// ScriptedQueue checks each enqueue and each dequeue; here is what they leave together: nothing a script does
// lets a task that left gain or lose lag.
TEST_CASE("placement keeps lag, and a departure takes along V - v within its bound", "[property][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  support::for_all({.count = 300}, [release](const Script& script) {
    ScriptedQueue queue{release};
    for (const Step& step : script) {
      queue.step(step);
    }
  });
}

// No starvation. After any script let nothing more happen than ticks; k is runnable and waits. Write
// M = sum of w_i * (v_i - v_k) over the queue: k is eligible while M >= 0, and each ns that another runs adds
// 1024 to M. (A delayed sleeper that is picked leaves with a lag that is not negative, which lowers M no
// more than to what it was without it.) So k is eligible after at most max(0, -M)/1024 ns, and stays so.
//
// Whoever runs then may do so against k's order for the rest of its request, r at most, which is noticed at
// a tick, q later at most. From then on only entities with deadlines up to d_k are picked before k. Each of
// them stops being one when its vruntime has passed d_k, which a tick notices. Together:
//
//   wait_k <= max(0, -M)/1024 + (r + q) + sum over i != k of (w_i * max(0, d_k - v_i)/1024 + q) + q.
//
// The last q is the tick at which the wait is seen to end. Rounding: an update charges up to one virtual ns
// too little, w_i/1024 real ns, and there is one update a tick.
std::int64_t longest_wait(const ScriptedQueue& queue, const SchedEntity& k) {
  const std::int64_t q = 4'000'000;
  using Wide = ScriptedQueue::Sums::Wide;
  const ScriptedQueue::Sums sums = queue.sums();
  const Wide m = sums.weighted_vruntime - Wide{k.vruntime} * sums.weight;
  Wide wait = (m < 0 ? -m : Wide{0}) / 1024 + queue.largest_slice() + 2 * q;
  std::int64_t heaviest = 0;
  for (const SchedEntity& se : queue.cpu.tasks) {
    if (&se != &k && se.on_rq) {
      wait += Wide{se.load.weight} * std::max<std::int64_t>(0, k.deadline - se.vruntime) / 1024 + q;
    }
    heaviest = std::max(heaviest, se.load.weight);
  }
  const Wide updates = wait / q + 2 * script_tasks;
  return static_cast<std::int64_t>(wait + updates * (heaviest / 1024 + 1));
}

TEST_CASE("no task starves: left alone after any script, each waiting task runs within its bound",
          "[property][eevdf]") {
  const auto release = GENERATE(KernelRelease::v6_12, KernelRelease::v6_18);
  support::for_all({.count = 300}, [release](const Script& script) {
    ScriptedQueue queue{release};
    for (const Step& step : script) {
      queue.step(step);
    }
    queue.cpu.rq.update_curr(queue.cpu.clock);
    struct Waiting {
      const SchedEntity* se;
      std::int64_t until;
    };
    std::vector<Waiting> waiting;
    for (const SchedEntity& se : queue.cpu.tasks) {
      if (se.on_rq && !se.sched_delayed && queue.cpu.running() != &se) {
        waiting.push_back({&se, queue.cpu.clock + longest_wait(queue, se)});
      }
    }
    while (!waiting.empty()) {
      queue.cpu.run(sim::Nanos{4'000'000});
      std::erase_if(waiting, [&](const Waiting& each) { return each.se == queue.cpu.running(); });
      for (const Waiting& each : waiting) {
        RC_ASSERT(queue.cpu.clock <= each.until);
      }
    }
  });
}

}  // namespace
}  // namespace models
