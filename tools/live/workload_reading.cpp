#include "tools/live/workload_reading.h"

#include <fstream>
#include <sstream>
#include <string>

namespace tools::live {
namespace {

TaskReading read_task(const TaskSlot& slot) {
  const std::string directory =
      "/proc/" + std::to_string(slot.pid.load()) + "/task/" + std::to_string(slot.tid.load());
  TaskReading reading{.bytes = slot.bytes.load(std::memory_order_relaxed),
                      .loops = slot.loops.load(std::memory_order_relaxed)};
  std::ifstream{directory + "/schedstat"} >> reading.cpu_ns;
  std::ifstream sched{directory + "/sched"};
  for (std::string line; std::getline(sched, line);) {
    if (line.starts_with("se.nr_migrations")) {
      std::istringstream{line.substr(line.find(':') + 1)} >> reading.migrations;
    }
  }
  return reading;
}

}  // namespace

WorkloadReading read_workload(Recorder& recorder) {
  WorkloadReading reading;
  for (std::size_t task = 0; task < recorder.size().tasks; ++task) {
    reading.tasks.push_back(read_task(recorder.task(task)));
  }
  reading.system = read_counters();
  return reading;
}

}  // namespace tools::live
