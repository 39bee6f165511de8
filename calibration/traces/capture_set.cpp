#include "calibration/traces/capture_set.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>
#include <tuple>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> compressions{"", ".gz", ".zst", ".xz"};

// "n4.irq" of "n4.irq.txt.gz"; none when the name is not that of a capture.
std::optional<std::string> capture_stem(std::string_view name) {
  for (const std::string_view compression : compressions) {
    const std::string ending = ".txt" + std::string{compression};
    if (name.size() > ending.size() && name.ends_with(ending)) {
      return std::string{name.substr(0, name.size() - ending.size())};
    }
  }
  return std::nullopt;
}

std::optional<fs::path> side_file(const fs::path& directory, const std::string& stem, std::string_view kind) {
  for (const std::string_view compression : compressions) {
    fs::path path = directory / (stem + "." + std::string{kind} + ".csv" + std::string{compression});
    std::error_code ignored;
    if (fs::exists(path, ignored)) {
      return path;
    }
  }
  return std::nullopt;
}

CaptureEntry entry_of(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string stem = capture_stem(name).value_or(name);
  const auto dot = stem.rfind('.');
  return {.load = stem.substr(0, dot),
          .program = dot == std::string::npos ? "" : stem.substr(dot + 1),
          .rows = path,
          .roles = side_file(path.parent_path(), stem, "roles"),
          .steps = side_file(path.parent_path(), stem, "steps")};
}

void add_directory(const fs::path& directory, std::vector<CaptureEntry>& entries) {
  std::error_code error;
  const std::size_t before = entries.size();
  for (const fs::directory_entry& file : fs::directory_iterator{directory, error}) {
    if (capture_stem(file.path().filename().string())) {
      entries.push_back(entry_of(file.path()));
    }
  }
  if (error) {
    throw scenarios::InputError{{.file = directory.string(),
                                 .found = "a directory that cannot be read: " + error.message(),
                                 .expected = "a directory of captures",
                                 .suggestion = "check its permissions"}};
  }
  if (entries.size() == before) {
    throw scenarios::InputError{{.file = directory.string(),
                                 .found = "no capture in this directory",
                                 .expected = "files named LOAD.PROGRAM.txt, plain or .gz, .zst, .xz",
                                 .suggestion = "name the capture files one by one if they have other names"}};
  }
}

}  // namespace

std::vector<std::string> CaptureSet::loads() const {
  std::vector<std::string> names;
  for (const CaptureEntry& entry : entries) {
    if (names.empty() || names.back() != entry.load) {
      names.push_back(entry.load);
    }
  }
  return names;
}

const CaptureEntry* CaptureSet::find(const std::string& load, const std::string& program) const {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const CaptureEntry& entry) {
    return entry.load == load && entry.program == program;
  });
  return found == entries.end() ? nullptr : &*found;
}

CaptureSet find_captures(std::span<const std::filesystem::path> paths) {
  CaptureSet set;
  for (const fs::path& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (status.type() == fs::file_type::not_found) {
      throw scenarios::InputError{{.file = path.string(),
                                   .found = "no such file or directory",
                                   .expected = "captures or a directory of them",
                                   .suggestion = "check the path"}};
    }
    if (fs::is_directory(status)) {
      add_directory(path, set.entries);
    } else {
      set.entries.push_back(entry_of(path));
    }
  }
  std::sort(set.entries.begin(), set.entries.end(), [](const CaptureEntry& a, const CaptureEntry& b) {
    return std::tie(a.load, a.program, a.rows) < std::tie(b.load, b.program, b.rows);
  });
  const auto same_file = [](const CaptureEntry& a, const CaptureEntry& b) {
    return a.rows.lexically_normal() == b.rows.lexically_normal();
  };
  set.entries.erase(std::unique(set.entries.begin(), set.entries.end(), same_file), set.entries.end());
  for (std::size_t i = 1; i < set.entries.size(); ++i) {
    const CaptureEntry& one = set.entries[i - 1];
    const CaptureEntry& two = set.entries[i];
    if (one.load == two.load && one.program == two.program) {
      throw scenarios::InputError{{.file = two.rows.string(),
                                   .found = "a second capture named " + two.load + "." + two.program,
                                   .expected = "one, and there is " + one.rows.string(),
                                   .suggestion = "rename one of them to a load of its own"}};
    }
  }
  return set;
}

}  // namespace calibration
