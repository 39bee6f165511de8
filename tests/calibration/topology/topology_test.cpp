// What is read of a machine: a guest whose files were saved, a server made by hand, a directory of flat
// files.
#include "calibration/topology/topology.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "calibration/topology/parse.h"
#include "scenarios/input_error.h"
#include "scenarios/yaml.h"
#include "tests/calibration/topology/saved_files.h"

using namespace calibration;

namespace {

const MachineIrq& irq_named(const Topology& topology, const std::string& name) {
  for (const MachineIrq& irq : topology.irqs) {
    if (irq.name == name) {
      return irq;
    }
  }
  FAIL("no interrupt " << name);
  throw std::logic_error{"unreachable"};
}

bool lists(const std::vector<NotRead>& missed, const std::string& part) {
  return std::any_of(missed.begin(), missed.end(),
                     [&](const NotRead& each) { return each.path.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("a guest's kernel is described with the file of each value", "[topology]") {
  const SavedMachine machine{guest_files()};

  const Topology guest = read_topology(machine.root());

  CHECK(*guest.kernel.release == "6.18.44");
  CHECK(guest.kernel.release.source == "/proc/sys/kernel/osrelease");
  CHECK(*guest.kernel.scheduler == "EEVDF");
  CHECK(*guest.kernel.hz == 250);
  CHECK_FALSE(*guest.kernel.irq_time_accounting);
  CHECK(*guest.kernel.preemption == "none");
  CHECK(guest.kernel.preemption.note == "inferred: as built");
  CHECK(*guest.kernel.autogroup);
  CHECK(**find_setting(guest.kernel.sysctls, "netdev_budget_usecs") == "8000");
  CHECK(**find_setting(guest.kernel.boot_parameters, "haltpoll.guest_halt_poll_ns") == "0");
  CHECK(*guest.hypervisor);
  CHECK(*guest.hypervisor_kind == "kvm");
  CHECK(guest.warnings.empty());
}

TEST_CASE("a guest's CPUs, caches, idle states, vectors and queues are described", "[topology]") {
  const SavedMachine machine{guest_files()};

  const Topology guest = read_topology(machine.root());

  CHECK(*guest.online == CpuSet{0, 1});
  REQUIRE(guest.caches.size() == 7);
  CHECK(guest.caches.back().level == 3);
  CHECK(guest.caches.back().cpus == CpuSet{0, 1});
  CHECK(*guest.caches.back().bytes == 32 * 1024 * 1024);
  REQUIRE(guest.idle.at(1).states.size() == 2);
  CHECK(guest.idle[1].states[1].name == "haltpoll idle");
  CHECK(*guest.idle[1].states[1].residency_us == 1);
  const MachineIrq& disk = irq_named(guest, "virtio1-req.0");
  CHECK(disk.number == "36");
  CHECK(disk.chip == "PCI-MSIX-0000:00:02.0 1-edge");
  CHECK(*disk.effective_affinity == CpuSet{1});
  CHECK(disk.counts == std::vector<std::pair<int, std::uint64_t>>{{1, disk.total}});
  CHECK(*disk.managed);
  CHECK(disk.managed.note.find("inferred") == 0);
  REQUIRE(guest.block_devices.size() == 1);
  CHECK(*guest.block_devices[0].scheduler == "mq-deadline");
  CHECK(guest.block_devices[0].irqs == std::vector<std::string>{"35", "36"});
  REQUIRE(guest.net_devices.size() == 1);
  CHECK(*guest.net_devices[0].driver == "virtio_net");
  CHECK(guest.net_devices[0].speed_mbit.note == "its driver does not say");
}

TEST_CASE("what debugfs would have told is listed by name, and domains are inferred", "[topology]") {
  const SavedMachine machine{guest_files()};

  const Topology guest = read_topology(machine.root());

  CHECK(guest.kernel.features.empty());
  CHECK(guest.kernel.features_source == "/sys/kernel/debug/sched/features");
  CHECK(lists(guest.not_read, "/sys/kernel"));
  REQUIRE(guest.domains.size() == 1);
  CHECK(guest.domains[0].name == "MC");
  CHECK(*guest.domains[0].span == CpuSet{0, 1});
  CHECK(guest.domains[0].note.find("inferred") == 0);
}

TEST_CASE("a server's threads, sockets, nodes and domains are told apart", "[topology]") {
  const SavedMachine machine{server_files()};

  const Topology server = read_topology(machine.root());

  CHECK(server.warnings.empty());
  CHECK(server.nohz_full->empty());
  CHECK(*server.isolated == CpuSet{6, 7, 14, 15});
  CHECK(*server.cpus.at(9).siblings == CpuSet{1, 9});
  REQUIRE(server.nodes.size() == 2);
  CHECK(server.nodes[1].distances == std::vector<std::int64_t>{21, 10});
  REQUIRE(server.domains.size() ==
          8 + 2 + 1);  // as many SMT domains as cores, an MC for each socket, one of all
  CHECK(server.domains.back().name == "NUMA");
  CHECK(server.domains.back().seen_by.size() == 16);
  CHECK(server.domains.back().span->size() == 16);
  CHECK(**find_setting(server.domains.back().values, "max_interval") == "32");
}

TEST_CASE("with debugfs open nothing is inferred that it tells", "[topology]") {
  const SavedMachine machine{server_files()};

  const Topology server = read_topology(machine.root());

  CHECK(*server.kernel.preemption == "full");  // what was built is voluntary
  CHECK(server.kernel.preemption.source == "/sys/kernel/debug/sched/preempt");
  CHECK(server.kernel.features ==
        std::vector<std::pair<std::string, bool>>{
            {"PLACE_LAG", true}, {"RUN_TO_PARITY", true}, {"HRTICK", false}, {"NONTASK_CAPACITY", true}});
  CHECK(**find_setting(server.kernel.tunables, "migration_cost_ns") == "500000");
  CHECK(*irq_named(server, "nvme0q5").managed);
  CHECK(irq_named(server, "nvme0q5").managed.note.empty());
  CHECK_FALSE(*irq_named(server, "nvme0q0").managed);
  CHECK(*irq_named(server, "eth2-TxRx-3").affinity ==
        CpuSet{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
}

TEST_CASE("flat files tell as much as is in them", "[topology]") {
  const SavedMachine machine{
      {{"interrupts.before",
        " 30:         12          0  PCI-MSIX-0000:00:03.0   0-edge      nvme0q0\n"
        " 31:          2          0  PCI-MSIX-0000:00:04.0   0-edge      eth1-rx-0\n"
        " 34:          0          0  PCI-MSIX-0000:00:03.0   1-edge      nvme0q1\n"
        " 35:          0          1  PCI-MSIX-0000:00:03.0   2-edge      nvme0q2\n"},
       {"irq-affinity", "/proc/irq/2/\n/proc/irq/31/ 0 eth1-rx-0\n/proc/irq/35/ 1 nvme0q2\n"},
       {"sched-features", "PLACE_LAG NO_HRTICK\n"},
       {"kernel-config",
        "# Linux/x86 6.12.117 Kernel Configuration\n"
        "CONFIG_PREEMPT_VOLUNTARY=y\nCONFIG_PREEMPT_DYNAMIC=y\n"
        "# CONFIG_IRQ_TIME_ACCOUNTING is not set\nCONFIG_HZ=250\n"}}};

  const Topology lab = read_topology(machine.root());

  CHECK(*lab.kernel.release == "6.12.117");
  CHECK(*lab.kernel.preemption == "voluntary");
  CHECK(*lab.kernel.scheduler == "EEVDF");
  CHECK(*lab.online == CpuSet{0, 1});
  CHECK(lab.online.note == "inferred: its columns");
  CHECK(*irq_named(lab, "nvme0q2").effective_affinity == CpuSet{1});
  CHECK(*irq_named(lab, "nvme0q2").managed);
  REQUIRE(lab.block_devices.size() == 1);
  CHECK(lab.block_devices[0].queues.size() == 2);
  REQUIRE(lab.net_devices.size() == 1);
  CHECK(lab.net_devices[0].name == "eth1");
  CHECK(lists(lab.not_read, "/sys"));
  CHECK(lab.warnings.empty());
}

TEST_CASE("preemption follows the boot parameter where the kernel can choose", "[topology]") {
  Files files = guest_files();
  files["proc/cmdline"] = "quiet preempt=full\n";
  CHECK(*read_topology(SavedMachine{files}.root()).kernel.preemption == "full");

  files["proc/cmdline"] = "quiet -- preempt=full\n";  // init's, not the kernel's
  CHECK(*read_topology(SavedMachine{files}.root()).kernel.preemption == "none");
}

TEST_CASE("without a configuration neither HZ nor preemption is guessed", "[topology]") {
  Files files = guest_files();
  files.erase("kernel-config");

  const Topology guest = read_topology(SavedMachine{files}.root());

  CHECK_FALSE(guest.kernel.hz);
  CHECK_FALSE(guest.kernel.preemption);
  CHECK_FALSE(guest.kernel.irq_time_accounting);
  CHECK(guest.kernel.hz.note == "the kernel's configuration was not found");
}

TEST_CASE("kernels before 6.6 schedule by CFS, unless their features say otherwise", "[topology]") {
  Files files = guest_files();
  files["proc/sys/kernel/osrelease"] = "6.1.0-42-amd64\n";
  CHECK(*read_topology(SavedMachine{files}.root()).kernel.scheduler == "CFS");

  files["sys/kernel/debug/sched/features"] = "PLACE_LAG RUN_TO_PARITY\n";
  CHECK(*read_topology(SavedMachine{files}.root()).kernel.scheduler == "EEVDF");
}

TEST_CASE("a veth is known by its link, without hardware or type", "[topology]") {
  Files files = guest_files();
  const auto interface = [&](const std::string& name, const char* uevent, const char* own,
                             const char* other) {
    const std::string base = "sys/class/net/" + name + "/";
    files[base + "uevent"] = uevent;
    files[base + "type"] = "1\n";
    files[base + "ifindex"] = own;
    files[base + "iflink"] = other;
  };
  interface("tool0", "INTERFACE=tool0\n", "7\n", "8\n");
  interface("vlan5", "DEVTYPE=vlan\nINTERFACE=vlan5\n", "9\n", "2\n");
  interface("dummy0", "INTERFACE=dummy0\n", "10\n", "10\n");

  const Topology guest = read_topology(SavedMachine{files}.root());

  REQUIRE(guest.net_devices.size() == 2);
  CHECK(guest.net_devices[1].name == "tool0");
  CHECK(*guest.net_devices[1].driver == "veth");
  CHECK(std::count(guest.devices_left_out.begin(), guest.devices_left_out.end(), "vlan5") == 1);
  CHECK(std::count(guest.devices_left_out.begin(), guest.devices_left_out.end(), "dummy0") == 1);
}

TEST_CASE("the JSON has every value with its source", "[topology]") {
  const auto document =
      nlohmann::json::parse(topology_json(read_topology(SavedMachine{server_files()}.root())));

  CHECK(document["kind"] == "topology");
  CHECK(document["kernel"]["hz"] == nlohmann::json{{"value", 1000}, {"source", "kernel-config"}});
  CHECK(document["kernel"]["features"]["value"]["HRTICK"] == false);
  CHECK(document["cpus"]["list"][3]["siblings"]["value"] == "3,11");
  CHECK(document["idle"]["cpus"][2]["states"][3]["residency_us"]["value"] == 600);
  CHECK(document["cpus"]["vendor"]["value"].is_null());
  CHECK(document["scenario"]["host"]["smt"]["value"] == "2");
}

TEST_CASE("this machine can be described", "[topology]") {
  const Topology here = read_topology();

  CHECK(here.kernel.release);
  CHECK(here.online);
  CHECK_NOTHROW(scenarios::parse_yaml(topology_yaml(here), "here", "a topology"));
}

TEST_CASE("a directory that is not there is refused", "[topology]") {
  const Scratch scratch;
  CHECK_THROWS_AS(read_topology(scratch.path("absent")), scenarios::InputError);
  CHECK_THROWS_AS(read_topology(scratch.path("defaults.yaml")), scenarios::InputError);
}

TEST_CASE("lists and masks of CPUs are read as the kernel writes them", "[topology]") {
  CHECK(parse_cpu_list("0-2,8") == CpuSet{0, 1, 2, 8});
  CHECK(parse_cpu_list("0, 1") == CpuSet{0, 1});  // mq/N/cpu_list
  CHECK(parse_cpu_list("") == CpuSet{});
  CHECK_FALSE(parse_cpu_list("3-1"));
  CHECK_FALSE(parse_cpu_list("0-4294967295"));
  CHECK_FALSE(parse_cpu_list("1,"));
  CHECK_FALSE(parse_cpu_list("-1"));
  CHECK(parse_cpu_mask("1,00000003") == CpuSet{0, 1, 32});
  CHECK_FALSE(parse_cpu_mask("0x3"));
  CHECK(format_cpus({0, 1, 2, 8}) == "0-2,8");
}
