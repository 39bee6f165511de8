// Files of one value: text, a number, a list of CPUs.
#include <algorithm>

#include "calibration/topology/file_tree.h"
#include "calibration/topology/parse.h"
#include "scenarios/input_error.h"
#include "scenarios/quantity.h"

namespace calibration {

Known<std::string> FileTree::first_line(std::string_view path) {
  Known<std::string> result{.value = {}, .source = std::string{path}, .note = {}};
  const std::size_t warned = warnings_.size();
  if (const auto whole = text(path)) {
    const auto all = lines(*whole);
    result.value = all.empty() ? "" : std::string{trimmed(all.front())};
  } else {
    result.note = warnings_.size() > warned ? "binary content" : bytes(path, most_bytes).why;
  }
  return result;
}

Known<std::string> FileTree::line(std::string_view path) {
  Known<std::string> result = first_line(path);
  if (result && result->size() > 1000) {
    warn(path, 1, "a line of " + std::to_string(result->size()) + " bytes", "1000 at most");
    result.value.reset();
    result.note = "too long";
  }
  return result;
}

Known<std::int64_t> FileTree::number(std::string_view path) {
  const Known<std::string> text = first_line(path);
  Known<std::int64_t> result{.value = {}, .source = text.source, .note = text.note};
  if (text) {
    result.value = scenarios::parse_integer(*text);
    if (!result) {
      warn(path, 1, scenarios::quoted(*text), "a whole number");
      result.note = "no number";
    }
  }
  return result;
}

Known<CpuSet> FileTree::cpus(std::string_view path) {
  const Known<std::string> text = first_line(path);
  Known<CpuSet> result{.value = {}, .source = text.source, .note = text.note};
  if (text) {
    result.value = parse_cpu_list(*text);
    if (!result) {
      warn(path, 1, scenarios::quoted(*text), "CPUs such as 0-3,8");
      result.note = "no list of CPUs";
    }
  }
  return result;
}

std::vector<int> FileTree::numbered(std::string_view path, std::string_view prefix) {
  std::vector<int> result;
  for (const std::string& name : names(path)) {
    if (name.compare(0, prefix.size(), prefix) == 0) {
      const auto number = scenarios::parse_unsigned(std::string_view{name}.substr(prefix.size()));
      if (number && *number < static_cast<std::uint64_t>(most_cpus)) {
        result.push_back(static_cast<int>(*number));
      }
    }
  }
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

}  // namespace calibration
