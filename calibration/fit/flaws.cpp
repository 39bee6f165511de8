#include "calibration/fit/flaws.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "calibration/fit/overlap.h"

namespace calibration {
namespace {

std::uint64_t total(const std::map<std::int64_t, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [key, count] : counts) {
    sum += count;
  }
  return sum;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add(MeasuredCapture& capture, std::string name, std::uint64_t count, std::string seen,
         std::string done) {
  capture.flaws.push_back(
      {.name = std::move(name), .seen = std::move(seen), .count = count, .done = std::move(done)});
}

std::string first_lines(const std::vector<NumberedLine>& lines) {
  std::string text;
  for (const NumberedLine& line : lines) {
    text +=
        fmt::format("{}line {} {}", text.empty() ? "" : ", ", line.line, scenarios::quoted(line.text, 40));
  }
  return text;
}

// Vectors that the tick raises on every CPU within the same microseconds: run_rebalance_domains
// (SCHED), the timer wheel (TIMER), RCU callbacks (RCU).
bool raised_by_tick(BpftraceProgram program, std::int64_t key) {
  const std::string_view name = program == BpftraceProgram::softirq ? softirq_name(key) : "";
  return name == "TIMER" || name == "SCHED" || name == "RCU";
}

}  // namespace

void note_races(MeasuredCapture& capture, const Races& races, const PlausibleDuration& rule) {
  if (const std::uint64_t rows = total(races.uptime); rows > 0) {
    add(capture, "uptime_as_duration", rows,
        fmt::format("{} rows print the machine's uptime: another CPU deleted the start stamp first", rows),
        "dropped");
  }
  if (const std::uint64_t rows = total(races.start_after_end); rows > 0) {
    add(capture, "start_after_end", rows,
        fmt::format("{} rows print a negative time, some as 2^64 ns: another CPU overwrote the start stamp",
                    rows),
        "dropped");
  }
  if (const std::uint64_t rows = total(races.impossible); rows > 0) {
    add(capture, "impossible_duration", rows,
        fmt::format("{} rows print less than 0 or more than the {} s the capture can hold{}", rows,
                    rule.longest_us / 1'000'000,
                    rule.uptime ? "" : "; without a steps file they cannot be compared with the uptime"),
        "dropped");
  }
}

void note_overlap(MeasuredCapture& capture, MeasuredQuantity& quantity, std::int64_t key,
                  const Races& races) {
  constexpr double correctable = 0.1;
  constexpr double negligible = 0.001;
  const std::uint64_t proof = races.on(key);
  if (quantity.values.empty() || quantity.values.max() > longest_overlap_us) {
    return;
  }
  if (quantity.span_s <= 0) {
    if (proof > 0) {
      add(capture, "cross_cpu_pairs", proof,
          fmt::format("{}: {} races prove that CPUs shared its start stamp", quantity.name, proof),
          "not corrected: without a steps file the rate is unknown");
    }
    return;
  }
  const double span_us = quantity.span_s * 1e6;
  const OverlapEstimate overlap = estimate_overlap(quantity.values, span_us);
  if (proof == 0 && overlap.row_share < negligible) {
    return;
  }
  std::string seen = fmt::format(
      "{}: {} races; if two CPUs ran it equally and independently, {:.2g} % of runs "
      "overlapped another and the mean prints {:.2g} us too short",
      quantity.name, proof, 100 * overlap.row_share, -overlap.mean_bias_us);
  std::string done;
  if (proof == 0) {
    done = "not corrected: no row proves a second CPU, so this is an upper bound";
  } else if (raised_by_tick(quantity.program, key)) {
    done = "not corrected: the tick raises it on all CPUs at once, so more runs overlap than estimated";
  } else if (overlap.row_share > correctable) {
    done = "not corrected: too many for a first-order correction; trust neither count nor tail";
  } else {
    quantity.corrected = without_overlap(quantity.values, span_us);
    done = fmt::format("corrected: {} rows to {}, mean {:.3f} us to {:.3f} us (before truncation is undone)",
                       quantity.values.count(), quantity.corrected->count(), quantity.values.mean(),
                       quantity.corrected->mean());
  }
  add(capture, "cross_cpu_pairs", static_cast<std::uint64_t>(overlap.pairs + 0.5), std::move(seen),
      std::move(done));
}

void note_tracer(MeasuredCapture& capture, const TaskRoles& roles) {
  if (!capture.tracer) {
    return;
  }
  const TracerLoad& tracer = *capture.tracer;
  const std::string pace = tracer.loop_us > 0
                               ? fmt::format("; {:.0f} a second while agents ran, one every {:.1f} us",
                                             tracer.rows_per_s, tracer.loop_us)
                               : "";
  std::string done =
      "kept apart as the quantities of role tracer; the CPU time it took is still in the others'";
  if (tracer.guessed) {
    done += "; taken for the tracer by its rows alone";
  } else {
    sim::check(roles.known(), "a tracer that is not guessed comes from a roles file");
  }
  add(capture, "tracer_sees_itself", tracer.rows,
      fmt::format("{} rows ({:.1f} %) are bpftrace's own{}", tracer.rows, 100 * tracer.row_share, pace),
      std::move(done));
}

void note_truncation(MeasuredCapture& capture) {
  std::uint64_t zeros = 0;
  std::uint64_t rows = 0;
  for (const MeasuredQuantity& quantity : capture.quantities) {
    if (quantity.truncated() && quantity.name.find(".ret=") == std::string::npos &&
        !quantity.name.ends_with(".tracer")) {
      const auto zero = quantity.values.values().find(0);
      zeros += zero == quantity.values.values().end() ? 0 : zero->second;
      rows += quantity.count();
    }
  }
  add(capture, "truncated_to_us", rows,
      fmt::format("whole microseconds, rounded down; {:.1f} % of the workload's rows print 0",
                  100 * share(zeros, rows)),
      "a printed v is taken as uniform within [v, v + 1) us; n of them added or subtracted are uncertain by "
      "n us");
}

void note_wakeup_stamps(MeasuredCapture& capture) {
  if (capture.program != BpftraceProgram::wakeup) {
    return;
  }
  std::string seen =
      "starts at sched_wakeup, not sched_waking, and a task woken again before it runs keeps the last "
      "stamp";
  if (const MeasuredQuantity* agents = capture.find("wakeup_to_run.agent");
      agents != nullptr && capture.steps > 0) {
    seen += fmt::format("; {:.2f} agent rows per step", share(agents->count(), capture.steps));
  }
  add(capture, "last_wakeup_stamp", capture.log.rows, std::move(seen),
      "not correctable: too short by the way to a remote CPU and by repeated wakeups; a task woken while it "
      "still "
      "ran prints a later preemption");
}

void note_log(MeasuredCapture& capture) {
  const BpftraceLog& log = capture.log;
  if (log.lost_lines > 0) {
    add(capture, "lost_events", log.lost_events,
        fmt::format("bpftrace lost {} events in {} reports, {:.2g} % of the rows", log.lost_events,
                    log.lost_lines, 100 * share(log.lost_events, log.lost_events + log.rows)),
        "rates are too low by them, and they were lost when the machine was busiest: the tail is too short");
  }
  if (log.rlimit_lines > 0) {
    add(capture, "rlimit_message", log.rlimit_lines, "bpftrace could not set RLIMIT_MEMLOCK",
        "ignored: rows follow, so its maps were created all the same");
  }
  if (log.message_lines > 0) {
    add(capture, "bpftrace_messages", log.message_lines, first_lines(log.messages), "ignored: rows follow");
  }
  if (log.unknown_lines > 0) {
    add(capture, "unknown_lines", log.unknown_lines, first_lines(log.unknown), "skipped");
  }
  if (log.partial_last_line) {
    add(capture, "partial_last_line", 1, first_lines({*log.partial_last_line}), "dropped");
  }
  if (log.attach_lines > 1) {
    add(capture, "appended_runs", log.attach_lines,
        fmt::format("'Attaching ... probes' stands in the file {} times", log.attach_lines),
        "taken as one capture: rates are of all runs together");
  }
  if (log.map_lines > 0) {
    add(capture, "open_intervals", log.map_lines,
        fmt::format("{} intervals had begun but not ended when tracing stopped", log.map_lines),
        "left out, so the longest waits may be missing");
  }
}

void note_side_files(MeasuredCapture& capture, bool roles_known, bool steps_partial) {
  if (has_tasks(capture.program) && !roles_known) {
    add(capture, "roles_missing", capture.log.rows, "no roles file beside the capture",
        capture.tracer ? "the tracer was guessed by its rows, all other rows are of role unknown"
                       : "all rows are of role unknown: bpftrace's own cannot be told from the workload's");
  }
  if (!capture.entry.steps) {
    add(capture, "steps_missing", 0, "no steps file beside the capture",
        "no step quantities, and no rates: the rows carry no time");
  }
  if (steps_partial) {
    add(capture, "partial_steps_file", 1, "the last line of the steps file is cut", "dropped");
  }
  const std::string& said = capture.entry.program;
  if (program_named(said) && program_named(said) != capture.program) {
    add(capture, "wrong_name", capture.log.rows,
        fmt::format("the file is named {} but its rows are of {}", said, to_string(capture.program)),
        "taken for what the rows are");
  }
}

}  // namespace calibration
