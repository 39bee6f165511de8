#include "calibration/capture/bpf_stats.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

int enable_run_time_stats() {
  bpf_attr attributes{};
  attributes.enable_stats.type = BPF_STATS_RUN_TIME;
  return static_cast<int>(::syscall(SYS_bpf, BPF_ENABLE_STATS, &attributes, sizeof attributes));
}

}  // namespace

BpfStats::BpfStats() : fd_{enable_run_time_stats()} {}

BpfStats::~BpfStats() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

BpfRuns bpf_runs(pid_t process) {
  BpfRuns sum;
  std::error_code failure;
  const std::filesystem::path directory{"/proc/" + std::to_string(process) + "/fdinfo"};
  for (const auto& entry : std::filesystem::directory_iterator{directory, failure}) {
    std::ifstream file{entry.path()};
    bool program = false;
    for (std::string line; std::getline(file, line);) {
      TextScan text{line};
      const std::string_view key = text.until(':');
      std::uint64_t value = 0;
      if (!text.literal(":\t") || !text.number(value)) {
        continue;
      }
      program |= key == "prog_type";
      sum.programs += key == "prog_type" ? 1 : 0;
      sum.run_ns += program && key == "run_time_ns" ? value : 0;
      sum.runs += program && key == "run_cnt" ? value : 0;
      sum.misses += program && key == "recursion_misses" ? value : 0;
    }
  }
  return sum;
}

std::int64_t cpu_time(pid_t process) {
  std::ifstream file{"/proc/" + std::to_string(process) + "/schedstat"};
  std::int64_t ns = 0;
  return file >> ns ? ns : 0;
}

}  // namespace calibration
