#include "calibration/capture/symbols.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

constexpr std::uint64_t farthest = 1 << 20;  // bytes into a function: beyond it is a gap between modules

}  // namespace

KernelSymbols KernelSymbols::of_this_machine() {
  std::ostringstream text;
  text << std::ifstream{"/proc/kallsyms", std::ios::binary}.rdbuf();
  return KernelSymbols{text.str()};
}

KernelSymbols::KernelSymbols(std::string_view kallsyms) {
  for (TextScan text{kallsyms}; !text.done(); text.past("\n")) {
    TextScan line{text.until('\n')};
    std::uint64_t address = 0;
    if (!line.hex(address) || address == 0 || !line.literal(" ") || line.done()) {
      continue;
    }
    const char type = *line.at++;
    if ((type == 't' || type == 'T' || type == 'w' || type == 'W') && line.literal(" ")) {
      const std::string_view name = line.until('\t');
      symbols_.emplace_back(address, name.substr(0, name.find('.', 1)));
    }
  }
  std::stable_sort(symbols_.begin(), symbols_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
}

std::string_view KernelSymbols::function_at(std::uint64_t address) const {
  auto after = std::upper_bound(symbols_.begin(), symbols_.end(), address,
                                [](std::uint64_t value, const auto& symbol) { return value < symbol.first; });
  if (after == symbols_.begin() || address - std::prev(after)->first > farthest) {
    return {};
  }
  const std::uint64_t start = std::prev(after)->first;
  while (std::prev(after) != symbols_.begin() && std::prev(after, 2)->first == start) {
    --after;  // the first of several names of one function
  }
  return std::prev(after)->second;
}

std::unordered_map<std::int32_t, std::string> parse_interrupt_names(std::string_view interrupts) {
  std::unordered_map<std::int32_t, std::string> names;
  for (TextScan text{interrupts}; !text.done(); text.past("\n")) {
    const std::string_view line = trimmed(text.until('\n'));
    TextScan scan{line};
    std::int32_t irq = 0;
    const auto last = line.rfind("  ");  // a name may hold single spaces
    if (scan.number(irq) && scan.literal(":") && last != std::string_view::npos) {
      names[irq] = trimmed(line.substr(last));
    }
  }
  return names;
}

}  // namespace calibration
