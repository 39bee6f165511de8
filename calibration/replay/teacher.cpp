#include "calibration/replay/teacher.h"

#include <algorithm>
#include <utility>

#include "calibration/replay/teacher_run.h"

namespace calibration {
namespace {

using models::CpuId;

constexpr std::int16_t sched_softirq = 7;  // SCHED_SOFTIRQ, include/linux/interrupt.h

models::TopologyConfig topology_of(const ReplayInput& input) {
  models::TopologyConfig topology;
  topology.cpus = std::max(input.cpus, 1);
  return topology;
}

}  // namespace

Teacher::Teacher(const ReplayInput& input, const TeacherOptions& options)
    : input_{input},
      options_{options},
      topology_{topology_of(input)},
      kernel_{input.kernel.config},
      queues_{topology_, kernel_},
      balance_{queues_, sim::Rng{1}},
      placement_{options.placement, queues_},
      tasks_(input.tasks.size()),
      cpus_(static_cast<std::size_t>(topology_.cpus)) {
  balance_.update_rq_clock.connect<&Teacher::update_rq_clock>(*this);
  models::GroupId session = models::GroupId::root;
  if (input.kernel.autogroup) {
    session = queues_.fair().add_group({});
  }
  for (const ReplayTask& each : input.tasks) {
    models::Task& task =
        queues_.add_task(each.name, each.kernel_thread ? models::Role::kernel : models::Role::background,
                         sched_config(each), each.kernel_thread ? models::GroupId::root : session);
    task.cpu = static_cast<CpuId>(std::max(each.pinned >= 0 ? each.pinned : each.first_cpu, 0));
    task.recent_used_cpu = task.cpu;
    task.se.load_known = true;  // it has run before the capture began: its first enqueue is not a new task's
  }
  for (CapturedCpu& each : cpus_) {
    each.unsettled_since = input.begin;
  }
  score(Decision::cpu).baselines = {Baseline{"stay on prev CPU"}, Baseline{}};
  score(Decision::next_task).baselines = {Baseline{"FIFO"}, Baseline{}};
  for (const Decision each : {Decision::preempted, Decision::wakeup_resched, Decision::tick_resched}) {
    score(each).baselines = {Baseline{"never"}, Baseline{"always"}};
  }
}

TeacherResult Teacher::run() {
  const std::vector<LeaveOutcome> outcomes = leave_outcomes(input_);
  for (std::size_t i = 0; i < input_.events.size(); ++i) {
    const ReplayEvent& event = input_.events[i];
    now_ = event.time;
    at_ = static_cast<std::int64_t>(i);
    if (event.kind == ReplayKind::lost) {
      for (int number = 0; number < input_.cpus; ++number) {
        if (event.cpu < 0 || event.cpu == number) {
          unsettle(number, event.time);
        }
      }
      continue;
    }
    const bool wakes = event.kind == ReplayKind::wakeup || event.kind == ReplayKind::wakeup_new;
    if (!wakes) {
      silent_pass(event);
    }
    switch (event.kind) {
      case ReplayKind::sched_switch:
        on_switch(event, outcomes[i]);
        break;
      case ReplayKind::waking:
        on_waking(event);
        break;
      case ReplayKind::wakeup:
      case ReplayKind::wakeup_new:
        on_wakeup(event);
        break;
      case ReplayKind::migrate:
        on_migrate(event);
        break;
      case ReplayKind::tick:
        on_tick(event);
        break;
      case ReplayKind::softirq_exit:
        if (event.vec == sched_softirq) {
          balance_.rebalance_seen(static_cast<CpuId>(event.cpu), sim::SimTime{sim::Nanos{now_}});
        }
        break;
      default:
        break;
    }
    if (wakes) {
      silent_pass(event);
    }
  }
  return std::move(result_);
}

void Teacher::on_tick(const ReplayEvent& event) {
  const int number = event.cpu;
  CapturedCpu& here = cpu(number);
  here.tick_at = now_;
  if (here.current < ReplayTaskId{0} || queues_.curr(static_cast<CpuId>(number)) == nullptr) {
    return;
  }
  set_clock(number, now_);
  const bool pending = asked(number);
  if (queues_.tick(static_cast<CpuId>(number))) {
    queues_.set_resched(static_cast<CpuId>(number), models::Resched::now);
  }
  if (here.settled && event.flags_known && !event.need_resched && !pending && !here.queue.empty()) {
    here.open_tick = {true, now_};
  }
}

TeacherResult replay_teacher_forced(const ReplayInput& input, const TeacherOptions& options) {
  Teacher teacher{input, options};
  return teacher.run();
}

}  // namespace calibration
