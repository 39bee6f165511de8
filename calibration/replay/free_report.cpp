#include "calibration/replay/free_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <iterator>

namespace calibration {
namespace {

using Text = fmt::memory_buffer;

template <class... Args>
void print(Text& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
}

double us(std::int64_t ns) { return static_cast<double>(ns) / 1000; }

std::string bounds(const sim::Interval& interval) {
  const auto bound = [](double ns) { return std::isinf(ns) ? "-" : fmt::format("{:.0f}", ns / 1000); };
  return "[" + bound(interval.low) + " " + bound(interval.high) + "]";
}

std::string name_of(const ReplayInput& input, ReplayTaskId id) {
  return id >= ReplayTaskId{0}      ? fmt::format("{}-{}", input.task(id).name, input.task(id).pid)
         : id == ReplayTaskId::idle ? "idle"
                                    : "?";
}

std::string marked_error(const ReplayInput& input, const WaitPercentile& at, double aim) {
  const bool met = aim == 0 || within_aim(at, aim, input.time_resolution);
  return fmt::format("{:+.1f}%{}", at.error() * 100, !at.judged ? "~" : met ? "" : "!");
}

void print_waits(Text& text, const ReplayInput& input, const FreeComparison& comparison) {
  constexpr std::array<double, wait_percentiles.size()> aims{aim_p50, 0, aim_p99, 0};
  print(text, "  {:<21}{:>8}  {}\n", "", "n",
        "us: captured [95 %] / replayed [95 %], error; ~ too few above, ! outside the aim");
  for (const WaitComparison& wait : comparison.waits) {
    print(text, "  {:<21}{:>8}", wait.name, wait.count);
    for (std::size_t i = 0; i < wait_percentiles.size() && wait.count > 0; ++i) {
      const WaitPercentile& at = wait.at[i];
      print(text, "  p{:g} {:.0f} {} / {:.0f} {} {}", wait_percentiles[i] * 100, us(at.captured),
            bounds(at.captured_interval), us(at.replayed), bounds(at.replayed_interval),
            marked_error(input, at, aims[i]));
    }
    print(text, "  W1 {:.3f}\n", wait.wasserstein);
  }
}

void print_causes(Text& text, const FreeComparison& comparison) {
  for (std::size_t i = 1; i < wait_causes; ++i) {
    if (comparison.causes[i] != 0) {
      print(text, "    {:<34}{:>8}  {:4.1f}%   agents {}\n", to_string(static_cast<WaitCause>(i)),
            comparison.causes[i],
            100 * static_cast<double>(comparison.causes[i]) / static_cast<double>(comparison.compared),
            comparison.agent_causes[i]);
    }
  }
}

void print_disagreement(Text& text, const ReplayInput& input, const FreeVariant& variant,
                        const FreeProgram& program, const Disagreement& each) {
  const FreeWake& captured = program.wakes[static_cast<std::size_t>(each.wake)];
  const ReplayedWake& mine = variant.run.wakes[static_cast<std::size_t>(each.wake)];
  print(text, "    {:.6f} {:<18}{:>8.0f} / {:<8.0f} {}\n", static_cast<double>(captured.waking_at) / 1e9,
        name_of(input, captured.task), us(each.captured), us(each.replayed), to_string(each.cause));
  print(text, "      cpu {} / {}, behind {} / {}, then {}{} / {}{}, woken {:+.0f} us\n", captured.to_cpu,
        mine.to_cpu, name_of(input, captured.behind), name_of(input, mine.behind),
        name_of(input, captured.first_next), captured.first_preempts ? " (preempts)" : "",
        name_of(input, mine.first_next), mine.first_preempts ? " (preempts)" : "",
        us(mine.waking_at - captured.waking_at));
}

void print_variant(Text& text, const ReplayInput& input, const FreeReport& report,
                   const FreeVariant& variant) {
  const FreeComparison& comparison = variant.comparison;
  print(text, "\n{}\n", variant_name(variant.options));
  print(
      text,
      "  compared {} of {} wakeups ({} came before their task slept, {} began another burst, {} never ran)\n"
      "  on the kernel's CPU {:.1f}%; within 5 us or 10%: {:.1f}% of all, {:.1f}% of agents'{}\n"
      "  costs imposed {}, drawn {}; ticks added {}\n",
      comparison.compared, comparison.wakes, comparison.early, comparison.swapped, comparison.missing,
      100 * static_cast<double>(comparison.same_cpu) /
          static_cast<double>(std::max<std::uint64_t>(comparison.compared, 1)),
      100 * comparison.within(), 100 * comparison.agents_within(),
      variant.options.costs == CostMode::imposed && comparison.within() < aim_within ? " !" : "",
      variant.run.imposed_costs, variant.run.drawn_costs, variant.run.added_ticks);
  print_waits(text, input, comparison);
  print_causes(text, comparison);
  if (!comparison.largest.empty()) {
    print(text, "  largest disagreements, captured / replayed:\n");
  }
  for (const Disagreement& each : comparison.largest) {
    print_disagreement(text, input, variant, report.program, each);
  }
}

void print_costs(Text& text, const char* name, std::vector<std::int64_t> values) {
  if (values.empty()) {
    return;
  }
  std::sort(values.begin(), values.end());
  const auto at = [&](double p) {
    return us(values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))]);
  };
  print(text, "  {:<34}{:>8}  {:6.0f} {:6.0f} {:6.0f}\n", name, values.size(), at(0.5), at(0.9), at(0.99));
}

