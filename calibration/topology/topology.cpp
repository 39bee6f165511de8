#include "calibration/topology/topology.h"

#include <algorithm>

#include "calibration/topology/readers.h"
#include "scenarios/output.h"

namespace calibration {
namespace {

Topology read_all(FileTree& tree, const std::filesystem::path& root) {
  Topology topology;
  topology.root = root.string();
  read_kernel(tree, topology);
  read_interrupts(tree, topology);
  read_cpus(tree, topology);
  read_idle(tree, topology);
  read_sched_domains(tree, topology);
  read_devices(tree, topology);
  if (!tree.has("/sys")) {
    infer_devices(topology);
  }
  infer_managed(topology);
  topology.not_read = tree.not_read();
  topology.warnings = tree.warnings();
  return topology;
}

}  // namespace

Topology read_topology(const std::filesystem::path& root) {
  FileTree tree{root};
  return read_all(tree, root);
}

void save_topology_files(const std::filesystem::path& root, const std::filesystem::path& directory) {
  FileTree tree{root};
  read_all(tree, root);
  scenarios::prepare_directory(directory.string());
  for (const auto& [path, text] : tree.kept()) {
    const std::filesystem::path file = directory / path;
    std::error_code error;
    std::filesystem::create_directories(file.parent_path(), error);
    if (error) {
      throw scenarios::OutputError{file.parent_path().string() + ": " + error.message()};
    }
    scenarios::write_file(file.string(), text);
  }
}

}  // namespace calibration
