// What the teacher-forced replay compares, and how it describes what it found.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "calibration/replay/teacher_run.h"

namespace calibration {
namespace {

using models::CpuId;

constexpr std::int64_t close_together = 5'000;  // ns; the stamps of captures are often whole us

std::string_view sign(std::int64_t value) {
  return value > close_together ? "+" : value < -close_together ? "-" : "~0";
}

std::string_view count_word(int runnable) { return runnable == 0 ? "0" : runnable == 1 ? "1" : "2+"; }

std::string_view context_word(ReplayContext context) {
  constexpr std::array<std::string_view, 3> words{"task", "softirq", "hardirq"};
  return words[static_cast<std::size_t>(context)];
}

}  // namespace

void Teacher::count(Decision decision, const std::string& key, bool agrees,
                    std::array<bool, 2> baselines_err) {
  DecisionScore& counts = score(decision);
  ++counts.n;
  counts.errors += agrees ? 0 : 1;
  for (std::size_t i = 0; i < baselines_err.size(); ++i) {
    counts.baselines[i].errors += baselines_err[i] ? 1 : 0;
  }
  DecisionClass& about = counts.classes[key];
  ++about.n;
  about.errors += agrees ? 0 : 1;
  if (!agrees && about.first_error < 0) {
    about.first_error = now_;
  }
}

void Teacher::note(DecisionDisagreement disagreement) {
  if (disagreement.decision != Decision::cpu && disagreement.decision != Decision::preempted) {
    CapturedCpu& there = cpu(disagreement.cpu);
    disagreement.key += there.known ? ", from known lags" : "";
    there.known = false;
  }
  if (result_.disagreements.size() < options_.kept_disagreements) {
    result_.disagreements.push_back(std::move(disagreement));
  }
}

std::string Teacher::name(ReplayTaskId id) const {
  if (id < ReplayTaskId{0}) {
    return id == ReplayTaskId::idle ? "idle" : "unknown";
  }
  return fmt::format("{}-{}", input_.task(id).name, input_.task(id).pid);
}

std::string Teacher::name(const models::Task* task) const {
  return task == nullptr ? "idle" : name(static_cast<ReplayTaskId>(task->id));
}

bool Teacher::same_group(const models::Task& a, const models::Task& b) const {
  return !input_.kernel.autogroup || input_.task(static_cast<ReplayTaskId>(a.id)).kernel_thread ==
                                         input_.task(static_cast<ReplayTaskId>(b.id)).kernel_thread;
}

std::int64_t Teacher::mean_vruntime(const models::Task& task) const {
  std::int64_t sum = 0;
  std::int64_t weight = 0;
  for (std::size_t i = 0; i < queues_.task_count(); ++i) {
    const models::Task& other = queues_.task(static_cast<models::TaskId>(i));
    if (!other.is_rt && other.se.on_rq && other.cpu == task.cpu && same_group(other, task)) {
      sum += (other.se.vruntime - task.se.vruntime) * other.se.load.weight;
      weight += other.se.load.weight;
    }
  }
  return weight == 0 ? task.se.vruntime : task.se.vruntime + sum / weight;
}

std::vector<std::string> Teacher::describe(int number) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < queues_.task_count(); ++i) {
    const models::Task& task = queues_.task(static_cast<models::TaskId>(i));
    if (!task.on_rq() || static_cast<int>(task.cpu) != number) {
      continue;
    }
    if (task.is_rt) {
      lines.push_back(fmt::format("{}: realtime {}", name(&task), task.rt.rt_priority));
      continue;
    }
    const models::SchedEntity& se = task.se;
    const bool runs = queues_.curr(task.cpu) == &task;
    lines.push_back(fmt::format("{}: lag {:+.1f} us, deadline V{:+.1f} us, weight {}{}{}", name(&task),
                                static_cast<double>(lag(task)) / 1e3,
                                static_cast<double>(se.deadline - mean_vruntime(task)) / 1e3, se.load.weight,
                                se.sched_delayed ? ", delayed" : "",
                                runs ? fmt::format(", current, protection v{:+.1f} us",
                                                   static_cast<double>(se.vlag - se.vruntime) / 1e3)
                                     : ""));
  }
  return lines;
}

