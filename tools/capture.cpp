// chainsim capture: checks the machine, prints or runs the bpftrace programs, stores what they saw.
#include "calibration/capture/capture.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <memory>

#include "calibration/capture/seed_programs.h"
#include "calibration/capture/targets.h"
#include "scenarios/input_error.h"
#include "tools/interrupt.h"
#include "tools/options.h"
#include "tools/tables.h"
#include "tools/verbs.h"

namespace tools {
namespace {

using calibration::CaptureRequest;
using calibration::CaptureSummary;
using calibration::Machine;
using calibration::MachineCheck;

struct Arguments {
  CaptureRequest request;
  std::vector<std::string> devices;
  std::vector<std::string> cgroups;
  bool check = false;
  bool print = false;
  bool seeds = false;
  bool no_packets = false;
};

std::string checks_text(const Machine& machine, bool all) {
  std::string text;
  for (const MachineCheck& check : machine.checks) {
    if (check.verdict == MachineCheck::Verdict::good && !all) {
      continue;
    }
    const char* const word = check.verdict == MachineCheck::Verdict::good       ? "ok"
                             : check.verdict == MachineCheck::Verdict::degraded ? "LESS"
                                                                                : "MISSING";
    text += fmt::format("  {:<8} {:<28} {}\n", word, check.name, check.found);
    if (!check.remedy.empty()) {
      text += fmt::format("  {:<8} {:<28} -> {}\n", "", "", check.remedy);
    }
  }
  return text;
}

void require(const Machine& machine) {
  for (const MachineCheck& check : machine.checks) {
    if (check.verdict == MachineCheck::Verdict::missing) {
      throw scenarios::InputError{
          {.file = "this machine",
           .found = check.name + ": " + check.found,
           .expected = "a machine that can be captured (chainsim capture --check lists all)",
           .suggestion = check.remedy}};
    }
  }
}

void resolve_targets(Arguments& arguments) {
  calibration::CaptureFilter& filter = arguments.request.program.filter;
  for (const std::string& device : arguments.devices) {
    filter.devices.push_back(calibration::block_device(device));
  }
  for (const std::string& path : arguments.cgroups) {
    const calibration::Cgroup cgroup = calibration::find_cgroup(path);
    filter.cgroups.insert(filter.cgroups.end(), cgroup.ids.begin(), cgroup.ids.end());
    arguments.request.own_processes.insert(arguments.request.own_processes.end(), cgroup.processes.begin(),
                                           cgroup.processes.end());
  }
  arguments.request.program.receive = !arguments.no_packets;
  const std::string& name = arguments.request.name;
  if (name.empty() || name.find_first_of("./") != std::string::npos) {
    throw scenarios::InputError{
        {.file = "--name", .found = scenarios::quoted(name), .expected = "a name without dots and slashes"}};
  }
}

std::string programs_text(const Arguments& arguments, const Machine& machine) {
  if (arguments.seeds) {
    std::string text;
    for (const calibration::SeedProgram& seed : calibration::seed_programs) {
      text += fmt::format("// {}.bt\n{}{}", seed.name, seed.text, seed.text.ends_with('\n') ? "" : "\n");
    }
    return text;
  }
  std::string text = "// Run it as: ";
  constexpr std::uint64_t printed_entries = 1'000'000;
  const std::uint64_t wanted = arguments.request.map_entries;
  for (const std::string& variable : calibration::chain_environment(wanted == 0 ? printed_entries : wanted)) {
    text += variable + " ";
  }
  return text + "bpftrace FILE > ROWS\n" +
         calibration::chain_program(machine, arguments.request.program).text;
}

std::string losses_text(const CaptureSummary& summary) {
  std::string text;
  if (!summary.counted) {
    text += "  lost      not known: this kernel does not count what its BPF programs miss\n";
  } else if (summary.runs.misses > 0) {
    text += fmt::format("  lost      {} events, in interrupts that came while a probe ran\n",
                        summary.runs.misses);
  }
  if (summary.ended_by == calibration::CaptureEnd::map_full) {
    text += fmt::format(
        "  FULL      the map's {} entries were used up after {:.3f} s: what is stored ends there "
        "(--map-entries, or fewer --seconds)\n",
        summary.map.entries, static_cast<double>(summary.end - summary.start) / 1e9);
  }
  if (const std::uint64_t broken = summary.switches.broken(); broken > 0) {
    text += wrapped(
        fmt::format("  broken    {} of {} switches do not leave the task that was entered, {} of them in the "
                    "place of {} tasks whose own events this kernel never delivers",
                    broken, summary.switches.checked(), summary.switches.broken_by_silent(),
                    summary.switches.silent_tasks().size()),
        12);
  }
  if (summary.odd_lines > 0) {
    text += fmt::format("  odd       {} lines of bpftrace were not understood\n", summary.odd_lines);
  }
  return text;
}

std::string summary_text(const Arguments& arguments, const Machine& machine, const CaptureSummary& summary) {
  const double seconds = static_cast<double>(summary.end - summary.start) / 1e9;
  const double events = static_cast<double>(summary.events);
  std::string text =
      fmt::format("captured {} events in {:.3f} s ({:.0f} a second), ended by {}\n", summary.events, seconds,
                  seconds > 0 ? events / seconds : 0, to_string(summary.ended_by));
  text += losses_text(summary);
  if (summary.counted && summary.runs.runs > 0) {
    text += fmt::format(
        "  cost      {:.2f} % of {} CPUs in probes ({:.0f} ns a hit), bpftrace {:.2f} % of one; {:.1f} s "
        "to print\n",
        100 * summary.probe_share(machine.cpus), machine.cpus,
        static_cast<double>(summary.runs.run_ns) / static_cast<double>(summary.runs.runs),
        seconds > 0 ? static_cast<double>(summary.tracer_cpu_ns) / seconds / 1e7 : 0,
        static_cast<double>(summary.printing_ns) / 1e9);
  }
  text += fmt::format("  names     {} tasks keep theirs, {} are 'other'\n", summary.scrubbed.names_kept,
                      summary.scrubbed.names_hidden);
  if (!arguments.request.program.filter.tasks() && arguments.request.command.empty()) {
    text += "            no task was asked for (--comm, --pid, --cgroup, or a command)\n";
  }
  for (const std::string& sentence : calibration::left_out(arguments.request.program.filter)) {
    text += wrapped("  left out  " + sentence, 12);
  }
  if (!summary.messages.empty()) {
    text += "  bpftrace  " + summary.messages + "\n";
  }
  for (const std::string& file : summary.files) {
    text += "  written   " + file + "\n";
  }
  return text;
}

void capture(Arguments& arguments) {
  const Machine machine = calibration::inspect_machine();
  if (arguments.check) {
    print(checks_text(machine, true));
    require(machine);
    return;
  }
  resolve_targets(arguments);
  if (!arguments.seeds || !arguments.print) {
    require(machine);
  }
  if (arguments.print) {
    print(programs_text(arguments, machine));
    return;
  }
  if (arguments.seeds) {
    for (const std::string& file : capture_seed_programs(machine, arguments.request, interrupted())) {
      print("written   " + file + "\n");
    }
  } else {
    const CaptureSummary summary = capture_chain(machine, arguments.request, interrupted());
    if (summary.files.empty()) {
      throw Interrupted{};
    }
    print(checks_text(machine, false) + summary_text(arguments, machine, summary));
  }
  if (interrupted()) {
    throw Interrupted{};
  }
}

}  // namespace

void add_capture(CLI::App& app) {
  auto* const verb =
      app.add_subcommand("capture", "record this machine's completion chain with bpftrace (as root)");
  const auto arguments = std::make_shared<Arguments>();
  CaptureRequest& request = arguments->request;
  calibration::CaptureFilter& filter = request.program.filter;
  verb->add_option("--seconds", request.seconds, "how long (default: 5)")->check(CLI::Range(0.01, 600.0));
  verb->add_option("--out", request.directory, "directory to store it in (default: .)")->type_name("DIR");
  verb->add_option("--name", request.name,
                   "DIR/NAME.chain.txt.zst and what lies beside it (default: capture)");
  verb->add_option("--comm", filter.comm, "only system calls of tasks whose name fits; they keep their names")
      ->type_name("GLOB");
  verb->add_option("--pid", filter.pids, "likewise of that process; may be repeated")->type_name("PID");
  verb->add_option("--cgroup", arguments->cgroups, "likewise of the tasks in that cgroup and below")
      ->type_name("PATH");
  verb->add_option("--device", arguments->devices, "only block requests of that device; may be repeated")
      ->type_name("NAME");
  verb->add_flag("--no-packets", arguments->no_packets,
                 "without netif_receive_skb, an event for every packet");
  verb->add_option("--map-entries", request.map_entries,
                   "room for so many events (default: by the rate of events)")
      ->check(CLI::Range(1, 1 << 26));
  verb->add_flag("--check", arguments->check, "only say what this machine has and lacks");
  verb->add_flag("--print", arguments->print, "only print the program that would run");
  verb->add_flag("--seed-programs", arguments->seeds,
                 "the five programs of the proposal, one after another, instead of the chain program");
  verb->add_option("command", request.command, "runs while it captures; its end ends the capture")
      ->type_name("-- COMMAND");
  verb->callback([arguments] { capture(*arguments); });
}

}  // namespace tools
