#include "calibration/fit/events/event_costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "calibration/fit/tabulate.h"
#include "sim/rng.h"
#include "sim/special_functions.h"

namespace calibration {
namespace {

using models::Cost;

constexpr std::size_t blocks = 20;
constexpr int bootstraps = 100;
constexpr double stall_medians = 10;
constexpr double stall_ns = 50'000;

// A sample with what is needed of it here.
struct Value {
  std::int64_t time = 0;
  double ns = 0;
  std::int32_t given = 0;
  std::uint16_t capture = 0;
  std::uint8_t block = 0;
  bool held_out = false;
};

double quantile(const std::vector<double>& sorted, double p) {
  const auto at = static_cast<std::size_t>(p * static_cast<double>(sorted.size()));
  return sorted.empty() ? 0 : sorted[std::min(at, sorted.size() - 1)];
}

std::vector<double> sorted_ns(const std::vector<Value>& values) {
  std::vector<double> sorted;
  sorted.reserve(values.size());
  for (const Value& each : values) {
    sorted.push_back(each.ns);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// Two humps, as where some of the times a clock event is programmed: the emptiest place between them; 0: one
// hump.
double valley(const std::vector<Value>& values) {
  constexpr double ratio = 1.25;
  constexpr std::size_t cells = 48;
  std::array<double, cells> count{};
  for (const Value& each : values) {
    double edge = 200;
    std::size_t cell = 0;
    while (cell + 1 < cells && each.ns >= edge) {
      edge *= ratio;
      ++cell;
    }
    ++count[cell];
  }
  std::array<double, cells> smooth{};
  for (std::size_t c = 1; c + 1 < cells; ++c) {
    smooth[c] = count[c - 1] / 4 + count[c] / 2 + count[c + 1] / 4;
  }
  const std::size_t first =
      static_cast<std::size_t>(std::max_element(smooth.begin(), smooth.end()) - smooth.begin());
  double best = 0;
  std::size_t at = 0;
  // A second hump: a cell well above the lowest between it and the first, and at least three cells away.
  for (std::size_t c = 1; c + 1 < cells; ++c) {
    const auto [from, to] = std::minmax(first, c);
    if (to - from < 4) {
      continue;
    }
    const auto lowest = std::min_element(smooth.begin() + static_cast<std::ptrdiff_t>(from),
                                         smooth.begin() + static_cast<std::ptrdiff_t>(to));
    const double rise = smooth[c] - *lowest;
    if (rise > best && *lowest < smooth[c] * 0.5 && smooth[c] > 0.01 * static_cast<double>(values.size())) {
      best = rise;
      at = static_cast<std::size_t>(lowest - smooth.begin());
    }
  }
  double edge = 200;
  for (std::size_t c = 0; c < at; ++c) {
    edge *= ratio;
  }
  return best > 0 ? edge : 0;
}

// Normal scores of successive samples, lag 1.
double autocorrelation(const std::vector<Value>& values) {
  const std::size_t n = values.size();
  if (n < 200) {
    return 0;
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a].ns < values[b].ns; });
  std::vector<double> score(n);
  for (std::size_t i = 0; i < n;) {
    std::size_t j = i;
    while (j < n && values[order[j]].ns == values[order[i]].ns) {
      ++j;
    }
    const double rank = (static_cast<double>(i + j) / 2) / static_cast<double>(n);
    for (std::size_t k = i; k < j; ++k) {
      score[order[k]] = rank - 0.5;
    }
    i = j;
  }
  double products = 0, squares = 0;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    if (values[i].capture == values[i + 1].capture) {
      products += score[i] * score[i + 1];
    }
    squares += score[i] * score[i];
  }
  return squares > 0 ? products / squares : 0;
}

// Standard errors of p50 and p99 of the samples, by blocks of time.
std::pair<double, double> bootstrap(const std::vector<Value>& values, const std::vector<double>& sorted) {
  std::vector<double> edges;
  constexpr std::size_t cells = 400;
  for (std::size_t c = 1; c <= cells; ++c) {
    const double p = c <= 200 ? static_cast<double>(c) / 220.0
                              : 200.0 / 220.0 + (1 - 200.0 / 220.0) * static_cast<double>(c - 200) / 200.0;
    edges.push_back(quantile(sorted, p));
  }
  std::map<std::uint32_t, std::vector<double>> counts;  // by capture and block
  for (const Value& each : values) {
    auto& cell = counts[static_cast<std::uint32_t>(each.capture) << 8 | each.block];
    cell.resize(cells);
    const auto at =
        static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), each.ns) - edges.begin());
    ++cell[std::min(at, cells - 1)];
  }
  std::vector<const std::vector<double>*> all;
  for (const auto& [key, cell] : counts) {
    all.push_back(&cell);
  }
  sim::Rng rng{1};
  sim::Stream stream = rng.stream("calibrate/bootstrap");
  std::array<double, 2> sum{}, square{};
  for (int b = 0; b < bootstraps; ++b) {
    std::vector<double> drawn(cells, 0.0);
    double total = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& cell = *all[static_cast<std::size_t>(stream.next() % all.size())];
      for (std::size_t c = 0; c < cells; ++c) {
        drawn[c] += cell[c];
        total += cell[c];
      }
    }
    constexpr std::array probabilities{0.5, 0.99};
    for (std::size_t q = 0; q < 2; ++q) {
      double below = 0;
      std::size_t c = 0;
      while (c + 1 < cells && below + drawn[c] < probabilities[q] * total) {
        below += drawn[c++];
      }
      const double low = c == 0 ? sorted.front() : edges[c - 1];
      const double part = drawn[c] > 0 ? (probabilities[q] * total - below) / drawn[c] : 0.5;
      const double at = low + (edges[c] - low) * std::clamp(part, 0.0, 1.0);
      sum[q] += at;
      square[q] += at * at;
    }
  }
  const auto deviation = [&](std::size_t q) {
    const double mean = sum[q] / bootstraps;
    return std::sqrt(std::max(0.0, square[q] / bootstraps - mean * mean));
  };
  return {deviation(0), deviation(1)};
}

