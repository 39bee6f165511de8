#include "tools/live/live_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/iostreams/filter/gzip.hpp>
#include <boost/iostreams/filtering_stream.hpp>
#include <iterator>
#include <string_view>

#include "scenarios/output.h"
#include "tools/live/tracefs_capture.h"

namespace tools::live {
namespace {

using Json = nlohmann::ordered_json;
using models::Counter;
using models::Metric;
using models::Metrics;

std::string gzipped(const std::string& text) {
  std::string packed;
  boost::iostreams::filtering_ostream out;
  out.push(boost::iostreams::gzip_compressor{});
  out.push(std::back_inserter(packed));
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.reset();
  return packed;
}

// Of the machine's counts; -1: not told.
std::int64_t counted(const WorkloadResult& result, Counter counter) {
  const SystemCounters& system = result.counters;
  switch (counter) {
    case Counter::interrupts_device:
      return system.interrupts_device;
    case Counter::interrupts_timer:
      return system.interrupts_timer;
    case Counter::interrupts_ipi:
      return system.interrupts_ipi;
    case Counter::rx_drops:
      return system.rx_drops;
    case Counter::context_switches:
      return system.context_switches;
    case Counter::migrations:
      return result.migrations;
    case Counter::ksoftirqd_wakeups:
      return system.ksoftirqd_wakeups;
    case Counter::time_squeeze:
      return system.time_squeeze;
    case Counter::cpu_ksoftirqd_ns:
      return system.ksoftirqd_cpu_ns;
    default:
      return -1;
  }
}

constexpr std::array from_the_machine{
    Counter::interrupts_device, Counter::interrupts_timer, Counter::interrupts_ipi,
    Counter::rx_drops,          Counter::context_switches, Counter::migrations,
    Counter::ksoftirqd_wakeups, Counter::time_squeeze,     Counter::cpu_ksoftirqd_ns};
constexpr std::array never_told{Counter::completions, Counter::rejected_requests, Counter::tracer_rows};

void count_machine(const WorkloadResult& result, Metrics& metrics) {
  for (const Counter counter : from_the_machine) {
    metrics[counter] = std::max<std::int64_t>(0, counted(result, counter));
  }
  const CpuTimes& cpu = result.counters.cpu;
  metrics[Counter::cpu_user_ns] = cpu.user;
  metrics[Counter::cpu_system_ns] = cpu.system;
  // /proc/stat counts ksoftirqd's work as softirq.
  metrics[Counter::cpu_softirq_ns] =
      std::max<std::int64_t>(0, cpu.softirq - metrics[Counter::cpu_ksoftirqd_ns]);
  metrics[Counter::cpu_hardirq_ns] = cpu.hardirq;
  metrics[Counter::cpu_idle_ns] = cpu.idle;
  metrics[Counter::cpu_other_ns] = cpu.steal;
}

void count_background(const models::HostConfig& host, const WorkloadResult& result, Metrics& metrics) {
  for (std::size_t i = 0; i < std::min(host.background.size(), result.background.size()); ++i) {
    const models::BackgroundKind kind = host.background[i].kind;
    metrics[Counter::background_bytes] += static_cast<std::int64_t>(result.background[i].bytes);
    if (kind == models::BackgroundKind::burst || kind == models::BackgroundKind::hog) {
      metrics[Counter::background_cpu_ns] += result.background[i].cpu_ns;
    }
  }
}

// The config of each agent, which are numbered through all entries.
std::vector<const models::AgentConfig*> agents_of(const models::HostConfig& host) {
  std::vector<const models::AgentConfig*> agents;
  for (const models::AgentConfig& config : host.agents) {
    agents.insert(agents.end(), static_cast<std::size_t>(config.count), &config);
  }
  return agents;
}

struct Session {
  int steps = 0;
  std::int64_t ns = 0;
};

void count_step(const models::AgentConfig& agent, const calibration::StepRow& row, Session& session,
                Metrics& metrics) {
  metrics[Metric::step].record(row.step_ns());
  metrics[Metric::timer_late].record(row.timer_late_ns);
  if (!agent.tool.device.empty()) {
    metrics[Metric::tool].record(row.tool_ns);
  }
  if (!agent.read.device.empty()) {
    metrics[Metric::read].record(row.read_ns);
  }
  metrics[Metric::compute].record(row.parse_ns);
  ++metrics[Counter::steps];
  if (agent.deadline != sim::Nanos{0} && row.step_ns() > agent.deadline.count()) {
    ++metrics[Counter::deadline_misses];
  }
  session.ns += row.step_ns();
  if (++session.steps == agent.steps_per_session) {
    metrics[Metric::session].record(session.ns);
    ++metrics[Counter::sessions];
    session = {};
  }
}

Json counters_json(const Metrics& metrics, const std::vector<Counter>& unknown) {
  Json json = Json::object();
  for (std::size_t i = 0; i < models::counter_count; ++i) {
    const auto counter = static_cast<Counter>(i);
    const bool known = std::find(unknown.begin(), unknown.end(), counter) == unknown.end();
    json[std::string{models::counter_name(counter)}] = known ? Json(metrics[counter]) : Json(nullptr);
  }
  return json;
}

Json cpu_json(const CpuTimes& cpu) {
  const auto percent = [&](std::int64_t part) {
    const std::int64_t total = cpu.total();
    return total > 0 ? 100 * static_cast<double>(part) / static_cast<double>(total) : 0;
  };
  return {{"user", percent(cpu.user)},       {"system", percent(cpu.system)},
          {"softirq", percent(cpu.softirq)}, {"hardirq", percent(cpu.hardirq)},
          {"idle", percent(cpu.idle)},       {"steal", percent(cpu.steal)}};
}

Json background_json(const WorkloadResult& result) {
  Json json = Json::object();
  for (const BackgroundResult& load : result.background) {
    json[load.name] = {{"bytes", load.bytes}, {"cpu_ns", load.cpu_ns}, {"loops", load.loops}};
  }
  return json;
}

Json roles_json(const WorkloadResult& result) {
  Json json = Json::object();
  for (const RoleResult& role : result.roles) {
    json[role.role] = {{"tasks", role.tasks},
                       {"cpu_ns", role.cpu_ns},
                       {"migrations", role.migrations < 0 ? Json(nullptr) : Json(role.migrations)}};
  }
  return json;
}

Json interfaces_json(const WorkloadResult& result) {
  Json json = Json::array();
  for (const InterfaceResult& end : result.interfaces) {
    json.push_back({{"name", end.name},
                    {"end", end.end},
                    {"gro", end.gro},
                    {"tso", end.tso},
                    {"gso", end.gso},
                    {"threaded", end.threaded}});
  }
  return json;
}

Json run_json(const scenarios::Variant& variant, const LiveRun& run) {
  const WorkloadResult& result = run.result;
  return {{"schema", 1},
          {"kind", "live_run"},
          {"variant", variant.name},
          {"repetition", run.repetition},
          {"capture", to_string(run.capture)},
          {"capture_complete", result.capture.complete},
          {"capture_label", run.captured() ? Json(result.capture.label) : Json(nullptr)},
          {"start_ns", result.start_ns},
          {"end_ns", result.end_ns},
          {"steps", result.steps.size()},
          {"interrupted", result.interrupted},
          {"counters", counters_json(metrics_of(variant.host, result), not_counted(result))},
          {"softirqs", result.counters.softirqs},
          {"device_interrupts", result.counters.device_lines},
          {"cpu_percent", cpu_json(result.counters.cpu)},
          {"background", background_json(result)},
          {"roles", roles_json(result)},
          {"interfaces", interfaces_json(result)},
          {"spin_ns", {{"before", result.spin_ns}, {"after", result.spin_ns_after}}},
          {"settings", run.settings}};
}

}  // namespace

std::string run_stem(const std::string& variant, int repetition, bool captured) {
  return fmt::format("{}.{}{}", variant, captured ? 'c' : 'r', repetition);
}

std::string_view to_string(CaptureMode mode) {
  return mode == CaptureMode::bpf ? "bpf" : mode == CaptureMode::ftrace ? "ftrace" : "none";
}

Metrics metrics_of(const models::HostConfig& host, const WorkloadResult& result) {
  Metrics metrics;
  const std::vector<const models::AgentConfig*> agents = agents_of(host);
  std::vector<Session> sessions(agents.size());
  for (const calibration::StepRow& row : result.steps) {
    const auto agent = static_cast<std::size_t>(row.agent);
    if (agent < agents.size()) {
      count_step(*agents[agent], row, sessions[agent], metrics);
    }
  }
  count_machine(result, metrics);
  count_background(host, result, metrics);
  metrics.measured = sim::Nanos{result.end_ns - result.start_ns};
  return metrics;
}

std::vector<Counter> not_counted(const WorkloadResult& result) {
  std::vector<Counter> unknown{never_told.begin(), never_told.end()};
  std::copy_if(from_the_machine.begin(), from_the_machine.end(), std::back_inserter(unknown),
               [&](Counter counter) { return counted(result, counter) < 0; });
  return unknown;
}

std::string steps_csv(const std::vector<calibration::StepRow>& rows) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n");
  for (const calibration::StepRow& row : rows) {
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{}\n", row.agent, row.start_ns,
                   row.timer_late_ns, row.tool_ns, row.read_ns, row.parse_ns);
  }
  return fmt::to_string(text);
}

void write_run(const std::string& directory, const scenarios::Variant& variant, const LiveRun& run) {
  const std::string path = directory + "/" + run_stem(variant.name, run.repetition, run.captured());
  scenarios::write_file(path + ".steps.csv.gz", gzipped(steps_csv(run.result.steps)));
  scenarios::write_file(path + ".run.json", run_json(variant, run).dump(2) + "\n");
}

}  // namespace tools::live
