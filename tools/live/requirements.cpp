#include "tools/live/requirements.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <tuple>

#include "calibration/capture/machine.h"
#include "scenarios/quantity.h"
#include "tools/live/journal_undo.h"
#include "tools/live/requirements_planner.h"

namespace tools::live {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> why_no_bpf() {
  std::vector<std::string> reasons;
  for (const calibration::MachineCheck& check : calibration::inspect_machine().checks) {
    if (check.verdict == calibration::MachineCheck::Verdict::missing) {
      reasons.push_back(check.name + ": " + check.found + (check.remedy.empty() ? "" : "; " + check.remedy));
    }
  }
  return reasons;
}

std::vector<std::string> why_no_ftrace(const fs::path& root) {
  for (const char* path : {"sys/kernel/tracing/instances", "sys/kernel/debug/tracing/instances"}) {
    if (fs::is_directory(root / path)) {
      return {};
    }
  }
  return {"no tracefs: /sys/kernel/tracing/instances; mount -t tracefs tracefs /sys/kernel/tracing"};
}

// What a value reads like without blanks at its ends and with single ones between its words.
std::string plain(const std::string& value) {
  std::string text;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank || (!text.empty() && text.back() != ' ')) {
      text += blank ? ' ' : c;
    }
  }
  while (!text.empty() && text.back() == ' ') {
    text.pop_back();
  }
  return text;
}

// 0, or why it cannot be opened for writing; nothing is written.
int writable(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    return errno;
  }
  ::close(file);
  return 0;
}

}  // namespace

LiveMachine inspect_live_machine(const fs::path& root, CaptureMode capture) {
  LiveMachine machine;
  machine.root = root;
  machine.topology = calibration::read_topology(root);
  machine.part = calibration::machine_part(machine.topology);
  machine.cgroups = find_cgroup_root(root);
  machine.superuser = ::geteuid() == 0;
  machine.pid = ::getpid();
  machine.no_capture = capture == CaptureMode::bpf      ? why_no_bpf()
                       : capture == CaptureMode::ftrace ? why_no_ftrace(root)
                                                        : std::vector<std::string>{};
  return machine;
}

std::string Refusal::text() const {
  std::string where = place.file.empty() ? "" : place.file + ":";
  if (place.line > 0) {
    where += fmt::format("{}:", place.line);
    where += place.column > 0 ? fmt::format("{}:", place.column) : "";
  }
  return fmt::format("{}{}{}: {}, asked for {}{}{}", where, where.empty() ? "" : " ", key, found, asked,
                     remedy.empty() ? "" : "; " + remedy,
                     acceptable ? "; or --accept " + key : std::string{});
}

std::string Setting::text() const { return path + ": " + before + " -> " + wanted; }

scenarios::Place Planner::place(const std::string& address) const {
  return scenarios::nearest(variant.written, address).place;
}

void Planner::refuse(const std::string& address, std::string found, std::string asked, std::string remedy,
                     bool acceptable) {
  Refusal refusal{.key = address,
                  .place = place(address),
                  .found = std::move(found),
                  .asked = std::move(asked),
                  .remedy = std::move(remedy),
                  .acceptable = acceptable};
  const bool accepted =
      acceptable && std::find(needs.accept.begin(), needs.accept.end(), address) != needs.accept.end();
  if (accepted) {
    refusal.acceptable = false;  // its text need not offer it again
    plan.accepted.push_back(refusal.text());
  } else {
    plan.refusals.push_back(std::move(refusal));
  }
}

void Planner::want(const std::string& address, const std::string& path, const std::string& wanted,
                   const std::string& remedy) {
  const std::string file = machine.file(path).string();
  errno = 0;
  const auto now = value_of(file, wanted);
  if (!now) {
    refuse(
        address,
        path + (errno == 0 ? " does not have it" : std::string{" cannot be read: "} + std::strerror(errno)),
        wanted, remedy);
  } else if (plain(*now) != plain(wanted)) {
    if (const int error = writable(file); error != 0) {
      refuse(address, path + " is " + *now + " and cannot be written: " + std::strerror(error), wanted,
             remedy);
    } else {
      plan.settings.push_back(
          {.key = address, .path = file, .before = *now, .wanted = wanted, .place = place(address)});
    }
  }
}

const calibration::ScenarioKey* find_key(const std::vector<calibration::ScenarioKey>& keys,
                                         const std::string& name) {
  const auto found = std::find_if(keys.begin(), keys.end(),
                                  [&](const calibration::ScenarioKey& key) { return key.key == name; });
  return found == keys.end() ? nullptr : &*found;
}

LivePlan plan_live(const scenarios::Variant& variant, const LiveMachine& machine, const LiveNeeds& needs) {
  Planner planner{variant, machine, needs};
  plan_machine(planner);
  plan_kernel(planner);
  plan_debugfs(planner);
  plan_devices(planner);
  plan_cgroups(planner);
  plan_workload(planner);
  plan_live_section(planner);
  return std::move(planner.plan);
}

std::vector<Refusal> all_refusals(const std::vector<LivePlan>& plans) {
  std::vector<Refusal> all;
  std::set<std::string> seen;
  for (const LivePlan& plan : plans) {
    for (const Refusal& refusal : plan.refusals) {
      if (seen.insert(refusal.text()).second) {
        all.push_back(refusal);
      }
    }
  }
  return all;
}

std::vector<std::string> unused_accepts(const std::vector<LivePlan>& plans, const LiveNeeds& needs) {
  std::vector<std::string> unused;
  for (const std::string& key : needs.accept) {
    const bool used = std::any_of(plans.begin(), plans.end(), [&](const LivePlan& plan) {
      return std::any_of(plan.accepted.begin(), plan.accepted.end(),
                         [&](const std::string& text) { return text.find(key + ": ") != std::string::npos; });
    });
    if (!used) {
      unused.push_back(key);
    }
  }
  return unused;
}

}  // namespace tools::live