class EventFit {
 public:
  EventFit(scenarios::Profile& profile, const std::vector<ScannedCapture>& captures, double held_out)
      : profile_{profile}, captures_{captures}, held_out_{held_out} {}

  EventCalibration run() {
    for (const ScannedCapture& capture : captures_) {
      result_.captures.push_back(capture.about);
      model_ = model_ || capture.about.stamps == Stamps::model;
    }
    for (const IntervalRow& row : interval_rows()) {
      if (row.stamps == Stamps::any || (row.stamps == Stamps::model) == model_) {
        take(row);
      }
    }
    explain();
    return std::move(result_);
  }

 private:
  // The samples of one row, of exact captures where there are enough of them, with stalls left out and
  // counted.
  std::vector<Value> values_of(Interval id, bool& coarse) {
    const auto at = static_cast<std::size_t>(id);
    std::size_t exact = 0;
    for (const ScannedCapture& capture : captures_) {
      exact += capture.about.resolution_ns < 1000 ? capture.samples[at].size() : 0;
    }
    coarse = exact < 200;
    std::vector<Value> values;
    for (std::size_t c = 0; c < captures_.size(); ++c) {
      const ScannedCapture& capture = captures_[c];
      if ((capture.about.resolution_ns >= 1000) != coarse || capture.samples[at].empty()) {
        continue;
      }
      const std::vector<IntervalSample>& samples = capture.samples[at];
      const std::int64_t first = samples.front().time;
      const double span = static_cast<double>(samples.back().time - first) + 1;
      for (const IntervalSample& each : samples) {
        const double part = static_cast<double>(each.time - first) / span;
        values.push_back({each.time, static_cast<double>(each.ns), each.given, static_cast<std::uint16_t>(c),
                          static_cast<std::uint8_t>(part * blocks), part >= 1 - held_out_});
      }
    }
    return values;
  }

