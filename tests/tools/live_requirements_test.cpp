#include "tools/live/requirements.h"

#include <catch2/catch.hpp>

#include "scenarios/scenario.h"
#include "tests/calibration/topology/saved_files.h"
#include "tests/scenarios/scratch.h"
#include "tools/live/settings.h"

using namespace tools::live;

namespace {

// A machine of files, and a scenario for it: `host` are lines of its host, `more` whole sections.
struct LiveBench {
  explicit LiveBench(const Files& files) : saved{files} {
    machine.root = saved.root();
    reread();
  }

  void reread() {
    machine.topology = calibration::read_topology(saved.root());
    machine.part = calibration::machine_part(machine.topology);
    machine.cgroups = find_cgroup_root(saved.root());
    machine.superuser = true;
    machine.pid = 77;
  }

  LivePlan plan(const std::string& host, const std::string& more = "") {
    const std::string text =
        "schema: 1\nrun: {warmup: 1ms, duration: 1ms}\nhost:\n  costs: defaults.yaml\n" + host +
        (more.find("agents:") == std::string::npos ? "agents: [{name: agent, think: 1ms, compute: 1us}]\n"
                                                   : "") +
        more;
    scenario = scenarios::load_scenario(scratch.write("s.yaml", text));
    return plan_live(scenario.base, machine, needs);
  }

