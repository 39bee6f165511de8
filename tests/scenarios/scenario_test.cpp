#include "scenarios/scenario.h"

#include <catch2/catch.hpp>

#include "scenarios/input_error.h"
#include "tests/scenarios/scratch.h"

using namespace scenarios;
using namespace sim;

namespace {

// The message without the scratch directory.
std::string trouble_of(const Scratch& scratch, const std::string& text,
                       const std::vector<std::string>& sets = {}) {
  try {
    load_scenario(scratch.write("s.yaml", text), sets);
  } catch (const InputError& error) {
    std::string message = error.what();
    for (std::size_t at = 0; (at = message.find(scratch.directory + "/")) != std::string::npos;) {
      message.erase(at, scratch.directory.size() + 1);
    }
    return message;
  }
  return "";
}

std::string trouble(int line, const std::string& replacement) {
  const Scratch scratch;
  return trouble_of(scratch, with_line(small_scenario(), line, replacement));
}

std::string set_trouble(const std::string& argument) {
  const Scratch scratch;
  return trouble_of(scratch, small_scenario(), {argument});
}

Scenario small(const std::vector<std::string>& sets = {}) {
  const Scratch scratch;
  return load_scenario(scratch.write("s.yaml", small_scenario()), sets);
}

}  // namespace

TEST_CASE("a scenario is read with its defaults, its profile and its variants", "[scenario]") {
  const Scenario scenario = small();

  CHECK(scenario.run.warmup == 100ms);
  CHECK(scenario.run.replications == 3);
  CHECK(scenario.base.host.topology.cpus == 4);
  CHECK(scenario.base.host.devices.size() == 3);
  CHECK(scenario.base.host.agents.at(0).count == 2);
  CHECK(scenario.base.host.agents.at(0).compute.quantile(0.5) == 30us);
  CHECK(scenario.base.host.costs[models::Cost::hardirq_entry].value.quantile(0.5) == 101ns);
  CHECK(scenario.base.outside_domain.size() == 1);
  REQUIRE(scenario.variants.size() == 2);
  CHECK(scenario.variants[0].host.agents.at(0).sched.nice == 0);
  CHECK(scenario.variants[1].host.agents.at(0).sched.nice == -5);
  CHECK(std::get<models::NicConfig>(scenario.variants[1].host.devices.at(0)).irq_cpus == std::vector<int>{3});
  CHECK(scenario.variants[1].title == "nicer");
  CHECK(scenario.variants[1].settings ==
        std::vector<std::string>{"agents.reader.sched.nice = -5", "devices.eth0.irq_cpus = [3]"});
  CHECK(scenario.digest.size() == 16);
}

TEST_CASE("a variant against another starts as that one does", "[scenario]") {
  const Scenario scenario =
      small({"variants={A: {set: {agents.reader.count: 5}}, B: {against: A, set: {agents.reader.sched.nice: -7}}}"});

  REQUIRE(scenario.variants.size() == 2);
  CHECK(scenario.variants[0].against.empty());
  CHECK(scenario.variants[1].against == "A");
  CHECK(scenario.variants[1].host.agents.at(0).count == 5);
  CHECK(scenario.variants[1].host.agents.at(0).sched.nice == -7);
  CHECK(scenario.variants[1].settings ==
        std::vector<std::string>{"agents.reader.count = 5", "agents.reader.sched.nice = -7"});
  CHECK_THAT(set_trouble("variants={B: {against: A}, A: {}}"),
             Catch::Contains("'A' for variants.B.against") &&
                 Catch::Contains("a variant that comes before this one"));
}

TEST_CASE("--set changes every variant and has the last word", "[scenario]") {
  const Scenario scenario = small({"agents.reader.sched.nice=7", "run.seed=42", "host.kernel.hz=1000"});

  CHECK(scenario.run.seed == 42);
  CHECK(scenario.base.host.agents.at(0).sched.nice == 7);
  CHECK(scenario.variants[1].host.agents.at(0).sched.nice == 7);
  CHECK(scenario.variants[0].host.kernel.hz == 1000);
  CHECK(scenario.digest != small().digest);
  CHECK(small({"variants={Z: {}}"}).variants.at(0).name == "Z");
}

TEST_CASE("an unknown key is refused with its place and the nearest one", "[scenario]") {
  CHECK(trouble(2, "run: {warmup: 1s, duratoin: 1s}") ==
        "s.yaml:2:19: found unknown key 'duratoin' in run; did you mean 'duration'?");
  CHECK_THAT(trouble(18, "backgruond:"), Catch::Contains("did you mean 'background'?"));
  CHECK_THAT(trouble(4, "  cpu: 4"), Catch::StartsWith("s.yaml:4:3: found unknown key 'cpu' in host"));
  CHECK(trouble(8, "  - {name: nvme0, model: nvme, queue: 4}") ==
        "s.yaml:8:32: found unknown key 'queue' in devices.nvme0; did you mean 'queues'?");
  CHECK_THAT(set_trouble("agents.reader.cuont=2"), Catch::StartsWith("--set:1: found unknown key 'cuont'"));
  CHECK_THAT(set_trouble("agents.raeder.count=2"), Catch::Contains("did you mean 'reader'?"));
}