  void leave_out_stalls(const IntervalRow& row, std::vector<Value>& values) {
    // A task that is preempted later than the softirq asked for it computed in between.
    const bool trim = row.id == Interval::preempting_switch;
    if ((model_ && !trim) || values.empty()) {
      return;
    }
    const std::vector<double> sorted = sorted_ns(values);
    const double median = quantile(sorted, 0.5);
    const double limit = trim ? stall_medians * median : std::max(stall_medians * median, median + stall_ns);
    const bool running = row.id < Interval::timer_running && !trim;
    const auto stalled = [&](const Value& each) { return each.ns > limit; };
    for (const Value& each : values) {
      if (running) {
        result_.stalls.seconds += each.ns * 1e-9;
        if (stalled(each)) {
          ++result_.stalls.count;
          result_.stalls.ns.push_back(static_cast<std::int64_t>(each.ns - median));
        }
      }
    }
    values.erase(std::remove_if(values.begin(), values.end(), stalled), values.end());
  }

  void take(const IntervalRow& row) {
    bool coarse = false;
    Interval source = row.id;
    if (row.id == Interval::idle_leave_tick) {
      source = Interval::idle_leave;
    } else if (row.id == Interval::idle_enter_tick) {
      source = Interval::idle_enter;
    } else if (row.id == Interval::timer_hlt_deep) {
      source = Interval::timer_hlt;
    }
    std::vector<Value> values = values_of(source, coarse);
    if (source == Interval::idle_leave || source == Interval::idle_enter) {
      split(row, source, values);
    }
    const std::size_t sampled = values.size();
    leave_out_stalls(row, values);
    if (row.id == Interval::wakeup) {
      by_given(values, "try_to_wake_up by the context of the waker",
               {{0, "in a task"}, {1, "in a softirq"}, {2, "in a hardirq"}});
    } else if (row.id >= Interval::timer_poll && row.id == source) {
      by_residency(row, values);
    }
    if (source == Interval::timer_hlt) {
      keep_halts(row, values);
    }
    if (result_.identifies(row.identifies)) {
      return;
    }
    fit(row, values, coarse, sampled);
  }

  // The models' halt: a part that every one has, and one that grows with its length and is told for a
  // millisecond (Cost::idle_exit_hlt_deep).
  static void keep_halts(const IntervalRow& row, std::vector<Value>& values) {
    constexpr std::int32_t brief_us = 30, deep_from_us = 700, deep_to_us = 1400;
    constexpr std::ptrdiff_t enough = 200;
    const auto is_brief = [](const Value& each) { return each.given < brief_us; };
    if (row.id == Interval::timer_hlt_deep) {
      values.erase(std::remove_if(values.begin(), values.end(),
                                  [](const Value& each) {
                                    return each.given < deep_from_us || each.given >= deep_to_us;
                                  }),
                   values.end());
    } else if (std::count_if(values.begin(), values.end(), is_brief) >= enough) {
      values.erase(std::remove_if(values.begin(), values.end(), std::not_fn(is_brief)), values.end());
    }
  }

  void split(const IntervalRow& row, Interval source, std::vector<Value>& values) {
    const double edge = valley(values);
    const bool upper = row.id != source;
    if (edge == 0) {
      if (upper) {
        values.clear();
      }
      return;
    }
    values.erase(std::remove_if(values.begin(), values.end(),
                                [&](const Value& each) { return (each.ns > edge) != upper; }),
                 values.end());
  }

  SumOfCosts known_of(const IntervalRow& row) {
    SumOfCosts known;
    for (const IntervalTerm& term : row.less) {
      if (term.cost == Cost::count) {
        continue;
      }
      const sim::Distribution& value = profile_[term.cost]->value.value;
      if (term.cost == Cost::copy_per_kib) {
        known.add(value.scaled(static_cast<double>(term.times) / 1024));
      } else {
        known.add(value, term.times);
      }
    }
    if (row.less_interval != Interval::count) {
      bool coarse = false;
      std::vector<Value> values =
          values_of(model_ ? Interval::timer_running_model : row.less_interval, coarse);
      std::vector<double> sorted = sorted_ns(values);
      if (sorted.size() >= 30) {
        sorted.resize(sorted.size() - sorted.size() / 200);  // without stalls
        known.add(std::move(sorted));
      }
    }
    return known;
  }