  Scratch scratch;
  SavedMachine saved;
  LiveMachine machine;
  LiveNeeds needs;
  scenarios::Scenario scenario;
};

std::vector<std::string> keys(const LivePlan& plan) {
  std::vector<std::string> result;
  for (const Refusal& refusal : plan.refusals) {
    result.push_back(refusal.key);
  }
  return result;
}

std::vector<std::string> settings(const LivePlan& plan) {
  std::vector<std::string> result;
  for (const Setting& setting : plan.settings) {
    result.push_back(setting.key + " " + setting.before + " " + setting.wanted);
  }
  return result;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a scenario that names what the machine has is not refused and sets nothing",
          "[live_requirements]") {
  LiveBench bench{guest_files()};

  const LivePlan plan = bench.plan(
      "  cpus: 2\n  smt: 1\n  idle: [{state: hlt}]\n"
      "  kernel: {release: 6.18, hz: 250, preemption: none, irq_time_accounting: false, "
      "sched_autogroup_enabled: true, netdev_budget: 300}\n");

  CHECK(keys(plan) == Texts{});
  CHECK(settings(plan) == Texts{});
}

TEST_CASE("what another machine would have is refused, each by its key and place, all at once",
          "[live_requirements]") {
  LiveBench bench{guest_files()};

  const LivePlan plan = bench.plan(
      "  cpus: 4\n  smt: 2\n  steal: {interval: 1s, length: 1ms}\n  cpu_speed: [512]\n  idle: [{state: c6}]\n"
      "  kernel: {release: 6.12, hz: 1000, preemption: full}\n");

  CHECK(keys(plan) == Texts{"host.kernel.release", "host.cpus", "host.smt", "host.cpu_speed", "host.steal",
                            "host.idle", "host.kernel.hz", "host.kernel.preemption"});
  CHECK_THAT(plan.refusals[1].text(),
             Catch::EndsWith("s.yaml:5:9: host.cpus: this machine has 2 CPUs online, asked "
                             "for 4; --set host.cpus=N, or CPUs off line; or --accept "
                             "host.cpus"));
  CHECK_THAT(plan.refusals[6].text(),
             Catch::Contains("host.kernel.hz: this machine has 250, asked for 1000"));
}

TEST_CASE("a key that is not named is left alone, and a note says where the models differ",
          "[live_requirements]") {
  LiveBench bench{server_files()};
  bench.saved.put("proc/sys/net/core/netdev_budget", "600\n");
  bench.reread();

  const LivePlan plan = bench.plan("  cpus: 16\n");

  CHECK(settings(plan) == Texts{});
  CHECK(std::any_of(plan.notes.begin(), plan.notes.end(), [](const std::string& note) {
    return note.find("host.kernel.hz is not named: the models take 250, this machine has 1000") == 0;
  }));
  CHECK(std::any_of(plan.notes.begin(), plan.notes.end(), [](const std::string& note) {
    return note.find("host.kernel.netdev_budget is not named") == 0;
  }));
}

TEST_CASE("sysctls that are named and differ are set, in the kernel's units", "[live_requirements]") {
  LiveBench bench{guest_files()};

  const LivePlan plan = bench.plan(
      "  cpus: 2\n  kernel: {netdev_budget: 8, netdev_budget_usecs: 12ms, dev_weight: 64, timer_migration: "
      "false}\n");

  CHECK(settings(plan) == Texts{"host.kernel.netdev_budget 300 8",
                                "host.kernel.netdev_budget_usecs 8000 12000",
                                "host.kernel.timer_migration 1 0"});
}

TEST_CASE("a time budget below two ticks is refused, as the kernel declines it", "[live_requirements]") {
  LiveBench bench{guest_files()};

  const LivePlan plan = bench.plan("  cpus: 2\n  kernel: {netdev_budget_usecs: 4ms}\n");

  REQUIRE(keys(plan) == Texts{"host.kernel.netdev_budget_usecs"});
  CHECK(plan.refusals[0].found == "this kernel takes no less than two ticks, 8000 us");
  CHECK(plan.settings.empty());
}

TEST_CASE("what debugfs has is set, what a locked kernel hides is refused", "[live_requirements]") {
  const std::string host =
      "  kernel: {base_slice: 350us, preemption: none, features: {run_to_parity: false}, "
      "placement: {nontask_capacity: true}}\n";
  LiveBench open{server_files()};
  LiveBench locked{guest_files()};

  // 16 CPUs: 2.8 ms are 700 us four times, update_sysctl().
  CHECK(settings(open.plan("  cpus: 16\n" + host)) ==
        Texts{"host.kernel.base_slice 2800000 1400000",
              "host.kernel.features.run_to_parity RUN_TO_PARITY NO_RUN_TO_PARITY",
              "host.kernel.preemption full none"});
  CHECK(keys(locked.plan("  cpus: 2\n" + host)) == Texts{"host.kernel.base_slice",
                                                         "host.kernel.features.run_to_parity",
                                                         "host.kernel.placement.nontask_capacity"});
}

TEST_CASE("settings are made in order and undone", "[live_settings]") {
  LiveBench bench{server_files()};
  const std::string features = bench.saved.file("sys/kernel/debug/sched/features");
  const std::string slice = bench.saved.file("sys/kernel/debug/sched/base_slice_ns");
  const LivePlan plan =
      bench.plan("  cpus: 16\n  kernel: {base_slice: 350us, features: {run_to_parity: false}}\n");
  Journal journal{bench.scratch.directory};
  {
    const AppliedSettings applied{plan, journal};

    CHECK(Scratch::read(slice) == "1400000\n");
    CHECK(Scratch::read(features) == "NO_RUN_TO_PARITY\n");  // a file of debugfs keeps the others
    CHECK(journal.entries().size() == 2);
  }

  CHECK(Scratch::read(slice) == "2800000\n");
  CHECK(Scratch::read(features) == "RUN_TO_PARITY\n");
  CHECK(journal.entries().empty());
}

TEST_CASE("a value that the kernel declines is an error at its place, with the others undone",
          "[live_settings]") {
  LiveBench bench{guest_files()};
  LivePlan plan = bench.plan("  cpus: 2\n  kernel: {netdev_budget: 8}\n");
  REQUIRE(plan.settings.size() == 1);
  plan.settings.push_back({.key = "live.sysctls.x",
                           .path = bench.saved.root(),
                           .before = "1",
                           .wanted = "2",
                           .place = {"s.yaml", 9, 3}});
  Journal journal{bench.scratch.directory};

  CHECK_THROWS_WITH((AppliedSettings{plan, journal}),
                    Catch::Contains("s.yaml:9:3") && Catch::Contains("live.sysctls.x = 2, which the kernel "
                                                                     "declines"));

  CHECK(Scratch::read(bench.saved.file("proc/sys/net/core/netdev_budget")) == "300\n");
  journal.forget(0);
}

TEST_CASE("a CFS kernel is refused by name", "[live_requirements]") {
  LiveBench bench{guest_files()};
  bench.saved.put("proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
  bench.reread();

  const LivePlan plan =
      bench.plan("  cpus: 2\n", "agents: [{name: a, think: 1ms, compute: 1us, sched: {slice: 1ms}}]\n");

  CHECK(keys(plan) == Texts{"host.kernel.release", "agents.a.sched.slice"});
  CHECK_THAT(plan.refusals[0].found, Catch::Contains("6.1.0-28-amd64 schedules by CFS"));
}

TEST_CASE("idle states that the scenario disables or leaves out are switched off on every CPU",
          "[live_requirements]") {
  LiveBench bench{server_files()};

  const LivePlan plan =
      bench.plan("  cpus: 16\n  idle: [{state: poll}, {state: c1}, {state: c6, disabled: true}]\n");

  CHECK(keys(plan) == Texts{});
  CHECK(plan.settings.size() == 16);
  CHECK_THAT(plan.settings[3].path, Catch::EndsWith("/cpu3/cpuidle/state3/disable"));
  CHECK(plan.settings[3].wanted == "1");
}

TEST_CASE("the proposal's patches and other machines are refused, descriptions of a kernel are not",
          "[live_requirements]") {
  LiveBench bench{guest_files()};

  const LivePlan plan = bench.plan("  cpus: 2\n",
                                   "policies: [{name: pack_on_running}, {name: attribution}]\n"
                                   "devices: [{name: eth9, model: nic}]\n"
                                   "background: [{name: in, kind: flow, device: eth9, rate: 1MB/s}]\n"
                                   "tracer: {program: irq}\n");

  CHECK(keys(plan) == Texts{"devices.eth9", "background.in.kind", "policies.attribution", "tracer.program"});
  CHECK_FALSE(plan.refusals[0].acceptable);
  CHECK(plan.refusals[2].acceptable);
}

TEST_CASE("a mismatch that was accepted by its key is told and no longer refused", "[live_requirements]") {
  LiveBench bench{guest_files()};
  bench.needs.accept = {"host.kernel.hz", "host.smt"};

  const LivePlan plan = bench.plan("  cpus: 2\n  kernel: {hz: 1000}\n");

  CHECK(keys(plan) == Texts{});
  REQUIRE(plan.accepted.size() == 1);
  CHECK_THAT(plan.accepted[0], Catch::Contains("host.kernel.hz: this machine has 250, asked for 1000"));
  CHECK(unused_accepts({plan}, bench.needs) == Texts{"host.smt"});
}

TEST_CASE("the disk is the data file's, with the driver that the model stands for", "[live_requirements]") {
  LiveBench bench{guest_files()};
  bench.needs.data_file = bench.scratch.path("x.data");
  bench.needs.file_size = 4096;
  const auto reads = [&](const std::string& device, const std::string& model) {
    return keys(bench.plan("  cpus: 2\n  kernel: {rq_affinity: 1}\n",
                           "devices: [{name: " + device + ", model: " + model + "}]\n" +
                               "agents: [{name: a, read: {device: " + device + "}}]\n"));
  };

  bench.needs.disk = "vda";
  CHECK(reads("vda", "virtio_blk") == Texts{});
  CHECK(reads("vda", "nvme") == Texts{"devices.vda.model"});
  CHECK(reads("nvme0", "nvme") == Texts{"devices.nvme0"});
  bench.needs.disk = "";
  CHECK(reads("vda", "virtio_blk") == Texts{"devices.vda"});
}

TEST_CASE("a file of another size is not overwritten", "[live_requirements]") {
  LiveBench bench{guest_files()};
  bench.needs.data_file = bench.scratch.write("precious", "of somebody");
  bench.needs.file_size = 4096;
  bench.needs.disk = "vda";

  const LivePlan plan = bench.plan("  cpus: 2\n",
                                   "devices: [{name: vda, model: virtio_blk}]\n"
                                   "agents: [{name: a, read: {device: vda}}]\n");

  REQUIRE(keys(plan) == Texts{"live.file"});
  CHECK_THAT(plan.refusals[0].found, Catch::Contains("is there, with 11 bytes"));
  CHECK_FALSE(plan.refusals[0].acceptable);
}

TEST_CASE("interrupts move unless the kernel manages them, schedulers and sysctls change",
          "[live_requirements]") {
  LiveBench bench{guest_files()};

  const LivePlan plan = bench.plan("  cpus: 2\n",
                                   "live:\n"
                                   "  irq_affinity: {virtio3-rx: [1], virtio1-req.0: [0], virtio3-rxx: [0]}\n"
                                   "  io_scheduler: {vda: none}\n"
                                   "  sysctls: {net.core.busy_poll: 50, net.core.nothing: 1}\n");

  CHECK(keys(plan) == Texts{"live.irq_affinity.virtio1-req.0", "live.irq_affinity.virtio3-rxx",
                            "live.sysctls.net.core.nothing"});
  CHECK_THAT(plan.refusals[0].found, Catch::Contains("the kernel manages this vector"));
  CHECK_THAT(plan.refusals[1].remedy, Catch::Contains("virtio3-rx"));
  REQUIRE(plan.settings.size() == 3);
  CHECK_THAT(plan.settings[0].path, Catch::EndsWith("/proc/irq/41/smp_affinity_list"));
  CHECK(plan.settings[1].key == "live.io_scheduler.vda");
  CHECK(plan.settings[2].wanted == "50");
}

TEST_CASE("nobody but root, and no capture without its tools, both by name", "[live_requirements]") {
  LiveBench bench{guest_files()};
  bench.machine.superuser = false;
  bench.machine.no_capture = {"bpftrace: not found; apt-get install bpftrace"};

  const LivePlan plan = bench.plan("  cpus: 2\n");

  CHECK(keys(plan) == Texts{"live", "--capture"});
}

TEST_CASE("io_uring that is switched off is refused to those who read", "[live_requirements]") {
  LiveBench bench{guest_files()};
  bench.saved.put("proc/sys/kernel/io_uring_disabled", "2\n");
  bench.needs.disk = "vda";
  bench.needs.data_file = bench.scratch.path("x.data");

  CHECK(keys(bench.plan("  cpus: 2\n")) == Texts{});
  CHECK(keys(bench.plan(
            "  cpus: 2\n",
            "devices: [{name: vda, model: virtio_blk}]\nagents: [{name: a, read: {device: vda}}]\n")) ==
        Texts{"agents.a.read"});
}

TEST_CASE("a cgroup's weight is cpu.weight, or the shares that mean the same", "[live_cgroups]") {
  // sched_weight_from_cgroup(): 100 is the weight of nice 0.
  CHECK(shares_of(100) == 1024);
  CHECK(shares_of(200) == 2048);
  CHECK(shares_of(1) == 10);
  CHECK(shares_of(10'000) == 102'400);
  CHECK(shares_of(33) == 338);  // 337.92, to the nearest
}

TEST_CASE("cgroups are planned for version 1 and for version 2", "[live_cgroups]") {
  const std::string host =
      "  cpus: 2\n  cgroups: [{name: slow, weight: 50, cpu_max: 20ms, period: 80ms}, {name: in, parent: "
      "slow}, "
      "{name: idle, idle: true}]\n";
  using Values = std::vector<std::pair<std::string, std::string>>;
  LiveBench first{guest_files()};
  first.saved.put("sys/fs/cgroup/cpu/cpu.shares", "1024\n");
  first.reread();
  LiveBench second{guest_files()};
  second.saved.put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io\n");
  second.saved.put("sys/fs/cgroup/cgroup.subtree_control", "io\n");
  second.reread();

  const LivePlan v1 = first.plan(host);
  const LivePlan v2 = second.plan(host);

  REQUIRE(v1.cgroups.size() == 3);
  CHECK(v1.cgroups[0].directory == first.saved.file("sys/fs/cgroup/cpu/chainsim-77-slow"));
  CHECK(v1.cgroups[0].files ==
        Values{{"cpu.shares", "512"}, {"cpu.cfs_period_us", "80000"}, {"cpu.cfs_quota_us", "20000"}});
  CHECK(v1.cgroups[1].directory == v1.cgroups[0].directory + "/in");
  CHECK(v1.cgroups[2].files == Values{{"cpu.idle", "1"}});
  REQUIRE(v2.cgroups.size() == 3);
  CHECK(settings(v2) == Texts{"host.cgroups -cpu +cpu"});
  CHECK(v2.cgroups[0].files ==
        Values{{"cpu.weight", "50"}, {"cpu.max", "20000 80000"}, {"cgroup.subtree_control", "+cpu"}});
}

TEST_CASE("cgroup v2 keeps tasks out of inner cgroups, and no hierarchy means none", "[live_cgroups]") {
  const std::string host = "  cpus: 2\n  cgroups: [{name: slow}, {name: in, parent: slow}]\n";
  const std::string agents = "agents: [{name: a, think: 1ms, compute: 1us, sched: {cgroup: slow}}]\n";
  LiveBench bench{guest_files()};

  CHECK(keys(bench.plan(host)) == Texts{"host.cgroups"});
  bench.saved.put("sys/fs/cgroup/cgroup.controllers", "cpu\n");
  bench.reread();
  CHECK(keys(bench.plan(host, agents)) == Texts{"agents.a.sched.cgroup"});
}
