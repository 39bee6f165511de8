// Copies: the same description elsewhere, and nothing that is nobody's business.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "calibration/topology/topology.h"
#include "scenarios/output.h"
#include "tests/calibration/topology/saved_files.h"

using namespace calibration;

namespace {

// The description without what differs by where it was read.
nlohmann::json comparable(const std::string& root) {
  auto document = nlohmann::json::parse(topology_json(read_topology(root)));
  document.erase("root");
  document.erase("not_read");
  return document;
}

std::string all_files(const std::string& root) {
  std::string all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{root}) {
    all +=
        entry.path().string() + "\n" + (entry.is_regular_file() ? Scratch::read(entry.path().string()) : "");
  }
  return all;
}

}  // namespace

TEST_CASE("a copy is described as the original is", "[topology]") {
  for (const Files& files : {guest_files(), server_files()}) {
    const SavedMachine machine{files};

    save_topology_files(machine.root(), machine.path("copy"));

    CHECK(comparable(machine.path("copy")) == comparable(machine.root()));
  }
}

TEST_CASE("links of a real /sys are copied as what they lead to", "[topology]") {
  Files files = guest_files();
  files.erase("sys/block/vda/device/driver");
  files.erase("sys/block/vda/device/msi_irqs/35");
  files.erase("sys/block/vda/device/msi_irqs/36");
  const SavedMachine machine{files};
  machine.put("sys/devices/pci0/virtio1/uevent", "DRIVER=virtio_blk\n");
  machine.put("sys/devices/pci0/msi_irqs/36", "msix\n");
  machine.remove("sys/block/vda/device");
  std::filesystem::create_symlink("../../devices/pci0/virtio1", machine.file("sys/block/vda/device"));
  std::filesystem::create_symlink("../../../bus/virtio/drivers/virtio_blk",
                                  machine.file("sys/devices/pci0/virtio1/driver"));

  save_topology_files(machine.root(), machine.path("copy"));
  const Topology copy = read_topology(machine.path("copy"));

  REQUIRE(copy.block_devices.size() == 1);
  CHECK(*copy.block_devices[0].driver == "virtio_blk");
  CHECK(copy.block_devices[0].irqs == std::vector<std::string>{"36"});
}

TEST_CASE("of files with more in them only what is read is copied", "[topology]") {
  const SavedMachine machine{guest_files()};
  machine.put("proc/cmdline", "root=UUID=1234 password=secret preempt=none console=ttyS0\n");
  machine.put(
      "proc/cpuinfo",
      "model name\t: A CPU\nmicrocode\t: 0xabc\nflags\t\t: fpu vmx hypervisor\nSerial\t\t: 00C0FFEE\n");
  machine.put("proc/version", "Linux version 6.18 (builder@secret)\n");
  machine.put("sys/class/net/eth0/address", "02:00:00:c0:ff:ee\n");
  machine.put("sys/block/vda/serial", "SERIAL-C0FFEE\n");
  machine.put("kernel-config", "CONFIG_HZ=250\nCONFIG_DEFAULT_HOSTNAME=\"secret\"\n");

  save_topology_files(machine.root(), machine.path("copy"));
  const std::string copied = all_files(machine.path("copy"));

  for (const char* secret : {"secret", "UUID", "C0FFEE", "c0:ff:ee", "0xabc", "vmx", "ttyS0 "}) {
    INFO(secret);
    CHECK(copied.find(secret) == std::string::npos);
  }
  CHECK(Scratch::read(machine.path("copy/proc/cmdline")) == "preempt=none\n");
  CHECK(copied.find("CONFIG_HZ=250") != std::string::npos);
}

TEST_CASE("a copy that cannot be written is an error", "[topology]") {
  const SavedMachine machine{guest_files()};
  CHECK_THROWS_AS(save_topology_files(machine.root(), "/proc/nowhere"), scenarios::OutputError);
}
