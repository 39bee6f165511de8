#include "tools/live/workload.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <variant>

#include "scenarios/input_error.h"
#include "tools/live/recorder.h"
#include "tools/live/workload_capture.h"
#include "tools/live/workload_plan.h"
#include "tools/live/workload_processes.h"
#include "tools/live/workload_reading.h"
#include "tools/live/workload_spin.h"

namespace tools::live {
namespace {

constexpr useconds_t look = 50'000;  // us between two looks at a running workload
constexpr std::int64_t set_up_patience = 60'000'000'000;
constexpr std::uint64_t no_steps = std::numeric_limits<std::uint64_t>::max();
constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t longest_capture = 60'000'000'000;  // without a duration

// Twice the rows of an agent that never waits for anything but its own draws; or those that are asked for.
std::uint64_t rows_per_agent(const models::HostConfig& host, const WorkloadOptions& options) {
  constexpr double shortest_step_ns = 5'000;  // system calls alone
  constexpr double attaching_ns = 15e9;       // of a tracer, while steps are recorded already
  constexpr double reserve = 10'000;
  double step_ns = 1e15;
  for (const models::AgentConfig& agent : host.agents) {
    const double service = agent.tool.device.empty() ? 0 : agent.tool.service.mean_ns();
    step_ns = std::min(step_ns, agent.think.mean_ns() + service + agent.compute.mean_ns());
  }
  step_ns = std::max(step_ns, shortest_step_ns);
  const auto rows_in = [&](double ns) { return static_cast<std::uint64_t>(2 * ns / step_ns + reserve); };
  const auto duration = static_cast<double>(options.duration.count());
  if (options.capture != CaptureMode::none) {
    const double captured = duration > 0 ? duration : static_cast<double>(longest_capture);
    return rows_in(captured + static_cast<double>(options.warmup.count()) + attaching_ns);
  }
  const std::uint64_t by_time = duration > 0 ? rows_in(duration) : no_steps;
  const std::uint64_t by_steps = options.steps_per_variant == 0 ? no_steps : options.steps_per_variant;
  return std::min(by_time, by_steps);
}

std::vector<PairConfig> pairs_of(const models::HostConfig& host) {
  std::vector<PairConfig> pairs;
  for (const models::AnyDeviceConfig& device : host.devices) {
    if (const auto* const veth = std::get_if<models::VethConfig>(&device)) {
      pairs.push_back({.name = veth->name, .gro = veth->gro, .threaded = veth->threaded});
    }
  }
  return pairs;
}

class Run {
 public:
  Run(const models::HostConfig& host, const WorkloadOptions& options, const std::atomic<bool>& stop)
      : host_{host}, options_{options}, stop_{stop}, plan_{plan_workload(host)} {
    refuse_what_is_wrong();
  }

  WorkloadResult run() {
    result_.spin_ns = measure_spin();
    Recorder recorder{{.tasks = plan_.tasks.size(),
                       .agents = plan_.agents,
                       .rows_per_agent = rows_per_agent(host_, options_)}};
    Processes processes{plan_,
                        {.seed = options_.seed,
                         .turn_ns = result_.spin_ns,
                         .timer_slack = host_.kernel.timer_slack,
                         .data_file = plan_.reads || plan_.writes ? options_.data_file : "",
                         .pairs = pairs_of(host_),
                         .congestion_control = options_.congestion_control,
                         .cgroup_files = options_.cgroup_files},
                        recorder};
    recorder_ = &recorder;
    processes_ = &processes;
    if (set_up()) {
      describe();
      options_.capture == CaptureMode::none ? measure() : capture();
      collect();
    }
    result_.interrupted = stop_.load();
    processes.end();
    result_.spin_ns_after = measure_spin();
    return std::move(result_);
  }

 private:
  void refuse_what_is_wrong() const {
    if (plan_.agents == 0 && plan_.tasks.empty()) {
      throw scenarios::InputError{
          {.file = "live", .found = "a scenario without tasks", .expected = "agents"}};
    }
    if (options_.steps_per_variant == 0 && options_.duration.count() == 0) {
      throw scenarios::InputError{
          {.file = "live", .found = "no end", .expected = "a number of steps or a duration"}};
    }
    if (options_.data_file.empty() && (plan_.reads || plan_.writes)) {
      throw scenarios::InputError{
          {.file = "live", .found = "no data file", .expected = "one for the agents' reads and the writers"}};
    }
    if (::geteuid() != 0) {
      throw scenarios::InputError{{.file = "this machine",
                                   .found = "no root",
                                   .expected = "root: namespaces, priorities and tracing need it"}};
    }
  }

  // False when it was stopped before anything ran.
  bool set_up() {
    const std::int64_t deadline = monotonic_ns() + set_up_patience;
    while (!processes_->ready()) {
      if (stop_.load()) {
        return false;
      }
      processes_->check();
      if (monotonic_ns() > deadline) {
        throw scenarios::InputError{
            {.file = "live", .found = "a workload that was not ready after a minute"}};
      }
      ::usleep(1000);
    }
    return true;
  }

  // Until `deadline`, the wanted steps, or `stop`.
  void watch(std::int64_t deadline, std::uint64_t steps) {
    while (!stop_.load() && monotonic_ns() < deadline && recorder_->steps() < steps && !recorder_->full()) {
      processes_->check();
      ::usleep(
          static_cast<useconds_t>(std::clamp<std::int64_t>((deadline - monotonic_ns()) / 1000, 0, look)));
    }
  }

