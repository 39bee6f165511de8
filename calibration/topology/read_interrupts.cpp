// /proc/interrupts, /proc/irq/N, and from debugfs which vectors are managed.
#include <algorithm>
#include <cctype>

#include "calibration/topology/parse.h"
#include "calibration/topology/readers.h"
#include "scenarios/input_error.h"
#include "scenarios/quantity.h"

namespace calibration {
namespace {

constexpr std::size_t most_interrupts =
    4 * 1024 * 1024;  // bytes of /proc/interrupts: 1000 lines for 400 CPUs

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

// "           CPU0       CPU1", of the CPUs that are online; empty: not such a line.
std::vector<int> parse_header(const std::vector<std::string>& row) {
  std::vector<int> cpus;
  for (const std::string& word : row) {
    const auto number = starts_with(word, "CPU") ? scenarios::parse_unsigned(word.substr(3)) : std::nullopt;
    if (!number || *number >= static_cast<std::uint64_t>(most_cpus)) {
      return {};
    }
    cpus.push_back(static_cast<int>(*number));
  }
  return cpus;
}

// "1-edge", "9-fasteoi", or Arm's "Level": where the description of the vector ends and the names begin.
bool ends_chip(std::string_view word) {
  const std::size_t dash = word.rfind('-');
  const std::string_view last = dash == std::string_view::npos ? word : word.substr(dash + 1);
  return last == "edge" || last == "fasteoi" || last == "level" || last == "Edge" || last == "Level";
}

std::string joined(const std::vector<std::string>& row, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) {
    text += (text.empty() ? "" : " ") + row[i];
  }
  return shortened(text, 120);
}

struct Columns {
  std::vector<int> cpus;  // of each column
  bool given = false;     // by a heading
  std::size_t widest = 0;
};

// The counts of one line, and where the words after them start.
std::size_t read_counts(const std::vector<std::string>& row, const Columns& columns, MachineIrq& irq,
                        bool& valid) {
  std::size_t at = 1;
  const std::size_t most = columns.given ? columns.cpus.size() : static_cast<std::size_t>(most_cpus);
  for (; at < row.size() && at - 1 < most && is_number(row[at]); ++at) {
    const auto count = scenarios::parse_unsigned(row[at]);
    if (!count || irq.total + *count < irq.total) {
      valid = false;
      return at;
    }
    if (*count > 0) {
      irq.counts.emplace_back(columns.given ? columns.cpus[at - 1] : static_cast<int>(at - 1), *count);
      irq.total += *count;
    }
  }
  return at;
}

MachineIrq read_row(const std::vector<std::string>& row, Columns& columns, bool& valid) {
  MachineIrq irq;
  irq.number = row[0].substr(0, row[0].size() - 1);
  const std::size_t names = read_counts(row, columns, irq, valid);
  const bool numbered = is_number(irq.number);
  valid = valid && (numbered || irq.number.size() <= 8) && names > 1;
  if (numbered) {
    columns.widest = std::max(columns.widest, names - 1);
    valid = valid && irq.number.size() <= 6 && (!columns.given || names - 1 == columns.cpus.size());
    const auto chip_end =
        std::find_if(row.begin() + static_cast<std::ptrdiff_t>(names), row.end(), ends_chip);
    const auto after = static_cast<std::size_t>(chip_end - row.begin()) + (chip_end == row.end() ? 0 : 1);
    irq.chip = chip_end == row.end() ? "" : joined(row, names, after);
    irq.name = joined(row, chip_end == row.end() ? names : after, row.size());
  } else {
    irq.name = joined(row, names, row.size());
  }
  return irq;
}

void infer_online(const Columns& columns, const std::string& path, Topology& topology) {
  CpuSet cpus = columns.cpus;
  for (std::size_t i = 0; !columns.given && i < columns.widest; ++i) {
    cpus.push_back(static_cast<int>(i));
  }
  if (!cpus.empty()) {
    std::sort(cpus.begin(), cpus.end());
    cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
    topology.online = {.value = cpus, .source = path, .note = "inferred: its columns"};
  }
}

void read_table(FileTree& tree, Topology& topology) {
  const std::string path =
      tree.or_flat("/proc/interrupts", {"interrupts", "interrupts.before", "interrupts.after"});
  const auto text = tree.text(path, most_interrupts);
  if (!text) {
    return;
  }
  Columns columns;
  std::int64_t number = 0;
  for (const std::string_view line : lines(*text)) {
    ++number;
    const std::vector<std::string> row = words(line);
    if (number == 1 && !parse_header(row).empty()) {
      columns = {.cpus = parse_header(row), .given = true};
      continue;
    }
    if (row.empty()) {
      continue;
    }
    bool valid = row[0].size() > 1 && row[0].back() == ':';
    MachineIrq irq = valid ? read_row(row, columns, valid) : MachineIrq{};
    if (!valid) {
      tree.warn(path, number, scenarios::quoted(trimmed(line)),
                "an interrupt, its count for each CPU and its name");
      continue;
    }
    irq.source = path;
    topology.irqs.push_back(std::move(irq));
  }
  infer_online(columns, path, topology);
}

// "count 12\nunhandled 0\nlast_unhandled 0 ms"
Known<std::int64_t> read_unhandled(FileTree& tree, const std::string& path) {
  Known<std::int64_t> result{.value = {}, .source = path, .note = "no such file"};
  if (const auto text = tree.text(path)) {
    const auto row = words(*text);
    const auto key = std::find(row.begin(), row.end(), "unhandled");
    result.value =
        key == row.end() || key + 1 == row.end() ? std::nullopt : scenarios::parse_integer(*(key + 1));
    result.note = result ? "" : "no count in it";
  }
  return result;
}

void read_affinity(FileTree& tree, MachineIrq& irq) {
  const std::string base = "/proc/irq/" + irq.number;
  irq.affinity = tree.cpus(base + "/smp_affinity_list");
  irq.effective_affinity = tree.cpus(base + "/effective_affinity_list");
  irq.unhandled = read_unhandled(tree, base + "/spurious");
  const std::string path = "/sys/kernel/debug/irq/irqs/" + irq.number;
  irq.managed = {.value = {}, .source = path, .note = "no such file"};
  if (tree.has(path)) {
    if (const auto text = tree.text(path)) {
      irq.managed = {
          .value = text->find("IRQD_AFFINITY_MANAGED") != std::string::npos, .source = path, .note = {}};
    }
  }
}

// The flat form: "/proc/irq/25/ 0 virtio2-req.0", the directory, its effective affinity, its names.
void read_flat_affinity(FileTree& tree, const std::string& path, Topology& topology) {
  const std::string text = tree.text(path).value_or("");
  std::int64_t number = 0;
  for (const std::string_view line : lines(text)) {
    ++number;
    const auto row = words(line);
    if (row.size() < 2) {
      continue;
    }
    const auto cpus = parse_cpu_list(row[1]);
    if (!starts_with(row[0], "/proc/irq/") || !cpus) {
      tree.warn(path, number, scenarios::quoted(line), "/proc/irq/N/, the CPUs that serve it, its names");
      continue;
    }
    for (MachineIrq& irq : topology.irqs) {
      if (row[0] == "/proc/irq/" + irq.number + "/") {
        irq.effective_affinity = {.value = cpus, .source = path, .note = {}};
      }
    }
  }
}

}  // namespace

void read_interrupts(FileTree& tree, Topology& topology) {
  read_table(tree, topology);
  const std::string flat = tree.or_flat("/proc/irq", {"irq-affinity"});
  for (MachineIrq& irq : topology.irqs) {
    if (is_number(irq.number) && flat == "/proc/irq") {
      read_affinity(tree, irq);
    }
  }
  if (flat != "/proc/irq") {
    read_flat_affinity(tree, flat, topology);
  }
  tree.names("/sys/kernel/debug/irq/irqs");  // to note why, where it cannot be read
}

}  // namespace calibration
