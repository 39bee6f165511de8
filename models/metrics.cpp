#include "models/metrics.h"

namespace models {

void Metrics::merge(const Metrics& other) {
  for (std::size_t i = 0; i < metric_count; ++i) {
    histograms[i].merge(other.histograms[i]);
  }
  for (std::size_t i = 0; i < counter_count; ++i) {
    counters[i] += other.counters[i];
  }
  for (std::size_t i = 0; i < cost_count; ++i) {
    agent_cost_ns[i] += other.agent_cost_ns[i];
  }
  measured += other.measured;
  events += other.events;
}

}  // namespace models
