// Random scripts for one fair run queue: what tasks a to f do, in words that a shrunk script can be read in.
//
//   [wake a, run 3ms, wake b, nice b 5, block, run 1ns]
//
// A step that makes no sense where it stands (nobody runs who could block) does nothing, so any part of a
// script is a script and RapidCheck can leave steps out.
#pragma once

#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <ostream>
#include <vector>

#include "tests/models/fair_cpu.h"

namespace models {

inline constexpr int script_tasks = 6;

struct Step {
  enum class Op {
    wake,   // from sleep, delayed or not; or back from where `move` took it
    run,    // whoever runs, for `amount` ns, with ticks
    block,  // the running task sleeps
    exit,   // the same in a special state, which is never delayed
    move,   // the task leaves the queue without sleeping, as one does that is moved to another CPU
    nice,   // setpriority to `amount`
    slice,  // sched_setattr to `amount` ns; 0: the base slice
    yield,  // the running task yields
  };
  Op op = Op::wake;
  int task = 0;
  std::int64_t amount = 0;
};

inline void showValue(const Step& step, std::ostream& out) {
  static constexpr std::array names{"wake", "run", "block", "exit", "move", "nice", "slice", "yield"};
  out << names[static_cast<std::size_t>(step.op)];
  using Op = Step::Op;
  if (step.op == Op::wake || step.op == Op::move || step.op == Op::nice || step.op == Op::slice) {
    out << ' ' << static_cast<char>('a' + step.task);
  }
  if (step.op == Op::nice) {
    out << ' ' << step.amount;
  } else if (step.op == Op::run || step.op == Op::slice) {
    const bool ms = step.amount % 1'000'000 == 0;
    const bool us = step.amount % 1'000 == 0;
    out << ' ' << step.amount / (ms ? 1'000'000 : us ? 1'000 : 1) << (ms ? "ms" : us ? "us" : "ns");
  }
}

namespace script_gen {

inline rc::Gen<std::int64_t> times(std::int64_t unit, std::int64_t most) {
  return rc::gen::map(rc::gen::inRange<std::int64_t>(0, most + 1),
                      [unit](std::int64_t n) { return n * unit; });
}
inline rc::Gen<Step> on_task(Step::Op op) {
  return rc::gen::map(rc::gen::inRange(0, script_tasks), [op](int task) { return Step{op, task, 0}; });
}
inline rc::Gen<Step> on_task(Step::Op op, rc::Gen<std::int64_t> amount) {
  return rc::gen::apply(
      [op](int task, std::int64_t by) {
        return Step{op, task, by};
      },
      rc::gen::inRange(0, script_tasks), std::move(amount));
}
inline rc::Gen<Step> run() {
  return rc::gen::map(rc::gen::oneOf(times(1'000'000, 20), times(1'000, 3'000), times(1, 10)),
                      [](std::int64_t span) {
                        return Step{Step::Op::run, 0, span};
                      });
}

}  // namespace script_gen
}  // namespace models

namespace rc {

template <>
struct Arbitrary<models::Step> {
  static Gen<models::Step> arbitrary() {
    using Op = models::Step::Op;
    namespace sg = models::script_gen;
    return gen::weightedOneOf<models::Step>({
        {8, sg::on_task(Op::wake)},
        {8, sg::run()},
        {4, gen::just(models::Step{Op::block})},
        {1, gen::just(models::Step{Op::exit})},
        {1, sg::on_task(Op::move)},
        {1, sg::on_task(Op::nice, gen::inRange<std::int64_t>(models::min_nice, models::max_nice + 1))},
        {1, sg::on_task(Op::slice, sg::times(100'000, 100))},
        {1, gen::just(models::Step{Op::yield})},
    });
  }
};

}  // namespace rc

namespace models {

// Carries scripts out on one queue, and checks each placement and each departure against their definitions.
class ScriptedQueue {
 public:
  explicit ScriptedQueue(KernelRelease release) : cpu{release}, release_{release} {
    for (int i = 0; i < script_tasks; ++i) {
      cpu.task();
    }
  }

  void step(const Step& step);

  // Exact sums over the queue; 128 bits, so that no trick with a zero point is needed.
  struct Sums {
    __extension__ using Wide = __int128;
    Wide weighted_vruntime = 0;
    std::int64_t weight = 0;
    int queued = 0;
    int runnable = 0;
    bool eligible(const SchedEntity& se) const { return weighted_vruntime >= Wide{se.vruntime} * weight; }
    std::int64_t floor_mean() const {
      const Wide quotient = weighted_vruntime / weight;
      return static_cast<std::int64_t>(quotient - (quotient * weight > weighted_vruntime ? 1 : 0));
    }
  };
  Sums sums() const;
  std::int64_t largest_slice() const;  // of the queued

  FairCpu cpu;

 private:
  void wake(SchedEntity& se);
  void leave(SchedEntity& se, DequeueFlags flags);
  void place(SchedEntity& se);
  static std::size_t number_of(const SchedEntity& se) { return static_cast<std::size_t>(se.task) - 1; }
  SchedEntity& task(int number) { return cpu.tasks[static_cast<std::size_t>(number)]; }

  KernelRelease release_;
  std::array<bool, script_tasks> moved_{};  // off queue, and not because it sleeps
};

inline ScriptedQueue::Sums ScriptedQueue::sums() const {
  Sums result;
  for (const SchedEntity& se : cpu.tasks) {
    if (se.on_rq) {
      result.weighted_vruntime += Sums::Wide{se.vruntime} * se.load.weight;
      result.weight += se.load.weight;
      ++result.queued;
      result.runnable += se.sched_delayed ? 0 : 1;
    }
  }
  return result;
}

inline std::int64_t ScriptedQueue::largest_slice() const {
  std::int64_t largest = 0;
  for (const SchedEntity& se : cpu.tasks) {
    largest = std::max(largest, se.on_rq ? se.slice : 0);
  }
  return largest;
}

inline void ScriptedQueue::step(const Step& step) {
  SchedEntity& se = task(step.task);
  SchedEntity* running = cpu.running();
  switch (step.op) {
    case Step::Op::wake:
      wake(se);
      break;
    case Step::Op::run:
      cpu.run(sim::Nanos{step.amount});
      break;
    case Step::Op::block:
    case Step::Op::exit:
      if (running != nullptr) {
        leave(*running, {.sleep = true, .special = step.op == Step::Op::exit});
      }
      break;
    case Step::Op::move:
      if (se.on_rq) {
        moved_[static_cast<std::size_t>(step.task)] = true;
        leave(se, {});
      }
      break;
    case Step::Op::nice:
      cpu.rq.set_user_nice(se, static_cast<int>(step.amount), cpu.clock);
      break;
    case Step::Op::slice:
      cpu.rq.set_slice(se, sim::Nanos{step.amount}, cpu.clock);
      break;
    case Step::Op::yield:
      if (running != nullptr) {
        cpu.rq.yield(cpu.clock);
        cpu.schedule();
      }
      break;
  }
  if (cpu.rq.need_resched()) {
    cpu.schedule();
  }
}

inline void ScriptedQueue::wake(SchedEntity& se) {
  bool& moved = moved_[number_of(se)];
  if (se.on_rq && !se.sched_delayed) {
    return;
  }
  place(se);
  moved = false;
  if (!se.sched_delayed && (cpu.running() == nullptr || cpu.rq.wakeup_preempt(se, cpu.clock))) {
    cpu.schedule();
  } else if (cpu.running() == nullptr) {
    cpu.schedule();
  }
}

// Placement keeps lag. With lag l, V before and weights W before and w of its own, the entity is placed at
// v = V - t, where t is l * (W + w)/W rounded toward zero. The exact mean before is V + e with 0 <= e < 1, so
// that after is v + (e + t) * W/(W + w), which is more than l - 1 and less than l + 2 beyond v; rounded down,
// V - v is l - 1, l or l + 1.
inline void ScriptedQueue::place(SchedEntity& se) {
  const bool moved = moved_[number_of(se)];
  const bool delayed = se.on_rq;
  const bool empty = cpu.rq.nr_queued() == (delayed ? 1 : 0);
  const std::int64_t vruntime = se.vruntime;
  const std::int64_t deadline = se.deadline;
  const std::int64_t lag = delayed ? cpu.rq.entity_lag(se) : se.vlag;
  const bool relative = se.rel_deadline;

  cpu.rq.enqueue(se, cpu.clock, {.wakeup = !moved, .migrated = moved});

  const std::int64_t placed = cpu.rq.avg_vruntime() - se.vruntime;
  if (delayed && lag <= 0) {
    RC_ASSERT(se.vruntime == vruntime);
    RC_ASSERT(se.deadline == deadline);
    return;
  }
  const std::int64_t expected = empty || delayed ? 0 : lag;
  RC_ASSERT(placed >= expected - 1);
  RC_ASSERT(placed <= expected + 1);
  const std::int64_t request = relative ? deadline : real_to_v(se.slice, se);
  RC_ASSERT(se.deadline == se.vruntime + request);
}

// What an entity takes along is V - v, held to the release's bound.
inline void ScriptedQueue::leave(SchedEntity& se, DequeueFlags flags) {
  cpu.rq.update_curr(cpu.clock);
  const std::int64_t tick = 4'000'000;
  const std::int64_t bound =
      real_to_v(release_ == KernelRelease::v6_18 ? largest_slice() + tick : std::max(2 * se.slice, tick), se);
  const std::int64_t lag = std::clamp(cpu.rq.avg_vruntime() - se.vruntime, -bound, bound);
  const bool eligible = sums().eligible(se);
  const bool running = cpu.running() == &se;

  const bool left = cpu.rq.dequeue(se, cpu.clock, flags);

  RC_ASSERT(left == (eligible || !flags.sleep || flags.special));
  if (left) {
    RC_ASSERT(se.vlag == lag);
  }
  if (running) {
    cpu.schedule();
  }
}

}  // namespace models
