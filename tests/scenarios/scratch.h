// A directory of a test's own, with a complete set of default costs in it; gone at the end of the test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "models/costs.h"

struct Scratch {
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "chainsim-test-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
    write("defaults.yaml", defaults());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name) const { return directory + "/" + name; }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{path(name), std::ios::binary} << text;
    return path(name);
  }

  static std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return text.str();
  }

  // 101ns, 102ns, ...: a wrong cost shows.
  static std::string defaults() {
    std::string text = "schema: 1\nkind: defaults\ncosts:\n";
    int value = 100;
    for (const models::CostEntry& entry : models::cost_list) {
      text += "  " + std::string{entry.name} + ": {value: " + std::to_string(++value) + "ns, source: test}\n";
    }
    return text;
  }

  std::string directory;
};

// A small host in which everything is named: the line numbers of tests count from here.
inline std::string small_scenario() {
  return "schema: 1\n"                                                     // 1
         "run: {seed: 1, warmup: 100ms, duration: 1s, replications: 3}\n"  // 2
         "host:\n"                                                         // 3
         "  cpus: 4\n"                                                     // 4
         "  costs: defaults.yaml\n"                                        // 5
         "devices:\n"                                                      // 6
         "  - {name: eth0, model: nic, queues: 2, irq_cpus: [0, 1]}\n"     // 7
         "  - {name: nvme0, model: nvme, queues: 4}\n"                     // 8
         "  - {name: veth0, model: veth}\n"                                // 9
         "agents:\n"                                                       // 10
         "  - name: reader\n"                                              // 11
         "    count: 2\n"                                                  // 12
         "    think: {exponential: {mean: 1ms}}\n"                         // 13
         "    tool: {device: veth0, service: 300us}\n"                     // 14
         "    read: {device: nvme0}\n"                                     // 15
         "    compute: 30us\n"                                             // 16
         "    sched: {nice: 0}\n"                                          // 17
         "background:\n"                                                   // 18
         "  - {name: hogs, kind: hog, count: 1}\n"                         // 19
         "variants:\n"                                                     // 20
         "  A: {title: defaults}\n"                                        // 21
         "  B:\n"                                                          // 22
         "    title: nicer\n"                                              // 23
         "    set:\n"                                                      // 24
         "      agents.reader.sched.nice: -5\n"                            // 25
         "      devices.eth0.irq_cpus: [3]\n";                             // 26
}

// `text` with its line `number` (from 1) replaced; several lines may replace it.
inline std::string with_line(const std::string& text, int number, const std::string& line) {
  std::istringstream in{text};
  std::string result;
  std::string each;
  for (int i = 1; std::getline(in, each); ++i) {
    result += (i == number ? line : each) + "\n";
  }
  return result;
}
