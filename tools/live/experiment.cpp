#include "tools/live/experiment.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "scenarios/experiment.h"
#include "scenarios/input_error.h"
#include "tools/live/settings.h"
#include "tools/live/workload_file.h"
#include "tools/progress.h"

namespace tools::live {
namespace {

class Experiment {
 public:
  Experiment(scenarios::Report& report, const std::vector<LivePlan>& plans, const ExperimentRequest& request,
             Journal& journal, const std::atomic<bool>& stop)
      : report_{report}, plans_{plans}, request_{request}, journal_{journal}, stop_{stop} {
    report_.result.variants.resize(report_.variants.size());
    const int most = std::max(report_.run.replications, request_.captures);
    for (scenarios::Replications& runs : report_.result.variants) {
      runs.at.resize(static_cast<std::size_t>(most));
    }
    todo_ =
        planned_runs(report_.variants.size(), report_.run.replications, request_.captures, request_.capture);
  }

  ExperimentRuns run() {
    ExperimentRuns done;
    const std::size_t mark = journal_.mark();
    try {
      std::optional<DataFile> file;
      // A block device is read as it is.
      if (request_.uses_file && !std::filesystem::is_block_file(request_.data_file)) {
        make_file(file);
      }
      if (!file || file->complete()) {
        run_all(done);
      }
    } catch (...) {
      done.failure = std::current_exception();
    }
    try {
      undo_since(journal_, mark);
    } catch (...) {
      done.failure = done.failure ? done.failure : std::current_exception();
    }
    finish(done);
    return done;
  }

 private:
  // Journalled before it is made, where there is none.
  void make_file(std::optional<DataFile>& file) {
    const std::string path = std::filesystem::absolute(request_.data_file).string();
    if (!std::filesystem::exists(path)) {
      journal_.add({.kind = JournalEntry::Kind::file, .path = path, .before = "", .now = ""});
    }
    file.emplace(path, request_.file_size, stop_);
  }

  void run_all(ExperimentRuns& done) {
    ProgressLine progress;
    std::uint64_t steps = 0;
    const auto total = static_cast<int>(todo_.size());
    for (int i = 0; i < total && !stop_; ++i) {
      LiveRun& run = todo_[static_cast<std::size_t>(i)];
      progress.runs(i, total, steps,
                    run_stem(report_.variants[run.variant]->name, run.repetition, run.captured()));
      if (!run_one(run)) {
        return;  // only whole repetitions count
      }
      steps += run.steps;
      done.runs.push_back(std::move(run));
    }
  }

  bool run_one(LiveRun& run) {
    const scenarios::Variant& variant = *report_.variants[run.variant];
    const LivePlan& plan = plans_[run.variant];
    {
      AppliedSettings applied{plan, journal_};
      try {
        run.result = run_workload(variant.host, options(run, variant, applied), stop_);
      } catch (const scenarios::InputError&) {
        if (!stop_) {
          throw;
        }
        run.result.interrupted = true;  // such as a capture that was stopped before its first event
      }
      applied.restore();
    }
    if (run.result.interrupted) {
      remove_capture(run);
      return false;
    }
    for (const Setting& setting : plan.settings) {
      run.settings.push_back(setting.text());
    }
    if (!request_.directory.empty()) {
      write_run(request_.directory, variant, run);
    }
    keep(run, variant);
    return true;
  }

  WorkloadOptions options(const LiveRun& run, const scenarios::Variant& variant,
                          const AppliedSettings& applied) const {
    WorkloadOptions result;
    result.seed = scenarios::replication_seed(report_.run.seed, run.repetition - 1);
    result.warmup = report_.run.warmup;
    result.steps_per_variant = request_.steps;
    result.duration = request_.steps > 0 && !request_.bounded ? sim::Nanos{0} : report_.run.duration;
    result.data_file = request_.uses_file ? request_.data_file : "";
    result.cgroup_files = applied.cgroup_files();
    result.congestion_control = variant.live.tcp_congestion_control;
    if (result.congestion_control.empty() &&
        variant.host.kernel.tcp_congestion_control == models::CongestionControl::bbr) {
      result.congestion_control = "bbr";  // cubic is the models' default; here the machine's own is
    }
    result.capture = run.capture;
    result.capture_directory = request_.directory;
    result.capture_name = run_stem(variant.name, run.repetition, true);
    return result;
  }

  // A captured repetition adds what only its events tell; its steps are those of a traced machine, and count
  // only where there are no others.
  void keep(LiveRun& run, const scenarios::Variant& variant) {
    run.steps = run.result.steps.size();
    auto& at = report_.result.variants[run.variant].at[static_cast<std::size_t>(run.repetition - 1)];
    if (run.captured()) {
      const bool alone = report_.run.replications == 0;
      models::Metrics& metrics = at ? *at : at.emplace(alone ? own_metrics(run, variant) : models::Metrics{});
      for (const std::string& file : run.result.capture.files) {
        if (file.ends_with(".chain.txt.zst") || file.ends_with(".trace.zst")) {
          add_captured(file, metrics);
        }
      }
    } else {
      at = own_metrics(run, variant);
    }
    run.result.steps = {};
  }

  models::Metrics own_metrics(const LiveRun& run, const scenarios::Variant& variant) {
    for (const models::Counter counter : not_counted(run.result)) {
      if (report_.counted(counter)) {
        report_.not_counted.push_back(counter);
      }
    }
    return metrics_of(variant.host, run.result);
  }

  static void remove_capture(const LiveRun& run) {
    for (const std::string& file : run.result.capture.files) {
      std::error_code ignored;
      std::filesystem::remove(file, ignored);
    }
  }

  void finish(const ExperimentRuns& done) {
    report_.result.interrupted = done.runs.size() < todo_.size();
    for (scenarios::Replications& runs : report_.result.variants) {
      for (const auto& metrics : runs.at) {
        if (metrics) {
          runs.merged.merge(*metrics);
        }
      }
    }
  }

  scenarios::Report& report_;
  const std::vector<LivePlan>& plans_;
  const ExperimentRequest& request_;
  Journal& journal_;
  const std::atomic<bool>& stop_;
  std::vector<LiveRun> todo_;
};

}  // namespace

std::vector<LiveRun> planned_runs(std::size_t variants, int repetitions, int captures, CaptureMode capture) {
  std::vector<LiveRun> runs;
  const auto add = [&](int rounds, CaptureMode mode) {
    for (int round = 1; round <= rounds; ++round) {
      for (std::size_t v = 0; v < variants; ++v) {
        runs.push_back({.variant = v, .repetition = round, .capture = mode, .settings = {}, .result = {}});
      }
    }
  };
  add(repetitions, CaptureMode::none);
  add(capture == CaptureMode::none ? 0 : captures, capture);
  return runs;
}

ExperimentRuns run_live(scenarios::Report& report, const std::vector<LivePlan>& plans,
                        const ExperimentRequest& request, Journal& journal, const std::atomic<bool>& stop) {
  return Experiment{report, plans, request, journal, stop}.run();
}

}  // namespace tools::live
