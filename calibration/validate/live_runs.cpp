#include "calibration/validate/live_runs.h"

#include <algorithm>

#include "calibration/validate/json_fields.h"
#include "scenarios/input_error.h"
#include "scenarios/suggest.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;
using scenarios::InputError;

constexpr std::string_view run_suffix = ".run.json";

struct RunName {
  std::string stem;  // "mixed.r3"
  std::string variant;
  int repetition = 0;
  bool captured = false;
};

// "mixed.r3.run.json"; nothing for any other name.
std::optional<RunName> run_name(const fs::path& path) {
  std::string stem = path.filename().string();
  if (!stem.ends_with(run_suffix)) {
    return std::nullopt;
  }
  stem.resize(stem.size() - run_suffix.size());
  const std::size_t dot = stem.rfind('.');
  if (dot == std::string::npos || dot == 0) {
    return std::nullopt;
  }
  const std::string last = stem.substr(dot + 1);
  const bool digits = last.size() >= 2 && last.size() <= 6 &&
                      std::all_of(last.begin() + 1, last.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || (last[0] != 'r' && last[0] != 'c')) {
    return std::nullopt;
  }
  return RunName{stem, stem.substr(0, dot), std::stoi(last.substr(1)), last[0] == 'c'};
}

// The file with this name, plain or compressed; empty when there is none.
fs::path find_file(const fs::path& directory, const std::string& name) {
  for (const char* compression : {"", ".gz", ".zst", ".xz"}) {
    fs::path path = directory / (name + compression);
    if (fs::exists(path)) {
      return path;
    }
  }
  return {};
}

std::optional<CpuUse> read_cpu(const JsonFields& run) {
  if (!run.has("cpu_percent")) {
    return std::nullopt;
  }
  const JsonFields cpu = run.object("cpu_percent");
  const auto value = [&](const char* key) { return cpu.has(key) ? cpu.number(key) : 0; };
  return CpuUse{.user = value("user"),
                .system = value("system"),
                .softirq = value("softirq"),
                .hardirq = value("hardirq"),
                .idle = value("idle"),
                .steal = value("steal")};
}

std::map<std::string, BackgroundUse> read_background(const JsonFields& run) {
  std::map<std::string, BackgroundUse> uses;
  if (!run.has("background")) {
    return uses;
  }
  const JsonFields background = run.object("background");
  for (const auto& [name, unused] : background.raw().items()) {
    const JsonFields use = background.object(name);
    const auto value = [&](const char* key) { return use.has(key) ? use.integer(key) : 0; };
    uses[name] = {.bytes = value("bytes"), .cpu_ns = value("cpu_ns"), .loops = value("loops")};
  }
  return uses;
}

void read_counters(const JsonFields& run, LiveRun& result) {
  if (!run.has("counters")) {
    return;
  }
  const JsonFields counters = run.object("counters");
  for (std::size_t i = 0; i < models::counter_count; ++i) {
    const std::string name{counter_name(static_cast<models::Counter>(i))};
    if (counters.has(name)) {
      result.counters[i] = counters.integer(name);
    }
  }
}

LiveRun read_run(const fs::path& path, const RunName& name) {
  const nlohmann::json document = load_json_object(path);
  const JsonFields run{document, path.string()};
  if (run.text("kind") != "live_run" || run.integer("schema") != 1) {
    throw InputError{{.file = path.string(),
                      .found = "kind " + scenarios::quoted(run.text("kind")) + ", schema " +
                               std::to_string(run.integer("schema")),
                      .expected = "kind 'live_run', schema 1"}};
  }
  LiveRun result;
  result.variant = name.variant;
  result.repetition = name.repetition;
  result.captured = name.captured;
  result.capture = run.has("capture") ? run.text("capture") : "none";
  result.capture_complete = !run.has("capture_complete") || run.boolean("capture_complete");
  result.start_ns = run.integer("start_ns");
  result.end_ns = run.integer("end_ns");
  result.cpu = read_cpu(run);
  result.background = read_background(run);
  read_counters(run, result);
  if (result.end_ns <= result.start_ns) {
    throw InputError{{.file = path.string(), .found = "end_ns not after start_ns", .expected = "a run"}};
  }
  const fs::path steps = find_file(path.parent_path(), name.stem + ".steps.csv");
  if (steps.empty()) {
    throw InputError{{.file = path.string(),
                      .found = "no " + name.stem + ".steps.csv beside it",
                      .expected = "the steps of the run"}};
  }
  result.steps = read_steps(steps).rows;
  if (result.steps.empty()) {
    throw InputError{{.file = steps.string(), .found = "no steps", .expected = "one row a step"}};
  }
  if (name.captured) {
    for (const char* suffix : {".chain.txt", ".trace"}) {
      result.events =
          result.events.empty() ? find_file(path.parent_path(), name.stem + suffix) : result.events;
    }
  }
  return result;
}

