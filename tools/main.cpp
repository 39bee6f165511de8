// chainsim: the list of its verbs, and the one place that turns an error into a line and an exit code.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "scenarios/suggest.h"
#include "tools/interrupt.h"
#include "tools/options.h"
#include "tools/verbs.h"

namespace {

int fail(const std::string& message, int code) {
  std::fprintf(stderr, "chainsim: %s\n", message.c_str());
  return code;
}

// "chainsim run", for "see chainsim run --help".
std::string command_so_far(const CLI::App& app) {
  const auto verbs = app.get_subcommands();
  return verbs.empty() ? "chainsim" : "chainsim " + verbs.front()->get_name();
}

// What CLI11 says, or for a mistyped verb which one is near.
std::string usage_message(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  if (app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> verbs;
    for (const CLI::App* verb : app.get_subcommands({})) {
      verbs.push_back(verb->get_name());
    }
    const std::string near = scenarios::did_you_mean(argv[1], verbs);
    return "unknown verb " + scenarios::quoted(argv[1]) + ", expected one of " + scenarios::listed(verbs) +
           (near.empty() ? "" : "; " + near);
  }
  return std::string{error.what()} + "; see " + command_so_far(app) + " --help";
}

}  // namespace

int main(int argc, char** argv) {
  tools::interrupted();  // from now on Ctrl-C asks for an orderly end
  CLI::App app{"Simulates the Linux completion chain: device, interrupt, softirq, wakeup, scheduler, agent."};
  app.set_version_flag("--version", std::string{"chainsim "} + CHAINSIM_VERSION);
  app.footer(std::string{tools::exit_codes});
  app.require_subcommand(1);
  tools::add_run(app);
  tools::add_compare(app);
  tools::add_calibrate(app);
  tools::add_validate(app);
  tools::add_check(app);
  tools::add_analyze(app);
  tools::add_topology(app);
  tools::add_capture(app);
  tools::add_live(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return fail(usage_message(app, error, argc, argv), tools::exit_input);
  } catch (const scenarios::InputError& error) {
    return fail(error.what(), tools::exit_input);
  } catch (const scenarios::OutputError& error) {
    return fail(error.what(), tools::exit_output);
  } catch (const tools::Interrupted&) {
    return fail("interrupted", tools::exit_interrupted);
  } catch (const std::exception& error) {
    return fail(std::string{"internal error: "} + error.what(), tools::exit_internal);
  }
}
