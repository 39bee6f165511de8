#include "calibration/fit/calibrate.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "calibration/fit/fitted.h"
#include "calibration/fit/tabulate.h"
#include "calibration/traces/capture_set.h"
#include "calibration/validate/live_runs.h"
#include "scenarios/scenario.h"

namespace calibration {
namespace {

using models::Cost;

// A quantity that is the cost itself.
struct Direct {
  Cost cost;
  std::string_view load;
  BpftraceProgram program;
  std::string_view quantity;
};

constexpr std::array direct_list{
    Direct{Cost::virtio_blk_irq_handler, "idle", BpftraceProgram::irq, disk_irq},
    Direct{Cost::softirq_timer, "idle", BpftraceProgram::softirq, "softirq.TIMER"},
    Direct{Cost::softirq_sched, "idle", BpftraceProgram::softirq, "softirq.SCHED"},
    Direct{Cost::softirq_rcu, "idle", BpftraceProgram::softirq, "softirq.RCU"},
};

// A quantity whose spread is the cost's; match.h finds how much of its value is the cost's. Two programs
// whose rows do not fall into the quantity are pooled, so that one capture's few hypervisor stalls weigh
// less.
struct Shape {
  Cost cost;
  std::string_view load;
  std::array<BpftraceProgram, 2> programs;
  std::string_view quantity;
};

constexpr std::array shape_list{
    Shape{Cost::idle_exit_hlt, "idle", {BpftraceProgram::irq, BpftraceProgram::uring}, "timer_late"},
};

const MeasuredCapture* capture_of(const std::vector<MeasuredCapture>& captures, std::string_view load,
                                  BpftraceProgram program) {
  const auto found = std::find_if(captures.begin(), captures.end(), [&](const MeasuredCapture& each) {
    return each.entry.load == load && each.program == program;
  });
  return found == captures.end() ? nullptr : &*found;
}

const MeasuredQuantity* quantity_of(const std::vector<MeasuredCapture>& captures, std::string_view load,
                                    BpftraceProgram program, std::string_view name) {
  const MeasuredCapture* capture = capture_of(captures, load, program);
  if (capture == nullptr) {
    return nullptr;
  }
  return name == disk_irq ? find_disk_irq(*capture) : capture->find(name);
}

std::string source_text(const MeasuredQuantity& quantity) {
  return quantity.name + " of " + std::filesystem::path{quantity.source_file}.filename().string();
}

void set_cost(Calibration& result, Cost cost, scenarios::WrittenDistribution value,
              const CalibratedCost& how) {
  scenarios::ProfileCost entry;
  entry.value = std::move(value);
  entry.basis = models::Basis::calibrated;
  entry.source = how.source;
  entry.count = static_cast<std::int64_t>(how.count);
  entry.fit = how.form;
  if (how.ks >= 0) {
    entry.ks = how.ks;
  }
  result.profile[cost] = std::move(entry);
}

void take_direct(Calibration& result) {
  for (const Direct& direct : direct_list) {
    const MeasuredQuantity* quantity =
        quantity_of(result.captures, direct.load, direct.program, direct.quantity);
    if (quantity == nullptr || quantity->count() == 0) {
      continue;
    }
    const FittedDistribution fitted = fit(*quantity);
    CalibratedCost how{direct.cost, source_text(*quantity), fitted.count, fitted.form, fitted.goodness.ks};
    set_cost(result, direct.cost, written(fitted), how);
    result.direct.push_back(std::move(how));
  }
}

// Times beyond ten medians are the hypervisor's stalls. They come so often per second, not per exit: a load
// with four times the exits has no more of them. They are counted, and left to a model of steal.
sim::Distribution without_stalls(const MeasuredQuantity& pooled, Calibration& result) {
  const std::int64_t limit = 10 * pooled.values.quantile(0.5);
  MeasuredQuantity kept = pooled;
  kept.values = ValueCounts{};
  std::uint64_t stalls = 0;
  for (const auto& [value, times] : pooled.values.values()) {
    if (value <= limit) {
      kept.values.add(value, times);
    } else {
      stalls += times;
    }
  }
  if (stalls > 0) {
    result.profile.notes.push_back("idle_exit_hlt: " + std::to_string(stalls) + " of " +
                                   std::to_string(pooled.values.count()) +
                                   " values beyond ten medians are taken for hypervisor stalls and left out");
  }
  return kept.dequantized();
}

// The shape starts at zero: the smallest value is the constant part, which matching gives back.
void take_shapes(Calibration& result) {
  for (const Shape& shape : shape_list) {
    MeasuredQuantity pooled;
    for (const BpftraceProgram program : shape.programs) {
      if (const MeasuredQuantity* quantity =
              quantity_of(result.captures, shape.load, program, shape.quantity)) {
        pooled.resolution = quantity->resolution;
        pooled.values.add(quantity->best());
      }
    }
    if (!pooled.values.empty()) {
      const sim::Distribution values = without_stalls(pooled, result);
      result.profile[shape.cost]->value = tabulated(values.shifted(-values.quantile(0.01)));
    }
  }
}

// bpftrace's loop in the epoll captures: its own probe, its own row, one row read and printed.
void take_tracer_loop(Calibration& result) {
  const MeasuredCapture* capture = capture_of(result.captures, "idle", BpftraceProgram::epoll);
  if (capture == nullptr || !capture->tracer || capture->tracer->loop_us <= 0) {
    return;
  }
  const double loop_ns = capture->tracer->loop_us * 1000.0;
  const double own_ns = result.profile[Cost::bpf_probe]->value.value.mean_ns() +
                        result.profile[Cost::bpf_printf_syscall]->value.value.mean_ns();
  const auto row = sim::Nanos{static_cast<std::int64_t>(std::max(500.0, loop_ns - own_ns))};
  CalibratedCost how{Cost::tracer_row, "bpftrace's own loop in " + capture->entry.rows.filename().string(),
                     capture->tracer->rows, "constant", -1};
  set_cost(result, Cost::tracer_row, scenarios::written_constant(row), how);
  result.direct.push_back(std::move(how));
}

void take_matches(Calibration& result, const std::vector<Workload>& workloads) {
  for (MatchResult& match : match_costs(result.profile, result.captures, workloads, result.rows_per_wake)) {
    if (match.identified) {
      scenarios::ProfileCost& entry = *result.profile[match.match.cost];
      entry.basis = models::Basis::calibrated;
      entry.source = "matched: " + std::string{match.match.quantity} + " " +
                     std::string{to_string(match.match.statistic)} + " of " + std::string{match.match.load} +
                     "." + std::string{to_string(match.match.program)};
      entry.count = static_cast<std::int64_t>(match.count);
      entry.fit = match.match.adjust == Adjust::scale ? "scaled" : "shifted";
      entry.note = std::string{match.match.why};
    }
    result.matched.push_back(std::move(match));
  }
}

void note_domain(Calibration& result, const std::vector<Workload>& workloads) {
  scenarios::ProfileDomain& domain = result.profile.domain;
  for (const Workload& workload : workloads) {
    const models::HostConfig& host = workload.host;
    domain.cpus = {host.topology.cpus, host.topology.cpus};
    domain.smt = {host.topology.smt, host.topology.smt};
    domain.kernels = {host.kernel.release == models::KernelRelease::v6_18 ? "6.18" : "6.12"};
    for (const models::AnyDeviceConfig& device : host.devices) {
      const std::string model{std::visit([](const auto& each) { return each.model; }, device)};
      if (std::find(domain.devices.begin(), domain.devices.end(), model) == domain.devices.end()) {
        domain.devices.push_back(model);
      }
    }
    domain.policies.clear();
    for (const models::PolicyConfig& policy : host.policies) {
      domain.policies.push_back(policy.name);
    }
  }
}

// cpu_idle's numbers, as the kernel gives them: state 0 polls, the scenario's others follow.
std::vector<models::IdleState> idle_states(const models::HostConfig& host) {
  std::vector<models::IdleState> states{models::IdleState::poll};
  for (const models::IdleStateConfig& state : host.topology.idle) {
    if (state.state != models::IdleState::poll) {
      states.push_back(state.state);
    }
  }
  return states;
}

// Captures of loads that are not among the workloads are left for validation; without workloads all count.
void take_events(Calibration& result, std::vector<EventCapture>& captures,
                 const std::vector<Workload>& workloads) {
  std::vector<ScannedCapture> scanned;
  for (EventCapture& capture : captures) {
    const std::string load = load_of(capture.path);
    const auto workload = std::find_if(workloads.begin(), workloads.end(),
                                       [&](const Workload& each) { return each.load == load; });
    if (workload != workloads.end()) {
      capture.idle_states = idle_states(workload->host);
    } else if (!workloads.empty()) {
      continue;
    }
    scanned.push_back(scan_capture(capture));
    result.profile.captures.push_back(capture.path.filename().string());
  }
  result.events = fit_events(result.profile, scanned);
  for (const EventCost& cost : result.events.costs) {
    // The tick's own interval ends before the exits to the hypervisor that are part of it.
    if (cost.cost != Cost::tick) {
      result.identified.push_back(cost.cost);
    }
  }
}

// The captures of a directory of live runs; its variants are the workloads.
void add_live_runs(const std::filesystem::path& directory, const CalibrateOptions& options,
                   std::vector<EventCapture>& events, std::vector<Workload>& workloads) {
  const LiveRuns runs = read_live_runs(directory, options.variants);
  const std::string costs = std::filesystem::absolute(options.defaults).string();
  std::vector<std::string> sets = runs.sets;
  sets.push_back("host.costs=" + costs);
  const scenarios::Scenario scenario = scenarios::load_scenario(runs.scenario, sets);
  for (const LiveVariant& variant : runs.variants) {
    workloads.push_back(
        Workload{variant.name, runs.scenario, scenarios::find_variant(scenario, variant.name).host});
    std::vector<std::filesystem::path> captured;
    for (const LiveRun& run : variant.captured) {
      if (!run.events.empty()) {
        captured.push_back(run.events);
      }
    }
    for (EventCapture& capture : take_event_captures(captured)) {
      events.push_back(std::move(capture));
    }
  }
}

void note_captures(Calibration& result) {
  for (const MeasuredCapture& capture : result.captures) {
    if (std::find(result.profile.domain.loads.begin(), result.profile.domain.loads.end(),
                  capture.entry.load) == result.profile.domain.loads.end()) {
      continue;  // held out: read and reported, but nothing in the profile rests on it
    }
    result.profile.captures.push_back(capture.entry.rows.filename().string());
    for (const Flaw& flaw : capture.flaws) {
      result.profile.notes.push_back(capture.entry.rows.filename().string() + ": " + flaw.name + ": " +
                                     flaw.seen + "; " + flaw.done);
    }
  }
}

}  // namespace

std::string load_of(const std::filesystem::path& capture) {
  const std::string name = capture.filename().string();
  return name.substr(0, name.find('.'));
}

std::vector<Workload> load_workloads(const std::vector<std::pair<std::string, std::string>>& workloads,
                                     const std::string& profile_path) {
  std::vector<Workload> loaded;
  const std::string costs = std::filesystem::absolute(profile_path).string();
  for (const auto& [load, path] : workloads) {
    scenarios::Scenario scenario = scenarios::load_scenario(path, {"host.costs=" + costs});
    loaded.push_back(Workload{load, path, std::move(scenario.base.host)});
  }
  return loaded;
}

Calibration calibrate(const CalibrateOptions& options) {
  Calibration result;
  std::vector<std::filesystem::path> paths = options.captures;
  const auto live = std::find_if(paths.begin(), paths.end(), has_live_runs);
  std::vector<Workload> workloads = load_workloads(options.workloads, options.defaults);
  std::vector<EventCapture> events;
  std::filesystem::path runs;
  if (live != paths.end()) {
    runs = *live;
    paths.erase(live);
    add_live_runs(runs, options, events, workloads);
  }
  std::vector<EventCapture> given = take_event_captures(paths);
  std::move(given.begin(), given.end(), std::back_inserter(events));
  if (!paths.empty()) {
    result.captures = measure(find_captures(paths));
  }
  result.profile = scenarios::load_profile_alone(options.defaults);
  result.profile.path.clear();
  result.profile.machine = options.machine;
  result.profile.kernel = options.kernel;
  for (const Workload& workload : workloads) {
    result.profile.domain.loads.push_back(workload.load);
  }
  if (!paths.empty()) {
    result.rows_per_wake = tracer_rows_per_wake(result.captures, result.profile.domain.loads);
    take_direct(result);
    take_shapes(result);
    take_tracer_loop(result);
    take_matches(result, workloads);
  }
  if (!events.empty()) {
    take_events(result, events, workloads);
  }
  if (!runs.empty()) {
    match_live_runs(result, runs, options);
  } else if (!events.empty()) {
    match_captured_steps(result, events, workloads, options);
  }
  note_domain(result, workloads);
  note_captures(result);
  for (const models::CostEntry& entry : models::cost_list) {
    if (result.profile[entry.id]->basis != models::Basis::calibrated) {
      result.unidentified.push_back(entry.id);
    }
  }
  return result;
}

}  // namespace calibration