  void fit(const IntervalRow& row, std::vector<Value>& values, bool coarse, std::size_t sampled) {
    SumOfCosts known = known_of(row);
    if (row.id == Interval::send_large) {
      // By KiB, the rest being small beside it.
      for (Value& each : values) {
        each.ns = std::max(1.0, (each.ns - known.mean()) / std::max(1, each.given));
      }
      known = SumOfCosts{};
    }
    std::vector<SumSample> fitted, held;
    std::vector<Value> used;
    // Where one of the two times is exact, the other is up to a microsecond later than it says.
    const bool half_exact = row.id == Interval::timer_callback;
    const bool grid =
        coarse && row.id != Interval::send_large && row.id < Interval::timer_running && !half_exact;
    if (coarse && half_exact) {
      for (Value& each : values) {
        each.ns += 500;
      }
    }
    for (const Value& each : values) {
      (each.held_out ? held : fitted).push_back({each.ns, grid});
      if (!each.held_out) {
        used.push_back(each);
      }
    }
    std::string why;
    const std::optional<SumFit> found = fit_sum(fitted, known, why);
    if (!found) {
      std::string& reason = reasons_[static_cast<std::size_t>(row.identifies)];
      if (reason.empty() || !fitted.empty()) {
        reason = std::string{row.name} + ": " + why;
      }
      return;
    }
    EventCost cost;
    cost.cost = row.identifies;
    cost.interval = row.id;
    cost.fit = *found;
    cost.sampled = sampled;
    const std::vector<double> sorted = sorted_ns(used);
    cost.interval_p50_ns = quantile(sorted, 0.5);
    cost.interval_p99_ns = quantile(sorted, 0.99);
    const sim::Distribution& value = found->value.value;
    const auto [p50, p99] = bootstrap(used, sorted);
    cost.rse_p50 = p50 / std::max(1.0, value.quantile_ns(0.5));
    cost.rse_p99 = p99 / std::max(1.0, value.quantile_ns(0.99));
    cost.autocorrelation = autocorrelation(used);
    cost.depends =
        std::abs(cost.autocorrelation) > std::max(0.1, 3 / std::sqrt(static_cast<double>(used.size())));
    cost.held_out = compare_sum(value, known, held);
    compare_captures(cost, used);
    write(row, cost);
    result_.costs.push_back(std::move(cost));
  }

  void compare_captures(EventCost& cost, const std::vector<Value>& used) {
    std::map<std::uint16_t, std::vector<double>> by_capture;
    for (const Value& each : used) {
      by_capture[each.capture].push_back(each.ns);
    }
    double least = 0, most = 0;
    for (auto& [capture, ns] : by_capture) {
      std::sort(ns.begin(), ns.end());
      const double median = quantile(ns, 0.5);
      cost.captures.push_back({captures_[capture].about.name, ns.size(), median});
      if (ns.size() >= 100) {
        least = least == 0 ? median : std::min(least, median);
        most = std::max(most, median);
      }
    }
    cost.conflict = cost.interval_p50_ns > 0 ? (most - least) / cost.interval_p50_ns : 0;
  }

  void write(const IntervalRow& row, const EventCost& cost) {
    scenarios::ProfileCost entry;
    entry.value = cost.fit.value;
    entry.basis = models::Basis::calibrated;
    entry.source = std::string{row.from} + " to " + std::string{row.to};
    std::string less;
    for (const IntervalTerm& term : row.less) {
      if (term.cost != Cost::count) {
        less += (less.empty() ? ", less " : ", ") +
                std::string{models::cost_list[static_cast<std::size_t>(term.cost)].name};
      }
    }
    if (row.less_interval != Interval::count) {
      less += ", less the same on a busy CPU";
    }
    entry.source += less;
    entry.count = static_cast<std::int64_t>(cost.fit.count);
    entry.fit = cost.fit.form;
    entry.ks = std::round(cost.fit.ks * 1e4) / 1e4;
    const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
    entry.uncertainty = scenarios::CostUncertainty{rounded(cost.rse_p50), rounded(cost.rse_p99)};
    if (cost.depends && cost.autocorrelation > 0) {
      entry.autocorrelation = std::min(0.95, std::round(cost.autocorrelation * 100) / 100);
    }
    profile_[cost.cost] = std::move(entry);
  }

  void by_given(const std::vector<Value>& values, std::string title,
                const std::vector<std::pair<std::int32_t, std::string>>& names) {
    ConditionTable table{std::move(title), {}};
    for (const auto& [given, name] : names) {
      add_condition(table, name, values, [given = given](const Value& each) { return each.given == given; });
    }
    result_.conditions.push_back(std::move(table));
  }