void print_measured(Text& text, const MeasuredCosts& costs) {
  constexpr std::array sources{"timer", "device", "other", "remote"};
  constexpr std::array idle{"< 50 us", "< 1 ms", "< 4 ms", "longer"};
  constexpr std::array askers{"in a system call", "by an interrupt", "by the tick"};
  print(text, "costs measured in the capture     {:>10}  {:>6} {:>6} {:>6} us\n", "n", "p50", "p90", "p99");
  for (std::size_t s = 0; s < exit_sources; ++s) {
    for (std::size_t r = 0; r < residencies; ++r) {
      print_costs(text, fmt::format("idle exit, {}, {}", sources[s], idle[r]).c_str(), costs.exits[s][r]);
    }
  }
  for (std::size_t r = 0; r < residencies; ++r) {
    print_costs(text, fmt::format("IPI and wake-up, {}", idle[r]).c_str(), costs.deliveries[r]);
  }
  for (std::size_t s = 0; s < preempt_sources; ++s) {
    print_costs(text, fmt::format("request to switch, {}", askers[s]).c_str(), costs.preempts[s]);
  }
  print_costs(text, "tick", costs.ticks);
}

}  // namespace

std::string variant_name(const FreeRunOptions& options) {
  return fmt::format(
      "costs {}, {}", options.costs == CostMode::drawn ? "drawn by class" : "imposed event by event",
      options.impose_cpus ? "the kernel's CPUs imposed" : "CPUs chosen by " + options.policy.name);
}

bool within_aim(const WaitPercentile& at, double aim, std::int64_t time_resolution) {
  return std::abs(at.error()) <= aim || std::abs(at.replayed - at.captured) <= time_resolution;
}

FreeReport replay_free(const ReplayInput& input, const models::PolicyConfig& policy, std::uint64_t seed,
                       std::size_t largest) {
  FreeReport report;
  report.program = make_free_program(input);
  for (const bool cpus : {false, true}) {
    for (const CostMode mode : {CostMode::drawn, CostMode::imposed}) {
      FreeVariant variant;
      variant.options.costs = mode;
      variant.options.impose_cpus = cpus;
      variant.options.follow = !cpus;
      variant.options.policy = policy;
      variant.options.seed = seed;
      variant.run = run_free(input, report.program, variant.options);
      variant.comparison = compare_free(input, report.program, variant.run, largest);
      report.variants.push_back(std::move(variant));
    }
  }
  return report;
}

std::string text_of(const ReplayInput& input, const FreeReport& report) {
  Text text;
  print(text, "free-running replay of {}: {} wakeups, {} interrupts, {} softirq runs\n", input.name,
        report.program.wakes.size(), report.program.hardirqs.size(), report.program.softirqs.size());
  print_measured(text, report.program.costs);
  for (const FreeVariant& variant : report.variants) {
    print_variant(text, input, report, variant);
  }
  return fmt::to_string(text);
}

}  // namespace calibration