  void measure() {
    const std::int64_t start = monotonic_ns() + options_.warmup.count();
    recorder_->control().measure_from.store(start);
    recorder_->go();
    watch(start, no_steps);
    before_ = read();
    result_.start_ns = start;
    const std::int64_t duration = options_.duration.count();
    watch(duration == 0 ? no_limit : start + duration,
          options_.steps_per_variant == 0 ? no_steps : options_.steps_per_variant);
    result_.end_ns = std::max(monotonic_ns(), start);  // stopped in the warm-up: nothing was measured
    after_ = read();
    processes_->check();
  }

  void capture() {
    const std::int64_t warm = monotonic_ns();
    recorder_->control().measure_from.store(warm);  // everything, until it is known when the tracer traces
    recorder_->go();
    watch(warm + options_.warmup.count(), no_steps);
    if (stop_.load()) {
      return;
    }
    WorkloadCapture capture{options_, length(monotonic_ns() - warm), processes_->pids()};
    wait_for([&] { return capture.started(); }, capture);
    before_ = read();
    wait_for([&] { return capture.ended(); }, capture);
    after_ = read();
    processes_->end();
    result_.capture = capture.result();
    result_.start_ns = capture.start();
    result_.end_ns = capture.end();
  }

  template <class Condition>
  void wait_for(Condition&& condition, WorkloadCapture& capture) {
    while (!condition()) {
      if (stop_.load()) {
        capture.give_up();
      }
      processes_->check();
      ::usleep(look);
    }
  }

  // Of the capture: by the steps seen in the warm-up.
  sim::Nanos length(std::int64_t warmed) const {
    const auto steps = static_cast<double>(std::max<std::uint64_t>(recorder_->steps(), 1));
    const double wanted = options_.steps_per_variant == 0 ? 1e18
                                                          : static_cast<double>(options_.steps_per_variant) /
                                                                steps * static_cast<double>(warmed);
    const std::int64_t limit = options_.duration.count() == 0 ? longest_capture : options_.duration.count();
    return sim::Nanos{static_cast<std::int64_t>(std::min(wanted, static_cast<double>(limit)))};
  }

  WorkloadReading read() { return read_workload(*recorder_); }

  void describe() {
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      result_.tasks.push_back({.name = plan_.tasks[i].name,
                               .role = role_of(plan_.tasks[i].kind),
                               .pid = recorder_->task(i).pid.load(),
                               .tid = recorder_->task(i).tid.load()});
    }
    const std::vector<PairConfig> pairs = pairs_of(host_);
    const auto add = [&](const PairConfig& pair, const char* end, const PairEnd& found) {
      result_.interfaces.push_back({pair.name, end, found.gro, found.tso, found.gso, found.threaded});
    };
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      add(pairs[i], "agents", processes_->pairs().agents[i]);
      add(pairs[i], "servers", processes_->pairs().servers[i]);
    }
  }

  void collect() {
    if (before_.tasks.empty() || after_.tasks.empty()) {
      return;
    }
    result_.counters = after_.system - before_.system;
    for (const models::BackgroundConfig& load : host_.background) {
      result_.background.push_back({.name = load.name});
    }
    for (const char* const role : {"agent", "server", "background"}) {
      result_.roles.push_back({.role = role});
    }
    for (std::size_t i = 0; i < plan_.tasks.size(); ++i) {
      collect_task(i);
    }
    for (RoleResult& role : result_.roles) {
      if (role.migrations >= 0) {
        result_.migrations = std::max<std::int64_t>(result_.migrations, 0) + role.migrations;
      }
    }
    for (std::size_t agent = 0; agent < plan_.agents; ++agent) {
      collect_steps(agent);
    }
  }

  void collect_task(std::size_t index) {
    const PlannedTask& task = plan_.tasks[index];
    const TaskReading& before = before_.tasks[index];
    const TaskReading& after = after_.tasks[index];
    const std::int64_t cpu = after.cpu_ns - before.cpu_ns;
    for (RoleResult& role : result_.roles) {
      if (role.role == role_of(task.kind)) {
        ++role.tasks;
        role.cpu_ns += cpu;
        if (before.migrations >= 0 && after.migrations >= 0) {
          role.migrations = std::max<std::int64_t>(role.migrations, 0) + after.migrations - before.migrations;
        }
      }
    }
    if (task.entry >= 0) {
      BackgroundResult& load = result_.background[static_cast<std::size_t>(task.entry)];
      load.cpu_ns += cpu;
      load.bytes += after.bytes - before.bytes;
      load.loops += task.kind == TaskKind::bulk_rx ? 0 : after.loops - before.loops;
    }
  }

  void collect_steps(std::size_t agent) {
    const std::uint64_t count = recorder_->log(agent).count.load(std::memory_order_acquire);
    const calibration::StepRow* const rows = recorder_->rows(agent);
    std::copy_if(rows, rows + count, std::back_inserter(result_.steps), [&](const calibration::StepRow& row) {
      return row.start_ns - row.timer_late_ns >= result_.start_ns && row.end_ns() <= result_.end_ns;
    });
  }

  const models::HostConfig& host_;
  const WorkloadOptions& options_;
  const std::atomic<bool>& stop_;
  WorkloadPlan plan_;
  Recorder* recorder_ = nullptr;
  Processes* processes_ = nullptr;
  WorkloadReading before_, after_;
  WorkloadResult result_;
};

}  // namespace

WorkloadResult run_workload(const models::HostConfig& host, const WorkloadOptions& options,
                            const std::atomic<bool>& stop) {
  return Run{host, options, stop}.run();
}

}  // namespace tools::live
