// chainsim topology: what is this machine, as the machine part of a scenario?
#include <memory>

#include "calibration/topology/topology.h"
#include "tools/options.h"
#include "tools/verbs.h"

namespace tools {
namespace {

struct Arguments {
  std::string directory = "/";
  std::string save;
  bool json = false;
};

void describe(const Arguments& arguments) {
  if (!arguments.save.empty()) {
    calibration::save_topology_files(arguments.directory, arguments.save);
    print("written: " + arguments.save + " (describe it with: chainsim topology " + arguments.save + ")\n");
    return;
  }
  const calibration::Topology topology = calibration::read_topology(arguments.directory);
  print(arguments.json ? calibration::topology_json(topology) : calibration::topology_yaml(topology));
}

}  // namespace

void add_topology(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& verb = *app.add_subcommand(
      "topology",
      "Describes this machine, or one whose files were saved: CPUs, caches, idle states, interrupts, queues, "
      "scheduler, sysctls, as the machine part of a scenario (docs/topology.md). It changes nothing; what "
      "cannot "
      "be read it names.\nExample: chainsim topology > machine.yaml");
  verb.add_option("DIR", arguments->directory,
                  "a directory with proc/ and sys/, or with saved files (default: this machine)");
  verb.add_option("--save", arguments->save,
                  "only copy the files that are read into DIR: no addresses, serial numbers or command lines")
      ->type_name("DIR");
  verb.add_flag("--json", arguments->json, "print JSON with the source of every value instead of YAML");
  verb.footer(std::string{exit_codes});
  verb.callback([arguments] { describe(*arguments); });
}

}  // namespace tools
