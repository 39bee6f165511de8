// Names for what a capture holds as numbers: kernel functions by address, interrupts by number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace calibration {

class KernelSymbols {
 public:
  // /proc/kallsyms; empty where addresses are hidden (kptr_restrict).
  static KernelSymbols of_this_machine();
  explicit KernelSymbols(std::string_view kallsyms);

  // The function that holds `address`, without offset or suffix (".isra.0"); "" when there is none.
  std::string_view function_at(std::uint64_t address) const;
  std::size_t size() const { return symbols_.size(); }

 private:
  std::vector<std::pair<std::uint64_t, std::string>> symbols_;  // by address
};

// "virtio1-req.0" by interrupt: the last column of /proc/interrupts, where several names stand with commas.
std::unordered_map<std::int32_t, std::string> parse_interrupt_names(std::string_view interrupts);

}  // namespace calibration