std::string Teacher::next_key(const ReplayEvent& event, const models::Task* pick) {
  const models::Task* next = model(event.next);
  std::string key = event.state == TaskState::running ? "left R" : "left asleep";
  const auto word = [&](const models::Task* task) -> std::string {
    if (task == nullptr) {
      return "idle";
    }
    if (task == model(event.task)) {
      return "the same";
    }
    return input_.task(static_cast<ReplayTaskId>(task->id)).kernel_thread ? "kthread" : "task";
  };
  if (next == pick || next == nullptr) {
    return key + ", to a " + word(next);
  }
  key += fmt::format(": kernel {}, model {}", word(next), word(pick));
  if (pick != nullptr && !pick->is_rt && !next->is_rt && next->se.on_rq && same_group(*pick, *next)) {
    const std::int64_t apart = next->se.deadline - pick->se.deadline;
    key += fmt::format("; lag {} / {}; kernel's deadline {}", sign(lag(*next)), sign(lag(*pick)),
                       std::abs(apart) < close_together ? "close"
                       : apart < 0                      ? "earlier"
                                                        : "later");
  } else if (pick != nullptr && pick->se.on_rq && next->se.on_rq) {
    key += "; other group";
  }
  return key;
}

void Teacher::score_next(const ReplayEvent& event, const models::Task* pick) {
  const CapturedCpu& here = cpu(event.cpu);
  if (here.queue.size() < 2) {
    return;
  }
  if (!here.settled) {
    return skip(Decision::next_task, "the queue is not known yet");
  }
  if (std::find(here.queue.begin(), here.queue.end(), event.next) == here.queue.end()) {
    return skip(Decision::next_task, "the next task was not seen to wait");
  }
  const models::Task* next = model(event.next);
  const bool agrees = pick == next;
  const std::string key = next_key(event, pick);
  count(Decision::next_task, key, agrees, {here.queue.front() != event.next, false});
  if (!agrees) {
    std::int64_t severity = 0;
    if (pick != nullptr && next != nullptr && !pick->is_rt && !next->is_rt && next->se.on_rq) {
      severity = std::max(std::abs(next->se.deadline - pick->se.deadline), std::abs(lag(*next)));
    }
    note({now_, at_, event.cpu, Decision::next_task, severity, key, name(event.next), name(pick),
          describe(event.cpu)});
  }
}

std::string Teacher::cpu_key(const ReplayEvent& event) {
  const CapturedTask& wakee = captured(event.task);
  const int here = cpu(event.cpu).runnable();
  int elsewhere = 0;
  for (int number = 0; number < input_.cpus; ++number) {
    elsewhere += number == event.cpu ? 0 : cpu(number).runnable();
  }
  const bool maybe = event.from_cpu >= 0 && cpu(event.from_cpu).idle_at < wakee.since &&
                     cpu(event.from_cpu).current != ReplayTaskId::idle;
  return fmt::format("prev {}, nw {}, nf {}, {}{}{}{}; kernel {}",
                     event.from_cpu == event.cpu ? "= waker's" : "other", count_word(here),
                     count_word(elsewhere), context_word(event.context), event.sync ? " sync" : "",
                     input_.task(event.task).kernel_thread ? ", kthread" : "",
                     maybe ? ", maybe queued still" : "", event.to_cpu == event.from_cpu ? "stays" : "moves");
}

void Teacher::score_cpu(const ReplayEvent& event, CpuId chosen) {
  const bool known = cpu(event.cpu).settled && (event.from_cpu < 0 || cpu(event.from_cpu).settled);
  if (!known) {
    return skip(Decision::cpu, "the queues are not known yet");
  }
  const bool agrees = static_cast<int>(chosen) == event.to_cpu;
  const std::string key = cpu_key(event);
  count(Decision::cpu, key, agrees, {event.to_cpu != event.from_cpu, false});
  if (!agrees) {
    std::vector<std::string> lines;
    for (int number = 0; number < input_.cpus; ++number) {
      lines.push_back(
          fmt::format("CPU {}: runs {}, {} wait, model counts {}{}", number, name(cpu(number).current),
                      cpu(number).queue.size(), queues_.nr_running(static_cast<CpuId>(number)),
                      queues_.wakeup_in_flight(static_cast<CpuId>(number)) ? ", wakeup in flight" : ""));
    }
    note({now_, at_, event.cpu, Decision::cpu, 0, key,
          fmt::format("{} to CPU {}", name(event.task), event.to_cpu),
          fmt::format("CPU {}", static_cast<int>(chosen)), std::move(lines)});
  }
}

void Teacher::score_still_queued(const ReplayEvent& event, bool selected) {
  skip(Decision::cpu, "still queued, as the model has it");
  if (!cpu(event.from_cpu < 0 ? event.cpu : event.from_cpu).settled) {
    return;
  }
  const std::string key = selected ? "the kernel selected a CPU" : "the kernel's wakeup fits";
  count(Decision::still_queued, key, !selected, {});
  if (selected) {
    note({now_, at_, event.cpu, Decision::still_queued, std::abs(lag(*model(event.task))), key, "not queued",
          name(event.task) + " still queued", describe(event.from_cpu)});
  }
}

