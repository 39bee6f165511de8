#include "calibration/replay/imposed_costs.h"

#include <algorithm>

namespace calibration {
namespace {

constexpr std::size_t enough = 20;  // values of a class; with fewer, its neighbours' are drawn from too

std::int64_t median(std::vector<std::int64_t> values) {
  if (values.empty()) {
    return 0;
  }
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

ImposedCosts::ImposedCosts(const FreeProgram& program, CostMode mode, std::uint64_t seed)
    : measured_{program.costs}, impose_{mode == CostMode::imposed} {
  const sim::Rng rng{seed};
  exit_stream_ = rng.stream("replay/exit");
  delivery_stream_ = rng.stream("replay/delivery");
  preempt_stream_ = rng.stream("replay/preempt");
  for (std::size_t source = 0; source < exit_sources; ++source) {
    for (const auto& values : measured_.exits[source]) {
      all_exits_[source].insert(all_exits_[source].end(), values.begin(), values.end());
    }
  }
  for (const auto& values : measured_.deliveries) {
    all_deliveries_.insert(all_deliveries_.end(), values.begin(), values.end());
  }
  tick_length_ = median(measured_.ticks);
}

std::int64_t ImposedCosts::draw(std::span<const std::int64_t> values, sim::Stream& stream) {
  ++drawn_;
  return values.empty() ? 0 : values[stream.below(values.size())];
}

std::int64_t ImposedCosts::delivery(const FreeWake& wake, std::int64_t idle) {
  if (impose_ && wake.listed && wake.ends_idle) {
    ++imposed_;
    return wake.wakeup_at - wake.waking_at;
  }
  const auto& values = measured_.deliveries[residency_class(idle)];
  return draw(values.size() < enough ? all_deliveries_ : values, delivery_stream_);
}

std::span<const std::int64_t> ImposedCosts::exits(ExitSource source, std::size_t residency) const {
  const auto place = static_cast<std::size_t>(source);
  const auto& values = measured_.exits[place][residency];
  if (values.size() >= enough) {
    return values;
  }
  if (!all_exits_[place].empty()) {
    return all_exits_[place];
  }
  const auto& timers = all_exits_[static_cast<std::size_t>(ExitSource::timer)];
  return timers;
}

std::int64_t ImposedCosts::exit(const FreeWake* wake, bool remote, std::int64_t idle) {
  if (impose_ && wake != nullptr && wake->ends_idle && wake->exit != not_seen &&
      remote == (wake->source == ExitSource::remote)) {
    ++imposed_;
    return wake->exit;
  }
  if (wake == nullptr) {
    return 0;
  }
  const ExitSource source = remote                               ? ExitSource::remote
                            : wake->source == ExitSource::remote ? ExitSource::timer
                                                                 : wake->source;
  return draw(exits(source, residency_class(idle)), exit_stream_);
}

std::int64_t ImposedCosts::preempt(const FreeWake* wake, bool remote) {
  if (impose_ && wake != nullptr && wake->preempt != not_seen) {
    ++imposed_;
    return wake->preempt == blocked_first ? never : wake->preempt;
  }
  const PreemptSource source = wake == nullptr ? PreemptSource::tick
                               : remote        ? PreemptSource::interrupt
                                               : wake->preempt_source;
  const auto& values = measured_.preempts[static_cast<std::size_t>(source)];
  const auto& interrupts = measured_.preempts[static_cast<std::size_t>(PreemptSource::interrupt)];
  return draw(values.empty() ? interrupts : values, preempt_stream_);
}

}  // namespace calibration
