#include "tools/validate_replay.h"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/replay/replay.h"
#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "tools/options.h"
#include "tools/tables.h"

namespace tools {
namespace {

using calibration::CaptureReplay;
using calibration::Decision;
using calibration::DecisionScore;

constexpr std::size_t shown_classes = 4;

std::string percent(double share) { return fmt::format("{:.1f}", share * 100); }

std::string percent(double share, calibration::Interval interval) {
  return fmt::format("{} [{}, {}]", percent(share), percent(interval.low), percent(interval.high));
}

std::string_view title(Decision decision) {
  constexpr std::array<std::string_view, calibration::decisions> titles{
      "CPU at a wakeup", "sleeper still queued",   "next task",
      "preempted",       "reschedule at a wakeup", "reschedule at a tick"};
  return titles[static_cast<std::size_t>(decision)];
}

void add_rows(Table& table, const CaptureReplay& replay) {
  for (std::size_t i = 0; i < calibration::decisions; ++i) {
    const DecisionScore& score = replay.teacher->scores[i];
    if (score.n == 0) {
      table.row({"  " + std::string{title(static_cast<Decision>(i))}, "0", "-", "-", "-"});
      continue;
    }
    const calibration::Baseline& baseline = score.better_baseline();
    const double other = 1 - static_cast<double>(baseline.errors) / static_cast<double>(score.n);
    const bool has_baseline = !baseline.name.empty();
    table.row({"  " + std::string{title(static_cast<Decision>(i))}, std::to_string(score.n),
               percent(score.agreement(), calibration::wilson(score.n - score.errors, score.n)),
               has_baseline ? fmt::format("{} ({})", percent(other), baseline.name) : "-",
               has_baseline && baseline.errors > 0
                   ? percent(score.errors_removed(), score.errors_removed_interval())
                   : "-"});
  }
}

std::string kernel_of(const CaptureReplay& replay) {
  const calibration::ReplayKernel& kernel = replay.input.kernel;
  constexpr std::array<std::string_view, 3> models{"none", "voluntary", "full"};
  const auto model = static_cast<std::size_t>(kernel.config.preemption);
  return fmt::format("Linux {} ({}), preemption {} ({}), autogroup {} ({}), placement {}", kernel.release,
                     kernel.release_source, model < models.size() ? models[model] : "lazy",
                     kernel.preemption_source, kernel.autogroup ? "on" : "off", kernel.autogroup_source,
                     replay.placement);
}

std::string details_of(const CaptureReplay& replay, std::size_t worst) {
  std::string text;
  for (std::size_t i = 0; i < calibration::decisions; ++i) {
    const DecisionScore& score = replay.teacher->scores[i];
    std::vector<std::pair<std::string, calibration::DecisionClass>> classes(score.classes.begin(),
                                                                            score.classes.end());
    std::stable_sort(classes.begin(), classes.end(),
                     [](const auto& a, const auto& b) { return a.second.errors > b.second.errors; });
    if (score.errors > 0) {
      text +=
          fmt::format("  {}: {} of {} otherwise\n", title(static_cast<Decision>(i)), score.errors, score.n);
    }
    for (std::size_t k = 0; k < std::min(shown_classes, classes.size()) && classes[k].second.errors > 0;
         ++k) {
      text += fmt::format("    {:>6} of {:>6}  {}\n", classes[k].second.errors, classes[k].second.n,
                          classes[k].first);
    }
    for (const auto& [why, count] : score.not_scored) {
      text += fmt::format("    {:>6} not scored: {}\n", count, why);
    }
  }
  for (const auto& [what, count] : replay.teacher->corrections) {
    text += fmt::format("  corrected {:>6} times: {}\n", count, what);
  }
  for (const calibration::DecisionDisagreement* each : worst_disagreements(*replay.teacher, worst)) {
    text += fmt::format("  {:.6f} CPU {} {} ({})\n    kernel: {}; model: {}\n",
                        static_cast<double>(each->time) / 1e9, each->cpu, title(each->decision), each->key,
                        each->kernel, each->model);
    for (const std::string& line : each->candidates) {
      text += "      " + line + "\n";
    }
  }
  return text;
}

constexpr std::string_view explained =
    "agrees: share of the decisions that the model takes as the kernel did, [95 %, Wilson]; removed: 1 - the "
    "model's\n"
    "errors / the better baseline's. Inferred: a wakeup in NET_RX carries WF_SYNC, others do not; threads "
    "are bound\n"
    "and are the kernel's by name; interrupt time is charged to the task. A CPU counts from its first idle "
    "on.\n";

std::string text_of(const std::vector<CaptureReplay>& replays, std::size_t worst) {
  std::string text;
  const bool teacher = !replays.empty() && replays.front().teacher.has_value();
  if (teacher) {
    Table table{{"DECISION", "n", "model agrees %", "baseline %", "errors removed %"}};
    for (const CaptureReplay& replay : replays) {
      table.heading(replay.input.name);
      add_rows(table, replay);
    }
    text += table.text() + "\n" + std::string{explained} + "\n";
  }
  for (const CaptureReplay& replay : replays) {
    const calibration::ReplayLosses& losses = replay.input.losses;
    text += fmt::format("{}: {}; {} switches, {} broken\n", replay.input.name, kernel_of(replay),
                        losses.switches, losses.broken_switches);
    text += replay.teacher ? details_of(replay, worst) : "";
    text += replay.free ? text_of(replay.input, *replay.free) : "";
  }
  return text;
}

calibration::ReplayRequest request_of(const ReplayArguments& arguments, std::uint64_t seed) {
  calibration::ReplayRequest request;
  if (!arguments.release.empty()) {
    request.input.release = arguments.release;
  }
  if (!arguments.preempt.empty()) {
    request.input.preemption = arguments.preempt == "full"        ? models::Preemption::full
                               : arguments.preempt == "voluntary" ? models::Preemption::voluntary
                                                                  : models::Preemption::none;
  }
  if (arguments.autogroup || arguments.no_autogroup) {
    request.input.autogroup = arguments.autogroup;
  }
  request.input.seconds = arguments.seconds;
  request.teacher.placement.name = arguments.placement;
  request.teacher_forced = arguments.mode != "free";
  request.free_running = arguments.mode != "teacher";
  request.seed = seed;
  request.worst = arguments.worst;
  return request;
}

}  // namespace

void add_replay_options(CLI::App& verb, ReplayArguments& arguments) {
  const std::string group = "Replay";
  verb.add_flag("--replay", arguments.replay,
                "Drive the models with captures of scheduling events (ftrace, trace.dat)")
      ->group(group);
  verb.add_option(
          "--mode", arguments.mode,
          "teacher: compare each decision, then take the kernel's; free: the model decides all; or both")
      ->check(CLI::IsMember({"teacher", "free", "both"}))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--release", arguments.release,
                  "The captures' kernel, 6.12 or 6.18.44; default: what lies beside them says")
      ->group(group);
  verb.add_option("--preempt", arguments.preempt, "Its preemption model")
      ->check(CLI::IsMember({"none", "voluntary", "full"}))
      ->group(group);
  CLI::Option* on = verb.add_flag("--autogroup", arguments.autogroup,
                                  "All tasks but kernel threads in one autogroup; default: on from 6.15")
                        ->group(group);
  verb.add_flag("--no-autogroup", arguments.no_autogroup, "All tasks in the root group")
      ->excludes(on)
      ->group(group);
  verb.add_option("--placement", arguments.placement, "Who chooses CPUs at wakeups")
      ->check(CLI::IsMember({"kernel_default", "pack_on_running"}))
      ->capture_default_str()
      ->group(group);
  verb.add_option("--replay-seconds", arguments.seconds,
                  "Only this much from each capture's beginning; 0: all")
      ->check(CLI::Range(0.0, 1e6))
      ->group(group);
  verb.add_option("--worst", arguments.worst,
                  "List this many disagreements of each capture, with their context")
      ->group(group);
  verb.add_option("--out", arguments.out, "Write the JSON to this file too")->group(group);
}

void validate_replay(const std::vector<std::string>& captures, const ReplayArguments& arguments, bool json,
                     std::uint64_t seed) {
  const calibration::ReplayRequest request = request_of(arguments, seed);
  std::vector<CaptureReplay> replays;
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const std::filesystem::path& capture : calibration::find_replayable(captures)) {
    replays.push_back(calibration::replay_capture(capture, request));
    CaptureReplay& replay = replays.back();
    rows.push_back(json_of(replay, arguments.worst));
    if (!request.free_running) {
      replay.input.events = {};  // only the counts are still needed
    }
  }
  const std::string document =
      nlohmann::ordered_json{{"schema", 1}, {"kind", "replay"}, {"captures", rows}}.dump(2) + "\n";
  if (!arguments.out.empty()) {
    scenarios::write_file(arguments.out, document);
  }
  print(json ? document : text_of(replays, arguments.worst));
}

}  // namespace tools
