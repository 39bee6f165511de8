#include "calibration/traces/perfetto_cpus.h"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/traces/bpftrace_rows.h"
#include "sim/check.h"

namespace calibration {

PerfettoCpus::Cpu& PerfettoCpus::at(std::int32_t cpu) {
  sim::check(cpu >= 0 && cpu < max_cpus, "an event is of a CPU");
  const auto number = static_cast<std::size_t>(cpu);
  if (number >= cpus_.size()) {
    cpus_.resize(number + 1);
  }
  Cpu& found = cpus_[number];
  if (found.irq == Track::none) {
    if (group_ == Track::none) {
      group_ = stream_.track({.name = "CPUs", .ranks_children = true});
    }
    const auto row = [&](std::string_view what, int rank, std::string_view counts) {
      return stream_.track({.name = fmt::format("CPU {} {}", cpu, what),
                            .parent = group_,
                            .rank = cpu * 3 + rank,
                            .counts = counts});
    };
    found.irq = row("irq", 0, "");
    found.softirq = row("softirq", 1, "");
    found.queue = row("run queue", 2, "tasks");
  }
  return found;
}

void PerfettoCpus::handler_entry(const Event& event) {
  Cpu& cpu = at(event.cpu);
  if (cpu.in_handler) {
    stream_.end(event.time, cpu.irq);
  }
  cpu.in_handler = true;
  fmt::memory_buffer name;
  fmt::format_to(fmt::appender{name}, "irq {} {}", event.irq.irq, names_.text(event.irq.name));
  stream_.begin({.time = event.time,
                 .track = cpu.irq,
                 .category = TraceCategory::irq,
                 .name = {name.data(), name.size()}});
}

void PerfettoCpus::handler_exit(const Event& event) {
  Cpu& cpu = at(event.cpu);
  if (cpu.in_handler) {
    cpu.in_handler = false;
    stream_.end(event.time, cpu.irq);
  }
}

FlowId PerfettoCpus::raised(const Event& event) {
  const auto vec = static_cast<std::size_t>(event.softirq.vec);
  if (vec >= vectors) {
    return FlowId::none;
  }
  std::vector<FlowId>& raises = at(event.cpu).raises[vec];
  return raises.size() < kept_raises ? raises.emplace_back(stream_.flow()) : FlowId::none;
}

void PerfettoCpus::softirq_entry(const Event& event) {
  Cpu& cpu = at(event.cpu);
  if (cpu.vec >= 0) {
    stream_.end(event.time, cpu.softirq);
  }
  cpu.vec = std::max(event.softirq.vec, 0);
  const std::string_view known = softirq_name(event.softirq.vec);
  TraceMark mark{.time = event.time,
                 .track = cpu.softirq,
                 .category = TraceCategory::softirq,
                 .name = known.empty() ? std::string_view{"vec"} : known};
  const auto vec = static_cast<std::size_t>(event.softirq.vec);
  if (vec < vectors) {
    mark.ends = cpu.raises[vec];
  }
  stream_.begin(mark);
  if (vec < vectors) {
    cpu.raises[vec].clear();
  }
}

void PerfettoCpus::softirq_exit(const Event& event) {
  Cpu& cpu = at(event.cpu);
  if (cpu.vec >= 0) {
    cpu.vec = -1;
    stream_.end(event.time, cpu.softirq);
  }
}

void PerfettoCpus::close(std::int32_t number, std::int64_t time) {
  Cpu& cpu = at(number);
  if (cpu.in_handler) {
    cpu.in_handler = false;
    stream_.end(time, cpu.irq);
  }
  if (cpu.vec >= 0) {
    cpu.vec = -1;
    stream_.end(time, cpu.softirq);
  }
}

void PerfettoCpus::runnable(std::int32_t number, int change, std::int64_t time) {
  Cpu& cpu = at(number);
  cpu.runnable += change;
  stream_.counter(time, cpu.queue, cpu.runnable);
}

void PerfettoCpus::finish(std::int64_t time) {
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    if (cpus_[i].irq != Track::none) {
      close(static_cast<std::int32_t>(i), time);
    }
  }
}

}  // namespace calibration
