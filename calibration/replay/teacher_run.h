// The teacher-forced replay at work: teacher.h says what it does. teacher.cpp applies the capture's events,
// teacher_scores.cpp compares and describes.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "calibration/replay/replay_placement.h"
#include "calibration/replay/teacher.h"
#include "calibration/replay/teacher_state.h"
#include "models/load_balance.h"
#include "models/run_queues.h"

namespace calibration {

class Teacher {
 public:
  Teacher(const ReplayInput& input, const TeacherOptions& options);
  Teacher(const Teacher&) = delete;
  Teacher& operator=(const Teacher&) = delete;

  TeacherResult run();

 private:
  models::Task* model(ReplayTaskId id) {
    return id < ReplayTaskId{0} ? nullptr : &queues_.task(static_cast<models::TaskId>(id));
  }
  CapturedTask& captured(ReplayTaskId id) { return tasks_[static_cast<std::size_t>(id)]; }
  CapturedCpu& cpu(int number) { return cpus_[static_cast<std::size_t>(number)]; }
  void set_clock(int number, std::int64_t now) {
    queues_.update_rq_clock(static_cast<models::CpuId>(number), sim::SimTime{sim::Nanos{now}}, sim::Nanos{0});
  }
  bool asked(int number) const {
    return queues_.rq(static_cast<models::CpuId>(number)).resched != models::Resched::none;
  }
  void update_rq_clock(models::CpuId id) { set_clock(static_cast<int>(id), now_); }
  void take_request(int number);
  void unsettle(int number, std::int64_t now);
  void correct(const char* what) { ++result_.corrections[what]; }

  void on_switch(const ReplayEvent& event, LeaveOutcome outcome);
  void on_waking(const ReplayEvent& event);
  void on_wakeup(const ReplayEvent& event);
  void on_migrate(const ReplayEvent& event);
  void on_tick(const ReplayEvent& event);
  void silent_pass(const ReplayEvent& event);

  void enter_current(int number, ReplayTaskId id);
  void leave(const ReplayEvent& event, LeaveOutcome outcome);
  void arrive(int number);
  void activate(models::Task& task, int number, models::EnqueueFlags flags);
  void take_off(models::Task& task, bool sleeps);
  void ensure_queued(models::Task& task, int number);
  void queue(ReplayTaskId id, int number);
  void unqueue(ReplayTaskId id);

  // teacher_scores.cpp
  DecisionScore& score(Decision decision) { return result_.scores[static_cast<std::size_t>(decision)]; }
  void skip(Decision decision, const char* why) { ++score(decision).not_scored[why]; }
  // One decision: whether the model took it as the kernel did, and whether the baselines would not have.
  void count(Decision decision, const std::string& key, bool agrees, std::array<bool, 2> baselines_err);
  void note(DecisionDisagreement disagreement);
  void score_next(const ReplayEvent& event, const models::Task* pick);
  void score_cpu(const ReplayEvent& event, models::CpuId chosen);
  void score_still_queued(const ReplayEvent& event, bool selected);
  void open_wakeup(const ReplayEvent& event, bool pending_before, bool was_queued);
  void close_wakeups(const ReplayEvent& event, const models::Task* pick);
  void close_tick(int number, bool truth, bool model);
  std::string next_key(const ReplayEvent& event, const models::Task* pick);
  std::string wakeup_key(const ReplayEvent& event);
  std::string cpu_key(const ReplayEvent& event);
  std::string name(ReplayTaskId id) const;
  std::string name(const models::Task* task) const;
  std::vector<std::string> describe(int number);
  // Weighted mean vruntime of the queued tasks of `task`'s group on its CPU: V, as far as that group goes.
  std::int64_t mean_vruntime(const models::Task& task) const;
  std::int64_t lag(const models::Task& task) const { return mean_vruntime(task) - task.se.vruntime; }
  bool same_group(const models::Task& a, const models::Task& b) const;

  const ReplayInput& input_;
  TeacherOptions options_;
  models::TopologyConfig topology_;
  models::KernelConfig kernel_;
  models::RunQueues queues_;
  models::LoadBalance balance_;  // moves nothing: it keeps what wakeups look at
  ReplayPlacement placement_;
  std::vector<CapturedTask> tasks_;
  std::vector<CapturedCpu> cpus_;
  TeacherResult result_;
  std::int64_t now_ = 0;
  std::int64_t at_ = 0;  // index of the event
};

}  // namespace calibration
