// The verbs. Each adds itself to the program: its options, its help, and what it does. One file each.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tools {

void add_run(CLI::App& app);
void add_compare(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_validate(CLI::App& app);
void add_check(CLI::App& app);
void add_analyze(CLI::App& app);
void add_topology(CLI::App& app);
void add_capture(CLI::App& app);
void add_live(CLI::App& app);

// --workload LOAD=SCENARIO, repeated: calibrate and validate share it. Throws InputError.
std::vector<std::pair<std::string, std::string>> parse_workloads(const std::vector<std::string>& arguments);

}  // namespace tools
