// What the tests of real workloads share: a small host, whether this machine can run it, and who is alive.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "models/host_config.h"
#include "tests/scenarios/scratch.h"
#include "tools/live/workload.h"
#include "tools/live/workload_file.h"

inline std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

// Root that may make network namespaces; tried once, in a child.
inline bool can_run_live() {
  static const bool can = [] {
    const pid_t child = ::fork();
    if (child == 0) {
      ::_exit(::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    return ::geteuid() == 0 && status == 0;
  }();
  if (!can) {
    std::cout << "skipped: no root that may make namespaces\n";
  }
  return can;
}

// Where a test may keep a data file.
inline bool takes_direct_io(const Scratch& scratch) {
  const int file = ::open(scratch.path("probe").c_str(), O_CREAT | O_WRONLY | O_DIRECT, 0600);
  if (file < 0) {
    std::cout << "skipped: no O_DIRECT in " << scratch.directory << "\n";
    return false;
  }
  ::close(file);
  return true;
}

struct Alive {
  pid_t pid = 0, parent = 0;
  std::string started;  // in ticks: tells a process from a later one with its id
};

inline std::vector<Alive> all_processes() {
  std::vector<Alive> found;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string stat = text_of("/proc/" + name + "/stat");
    const std::size_t end = stat.rfind(')');
    if (end == std::string::npos) {
      continue;
    }
    std::istringstream rest{stat.substr(end + 1)};
    std::vector<std::string> words{std::istream_iterator<std::string>{rest}, {}};
    if (words.size() > 19 && words[0] != "Z") {
      found.push_back({.pid = std::stoi(name), .parent = std::stoi(words[1]), .started = words[19]});
    }
  }
  return found;
}

inline std::vector<Alive> processes_below(pid_t ancestor) {
  const std::vector<Alive> all = all_processes();
  std::vector<Alive> below;
  std::vector<pid_t> parents{ancestor};
  for (std::size_t i = 0; i < parents.size(); ++i) {
    for (const Alive& each : all) {
      if (each.parent == parents[i]) {
        below.push_back(each);
        parents.push_back(each.pid);
      }
    }
  }
  return below;
}

// A killed process needs a CPU to die on, which a busy machine may not have for a while.
inline bool nothing_is_left_below(pid_t ancestor) {
  for (int look = 0; look < 2000 && !processes_below(ancestor).empty(); ++look) {
    ::usleep(5000);
  }
  return processes_below(ancestor).empty();
}

// Until the thread has gone to sleep so often; false: not within ten seconds.
inline bool sleeps_often(pid_t thread, long times) {
  constexpr std::string_view key = "\nvoluntary_ctxt_switches:";
  for (int look = 0; look < 2000; ++look) {
    const std::string status = text_of("/proc/" + std::to_string(thread) + "/status");
    const std::size_t at = status.find(key);
    if (at != std::string::npos && std::stol(status.substr(at + key.size())) >= times) {
      return true;
    }
    ::usleep(5000);
  }
  return false;
}

inline std::vector<Alive> still_alive(const std::vector<Alive>& before) {
  std::vector<Alive> alive;
  for (const Alive& each : all_processes()) {
    if (std::any_of(before.begin(), before.end(),
                    [&](const Alive& old) { return old.pid == each.pid && old.started == each.started; })) {
      alive.push_back(each);
    }
  }
  return alive;
}

// Thread ids by name, of all tasks of these processes.
inline std::multimap<std::string, pid_t> threads_of(const std::vector<Alive>& processes) {
  std::multimap<std::string, pid_t> threads;
  for (const Alive& process : processes) {
    std::error_code gone;
    const std::string directory = "/proc/" + std::to_string(process.pid) + "/task";
    for (const auto& entry : std::filesystem::directory_iterator{directory, gone}) {
      std::string name = text_of(entry.path() / "comm");
      name = name.substr(0, name.find('\n'));
      threads.emplace(name, std::stoi(entry.path().filename()));
    }
  }
  return threads;
}

inline std::string network_of(pid_t pid) {
  std::error_code gone;
  return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/ns/net", gone);
}

inline std::vector<std::string> interfaces() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{"/sys/class/net"}) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A host with one agent that calls a tool and computes; it ends after a hundred steps, a moment on a machine
// that has time.
struct LiveBench {
  LiveBench() {
    host.devices = {models::VethConfig{.name = "veth0"}, models::VirtioBlkConfig{.name = "disk"}};
    models::AgentConfig agent;
    agent.think = sim::Distribution::constant(sim::Nanos{500'000});
    agent.tool.device = "veth0";
    agent.tool.service = sim::Distribution::constant(sim::Nanos{200'000});
    agent.compute = sim::Distribution::constant(sim::Nanos{30'000});
    host.agents = {agent};
    host.kernel.timer_slack = sim::Nanos{1};
    options.warmup = sim::Nanos{50'000'000};
    options.steps_per_variant = 100;
    options.duration = sim::Nanos{60'000'000'000};  // however busy the machine is
  }

  models::AgentConfig& agent() { return host.agents.front(); }
  tools::live::WorkloadResult run() { return run_workload(host, options, stop); }

  models::HostConfig host;
  tools::live::WorkloadOptions options;
  std::atomic<bool> stop{false};
};

// A workload in a thread of its own, for tests that look at it while it runs.
class Running {
 public:
  explicit Running(LiveBench& bench) : bench_{bench}, thread_{[this] { run(); }} {}
  ~Running() {
    bench_.stop = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  // Ids by name once all of these are there: a task takes its name when all else is set.
  std::multimap<std::string, pid_t> threads(const std::vector<std::string>& names) const {
    std::multimap<std::string, pid_t> found;
    const auto here = [&](const std::string& name) { return found.count(name) == 1; };
    for (int look = 0; look < 2000 && !std::all_of(names.begin(), names.end(), here); ++look) {
      ::usleep(5000);
      found = threads_of(processes_below(::getpid()));
    }
    return found;
  }
  tools::live::WorkloadResult end() {
    bench_.stop = true;
    return finish();
  }
  // Waits for its own end. Throws what it threw.
  tools::live::WorkloadResult finish() {
    thread_.join();
    if (error_) {
      std::rethrow_exception(error_);
    }
    return std::move(result_);
  }

 private:
  void run() {
    try {
      result_ = bench_.run();
    } catch (...) {
      error_ = std::current_exception();
    }
  }

  LiveBench& bench_;
  tools::live::WorkloadResult result_;
  std::exception_ptr error_;
  std::thread thread_;
};
