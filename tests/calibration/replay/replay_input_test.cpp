#include <unistd.h>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "scenarios/input_error.h"
#include "tests/calibration/replay/replay_script.h"

using namespace calibration;

namespace {

const ReplayEvent& nth(const ReplayInput& input, ReplayKind kind, std::size_t n = 0) {
  for (const ReplayEvent& event : input.events) {
    if (event.kind == kind && n-- == 0) {
      return event;
    }
  }
  FAIL("no such event");
  return input.events.front();
}

// A capture's folder, with what lies beside the capture.
struct Folder {
  Folder() {
    path = std::filesystem::temp_directory_path() /
           ("replay-" + std::to_string(std::rand()) + "-" + std::to_string(getpid()));
    std::filesystem::create_directories(path / "inner");
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const char* name, const char* text) const { std::ofstream{path / name} << text; }
  std::filesystem::path capture() const { return path / "inner" / "x.trace"; }
  std::filesystem::path path;
};

std::string refusal(const std::filesystem::path& capture, const ReplayOptions& options) {
  try {
    find_kernel(capture, options);
  } catch (const scenarios::InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a sched_waking knows where its task was put", "[replay]") {
  ReplayScript script;
  script.wakes(10, 0, 1, 0, 1);

  const ReplayInput input = script.input();

  const ReplayEvent& waking = nth(input, ReplayKind::waking);
  CHECK(waking.from_cpu == 0);
  CHECK(waking.to_cpu == 1);
  CHECK(input.events[static_cast<std::size_t>(waking.partner)].kind == ReplayKind::wakeup);
}

TEST_CASE("a wakeup that comes before the task has left its CPU is early", "[replay]") {
  ReplayScript script;
  script.wakes(10, 0, 1, 0, 0);
  script.blocks(20, 0, 1);
  script.wakes(30, 1, 1, 0, 0);

  const ReplayInput input = script.input();

  CHECK_FALSE(nth(input, ReplayKind::waking, 0).early);
  CHECK(nth(input, ReplayKind::waking, 1).early);
}

TEST_CASE("a wakeup in NET_RX carries WF_SYNC and no other does", "[replay]") {
  ReplayScript script;
  const EventFlags softirq{.known = true, .softirq = true};
  for (const int vec : {3, 4}) {
    script.softirq(10.0 * vec, 0, EventKind::softirq_entry, vec);
    script.wake(10.0 * vec + 1, 0, EventKind::sched_waking, vec, 0, softirq);
    script.wake(10.0 * vec + 2, 0, EventKind::sched_wakeup, vec, 0, softirq);
    script.softirq(10.0 * vec + 3, 0, EventKind::softirq_exit, vec);
  }

  const ReplayInput input = script.input();

  CHECK(nth(input, ReplayKind::waking, 0).sync);
  CHECK_FALSE(nth(input, ReplayKind::waking, 1).sync);
}

TEST_CASE("a pull before a switch to what was pulled is newidle's", "[replay]") {
  ReplayScript script;
  script.wakes(10, 0, 1, 0, 0);
  script.blocks(20, 0, 1);
  script.wakes(30, 0, 2, 0, 0);
  script.migrates(40, 1, 2, 0, 1);
  script.blocks(41, 1, 2);

  const ReplayInput input = script.input();

  CHECK(nth(input, ReplayKind::migrate).cause == MigrateCause::newidle);
}

TEST_CASE("kernel threads are bound by their names unless seen elsewhere", "[replay]") {
  ReplayScript script;
  script.comm(1, "kworker/1:2")
      .comm(2, "ksoftirqd/0")
      .comm(3, "kworker/u4:1")
      .comm(4, "kworker/0:1")
      .comm(5, "agent");
  for (const int pid : {1, 2, 3, 4, 5}) {
    script.wakes(10.0 * pid, 0, pid, 0, pid == 1 || pid == 4 ? 1 : 0);
  }

  const ReplayInput input = script.input();

  std::map<std::string, std::pair<bool, int>> found;
  for (const ReplayTask& task : input.tasks) {
    found[task.name] = {task.kernel_thread, task.pinned};
  }
  CHECK(found["kworker/1:2"] == std::pair{true, 1});
  CHECK(found["ksoftirqd/0"] == std::pair{true, 0});
  CHECK(found["kworker/u4:1"] == std::pair{true, -1});
  CHECK(found["kworker/0:1"] == std::pair{true, -1});  // it was seen on CPU 1
  CHECK(found["agent"] == std::pair{false, -1});
}

TEST_CASE("a switch that does not leave whom the CPU had entered is broken", "[replay]") {
  ReplayScript script;
  script.switches(10, 0, 0, TaskState::running, 1);
  script.switches(20, 0, 2, TaskState::interruptible, 3);

  const ReplayInput input = script.input();

  CHECK(input.losses.broken_switches == 1);
  CHECK(nth(input, ReplayKind::sched_switch, 3).broken);
}

TEST_CASE("the release is what the option, the build's configuration or the heading says, in this order",
          "[replay]") {
  const Folder folder;
  folder.write("README.md", "# Captures of Linux 6.18 (EEVDF)\nLinux 5.4 elsewhere\n");

  CHECK(find_kernel(folder.capture(), {}).release == "6.18");
  CHECK(find_kernel(folder.capture(), {}).config.release == models::KernelRelease::v6_18);
  CHECK(find_kernel(folder.capture(), {}).autogroup);

  folder.write("inner/kernel-config",
               "# Linux/x86 6.12.117 Kernel Configuration\nCONFIG_PREEMPT_VOLUNTARY=y\n"
               "# CONFIG_SCHED_AUTOGROUP is not set\nCONFIG_HZ=1000\n");
  const ReplayKernel built = find_kernel(folder.capture(), {});
  CHECK(built.release == "6.12.117");
  CHECK(built.config.release == models::KernelRelease::v6_12);
  CHECK(built.config.preemption == models::Preemption::voluntary);
  CHECK(built.config.hz == 1000);
  CHECK_FALSE(built.autogroup);

  CHECK(find_kernel(folder.capture(), {.release = "6.18.44"}).release == "6.18.44");
}

TEST_CASE("captures of kernels before EEVDF are refused with that reason", "[replay]") {
  const Folder folder;

  CHECK(refusal(folder.capture(), {.release = "6.5.13"}).find("CFS") != std::string::npos);
  CHECK(refusal(folder.capture(), {.release = "4.19"}).find("EEVDF came with 6.6") != std::string::npos);
  CHECK(refusal(folder.capture(), {.release = "6.6"}).empty());
}

TEST_CASE("a capture that does not say its kernel asks for --release", "[replay]") {
  const Folder folder;

  CHECK(refusal(folder.capture(), {}).find("--release") != std::string::npos);
  CHECK(refusal(folder.capture(), {.release = "newest"}).find("'newest'") != std::string::npos);
}
