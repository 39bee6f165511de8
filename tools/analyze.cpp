// chainsim analyze: what a capture, or a simulated run, says about every stage, wakeup and step.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <sstream>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "tools/analyze_perfetto.h"
#include "tools/analyze_report.h"
#include "tools/analyze_survey.h"
#include "tools/analyzed.h"
#include "tools/options.h"
#include "tools/verbs.h"

namespace tools {
namespace {

struct Arguments : ExperimentArguments {
  std::vector<std::string> agents;
  std::size_t slowest = 3;
  std::string step_csv;
  std::string dot;
  std::string perfetto;
  std::string variant;
  std::vector<std::string> survey;
};

bool is_scenario(const std::string& path) { return path.ends_with(".yaml") || path.ends_with(".yml"); }

// Steps as the captures' own steps files have them: calibration/traces/steps.h.
class StepCsv {
 public:
  explicit StepCsv(const std::string& path) : path_{path} { begin(); }

  void begin() {
    file_.reset();
    file_.emplace(path_);
    file_->write("agent,start_ns,timer_late_ns,tool_ns,read_ns,parse_ns\n");
  }
  void row(std::string_view agent, const calibration::AgentStep& step) {
    file_->write(fmt::format("{},{},{},{},{},{}\n", number_of(agent, step.pid), step.start, step.timer_late(),
                             step.tool(), step.read(), step.parse()));
  }
  void commit() { file_->commit(); }