  void by_residency(const IntervalRow& row, const std::vector<Value>& values) {
    constexpr std::array<std::int32_t, 6> edges{0, 50, 200, 1000, 4000, 1'000'000'000};
    ConditionTable table{std::string{models::cost_list[static_cast<std::size_t>(row.identifies)].name} +
                             " with the timer's delivery, by the time spent in the state",
                         {}};
    for (std::size_t i = 0; i + 1 < edges.size(); ++i) {
      const std::string name = i + 2 == edges.size()
                                   ? "from " + std::to_string(edges[i]) + " us"
                                   : std::to_string(edges[i]) + " to " + std::to_string(edges[i + 1]) + " us";
      add_condition(table, name, values,
                    [&](const Value& each) { return each.given >= edges[i] && each.given < edges[i + 1]; });
    }
    result_.conditions.push_back(std::move(table));
  }

  template <class If>
  void add_condition(ConditionTable& table, std::string name, const std::vector<Value>& values, If&& wanted) {
    std::vector<double> ns;
    for (const Value& each : values) {
      if (wanted(each)) {
        ns.push_back(each.ns);
      }
    }
    std::sort(ns.begin(), ns.end());
    if (!ns.empty()) {
      table.rows.push_back({std::move(name), ns.size(), quantile(ns, 0.5), quantile(ns, 0.99)});
    }
  }

  void explain() {
    for (const models::CostEntry& entry : models::cost_list) {
      if (!result_.identifies(entry.id)) {
        const std::string& why = reasons_[static_cast<std::size_t>(entry.id)];
        result_.not_identified.push_back({entry.id, why.empty() ? std::string{why_not(entry.id)} : why});
      }
    }
  }

  static std::string_view why_not(Cost cost) {
    switch (cost) {
      case Cost::hardirq_entry:
      case Cost::msi_delivery:
      case Cost::nic_dma:
        return "no event before the handler's: part of what passes from the device to irq_handler_entry";
      case Cost::syscall_entry:
        return "always together with the call's own entry";
      case Cost::cqe_post:
      case Cost::io_uring_submit:
        return "always together with io_uring_task_work or block_submit";
      case Cost::virtio_blk_notify:
      case Cost::virtio_blk_notify_deep:
      case Cost::virtio_blk_request:
      case Cost::virtio_blk_128k:
      case Cost::nvme_read_4k:
      case Cost::nvme_write_4k:
        return "issue to interrupt holds the queue's waiting, the delivery and the idle exit: matched to "
               "steps";
      case Cost::migration_cold_cache:
      case Cost::balance_domain:
        return "spread over what follows: no interval of its own";
      default:
        return "no interval of these captures holds it";
    }
  }

  scenarios::Profile& profile_;
  const std::vector<ScannedCapture>& captures_;
  double held_out_;
  bool model_ = false;
  EventCalibration result_;
  std::array<std::string, models::cost_count> reasons_;
};

}  // namespace

bool EventCalibration::identifies(Cost cost) const {
  return std::any_of(costs.begin(), costs.end(), [cost](const EventCost& each) { return each.cost == cost; });
}

EventCalibration fit_events(scenarios::Profile& profile, const std::vector<ScannedCapture>& captures,
                            double held_out) {
  EventCalibration result = EventFit{profile, captures, held_out}.run();
  if (result.stalls.count >= 30) {
    std::vector<sim::Nanos> lengths;
    for (const std::int64_t ns : result.stalls.ns) {
      lengths.push_back(sim::Nanos{ns});
    }
    const double interval = result.stalls.seconds * 1e9 / static_cast<double>(result.stalls.count);
    scenarios::ProfileSteal steal;
    steal.interval = scenarios::written_exponential(sim::Nanos{static_cast<std::int64_t>(interval)});
    steal.length = tabulated(sim::Distribution::empirical(std::move(lengths)));
    steal.source = std::to_string(result.stalls.count) + " gaps in straight-line kernel code, of " +
                   std::to_string(static_cast<int>(result.stalls.seconds)) + " s looked at";
    profile.steal = std::move(steal);
  }
  return result;
}

}  // namespace calibration
