#include "tools/live/workload_counters.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace tools::live {
namespace {

std::string file_text(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{path}.rdbuf();
  return text.str();
}

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t";
  std::vector<std::string_view> words;
  for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(blanks, end);
  }
  return words;
}

template <class Each>
void for_each_line(std::string_view text, Each&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool number_of(std::string_view word, std::int64_t& value, int base = 10) {
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  return error == std::errc{} && end == word.data() + word.size();
}

std::int64_t sum_of(const std::vector<std::string_view>& words, std::size_t columns) {
  std::int64_t sum = 0;
  for (std::size_t i = 1; i < words.size() && i <= columns; ++i) {
    std::int64_t value = 0;
    sum += number_of(words[i], value) ? value : 0;
  }
  return sum;
}

void add(std::int64_t& counter, std::int64_t value) { counter = std::max<std::int64_t>(counter, 0) + value; }

std::int64_t difference(std::int64_t after, std::int64_t before) {
  return after < 0 || before < 0 ? -1 : after - before;
}

std::map<std::string, std::int64_t> differences(const std::map<std::string, std::int64_t>& after,
                                                const std::map<std::string, std::int64_t>& before) {
  std::map<std::string, std::int64_t> result;
  for (const auto& [name, value] : after) {
    const auto found = before.find(name);
    result[name] = value - (found == before.end() ? 0 : found->second);
  }
  return result;
}

// The ids of the ksoftirqd threads, which live as long as the machine.
const std::vector<std::string>& ksoftirqds() {
  static const std::vector<std::string> pids = [] {
    std::vector<std::string> found;
    DIR* const directory = ::opendir("/proc");
    for (const dirent* entry = nullptr; directory != nullptr && (entry = ::readdir(directory)) != nullptr;) {
      const std::string pid = entry->d_name;
      if (pid.find_first_not_of("0123456789") == std::string::npos &&
          file_text("/proc/" + pid + "/comm").starts_with("ksoftirqd/")) {
        found.push_back(pid);
      }
    }
    if (directory != nullptr) {
      ::closedir(directory);
    }
    return found;
  }();
  return pids;
}

void read_ksoftirqd(SystemCounters& counters) {
  constexpr std::string_view voluntary = "voluntary_ctxt_switches:";
  for (const std::string& pid : ksoftirqds()) {
    for_each_line(file_text("/proc/" + pid + "/status"), [&](std::string_view line) {
      if (line.starts_with(voluntary)) {
        add(counters.ksoftirqd_wakeups, sum_of(words_of(line), 1));
      }
    });
    const std::string schedstat = file_text("/proc/" + pid + "/schedstat");
    if (std::int64_t ran = 0; !schedstat.empty() && number_of(words_of(schedstat).front(), ran)) {
      add(counters.ksoftirqd_cpu_ns, ran);
    }
  }
}

}  // namespace

CpuTimes parse_cpu_times(std::string_view proc_stat) {
  CpuTimes times;
  const std::int64_t tick_ns = 1'000'000'000 / std::max(::sysconf(_SC_CLK_TCK), 1L);
  for_each_line(proc_stat, [&](std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() < 9 || words.front() != "cpu") {
      return;
    }
    // user nice system idle iowait irq softirq steal; guest time is part of user
    const auto column = [&](std::size_t index) {
      std::int64_t ticks = 0;
      return number_of(words[index], ticks) ? ticks * tick_ns : 0;
    };
    times = {.user = column(1) + column(2),
             .system = column(3),
             .softirq = column(7),
             .hardirq = column(6),
             .idle = column(4) + column(5),
             .steal = column(8)};
  });
  return times;
}

std::int64_t parse_context_switches(std::string_view proc_stat) {
  std::int64_t switches = -1;
  for_each_line(proc_stat, [&](std::string_view line) {
    if (line.starts_with("ctxt ")) {
      switches = sum_of(words_of(line), 1);
    }
  });
  return switches;
}

void parse_interrupts(std::string_view proc_interrupts, SystemCounters& counters) {
  std::size_t cpus = 0;
  for_each_line(proc_interrupts, [&](std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.empty()) {
      return;
    }
    if (words.front().starts_with("CPU")) {
      cpus = words.size();
      return;
    }
    const std::int64_t sum = sum_of(words, cpus);
    const std::string_view name = words.front().substr(0, words.front().size() - 1);
    if (std::int64_t irq = 0; number_of(name, irq)) {
      add(counters.interrupts_device, sum);
      counters.device_lines[std::string{words.back()}] += sum;
    } else if (name == "LOC") {
      add(counters.interrupts_timer, sum);
    } else if (name == "RES" || name == "CAL") {
      add(counters.interrupts_ipi, sum);
    }
  });
}

void parse_softirqs(std::string_view proc_softirqs, SystemCounters& counters) {
  for_each_line(proc_softirqs, [&](std::string_view line) {
    const std::vector<std::string_view> words = words_of(line);
    if (!words.empty() && words.front().ends_with(':')) {
      counters.softirqs[std::string{words.front().substr(0, words.front().size() - 1)}] =
          sum_of(words, words.size());
    }
  });
}

void parse_softnet(std::string_view softnet_stat, SystemCounters& counters) {
  constexpr int hexadecimal = 16;
  for_each_line(softnet_stat, [&](std::string_view line) {  // a line per CPU: processed dropped time_squeeze
    const std::vector<std::string_view> words = words_of(line);
    std::int64_t dropped = 0;
    std::int64_t squeezed = 0;
    if (words.size() >= 3 && number_of(words[1], dropped, hexadecimal) &&
        number_of(words[2], squeezed, hexadecimal)) {
      add(counters.rx_drops, dropped);
      add(counters.time_squeeze, squeezed);
    }
  });
}

SystemCounters read_counters() {
  SystemCounters counters;
  const std::string stat = file_text("/proc/stat");
  counters.cpu = parse_cpu_times(stat);
  counters.context_switches = parse_context_switches(stat);
  parse_interrupts(file_text("/proc/interrupts"), counters);
  parse_softirqs(file_text("/proc/softirqs"), counters);
  parse_softnet(file_text("/proc/net/softnet_stat"), counters);
  read_ksoftirqd(counters);
  return counters;
}

SystemCounters operator-(const SystemCounters& after, const SystemCounters& before) {
  return {.cpu = {.user = after.cpu.user - before.cpu.user,
                  .system = after.cpu.system - before.cpu.system,
                  .softirq = after.cpu.softirq - before.cpu.softirq,
                  .hardirq = after.cpu.hardirq - before.cpu.hardirq,
                  .idle = after.cpu.idle - before.cpu.idle,
                  .steal = after.cpu.steal - before.cpu.steal},
          .interrupts_device = difference(after.interrupts_device, before.interrupts_device),
          .interrupts_timer = difference(after.interrupts_timer, before.interrupts_timer),
          .interrupts_ipi = difference(after.interrupts_ipi, before.interrupts_ipi),
          .context_switches = difference(after.context_switches, before.context_switches),
          .rx_drops = difference(after.rx_drops, before.rx_drops),
          .time_squeeze = difference(after.time_squeeze, before.time_squeeze),
          .ksoftirqd_wakeups = difference(after.ksoftirqd_wakeups, before.ksoftirqd_wakeups),
          .ksoftirqd_cpu_ns = difference(after.ksoftirqd_cpu_ns, before.ksoftirqd_cpu_ns),
          .softirqs = differences(after.softirqs, before.softirqs),
          .device_lines = differences(after.device_lines, before.device_lines)};
}

}  // namespace tools::live
