// Load tracking of entities and queues, what groups learn of it, and the weights that follow from it.
//
// Left out: the load clock of throttled groups, which stands still (throttled_clock_pelt): here they decay.
#include <algorithm>
#include <utility>

#include "models/eevdf.h"
#include "models/task_group.h"
#include "sim/check.h"

namespace models {
namespace {

constexpr std::int64_t min_shares = 2;                  // MIN_SHARES, sched.h
constexpr std::int64_t tg_update_interval = 1'000'000;  // update_tg_load_avg: at most once per ms
constexpr std::int64_t cpu_scale = 1024;                // arch_scale_cpu_capacity

// Averages and sums are rounded apart, so that what is taken off may be more than is there.
void sub_positive(std::int64_t& value, std::int64_t amount) {
  value = std::max<std::int64_t>(value - amount, 0);
}

void add_positive(std::int64_t& value, std::int64_t amount) { sub_positive(value, -amount); }

// Sums count units of 1024 ns, so that most of several updates at one instant have nothing to do.
bool up_to_date(const SchedAvg& avg, std::int64_t clock) {
  return static_cast<std::uint64_t>(clock - avg.last_update_time) < 1024;
}

// An average that is not nothing has a sum that is not nothing either: else it would never decay.
void keep_sum(std::int64_t& sum, std::int64_t average) { sum = std::max(sum, average * pelt_min_divider); }

}  // namespace

// init_entity_runnable_average and post_init_entity_util_avg: a new task counts as one that always runs, and
// its utilisation is that of the tasks there, by weight, but at most half of what they leave over.
void CfsRq::init_entity_load(SchedEntity& task) const {
  task.load_known = true;
  task.avg = {};
  task.avg.load_avg = task.load.weight;
  const std::int64_t spare = (cpu_scale - avg_.util_avg) / 2;
  if (spare > 0) {
    task.avg.util_avg =
        avg_.util_avg == 0 ? spare : std::min(avg_.util_avg * task.load.weight / (avg_.load_avg + 1), spare);
  }
  task.avg.runnable_avg = task.avg.util_avg;
}

void CfsRq::update_load_avg(SchedEntity& se, std::int64_t clock, LoadUpdate update) {
  if (se.load_attached && !up_to_date(se.avg, clock)) {
    const std::int64_t runnable = se.sched_delayed ? 0 : se.my_q != nullptr ? se.runnable_weight : se.on_rq;
    update_load_avg_se(clock, se.avg, se.load.weight, se.on_rq, runnable, curr_ == &se);
  }
  bool decayed = (removed_.nr != 0 || !up_to_date(avg_, clock)) && update_cfs_rq_load_avg(clock);
  decayed |= se.my_q != nullptr && propagate_entity_load(se);
  if (!se.load_attached && update.attach) {
    attach_entity_load(se);
    update_tg_load_avg(clock);
  } else if (update.detach) {
    detach_entity_load(se);
    update_tg_load_avg(clock);
  } else if (decayed && update.tg) {
    update_tg_load_avg(clock);
  }
}

bool CfsRq::update_cfs_rq_load_avg(std::int64_t clock) {
  bool changed = false;
  if (removed_.nr != 0) {
    const Removed removed = std::exchange(removed_, {});
    const std::int64_t divider = get_pelt_divider(avg_);
    sub_positive(avg_.load_avg, removed.load_avg);
    sub_positive(avg_.load_sum, removed.load_avg * divider);
    keep_sum(avg_.load_sum, avg_.load_avg);
    sub_positive(avg_.util_avg, removed.util_avg);
    sub_positive(avg_.util_sum, removed.util_avg * divider);
    keep_sum(avg_.util_sum, avg_.util_avg);
    sub_positive(avg_.runnable_avg, removed.runnable_avg);
    sub_positive(avg_.runnable_sum, removed.runnable_avg * divider);
    keep_sum(avg_.runnable_sum, avg_.runnable_avg);
    // runnable_avg is load_avg without the weight, near enough.
    propagate_ = true;
    prop_runnable_sum_ -= (removed.runnable_avg * divider) >> 10;
    changed = true;
  }
  changed |= update_load_avg_cfs_rq(clock, avg_, load(), h_nr_.runnable, curr_ != nullptr);
  return changed;
}

// An entity that joins counts as if its averages had been made here, so its sums follow this queue's period.
void CfsRq::attach_entity_load(SchedEntity& se) {
  const std::int64_t divider = get_pelt_divider(avg_);
  se.avg.last_update_time = avg_.last_update_time;
  se.avg.period_contrib = avg_.period_contrib;
  se.avg.util_sum = se.avg.util_avg * divider;
  se.avg.runnable_sum = se.avg.runnable_avg * divider;
  const std::int64_t weighted_sum = se.avg.load_avg * divider;
  se.avg.load_sum = se.load.weight < weighted_sum ? weighted_sum / se.load.weight : 1;
  se.load_attached = true;

  enqueue_load_avg(se);
  avg_.util_avg += se.avg.util_avg;
  avg_.util_sum += se.avg.util_sum;
  avg_.runnable_avg += se.avg.runnable_avg;
  avg_.runnable_sum += se.avg.runnable_sum;
  propagate_ = true;
  prop_runnable_sum_ += se.avg.load_sum;
}

void CfsRq::detach_entity_load(SchedEntity& se) {
  if (!std::exchange(se.load_attached, false)) {
    return;
  }
  dequeue_load_avg(se);
  sub_positive(avg_.util_avg, se.avg.util_avg);
  sub_positive(avg_.util_sum, se.avg.util_sum);
  keep_sum(avg_.util_sum, avg_.util_avg);
  sub_positive(avg_.runnable_avg, se.avg.runnable_avg);
  sub_positive(avg_.runnable_sum, se.avg.runnable_sum);
  keep_sum(avg_.runnable_sum, avg_.runnable_avg);
  propagate_ = true;
  prop_runnable_sum_ -= se.avg.load_sum;
}

void CfsRq::enqueue_load_avg(const SchedEntity& se) {
  avg_.load_avg += se.avg.load_avg;
  avg_.load_sum += se.load.weight * se.avg.load_sum;
}

void CfsRq::dequeue_load_avg(const SchedEntity& se) {
  sub_positive(avg_.load_avg, se.avg.load_avg);
  sub_positive(avg_.load_sum, se.load.weight * se.avg.load_sum);
  keep_sum(avg_.load_sum, avg_.load_avg);
}

void CfsRq::remove_entity_load(SchedEntity& se) {
  if (se.rel_deadline) {  // It left without sleeping, just now: nothing has decayed.
    detach_entity_load(se);
    return;
  }
  if (!std::exchange(se.load_attached, false)) {
    return;
  }
  update_load_avg_blocked_se(avg_.last_update_time, se.avg, se.load.weight);
  ++removed_.nr;
  removed_.load_avg += se.avg.load_avg;
  removed_.util_avg += se.avg.util_avg;
  removed_.runnable_avg += se.avg.runnable_avg;
}

// The load part of reweight_entity: the past counts as if it had had the new weight.
void CfsRq::reweight_load_avg(SchedEntity& se, LoadWeight load) {
  if (se.load_attached) {
    dequeue_load_avg(se);
  }
  se.load = load;
  if (se.load_attached) {
    se.avg.load_avg = load.weight * se.avg.load_sum / get_pelt_divider(se.avg);
    enqueue_load_avg(se);
  }
}

// propagate_entity_load_avg: the group's entity takes over what joining and leaving did to its queue, and so
// does the queue it is on.
bool CfsRq::propagate_entity_load(SchedEntity& se) {
  CfsRq& below = *se.my_q;
  if (!std::exchange(below.propagate_, false)) {
    return false;
  }
  propagate_ = true;
  prop_runnable_sum_ += below.prop_runnable_sum_;

  const std::int64_t divider = get_pelt_divider(avg_);
  const auto take_over = [&](std::int64_t SchedAvg::*average, std::int64_t SchedAvg::*sum) {
    const std::int64_t delta_avg = below.avg_.*average - se.avg.*average;
    if (delta_avg == 0) {
      return;
    }
    se.avg.*average = below.avg_.*average;
    const std::int64_t new_sum = se.avg.*average * divider;
    const std::int64_t delta_sum = new_sum - se.avg.*sum;
    se.avg.*sum = new_sum;
    add_positive(avg_.*average, delta_avg);
    add_positive(avg_.*sum, delta_sum);
    keep_sum(avg_.*sum, avg_.*average);
  };
  take_over(&SchedAvg::util_avg, &SchedAvg::util_sum);
  take_over(&SchedAvg::runnable_avg, &SchedAvg::runnable_sum);
  update_tg_cfs_load(se);
  return true;
}

// The group's time queued is not the sum of its tasks' times: they overlap. Joining adds, up to always;
// leaving leaves what the rest would have if all were queued equally long. It cannot be less than the time
// running.
void CfsRq::update_tg_cfs_load(SchedEntity& se) {
  CfsRq& below = *se.my_q;
  std::int64_t runnable_sum = std::exchange(below.prop_runnable_sum_, 0);
  if (runnable_sum == 0) {
    return;
  }
  const std::int64_t divider = get_pelt_divider(avg_);
  if (runnable_sum > 0) {
    runnable_sum = std::min(runnable_sum + se.avg.load_sum, divider);
  } else {
    const std::int64_t rest = below.load_ == 0 ? 0 : below.avg_.load_sum / below.load();
    runnable_sum = std::min(se.avg.load_sum, rest);
  }
  runnable_sum = std::max(runnable_sum, se.avg.util_sum >> 10);

  const std::int64_t load_sum = se.load.weight * runnable_sum;
  const std::int64_t load_avg = load_sum / divider;
  const std::int64_t delta_avg = load_avg - se.avg.load_avg;
  if (delta_avg == 0) {
    return;
  }
  const std::int64_t delta_sum = load_sum - se.load.weight * se.avg.load_sum;
  se.avg.load_sum = runnable_sum;
  se.avg.load_avg = load_avg;
  add_positive(avg_.load_avg, delta_avg);
  add_positive(avg_.load_sum, delta_sum);
  keep_sum(avg_.load_sum, avg_.load_avg);
}

// The group hears of a change of more than 1/64, and not more often than once per ms.
void CfsRq::update_tg_load_avg(std::int64_t clock) {
  if (group_ == nullptr || clock - last_update_tg_load_avg_ < tg_update_interval) {
    return;
  }
  const std::int64_t delta = avg_.load_avg - tg_load_avg_contrib_;
  if (std::abs(delta) > tg_load_avg_contrib_ / 64) {
    group_->load_avg += delta;
    tg_load_avg_contrib_ = avg_.load_avg;
    last_update_tg_load_avg_ = clock;
  }
}

// This CPU's part of the group's shares: its load against that of all CPUs, which may be an old number, so
// that the sum takes this CPU's part as it is now.
std::int64_t CfsRq::calc_group_shares() const {
  const std::int64_t load_here = std::max(load(), avg_.load_avg);
  const std::int64_t tg_weight = group_->load_avg - tg_load_avg_contrib_ + load_here;
  std::int64_t shares = group_->shares * load_here;
  if (tg_weight != 0) {
    shares /= tg_weight;
  }
  return std::clamp(shares, min_shares, group_->shares);
}

// An empty group keeps its weight: it may still be queued, delayed. So does a throttled one.
void CfsRq::update_cfs_group(SchedEntity& se, std::int64_t clock) {
  if (se.my_q == nullptr || se.my_q->load_ == 0 || se.my_q->throttled_hierarchy()) {
    return;
  }
  const std::int64_t shares = se.my_q->calc_group_shares();
  if (se.load.stored != shares) {
    reweight_entity(se, load_of_stored(shares), clock);
  }
}

void CfsRq::update_blocked_load(std::int64_t clock) {
  if (update_cfs_rq_load_avg(clock)) {
    update_tg_load_avg(clock);
  }
  if (group_se_ != nullptr && (group_se_->avg.load_avg != 0 || group_se_->avg.util_avg != 0 || propagate_)) {
    group_se_->cfs_rq->update_load_avg(*group_se_, clock, {.tg = true});
  }
}

std::int64_t CfsRq::h_load() const {
  if (group_se_ == nullptr) {
    return avg_.load_avg;
  }
  const CfsRq& above = *group_se_->cfs_rq;
  return above.h_load() * group_se_->avg.load_avg / (above.avg_.load_avg + 1);
}

}  // namespace models