void read_origin(LiveRuns& runs) {
  const fs::path path = runs.directory / "results.json";
  if (!fs::exists(path)) {
    return;
  }
  const nlohmann::json document = load_json_object(path);
  const JsonFields results{document, path.string()};
  if (results.has("scenario")) {
    const JsonFields scenario = results.object("scenario");
    runs.scenario = scenario.text("path");
    if (scenario.has("sets")) {
      for (const nlohmann::json& set : scenario.raw().at("sets")) {
        runs.sets.push_back(set.is_string() ? set.get<std::string>() : set.dump());
      }
    }
  }
  if (results.has("live")) {
    const JsonFields live = results.object("live");
    const auto text = [&](const char* key) {
      return live.has(key) && live.raw().at(key).is_string() ? live.text(key) : std::string{};
    };
    runs.machine = text("machine");
    runs.kernel = text("kernel");
  }
}

void add(LiveRuns& runs, LiveRun run) {
  if (runs.variants.empty() || runs.variants.back().name != run.variant) {
    runs.variants.push_back({run.variant, {}, {}});
  }
  LiveVariant& variant = runs.variants.back();
  (run.captured ? variant.captured : variant.repetitions).push_back(std::move(run));
}

std::vector<std::pair<RunName, fs::path>> find_runs(const fs::path& directory) {
  std::vector<std::pair<RunName, fs::path>> found;
  std::error_code unreadable;
  for (const fs::directory_entry& entry : fs::directory_iterator{directory, unreadable}) {
    if (auto name = run_name(entry.path())) {
      found.emplace_back(std::move(*name), entry.path());
    }
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.variant, a.first.captured, a.first.repetition) <
           std::tie(b.first.variant, b.first.captured, b.first.repetition);
  });
  return found;
}

}  // namespace

const LiveVariant* LiveRuns::find(const std::string& variant) const {
  const auto found = std::find_if(variants.begin(), variants.end(),
                                  [&](const LiveVariant& each) { return each.name == variant; });
  return found == variants.end() ? nullptr : &*found;
}

bool has_live_runs(const fs::path& path) { return fs::is_directory(path) && !find_runs(path).empty(); }

LiveRuns read_live_runs(const fs::path& directory, std::span<const std::string> variants) {
  LiveRuns runs;
  runs.directory = directory;
  const auto found = find_runs(directory);
  if (found.empty()) {
    throw InputError{{.file = directory.string(),
                      .found = "no VARIANT.rK.run.json",
                      .expected = "a directory that chainsim live --out wrote"}};
  }
  const auto wanted = [&](const std::string& name) {
    return variants.empty() || std::find(variants.begin(), variants.end(), name) != variants.end();
  };
  std::vector<std::string> names;
  for (const auto& [name, path] : found) {
    names.push_back(name.variant);
    if (wanted(name.variant)) {
      add(runs, read_run(path, name));
    }
  }
  for (const std::string& name : variants) {
    if (runs.find(name) == nullptr) {
      throw InputError{{.file = directory.string(),
                        .found = "no run of variant " + scenarios::quoted(name),
                        .expected = "a variant that was run",
                        .suggestion = scenarios::did_you_mean(name, names)}};
    }
  }
  read_origin(runs);
  return runs;
}

}  // namespace calibration
