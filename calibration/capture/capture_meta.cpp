#include <sys/utsname.h>
#include <time.h>

#include <array>
#include <nlohmann/json.hpp>

#include "calibration/capture/capture.h"

namespace calibration {
namespace {

using json = nlohmann::ordered_json;

std::string utc_now() {
  const std::time_t now = ::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

json filters(const CaptureRequest& request) {
  const CaptureFilter& filter = request.program.filter;
  return {{"comm", filter.comm},
          {"pids", filter.pids},
          {"cgroups", filter.cgroups},
          {"devices", filter.devices},
          {"netif_receive_skb", request.program.receive},
          {"left_out", left_out(filter)}};
}

json overhead(const Machine& machine, const CaptureSummary& summary) {
  const std::int64_t span = summary.end - summary.start;
  json cost = {{"counted_by_the_kernel", summary.counted}};
  if (summary.counted && summary.runs.runs > 0) {
    cost["probe_hits"] = summary.runs.runs;
    cost["ns_per_hit"] = static_cast<double>(summary.runs.run_ns) / static_cast<double>(summary.runs.runs);
    cost["probes_share_of_cpus"] = summary.probe_share(machine.cpus);
    cost["not_in_it"] =
        "what a tracepoint does before its program runs, and the slower entry of every system call "
        "while some of them are traced: see docs/capture.md";
  }
  cost["tracer_cpu_ns"] = summary.tracer_cpu_ns;
  cost["tracer_share_of_one_cpu"] = share(summary.tracer_cpu_ns, span);
  cost["tracer_total_cpu_ns"] = summary.tracer_total_cpu_ns;
  cost["printing_ns"] = summary.printing_ns;
  cost["tracer_max_rss_bytes"] = summary.tracer_max_rss;
  return cost;
}

}  // namespace

std::string capture_meta(const Machine& machine, const CaptureRequest& request, const CaptureSummary& summary,
                         const ChainProgram& program) {
  const auto& [major, minor, patch] = machine.bpftrace_version;
  json meta = {{"schema", 1},
               {"kind", "capture"},
               {"name", request.name},
               {"program", "chain"},
               {"stored", utc_now()}};
  meta["kernel"] = {{"release", machine.kernel_release},
                    {"version", machine.kernel_version},
                    {"architecture", machine.architecture},
                    {"cpus", machine.cpus}};
  meta["tracer"] = {
      {"name", "bpftrace"},
      {"version", std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch)},
      {"pid", summary.tracer_pid},
      {"messages", summary.messages}};
  meta["time"] = {{"clock", "CLOCK_MONOTONIC"},
                  {"start_ns", summary.start},
                  {"end_ns", summary.end},
                  {"seconds", static_cast<double>(summary.end - summary.start) / 1e9},
                  {"asked_seconds", request.seconds},
                  {"ended_by", to_string(summary.ended_by)},
                  {"partial", summary.partial()}};
  json kinds = json::object();
  for (const auto& [kind, count] : summary.events_by_kind) {
    kinds[kind] = count;
  }
  meta["events"] = {{"stored", summary.events},
                    {"outside_the_time", summary.scrubbed.outside},
                    {"not_matching", summary.scrubbed.not_matching},
                    {"by_tracepoint", kinds}};
  meta["lost"] = {{"missed_in_nested_interrupts", summary.runs.misses},
                  {"missed_is_counted", summary.counted},
                  {"map_full", summary.ended_by == CaptureEnd::map_full},
                  {"lines_not_understood", summary.odd_lines},
                  {"switches", summary.switches.checked()},
                  {"broken_switches", summary.switches.broken()},
                  {"broken_by_silent_tasks", summary.switches.broken_by_silent()},
                  {"silent_tasks", summary.switches.silent_tasks()}};
  meta["map"] = {{"entries", summary.map.entries},
                 {"used", summary.rows},
                 {"kernel_bytes", summary.map.kernel_bytes},
                 {"estimated_events_per_second", summary.map.events_per_second},
                 {"limited_by_memory", summary.map.limited_by_memory}};
  meta["overhead"] = overhead(machine, summary);
  meta["filters"] = filters(request);
  meta["fields_absent"] = program.absent_fields;
  meta["names"] = {{"kept", summary.scrubbed.names_kept}, {"hidden", summary.scrubbed.names_hidden}};
  json checks = json::array();
  for (const MachineCheck& check : machine.checks) {
    constexpr std::array verdicts{"good", "degraded", "missing"};
    checks.push_back({{"name", check.name},
                      {"verdict", verdicts[static_cast<std::size_t>(check.verdict)]},
                      {"found", check.found},
                      {"remedy", check.remedy}});
  }
  meta["machine"] = checks;
  return meta.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace calibration
