// Runs the built program as a user does, and keeps what it printed.
#pragma once

#include <sys/wait.h>

#include <cstdlib>
#include <string>

#include "tests/scenarios/scratch.h"

struct CliResult {
  int code = -1;
  std::string out;
  std::string err;
};

// `arguments` goes through the shell, in the scratch directory. `before` may set limits or a timeout.
inline CliResult chainsim(const Scratch& scratch, const std::string& arguments,
                          const std::string& before = "") {
  const std::string command = "cd '" + scratch.directory + "' && " + before + " '" + CHAINSIM_BINARY + "' " +
                              arguments + " >stdout.txt 2>stderr.txt";
  const int status = std::system(command.c_str());
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out = Scratch::read(scratch.path("stdout.txt")),
          .err = Scratch::read(scratch.path("stderr.txt"))};
}

// A scratch directory with a scenario that takes a moment: s.yaml.
struct CliScratch : Scratch {
  CliScratch() {
    write("s.yaml",
          with_line(small_scenario(), 2, "run: {seed: 1, warmup: 5ms, duration: 40ms, replications: 3}"));
  }
};
