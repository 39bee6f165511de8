#include "scenarios/profile.h"

#include <sys/stat.h>
#include <catch2/catch.hpp>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "scenarios/scenario.h"
#include "tests/scenarios/scratch.h"

using namespace scenarios;
using namespace sim;
using models::Cost;

namespace {

const std::string calibrated =
    "schema: 1\n"
    "kind: profile\n"
    "machine: a machine\n"
    "domain: {cpus: [2, 2], kernels: [\"6.12\"], devices: [veth, virtio_blk], loads: [idle]}\n"
    "costs:\n"
    "  tick: {value: 7us, basis: calibrated, source: capture, count: 12, fit: constant, ks: 0.01}\n"
    "  nic_dma: {value: 1us, basis: default, source: assumed}\n";

std::string trouble(const std::string& path) {
  try {
    load_profile(path);
  } catch (const InputError& error) {
    const std::string message = error.what();
    return message.substr(error.file().rfind('/') + 1);
  }
  return "";
}

models::HostConfig sixteen_cpus() {
  models::HostConfig host;
  host.topology.cpus = 16;
  host.topology.smt = 2;
  host.kernel.release = models::KernelRelease::v6_18;
  host.devices = {models::NicConfig{}, models::NvmeConfig{}, models::VethConfig{}};
  host.policies = {{.name = "agent_wakeup_placement"}};
  return host;
}

}  // namespace

TEST_CASE("a profile keeps its costs and takes the rest from the defaults, each with its basis",
          "[profile]") {
  const Scratch scratch;

  const Profile profile = load_profile(scratch.write("p.yaml", calibrated));
  const models::Costs costs = costs_of(profile);

  CHECK(costs[Cost::tick].value.quantile(0.5) == 7us);
  CHECK(costs[Cost::tick].basis == models::Basis::calibrated);
  CHECK(costs[Cost::nic_dma].value.quantile(0.5) == 1us);
  CHECK(costs[Cost::nic_dma].basis == models::Basis::fallback);
  CHECK(costs[Cost::hardirq_entry].value.quantile(0.5) == 101ns);
  CHECK(costs[Cost::hardirq_entry].basis == models::Basis::fallback);
  CHECK(profile[Cost::tick]->source == "capture");
  CHECK(profile[Cost::tick]->count == 12);
  CHECK(profile[Cost::tick]->ks == 0.01);
}

TEST_CASE("a profile may name its defaults, and the caller overrules it", "[profile]") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path("sub"));
  scratch.write("sub/p.yaml", "schema: 1\nkind: profile\ndefaults: ../defaults.yaml\ncosts: {}\n");
  scratch.write("sub/q.yaml", "schema: 1\nkind: profile\ncosts: {}\n");

  CHECK(load_profile(scratch.path("sub/p.yaml"))[Cost::tick].has_value());
  CHECK(load_profile(scratch.path("sub/q.yaml"), scratch.path("defaults.yaml"))[Cost::tick].has_value());
  CHECK_THAT(trouble(scratch.path("sub/q.yaml")), Catch::StartsWith("defaults.yaml: found No such file"));
}

TEST_CASE("a profile that could not be meant is refused at its place", "[profile]") {
  const Scratch scratch;
  const auto with = [&](int line, const std::string& text) {
    return trouble(scratch.write("p.yaml", with_line(calibrated, line, text)));
  };

  CHECK(with(1, "schema: 2") == "p.yaml:1:9: found schema '2', expected 1: this version reads no other");
  CHECK_THAT(with(2, "kind: scenario"), Catch::Contains("the kind 'scenario'"));
  CHECK_THAT(with(6, "  tikc: {value: 7us}"), Catch::StartsWith("p.yaml:6:3: found unknown cost 'tikc'") &&
                                                  Catch::EndsWith("did you mean 'tick'?"));
  CHECK_THAT(with(6, "  tick: {basis: calibrated, source: x}"),
             Catch::Contains("no key 'value' in costs.tick"));
  CHECK_THAT(with(6, "  tick: {value: 7us, basis: calibrated}"),
             Catch::Contains("no key 'source' in costs.tick"));
  CHECK_THAT(with(6, "  tick: {value: 7us, source: x}"), Catch::Contains("no key 'basis' in costs.tick"));
  CHECK_THAT(with(6, "  tick: {value: 7, basis: calibrated, source: x}"), Catch::Contains("missing unit"));
  CHECK_THAT(with(6, "  tick: {value: 7us, basis: measured, source: x}"),
             Catch::Contains("calibrated or default"));
  CHECK_THAT(with(4, "domain: {cpus: [4, 2]}"), Catch::Contains("[fewest, most]"));
}

TEST_CASE("defaults without one of the costs are refused", "[profile]") {
  const Scratch scratch;
  scratch.write("defaults.yaml", "schema: 1\nkind: defaults\ncosts: {tick: {value: 1us, source: x}}\n");

  CHECK_THAT(trouble(scratch.write("p.yaml", calibrated)),
             Catch::StartsWith("defaults.yaml: found no cost 'hardirq_entry'"));
  scratch.write("defaults.yaml",
                "schema: 1\nkind: defaults\ncosts: {tick: {value: 1us, source: x, basis: calibrated}}\n");
  CHECK_THAT(trouble(scratch.write("p.yaml", calibrated)),
             Catch::Contains("a calibrated cost among the defaults"));
}

