#include "calibration/topology/parse.h"

#include <algorithm>
#include <cctype>

#include "scenarios/quantity.h"

namespace calibration {
namespace {

constexpr std::string_view blanks = " \t\r\n";

int hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "3" or "4-7", appended; false: neither.
bool append_range(std::string_view text, CpuSet& cpus) {
  const std::size_t dash = text.find('-');
  const auto first = scenarios::parse_unsigned(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : scenarios::parse_unsigned(text.substr(dash + 1));
  if (!first || !last || *first > *last || *last >= static_cast<std::uint64_t>(most_cpus)) {
    return false;
  }
  for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) {
    cpus.push_back(static_cast<int>(cpu));
  }
  return cpus.size() <= static_cast<std::size_t>(most_cpus);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> result;
  for (std::size_t at = text.find_first_not_of(blanks); at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
    result.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(blanks, end);
  }
  return result;
}

std::vector<std::string_view> lines(std::string_view text) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    result.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::optional<CpuSet> parse_cpu_list(std::string_view text) {
  text = trimmed(text);
  CpuSet cpus;
  if (text == "(null)") {  // nohz_full on a kernel that could have it and was not told to
    return cpus;
  }
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (!append_range(trimmed(text.substr(0, comma)), cpus) || comma + 1 == text.size()) {
      return std::nullopt;
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

std::optional<CpuSet> parse_cpu_mask(std::string_view text) {
  text = trimmed(text);
  CpuSet cpus;
  int bit = 0;
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit) {
    if (*digit == ',') {
      continue;
    }
    const int value = hexadecimal(*digit);
    if (value < 0 || (value != 0 && bit + 4 > most_cpus)) {
      return std::nullopt;
    }
    for (int i = 0; i < 4; ++i) {
      if ((value >> i & 1) != 0) {
        cpus.push_back(bit + i);
      }
    }
    bit += 4;
  }
  return bit == 0 ? std::nullopt : std::optional{cpus};
}

std::string format_cpus(const CpuSet& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) {
      ++last;
    }
    text += (text.empty() ? "" : ",") + std::to_string(cpus[i]);
    text += last == i ? "" : "-" + std::to_string(cpus[last]);
    i = last + 1;
  }
  return text;
}

bool contains(const CpuSet& cpus, int cpu) { return std::binary_search(cpus.begin(), cpus.end(), cpu); }

std::optional<std::int64_t> parse_cache_size(std::string_view text) {
  constexpr std::int64_t largest = std::int64_t{1} << 40;
  std::int64_t unit = 1;
  if (!text.empty() && (text.back() == 'K' || text.back() == 'M')) {
    unit = text.back() == 'K' ? 1024 : 1024 * 1024;
    text.remove_suffix(1);
  }
  const auto number = scenarios::parse_integer(text);
  if (!number || *number < 0 || *number > largest / unit) {
    return std::nullopt;
  }
  return *number * unit;
}

std::string chosen(std::string_view text, std::string_view brackets) {
  const std::size_t open = text.find(brackets[0]);
  const std::size_t close = text.find(brackets[1], open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos || close == std::string_view::npos) {
    return {};
  }
  return std::string{text.substr(open + 1, close - open - 1)};
}

std::optional<KernelVersion> parse_release(std::string_view release) {
  const std::size_t dot = release.find('.');
  if (dot == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view rest = release.substr(dot + 1);
  const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
  const auto major = scenarios::parse_unsigned(release.substr(0, dot));
  const auto minor = scenarios::parse_unsigned(rest.substr(0, end));
  if (!major || !minor || *major > 1000 || *minor > 1000) {
    return std::nullopt;
  }
  return KernelVersion{static_cast<int>(*major), static_cast<int>(*minor)};
}

std::string shortened(std::string_view text, std::size_t most) {
  return text.size() <= most ? std::string{text} : std::string{text.substr(0, most - 3)} + "...";
}

}  // namespace calibration
