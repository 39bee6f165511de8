// The small formats in /proc and /sys: lists and masks of CPUs, sizes, a choice among words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/topology/known.h"

namespace calibration {

inline constexpr int most_cpus = 8192;  // NR_CPUS with MAXSMP on x86; what is beyond is not a list of CPUs

std::string_view trimmed(std::string_view text);
std::vector<std::string> words(std::string_view text);  // split at blanks
std::vector<std::string_view> lines(std::string_view text);

std::optional<CpuSet> parse_cpu_list(std::string_view text);  // "0-3,8" and "0, 1"; "" and "(null)": none
std::optional<CpuSet> parse_cpu_mask(std::string_view text);  // "ff,00000003"
std::string format_cpus(const CpuSet& cpus);                  // "0-3,8"
bool contains(const CpuSet& cpus, int cpu);

std::optional<std::int64_t> parse_cache_size(std::string_view text);  // "32K", "1M", in bytes

// "none [mq-deadline] bfq" with "[]", "none voluntary (full)" with "()": the chosen one; "" if there is none.
std::string chosen(std::string_view text, std::string_view brackets);

// The first two numbers of a release: "6.18.44-x" → {6, 18}.
using KernelVersion = std::pair<int, int>;
std::optional<KernelVersion> parse_release(std::string_view release);

// At most `most` bytes of a text from a file, for a line of output.
std::string shortened(std::string_view text, std::size_t most = 200);

}  // namespace calibration