TEST_CASE("what a scenario has and the captures do not is listed", "[profile]") {
  const Scratch scratch;
  const Profile profile = load_profile(scratch.write("p.yaml", calibrated));

  CHECK(outside_domain(profile, sixteen_cpus()) ==
        std::vector<std::string>{"16 CPUs (calibrated: 2)", "SMT 2 (calibrated: 1)",
                                 "Linux 6.18 (calibrated: 6.12)", "nic, nvme never seen",
                                 "policy agent_wakeup_placement never seen"});
  models::HostConfig inside;
  inside.devices = {models::VethConfig{}, models::VirtioBlkConfig{}};
  inside.policies = {{.name = "kernel_default"}};
  CHECK(outside_domain(profile, inside).empty());
  CHECK(outside_domain(load_profile(scratch.path("defaults.yaml")), inside) ==
        std::vector<std::string>{"the profile rests on no captures"});
}

TEST_CASE("a written profile reads back the same", "[profile]") {
  const Scratch scratch;
  Profile profile = load_profile(scratch.write("p.yaml", calibrated));
  profile[Cost::msi_delivery] = ProfileCost{.value = written_quantiles({{0, 1us}, {0.5, 3us}, {1, 20us}}),
                                            .basis = models::Basis::calibrated,
                                            .source = "idle.irq.txt.gz: \"irq 36\"",
                                            .count = 345,
                                            .fit = "empirical",
                                            .ks = 0.0123,
                                            .note = "two lines\nand a # sign"};

  write_profile(scratch.path("out.yaml"), profile);
  const Profile again = load_profile_alone(scratch.path("out.yaml"));

  CHECK(profile_text(again) == Scratch::read(scratch.path("out.yaml")));
  CHECK(again.domain.devices == profile.domain.devices);
  CHECK(again[Cost::msi_delivery]->source == profile[Cost::msi_delivery]->source);
  CHECK(again[Cost::msi_delivery]->note == profile[Cost::msi_delivery]->note);
  CHECK(again[Cost::msi_delivery]->value.value.quantile(0.5) == 3us);
}

TEST_CASE("a profile carries uncertainties, dependence, steal and the spread of real runs", "[profile]") {
  const Scratch scratch;
  const Profile profile = load_profile(scratch.write(
      "p.yaml",
      "schema: 1\n"
      "kind: profile\n"
      "steal: {interval: {exponential: {mean: 50ms}}, length: 1ms, source: gaps}\n"
      "repeat_spread: {step: [0.01, 0.02, 0.03, 0.04]}\n"
      "costs:\n"
      "  tick: {value: {lognormal: {median: 7us, sigma: 0.5}}, basis: calibrated, source: s,\n"
      "         uncertainty: {p50: 0.01, p99: 0.05}, autocorrelation: 0.25}\n"));

  const Profile again = load_profile(scratch.write("q.yaml", profile_text(profile)));

  CHECK(profile_text(again) == profile_text(profile));
  REQUIRE(again.steal);
  CHECK(again.steal->interval.value.mean_ns() == Approx(50e6));
  CHECK(again.steal->length.value.quantile(0.5) == 1ms);
  REQUIRE(again.repeat_spread.size() == 1);
  CHECK(again.repeat_spread[0].column == "step");
  CHECK(again.repeat_spread[0].relative[3] == 0.04);
  REQUIRE(again[Cost::tick]->uncertainty);
  CHECK(again[Cost::tick]->uncertainty->p99 == 0.05);
  CHECK(costs_of(again)[Cost::tick].autocorrelation == 0.25);
  CHECK(costs_of(again)[Cost::nic_dma].autocorrelation == 0);
}

TEST_CASE("a profile's steal applies where the scenario has none", "[profile]") {
  const Scratch scratch;
  const std::string stolen = scratch.write(
      "stolen.yaml", "schema: 1\nkind: profile\nsteal: {interval: 50ms, length: 1ms, source: gaps}\ncosts:\n"
                     "  tick: {value: 7us, basis: calibrated, source: s}\n");
  const std::string scenario = scratch.write("s.yaml", small_scenario());

  const auto steal = [&](std::vector<std::string> sets) {
    sets.insert(sets.begin(), "host.costs=" + stolen);
    return load_scenario(scenario, sets).base.host.topology.steal.length.quantile(0.5);
  };

  CHECK(steal({}) == 1ms);
  CHECK(steal({"host.steal={interval: 10ms, length: 2ms}"}) == 2ms);
}

TEST_CASE("a file that cannot be written whole leaves the old one as it was", "[profile]") {
  const Scratch scratch;
  const std::string path = scratch.write("old.yaml", "old");

  CHECK_THROWS_WITH(write_file(scratch.path("missing/p.yaml"), "new"),
                    Catch::EndsWith("No such file or directory"));
  CHECK_THROWS_WITH(write_file("/dev/full", "new"), "/dev/full: cannot be written: No space left on device");
  CHECK_THROWS_AS(write_file(path + "/x", "new"), OutputError);
  CHECK_THROWS_AS(prepare_directory(path), OutputError);
  CHECK(Scratch::read(path) == "old");
  write_file(path, "new");
  CHECK(Scratch::read(path) == "new");
  CHECK(std::distance(std::filesystem::directory_iterator{scratch.directory}, {}) == 2);
}
