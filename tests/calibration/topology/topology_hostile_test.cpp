// Files as nobody expects them: every description ends in YAML and JSON, and what was wrong is named.
#include <sys/stat.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "calibration/topology/topology.h"
#include "scenarios/yaml.h"
#include "tests/calibration/topology/saved_files.h"

using namespace calibration;

namespace {

constexpr int kinds_of_damage = 14;

void damage(const SavedMachine& machine, const std::string& name, const std::string& text, int kind) {
  const std::string path = machine.file(name);
  switch (kind) {
    case 0:
      return machine.put(name, "");
    case 1:
      return machine.put(name, std::string(70'000, '7'));
    case 2:
      return machine.put(name, std::string(70'000, '\n') + "x");
    case 3:
      return machine.put(name, std::string{"0\0\x01\xff\x1b[31m", 10});
    case 4:
      return machine.put(name, "-1\n");
    case 5:
      return machine.put(name, "99999999999999999999999\n");
    case 6:
      return machine.put(name, "0-8191,0-8191,4096-8191\n");
    case 7:
      return machine.put(name, "\"]}: # {&a *a\n\t- !!x\n");
    case 8:
      return machine.put(name, "9223372036854775807 NO_ (x [y\n: :\n1: 18446744073709551615 1 1-edge e\n");
    case 9:
      return machine.put(name, text.substr(0, text.size() / 2));
    default:
      break;
  }
  machine.remove(name);
  if (kind == 10) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  } else if (kind == 11) {
    std::filesystem::create_directory(path);
  } else if (kind == 12) {
    std::filesystem::create_symlink("/etc/passwd", path);
  } else {
    std::filesystem::create_symlink(std::filesystem::path{path}.filename(), path);  // to itself
  }
}

void describe(const SavedMachine& machine) {
  const Topology topology = read_topology(machine.root());
  const std::string yaml = topology_yaml(topology);
  CHECK(yaml.find("root:x:0") == std::string::npos);
  CHECK_NOTHROW(scenarios::parse_yaml(yaml, "hostile", "a topology"));
  CHECK_NOTHROW(nlohmann::json::parse(topology_json(topology)));
}

}  // namespace

TEST_CASE("any damage to every file at once is survived", "[topology]") {
  for (const Files& files : {guest_files(), server_files()}) {
    for (int kind = 0; kind < kinds_of_damage; ++kind) {
      const SavedMachine machine{files};
      for (const auto& [name, text] : files) {
        damage(machine, name, text, kind);
      }
      INFO("damage " << kind);
      describe(machine);
    }
  }
}

TEST_CASE("any mixture of damage is survived", "[topology]") {
  for (const Files& files : {guest_files(), server_files()}) {
    for (int round = 0; round < kinds_of_damage; ++round) {
      const SavedMachine machine{files};
      auto number = static_cast<std::uint32_t>(round);
      for (const auto& [name, text] : files) {
        number = number * 1664525 + 1013904223;
        if (number >> 30 == 0) {  // a quarter, so that what depends on what is sound is reached too
          damage(machine, name, text, static_cast<int>((number >> 16) % kinds_of_damage));
        }
      }
      INFO("round " << round);
      describe(machine);
    }
  }
}

TEST_CASE("a warning names the file and the line", "[topology]") {
  const SavedMachine machine{server_files()};
  machine.put("sys/block/nvme0n1/queue/rq_affinity", "two\n");
  machine.put("proc/interrupts", "   CPU0 CPU1\n 5: 1 2 chip 5-edge dev\nnonsense\n 6: 1 chip 6-edge dev\n");

  const Topology server = read_topology(machine.root());

  REQUIRE(server.warnings.size() == 3);
  CHECK(server.warnings[0].find(machine.file("proc/interrupts") +
                                ":3: found 'nonsense', expected an interrupt") == 0);
  CHECK(server.warnings[1].find(":4: found '6: 1 chip 6-edge dev'") != std::string::npos);
  CHECK(server.warnings[2] ==
        machine.file("sys/block/nvme0n1/queue/rq_affinity") + ":1: found 'two', expected a whole number");
  CHECK(server.irqs.size() == 1);
  CHECK_FALSE(server.block_devices[0].rq_affinity);
}

TEST_CASE("warnings are counted where there are too many to list", "[topology]") {
  const SavedMachine machine{server_files()};
  machine.put("proc/interrupts", [] {
    std::string text;
    for (int i = 0; i < 500; ++i) {
      text += "nonsense\n";
    }
    return text;
  }());

  const Topology server = read_topology(machine.root());

  REQUIRE(server.warnings.size() == 101);
  CHECK(server.warnings.back() == "and 400 more");
}

TEST_CASE("a link that leaves a saved directory is not followed", "[topology]") {
  const SavedMachine machine{guest_files()};
  machine.put("../outside", "6.6.6\n");
  machine.remove("proc/sys/kernel/osrelease");
  std::filesystem::create_symlink("../../../../outside", machine.file("proc/sys/kernel/osrelease"));

  const Topology guest = read_topology(machine.root());

  CHECK(guest.kernel.release.note != "");
  CHECK(*guest.kernel.release == "6.18.44");  // the configuration's heading
  const bool told = std::any_of(guest.not_read.begin(), guest.not_read.end(), [](const NotRead& each) {
    return each.why == "a link that leaves the directory";
  });
  CHECK(told);
}

TEST_CASE("interrupts of a machine with a thousand CPUs fit", "[topology]") {
  const SavedMachine machine{server_files()};
  std::string text = " ";
  for (int cpu = 0; cpu < 1024; ++cpu) {
    text += " CPU" + std::to_string(cpu);
  }
  for (int irq = 0; irq < 200; ++irq) {
    text += "\n" + std::to_string(irq) + ":";
    for (int cpu = 0; cpu < 1024; ++cpu) {
      text += cpu == irq ? "         17" : "          0";
    }
    text += "  chip  0-edge  nvme0q" + std::to_string(irq);
  }
  machine.put("proc/interrupts", text + "\n");

  const Topology server = read_topology(machine.root());

  REQUIRE(server.irqs.size() == 200);
  CHECK(server.irqs[199].counts == std::vector<std::pair<int, std::uint64_t>>{{199, 17}});
  CHECK(server.warnings.empty());
}
