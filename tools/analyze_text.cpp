#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "scenarios/results.h"
#include "sim/statistics.h"
#include "tools/analyze_report.h"
#include "tools/tables.h"

namespace tools {
namespace {

using calibration::Analysis;
using calibration::Blame;
using calibration::BlameCohort;
using calibration::Rule;
using calibration::StageId;
using calibration::StageTable;
using calibration::TaskClass;

double us(std::int64_t ns) { return static_cast<double>(ns); }

std::string percent(double part, double whole) {
  return whole > 0 ? fmt::format("{:.2f} %", 100 * part / whole) : "-";
}

// Fewer than ten samples above a percentile: printed, not judged.
std::string percentile_cell(const sim::Histogram& values, double p, bool packets) {
  const std::int64_t value = values.percentile(p);
  const auto rank = sim::nearest_rank(p, values.count());
  const bool judged = values.count() - rank >= scenarios::samples_to_judge;
  return (packets ? std::to_string(value) : microseconds(us(value))) + (judged ? "" : "*");
}

std::string interval_cell(const sim::Histogram& values, bool packets) {
  const sim::Interval interval = sim::quantile_interval(values, 0.99);
  const auto end = [&](double value) { return packets ? number(value) : microseconds(value); };
  return fmt::format("[{}, {}]", end(interval.low), end(interval.high));
}

void stage_row(Table& table, const std::string& name, StageId stage, const sim::Histogram& values) {
  const bool packets = stage == StageId::napi_work;
  table.row({"  " + name, percentile_cell(values, 0.5, packets), percentile_cell(values, 0.9, packets),
             percentile_cell(values, 0.99, packets), interval_cell(values, packets),
             percentile_cell(values, 0.999, packets), std::to_string(values.count())});
}

// Agents have a group each; here they are one.
std::map<std::string, sim::Histogram> by_class(const Analysis& analysis, StageId stage) {
  std::map<std::string, sim::Histogram> merged;
  const StageTable& stages = analysis.stages();
  const std::string agents{to_string(TaskClass::agent)};
  for (StageTable::Group group = 0; group < stages.groups(); ++group) {
    if (const sim::Histogram* values = stages.find(group, stage)) {
      merged[analysis.is_agent_group(group) ? agents : std::string{stages.group_name(group)}].merge(*values);
    }
  }
  return merged;
}

std::string stage_table(const Analysis& analysis) {
  Table table{{"STAGE, us", "p50 typical", "p90", "p99 tail", "p99 95 %", "p99.9", "count"}};
  std::string_view row = "none yet";
  for (std::size_t i = 0; i < calibration::stage_ids; ++i) {
    const auto stage = static_cast<StageId>(i);
    const calibration::StageInfo& about = info(stage);
    const auto groups = by_class(analysis, stage);
    if (groups.empty()) {
      continue;
    }
    if (about.row != row) {
      row = about.row;
      table.heading(row.empty() ? "whole chains and steps" : std::string{row});
    }
    for (const auto& [name, values] : groups) {
      stage_row(table, fmt::format("{} {}", about.name, name), stage, values);
    }
  }
  return table.text();
}

std::string agent_table(const Analysis& analysis) {
  Table table{{"AGENT, us", "step p50", "p99", "p99.9", "steps", "late p50", "tool p50", "read p50",
               "wake_to_run p50", "p99", "epoll p50", "io_uring p50"}};
  const StageTable& stages = analysis.stages();
  for (StageTable::Group group = 0; group < stages.groups(); ++group) {
    if (!analysis.is_agent_group(group)) {
      continue;
    }
    const auto cell = [&](StageId stage, double p) {
      const sim::Histogram* values = stages.find(group, stage);
      return values == nullptr ? std::string{"-"} : percentile_cell(*values, p, false);
    };
    const sim::Histogram* steps = stages.find(group, StageId::step);
    table.row({"  " + std::string{stages.group_name(group)}, cell(StageId::step, 0.5),
               cell(StageId::step, 0.99), cell(StageId::step, 0.999),
               std::to_string(steps == nullptr ? 0 : steps->count()), cell(StageId::step_timer_late, 0.5),
               cell(StageId::step_tool, 0.5), cell(StageId::step_read, 0.5), cell(StageId::wake_to_run, 0.5),
               cell(StageId::wake_to_run, 0.99), cell(StageId::epoll_blocked, 0.5),
               cell(StageId::io_uring_blocked, 0.5)});
  }
  return table.text();
}

std::string attribution_table(const Analysis& analysis) {
  Table table{{"WHY TASKS WERE WOKEN, by rule", "agents", "", "other tasks", "", "kernel threads", ""}};
  constexpr std::array classes{TaskClass::agent, TaskClass::other, TaskClass::kernel};
  for (std::size_t i = calibration::rule_count; i-- > 0;) {
    std::vector<std::string> cells{fmt::format("  {}{}", to_string(static_cast<Rule>(i)),
                                               proves(static_cast<Rule>(i)) ? "" : " (not proved)")};
    std::uint64_t any = 0;
    for (const TaskClass each : classes) {
      const auto& counts = analysis.attribution(each);
      cells.push_back(std::to_string(counts.by_rule[i]));
      cells.push_back(percent(static_cast<double>(counts.by_rule[i]), static_cast<double>(counts.total())));
      any += counts.by_rule[i];
    }
    if (any > 0) {
      table.row(std::move(cells));
    }
  }
  std::vector<std::string> cells{"linked to their cause"};
  for (const TaskClass each : classes) {
    const auto& counts = analysis.attribution(each);
    cells.push_back(std::to_string(counts.proved()));
    cells.push_back(percent(static_cast<double>(counts.proved()), static_cast<double>(counts.total())));
  }
  table.row(std::move(cells));
  return table.text();
}

std::string blame_table(const Analyzed& analyzed) {
  const Analysis& analysis = *analyzed.analysis;
  const BlameCohort median = analysis.blame().cohort(0.4, 0.6);
  const BlameCohort tail = analysis.blame().cohort(0.99, 1.0);
  if (median.steps == 0 || tail.steps == 0) {
    return "";
  }
  const auto cell = [](std::int64_t ns, const BlameCohort& cohort) {
    return microseconds(static_cast<double>(ns) / static_cast<double>(cohort.steps));
  };
  Table table{{"WHERE STEP TIME GOES, mean us", "median steps", "slowest 1 %", "more", "median: peer",
               "slowest: peer", "more"}};
  for (std::size_t i = 0; i < calibration::blames; ++i) {
    const std::array sums{median.sums.own[i], tail.sums.own[i], median.sums.peer[i], tail.sums.peer[i]};
    if (std::all_of(sums.begin(), sums.end(), [](std::int64_t sum) { return sum == 0; })) {
      continue;
    }
    const auto more = [&](std::int64_t slow, std::int64_t usual) {
      return signed_number((static_cast<double>(slow) / static_cast<double>(tail.steps) -
                            static_cast<double>(usual) / static_cast<double>(median.steps)) /
                           1000);
    };
    table.row({"  " + std::string{to_string(static_cast<Blame>(i))}, cell(sums[0], median),
               cell(sums[1], tail), more(sums[1], sums[0]), cell(sums[2], median), cell(sums[3], tail),
               more(sums[3], sums[2])});
  }
  std::string text = table.text();
  text += fmt::format(
      "  median: {} steps of {} to {} us; slowest: {} of {} us and more. peer: waiting for another "
      "task to do its part.\n",
      median.steps, microseconds(us(median.duration_low)), microseconds(us(median.duration_high)), tail.steps,
      microseconds(us(tail.duration_low)));
  std::vector<std::pair<std::int64_t, std::string>> behind;
  for (const auto& [name, ns] : tail.behind) {
    behind.emplace_back(
        ns, name == calibration::Name::none ? "others" : std::string{analyzed.texts().text(name)});
  }
  std::sort(behind.rbegin(), behind.rend());
  std::string queue;
  for (std::size_t i = 0; i < std::min<std::size_t>(behind.size(), 6); ++i) {
    queue += fmt::format("{}{} {}", i == 0 ? "" : ", ", behind[i].second, cell(behind[i].first, tail));
  }
  text += queue.empty() ? "" : wrapped("  run queue of the slowest, mean us behind: " + queue, 4);
  for (const auto& [what, cohort] : {std::pair{"median", &median}, std::pair{"slowest", &tail}}) {
    const calibration::FanIn& fan_in = cohort->fan_in;
    if (fan_in.gates > 0) {
      text += fmt::format(
          "  fan-in, {}: {} steps waited for several reads; issued first was last in {}; the last "
          "came {} us after the one before it\n",
          what, fan_in.gates,
          percent(static_cast<double>(fan_in.last_was[0]), static_cast<double>(fan_in.gates)),
          microseconds(static_cast<double>(fan_in.waited_beyond_ns) / static_cast<double>(fan_in.gates)));
    }
  }
  return text;
}

std::string quality_table(const SimulatedQuality& quality) {
  Table table{{"ATTRIBUTION AGAINST THE TRUTH", "links", "right", "precision", "with patch 3/8: links",
               "right", "precision"}};
  const auto cells = [](std::vector<std::string>& row, std::uint64_t all, std::uint64_t right) {
    row.push_back(std::to_string(all));
    row.push_back(std::to_string(right));
    row.push_back(percent(static_cast<double>(right), static_cast<double>(all)));
  };
  table.heading("by rule: of its links, how many name the true cause");
  for (std::size_t i = calibration::rule_count; i-- > 0;) {
    const auto& plain = quality.plain.rule(static_cast<Rule>(i));
    const auto& told = quality.with_tracepoints.rule(static_cast<Rule>(i));
    if (plain.links + told.links > 0) {
      std::vector<std::string> row{fmt::format("  {}{}", to_string(static_cast<Rule>(i)),
                                               proves(static_cast<Rule>(i)) ? "" : " (not proved)")};
      cells(row, plain.links, plain.right);
      cells(row, told.links, told.right);
      table.row(std::move(row));
    }
  }
  table.heading("by source: of its wakeups, how many were linked to the true cause (recall)");
  for (std::size_t i = 0; i < calibration::wake_sources; ++i) {
    const auto& plain = quality.plain.source(static_cast<models::WakeSource>(i));
    const auto& told = quality.with_tracepoints.source(static_cast<models::WakeSource>(i));
    if (plain.wakeups + told.wakeups > 0) {
      std::vector<std::string> row{
          fmt::format("  {}", calibration::to_string(static_cast<models::WakeSource>(i)))};
      cells(row, plain.wakeups, plain.found);
      cells(row, told.wakeups, told.found);
      table.row(std::move(row));
    }
  }
  return table.text();
}

std::string head(const Analyzed& analyzed) {
  const Analysis& analysis = *analyzed.analysis;
  const calibration::Losses& losses = analysis.losses();
  std::uint64_t events = 0;
  for (const std::uint64_t each : analysis.events()) {
    events += each;
  }
  std::string text = analyzed.name + ": ";
  text += analyzed.reader ? fmt::format("{}", to_string(analyzed.reader->log().format)) : "simulated";
  text += fmt::format(", {} events in {:.3f} s", events, static_cast<double>(analysis.span()) * 1e-9);
  text += analyzed.runs > 1 ? fmt::format(", {} sorted runs merged by time\n", analyzed.runs) : "\n";
  if (analyzed.interrupted) {
    text += "INTERRUPTED: only what had been read until then\n";
  }
  text += fmt::format(
      "  switches {}, broken {} ({}); tracer lost {}; cut off: {} chains, {} steps; requests without "
      "issue {}\n",
      losses.switches, losses.broken_switches,
      percent(static_cast<double>(losses.broken_switches), static_cast<double>(losses.switches)),
      losses.lost_events, losses.cut_chains, losses.cut_steps, losses.unmatched_requests);
  if (losses.broken_switches * 100 > losses.switches) {
    text +=
        "  MANY SWITCHES ARE MISSING: no duration is counted across one; percentiles rest on what is left\n";
  }
  if (analyzed.reader) {
    const calibration::CaptureLog& log = analyzed.reader->log();
    if (log.unknown_lines > 0) {
      text += fmt::format("  {} of {} lines were not understood\n", log.unknown_lines, log.lines);
    }
    for (const calibration::CaptureWarning& warning : log.warnings) {
      text += wrapped(
          warning.line > 0 ? fmt::format("  line {}: {}", warning.line, warning.text) : "  " + warning.text,
          4);
    }
    if (log.time_resolution > 1) {
      text += fmt::format("  stamps have steps of {} ns: shorter durations read 0\n", log.time_resolution);
    }
  }
  return text;
}

std::string look_first(const Analysis& analysis) {
  const sim::Histogram steps = analysis.stages().all(StageId::step);
  if (steps.empty()) {
    return analysis.agent_pids().empty()
               ? "No task is named agent-N: say which tasks are agents with --agents PATTERN.\n"
               : "No whole agent step was found.\n";
  }
  const BlameCohort median = analysis.blame().cohort(0.4, 0.6);
  const BlameCohort tail = analysis.blame().cohort(0.99, 1.0);
  std::string worst = "nothing in particular";
  double most = 0;
  for (std::size_t i = 0; i < calibration::blames && median.steps > 0 && tail.steps > 0; ++i) {
    const auto blame = static_cast<Blame>(i);
    if (blame == Blame::own || blame == Blame::timer || blame == Blame::remote || blame == Blame::device) {
      continue;  // the workload's and the devices' own time
    }
    const double more =
        static_cast<double>(tail.sums.own[i] + tail.sums.peer[i]) / static_cast<double>(tail.steps) -
        static_cast<double>(median.sums.own[i] + median.sums.peer[i]) / static_cast<double>(median.steps);
    if (more > most) {
      most = more;
      worst = fmt::format("{} ({} us more than median steps)", to_string(blame), microseconds(more));
    }
  }
  return wrapped(
      fmt::format("LOOK FIRST AT step p99: {} us (p50 {}, {} steps). Of what the kernel adds, the slowest "
                  "1 % lose most to {}.",
                  microseconds(us(steps.percentile(0.99))), microseconds(us(steps.percentile(0.5))),
                  steps.count(), worst));
}

}  // namespace

std::string analysis_text(const Analyzed& analyzed) {
  const Analysis& analysis = *analyzed.analysis;
  std::string text = head(analyzed) + "\n" + look_first(analysis) + "\n" + stage_table(analysis);
  text +=
      "  p99 95 %: by order statistics; neighbouring samples depend on each other, so it is too narrow.\n"
      "  *: fewer than 10 samples lie above.  napi_work: packets.\n\n";
  if (!analysis.agent_pids().empty()) {
    text += agent_table(analysis) + "\n";
  }
  text += attribution_table(analysis) + "\n";
  if (analyzed.quality) {
    text += quality_table(*analyzed.quality) + "\n";
  }
  const std::string blame = blame_table(analyzed);
  text += blame.empty() ? "" : blame + "\n";
  if (!analysis.slowest().empty()) {
    text += "SLOWEST STEPS, along what they waited for\n";
    for (std::size_t i = 0; i < analysis.slowest().size(); ++i) {
      text += timeline_text(analyzed, analysis.slowest()[i], i + 1);
    }
  }
  return text;
}

}  // namespace tools