TEST_CASE("a missing unit is refused with the place", "[scenario]") {
  CHECK_THAT(trouble(16, "    compute: 30"), Catch::StartsWith("s.yaml:16:14: found missing unit in '30'"));
  CHECK_THAT(trouble(2, "run: {warmup: 100, duration: 1s}"),
             Catch::Contains("missing unit in '100' for run.warmup"));
  CHECK_THAT(set_trouble("run.duration=5"), Catch::StartsWith("--set:1:14: found missing unit in '5'"));
}

TEST_CASE("a value of the wrong type is refused with the place", "[scenario]") {
  CHECK(trouble(12, "    count: two") ==
        "s.yaml:12:12: found 'two' for agents.reader.count, expected a whole number");
  CHECK_THAT(trouble(10, "agents: 5\nother:"), Catch::StartsWith("s.yaml:"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: hgo}"), Catch::Contains("did you mean 'hog'?"));
}

TEST_CASE("a missing key is named", "[scenario]") {
  CHECK_THAT(trouble(1, ""), Catch::Contains("no key 'schema'"));
  CHECK_THAT(trouble(1, "schema: 2"), Catch::StartsWith("s.yaml:1:9: found schema '2', expected 1"));
  CHECK_THAT(trouble(2, ""), Catch::Contains("no key 'run'"));
  CHECK_THAT(trouble(2, "run: {warmup: 1s}"), Catch::Contains("no key 'duration' for run"));
  CHECK_THAT(trouble(5, ""), Catch::Contains("no key 'costs' in host"));
  CHECK_THAT(trouble(8, "  - {name: nvme0}"), Catch::Contains("no key 'model' in devices.nvme0"));
  CHECK_THAT(trouble(19, "  - {name: x}"), Catch::Contains("no key 'kind'"));
}

TEST_CASE("a topology that no machine has is refused", "[scenario]") {
  CHECK(trouble(4, "  cpus: 0") == "s.yaml:4:9: found 0 for host.cpus, expected 1 to 1024");
  CHECK_THAT(trouble(4, "  cpus: 1025"), Catch::Contains("expected 1 to 1024"));
  CHECK_THAT(trouble(4, "  cpus: 4\n  smt: 3"),
             Catch::StartsWith("s.yaml:5:8: found 3 for host.smt, expected a divisor"));
  CHECK_THAT(trouble(4, "  cpus: 4\n  llc_cpus: 3"), Catch::Contains("for host.llc_cpus"));
  CHECK_THAT(trouble(4, "  cpus: 4\n  idle: []"), Catch::Contains("no idle state"));
  CHECK(trouble(7, "  - {name: eth0, model: nic, queues: 2, irq_cpus: [0, 4]}") ==
        "s.yaml:7:51: found CPU 4, which is absent, for devices.eth0.irq_cpus, expected 0 to 3: host.cpus is "
        "4");
  CHECK_THAT(trouble(7, "  - {name: eth0, model: nic, irq_cpus: [0, 1]}"),
             Catch::Contains("2 CPUs for devices.eth0.irq_cpus"));
  CHECK(trouble(7, "  - {name: eth0, model: nic, ring: 0}") ==
        "s.yaml:7:36: found 0 for devices.eth0.ring, expected 1 to 1048576");
  CHECK_THAT(trouble(8, "  - {name: nvme0, model: nvme, queues: 0}"),
             Catch::Contains("found 0 for devices.nvme0.queues"));
  CHECK_THAT(trouble(8, "  - {name: nvme0, model: nvem}"), Catch::Contains("did you mean 'nvme'?"));
  CHECK_THAT(trouble(8, "  - {name: eth0, model: nvme}"), Catch::Contains("a second 'eth0' in devices"));
  CHECK_THAT(trouble(17, "    sched: {cpus: [7]}"), Catch::Contains("CPU 7, which is absent"));
  CHECK_THAT(trouble(17, "    sched: {cpus: []}"), Catch::Contains("an empty list of CPUs"));
  CHECK_THAT(trouble(17, "    sched: {cpus: [1, 1]}"), Catch::Contains("CPU 1 twice"));
  CHECK_THAT(trouble(17, "    home_cpu: 4"), Catch::Contains("CPU 4, which is absent"));
}

TEST_CASE("asking to move a managed vector is refused as the kernel refuses it", "[scenario]") {
  const std::string reason =
      "managed by the kernel and cannot be moved, expected no such key (write to smp_affinity: EPERM)";

  CHECK_THAT(trouble(8, "  - {name: nvme0, model: nvme, irq_cpus: [0]}"),
             Catch::StartsWith("s.yaml:8:32: found irq_cpus, but the vectors of nvme0 are " + reason));
  CHECK_THAT(set_trouble("devices.nvme0.irq_cpus=[0]"),
             Catch::StartsWith("--set:1: ") && Catch::EndsWith(reason));
  CHECK_THAT(trouble(8, "  - {name: vda, model: virtio_blk, irq_cpus: [0]}"), Catch::Contains(reason));
}

TEST_CASE("work for a device that is absent or of another kind is refused", "[scenario]") {
  CHECK(trouble(15, "    read: {device: nvme1}") ==
        "s.yaml:15:20: found the device 'nvme1', which does not exist, for agents.reader.read.device, "
        "expected a device of model nvme or virtio_blk: nvme0; did you mean 'nvme0'?");
  CHECK_THAT(trouble(14, "    tool: {device: nvme0}"),
             Catch::Contains("found the nvme 'nvme0'") && Catch::Contains("veth or nic"));
  CHECK_THAT(trouble(14, "    tool: {service: 1us}"),
             Catch::Contains("found no device for agents.reader.tool.device"));
  CHECK_THAT(trouble(14, "    tool: {device: veth0, one_way: 1us}"), Catch::Contains("0ns on a veth"));
  CHECK_THAT(trouble(15, "    read: {device: nvme0, size: 100B}"), Catch::Contains("a multiple of 512B"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: flow, device: veth0, rate: 1MB/s}"),
             Catch::Contains("of model nic: eth0"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: bulk, device: eth0, rate: 1MB/s}"),
             Catch::Contains("of model veth: veth0"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: writer, device: eth0, rate: 1MB/s}"),
             Catch::Contains("nvme or virtio_blk"));
}

TEST_CASE("loads and tasks that could not run are refused", "[scenario]") {
  CHECK_THAT(trouble(19, "  - {name: x, kind: writer, device: nvme0}"),
             Catch::Contains("found nothing for background.x.rate"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: writer, device: nvme0, rate: 0MB/s}"),
             Catch::Contains("more than 0"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: hog, rate: 1MB/s}"),
             Catch::Contains("a key that hog does not read"));
  CHECK_THAT(trouble(19, "  - {name: x, kind: burst, busy: 1ms}"),
             Catch::Contains("nothing for background.x.sleep"));
  CHECK_THAT(trouble(12, "    count: 0"), Catch::Contains("found 0 for agents.reader.count"));
  CHECK_THAT(trouble(17, "    sched: {nice: -21}"), Catch::Contains("expected -20 to 19"));
  CHECK_THAT(trouble(17, "    sched: {sched: fifo, rt_priority: 100}"), Catch::Contains("expected 1 to 99"));
  CHECK_THAT(trouble(17, "    sched: {slice: 50us}"), Catch::Contains("100us to 100ms"));
  CHECK_THAT(trouble(2, "run: {warmup: 0s, duration: 1s}"), Catch::Contains("more than 0ns"));
  CHECK_THAT(trouble(2, "run: {warmup: 1s, duration: 0s}"), Catch::Contains("more than 0ns"));
  CHECK_THAT(trouble(2, "run: {warmup: 1s, duration: 1s, replications: 0}"),
             Catch::Contains("found 0 for run.replications"));
  CHECK_THAT(set_trouble("policies=[{name: agent_wakeup_placment}]"),
             Catch::Contains("did you mean 'agent_wakeup_placement'?"));
  CHECK_THAT(set_trouble("host.kernel.hz=128"), Catch::Contains("100, 250, 300 or 1000"));
}

TEST_CASE("an agent that would spin without end is refused", "[scenario]") {
  const Scratch scratch;
  const std::string text = "schema: 1\nrun: {warmup: 1s, duration: 1s}\nhost: {costs: defaults.yaml}\n";

  CHECK_THAT(trouble_of(scratch, text + "agents: [{name: a, compute: 5us}]\n"),
             Catch::Contains("never waits"));
  CHECK_THAT(trouble_of(scratch, text), Catch::Contains("nobody who runs"));
  CHECK(trouble_of(scratch, text + "agents: [{name: a, think: 5us}]\n").empty());
}

TEST_CASE("a profile that is not there is refused where the scenario names it", "[scenario]") {
  CHECK_THAT(trouble(5, "  costs: nowhere.yaml"),
             Catch::StartsWith("s.yaml:5:10: found no file 'nowhere.yaml' for host.costs"));
}

TEST_CASE("an error in a variant points at the variant's line", "[scenario]") {
  CHECK_THAT(trouble(25, "      agents.reader.sched.nice: -50"),
             Catch::StartsWith("s.yaml:25:33: found -50"));
  CHECK_THAT(trouble(25, "      agents.raeder.sched.nice: -5"),
             Catch::StartsWith("s.yaml:25:7: found no 'raeder' in agents"));
  CHECK_THAT(trouble(25, "      run.duration: 5s"), Catch::Contains("all variants share one run"));
  CHECK_THAT(trouble(23, "    tilte: x"), Catch::Contains("did you mean 'title'?"));
  CHECK_THROWS_WITH(find_variant(small(), "C"), Catch::Contains("no variant 'C', expected one of A, B"));
}