std::string Teacher::wakeup_key(const ReplayEvent& event) {
  const models::Task& wakee = *model(event.task);
  const models::Task* curr = queues_.curr(static_cast<CpuId>(event.to_cpu));
  const char* kinds[2][2] = {{"task over task", "task over kthread"},
                             {"kthread over task", "kthread over kthread"}};
  const bool kthread = input_.task(event.task).kernel_thread;
  const bool over_kthread = curr != nullptr && input_.task(static_cast<ReplayTaskId>(curr->id)).kernel_thread;
  std::string key = kinds[kthread ? 1 : 0][over_kthread ? 1 : 0];
  if (curr != nullptr && curr != &wakee && !curr->is_rt && !wakee.is_rt && wakee.se.on_rq && curr->se.on_rq &&
      same_group(wakee, *curr)) {
    key += fmt::format(", lag {} over {}", sign(lag(wakee)), sign(lag(*curr)));
  }
  return key;
}

void Teacher::open_wakeup(const ReplayEvent& event, bool pending_before, bool was_queued) {
  CapturedCpu& there = cpu(event.to_cpu);
  if (!there.settled) {
    return skip(Decision::preempted, "the queue is not known yet");
  }
  OpenWakeup open;
  open.wakee = event.task;
  open.time = now_;
  open.model_asked = asked(event.to_cpu);
  open.flag_known = event.flags_known && event.cpu == event.to_cpu;
  open.flag_set = event.need_resched;
  open.pending_before = pending_before;
  open.key = wakeup_key(event) + (was_queued ? ", still queued" : "");
  const ReplayEvent* waking =
      event.partner < 0 ? nullptr : &input_.events[static_cast<std::size_t>(event.partner)];
  if (open.flag_known && waking != nullptr && waking->cpu == event.cpu && !waking->need_resched &&
      !pending_before) {
    const bool agrees = open.model_asked == open.flag_set;
    const std::string key = open.key + (open.flag_set ? "; kernel asks" : "; kernel does not");
    count(Decision::wakeup_resched, key, agrees, {open.flag_set, !open.flag_set});
    if (!agrees) {
      note({now_, at_, event.to_cpu, Decision::wakeup_resched, std::abs(lag(*model(event.task))), key,
            (open.flag_set ? "reschedules for " : "does not reschedule for ") + name(event.task),
            open.model_asked ? "reschedules" : "does not", describe(event.to_cpu)});
    }
  }
  there.open_wakeups.push_back(std::move(open));
}

void Teacher::close_wakeups(const ReplayEvent& event, const models::Task* pick) {
  const bool stays_runnable = event.state == TaskState::running;
  for (const OpenWakeup& open : std::exchange(cpu(event.cpu).open_wakeups, {})) {
    const bool truth = stays_runnable && event.next == open.wakee;
    bool predicted = open.model_went_on;
    if (stays_runnable) {
      predicted = predicted || (asked(event.cpu) && pick == model(open.wakee));
    } else if (!open.model_went_on && (open.flag_known ? open.flag_set : open.model_asked)) {
      skip(Decision::preempted, "the current task blocked before a reschedule could act");
      continue;
    }
    const std::string key = open.key + (truth ? "; kernel preempts" : "; kernel does not");
    count(Decision::preempted, key, predicted == truth, {truth, !truth});
    if (predicted != truth) {
      note({now_, at_, event.cpu, Decision::preempted, now_ - open.time, key,
            fmt::format("{} {}preempted by {}, woken {:.0f} us before", name(event.task), truth ? "" : "not ",
                        name(open.wakee), static_cast<double>(now_ - open.time) / 1e3),
            predicted ? "preempted" : "not preempted", describe(event.cpu)});
    }
  }
}

void Teacher::close_tick(int number, bool truth, bool model) {
  CapturedCpu& here = cpu(number);
  if (!here.open_tick.open) {
    return;
  }
  here.open_tick.open = false;
  const bool agrees = model == truth;
  const std::string key = truth ? "kernel asks" : "kernel does not";
  count(Decision::tick_resched, key, agrees, {truth, !truth});
  if (!agrees) {
    note({here.open_tick.time, at_, number, Decision::tick_resched, 0, key,
          truth ? "reschedules" : "does not", model ? "reschedules" : "does not", describe(number)});
  }
}

}  // namespace calibration