 private:
  // agent-3 is 3; a name without a number is told by its pid.
  static std::int64_t number_of(std::string_view name, std::int32_t pid) {
    const auto digits = name.find_last_not_of("0123456789") + 1;
    return digits < name.size() && name.size() - digits < 9 ? std::stoll(std::string{name.substr(digits)})
                                                            : pid;
  }
  std::string path_;
  std::optional<scenarios::OutputFile> file_;
};

const scenarios::Variant& variant_named(const scenarios::Scenario& scenario, const std::string& name) {
  if (name.empty()) {
    return scenario.base;
  }
  std::string known;
  for (const scenarios::Variant& each : scenario.variants) {
    if (each.name == name) {
      return each;
    }
    known += (known.empty() ? "" : ", ") + each.name;
  }
  throw scenarios::InputError{
      {.file = scenario.path,
       .found = "no variant '" + name + "'",
       .expected = known.empty() ? "no --variant: the scenario has none" : "one of " + known,
       .suggestion = "see chainsim check " + scenario.path}};
}

void write_graph(const Arguments& arguments, const Analyzed& analyzed) {
  std::vector<std::pair<std::int32_t, std::string>> names;
  for (const auto vertex : boost::make_iterator_range(boost::vertices(analyzed.slowest_graph.graph))) {
    const std::int32_t pid = analyzed.slowest_graph.graph[vertex].node.pid;
    names.emplace_back(pid, analyzed.analysis->task_name(pid));
  }
  std::ostringstream text;
  write_dot(text, analyzed.slowest_graph, "slowest step of " + analyzed.name, names);
  scenarios::write_file(arguments.dot, text.str());
}

void survey(const Arguments& arguments) {
  const std::vector<SurveyRow> rows = survey_all(arguments.survey);
  print(arguments.json ? survey_json(rows).dump(2) + "\n" : survey_text(rows));
}

void analyze(const Arguments& arguments) {
  if (!arguments.survey.empty()) {
    survey(arguments);
    return;
  }
  calibration::AnalysisOptions options;
  options.agents = arguments.agents;
  options.slowest = arguments.slowest;
  std::optional<StepCsv> csv;
  std::optional<PerfettoFile> perfetto;
  AnalysisSinks sinks;
  if (arguments.scenario.empty()) {
    throw CLI::RequiredError{"CAPTURE or --survey"};
  }
  if (!arguments.step_csv.empty()) {
    csv.emplace(arguments.step_csv);
    sinks.step = [&](const calibration::Analysis& analysis, const calibration::AgentStep& step) {
      csv->row(analysis.task_name(step.pid), step);
    };
  }
  if (!arguments.perfetto.empty()) {
    perfetto.emplace(arguments.perfetto);
    perfetto->begin();
    sinks.event = [&](const calibration::Event& event, const calibration::Names& names) {
      perfetto->event(event, names);
    };
    sinks.link = [&](const calibration::WakeLink& link) { perfetto->link(link); };
  }
  sinks.restart = [&] {
    if (csv) {
      csv->begin();
    }
    if (perfetto) {
      perfetto->begin();
    }
  };
  Analyzed analyzed;
  if (is_scenario(arguments.scenario)) {
    const scenarios::Scenario scenario = load(arguments);
    const scenarios::Variant& variant = variant_named(scenario, arguments.variant);
    for (const models::AgentConfig& agent : variant.host.agents) {
      options.agents.push_back(agent.name);
      for (int i = 0; i < agent.count; ++i) {
        options.agents.push_back(fmt::format("{}-{}", agent.name, i));
      }
    }
    analyzed = analyze_simulation(scenario, variant, options, sinks);
  } else {
    analyzed = analyze_capture(arguments.scenario, options, sinks);
  }
  if (csv) {
    csv->commit();
  }
  if (perfetto) {
    perfetto->commit();
  }
  if (!arguments.dot.empty()) {
    write_graph(arguments, analyzed);
  }
  print(arguments.json ? analysis_json(analyzed).dump(2) + "\n" : analysis_text(analyzed));
  if (analyzed.interrupted) {
    throw Interrupted{};
  }
}

}  // namespace

void add_analyze(CLI::App& app) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App& verb =
      *app.add_subcommand("analyze",
                          "Stage table, causes of wakeups, blame and slowest steps of a capture, or of a "
                          "scenario simulated as if it "
                          "were captured.\nThe format is recognised: ftrace text, trace-cmd report, "
                          "trace.dat, perf script, LTTng CTF "
                          "(a directory), the rows of chainsim capture; plain, .gz, .xz or .zst.\nExamples:\n"
                          "  chainsim analyze trace.txt.zst\n"
                          "  chainsim analyze trace.dat --agents 'worker-*' --step-csv steps.csv\n"
                          "  chainsim analyze scenarios/captured/n4.yaml\n"
                          "  chainsim analyze --survey captures/");
  CLI::Option* capture = verb.add_option("CAPTURE", arguments->scenario, "a capture, or a scenario (.yaml)");
  CLI::Option* files =
      verb.add_option("--survey", arguments->survey,
                      "instead: one line for every file below these, what it is and what it shows")
          ->type_name("DIR");
  capture->excludes(files);
  verb.add_option("--agents", arguments->agents,
                  "names of the tasks that are agents, with * and ? (default: agent-0, agent-1, ...)")
      ->type_name("PATTERN");
  verb.add_option("--slowest", arguments->slowest, "draw that many of the slowest steps (default: 3)")
      ->check(CLI::Range(0, 1000));
  verb.add_option("--step-csv", arguments->step_csv,
                  "write every whole step, as the captures' steps files have them")
      ->type_name("FILE");
  verb.add_option("--dot", arguments->dot, "write the causal graph of the slowest step, for Graphviz")
      ->type_name("FILE");
  verb.add_option("--perfetto", arguments->perfetto, "write the events and proved links for ui.perfetto.dev")
      ->type_name("FILE");
  verb.add_option("--variant", arguments->variant, "of a scenario: which variant (default: none)")
      ->type_name("NAME");
  verb.add_option("--set", arguments->sets, "of a scenario: change a value, as in run");
  verb.add_option("--seed", arguments->seed, "of a scenario: instead of its own");
  verb.add_flag("--json", arguments->json, "print JSON instead of tables");
  verb.footer(std::string{exit_codes});
  verb.callback([arguments] { analyze(*arguments); });
}

}  // namespace tools
