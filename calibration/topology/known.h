// One value that a machine's files may tell, with the file it came from, or why it is not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace calibration {

// Sorted, each CPU once; at most 8192 of them (NR_CPUS of x86).
using CpuSet = std::vector<int>;

// Never guessed: a value that no file states outright says in `note` what it was inferred from.
template <class T>
struct Known {
  std::optional<T> value;
  std::string
      source;        // the file, as its path on the machine; of a missing value, the file that would have it
  std::string note;  // "inferred from ...", or for a missing value why: "no such file", "permission denied"

  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }
};

}  // namespace calibration
