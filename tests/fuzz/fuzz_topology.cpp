#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "calibration/topology/topology.h"
#include "scenarios/yaml.h"
#include "tests/fuzz/harness.h"

namespace fuzz {
namespace {

namespace fs = std::filesystem;

// A machine's files, saved in memory and gone at the end.
class Machine {
 public:
  Machine() {
    std::string pattern = "/dev/shm/chainsim-fuzz-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error{"no temporary directory"};
    }
    directory_ = pattern;
  }
  ~Machine() { clear(directory_); }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // A path that leads nowhere or outside is no file of a machine.
  void put(const fs::path& name, std::string_view text) const {
    const fs::path inside = name.relative_path().lexically_normal();
    if (inside.empty() || *inside.begin() == ".." || inside.native().size() > 200 ||
        inside.native().find('\0') != std::string::npos) {
      return;
    }
    std::error_code ignored;
    fs::create_directories((directory_ / inside).parent_path(), ignored);
    std::ofstream{directory_ / inside, std::ios::binary} << text;
  }

  const fs::path& root() const { return directory_; }

 private:
  static void clear(const fs::path& directory) {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
  }

  fs::path directory_;
};

}  // namespace

// Several files in one: "=== path" starts each.
void topology(std::string_view input) {
  constexpr std::string_view heading = "=== ";
  constexpr int most_files = 16;
  const Machine machine;
  for (int i = 0; i < most_files && input.starts_with(heading); ++i) {
    const auto line_end = std::min(input.find('\n'), input.size());
    const std::string_view name = input.substr(heading.size(), line_end - heading.size());
    const auto next = std::min(input.find("\n=== ", line_end), input.size());
    machine.put(name, input.substr(std::min(line_end + 1, next), next - std::min(line_end + 1, next)));
    input.remove_prefix(std::min(next + 1, input.size()));
  }
  may_refuse([&] {
    const calibration::Topology topology = calibration::read_topology(machine.root());
    promise(!calibration::topology_json(topology).empty(), "a topology can be printed as JSON");
    const std::string yaml = calibration::topology_yaml(topology);
    try {
      scenarios::parse_yaml(yaml, "topology", "a scenario");
    } catch (const scenarios::InputError& error) {
      throw Broken{"a topology's YAML cannot be read: " + std::string{error.what()}};
    }
  });
}

}  // namespace fuzz
