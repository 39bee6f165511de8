// chainsim validate --replay: the models driven by captures of the kernel's own scheduling.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace tools {

struct ReplayArguments {
  bool replay = false;
  std::string release;
  std::string preempt;
  bool autogroup = false, no_autogroup = false;
  std::string placement = "kernel_default";
  std::string mode = "teacher";
  double seconds = 0;
  std::size_t worst = 0;
  std::string out;
};

void add_replay_options(CLI::App& verb, ReplayArguments& arguments);
void validate_replay(const std::vector<std::string>& captures, const ReplayArguments& arguments, bool json,
                     std::uint64_t seed);

}  // namespace tools
