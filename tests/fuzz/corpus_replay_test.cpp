// What fuzzing left behind: small inputs that reach every part of every reader, and those that once broke
// one.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/fuzz/harness.h"

namespace {

namespace fs = std::filesystem;

const fs::path folder = fs::path{CHAINSIM_SOURCE_DIR} / "tests/fuzz";

std::vector<fs::path> files_of(const fs::path& directory) {
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator{directory}) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string bytes_of(const fs::path& file) {
  std::ostringstream bytes;
  bytes << std::ifstream{file, std::ios::binary}.rdbuf();
  return bytes.str();
}

}  // namespace

TEST_CASE("every kept input is read or refused by every fuzzed reader", "[fuzz]") {
  for (const fuzz::Reader& kept_for : fuzz::readers) {
    const auto files = files_of(folder / "corpus" / kept_for.name);
    CHECK_FALSE(files.empty());
    for (const fs::path& file : files) {
      const std::string input = bytes_of(file);
      for (const fuzz::Reader& reader : fuzz::readers) {
        INFO(file.filename() << " of " << kept_for.name << " by " << reader.name);
        CHECK_NOTHROW(reader.read(input));
      }
    }
  }
}

TEST_CASE("every fuzzer is replayed", "[fuzz]") {
  std::vector<std::string> written;
  for (const fs::path& file : files_of(folder)) {
    const std::string stem = file.stem().string();
    if (stem.starts_with("fuzz_") && file.extension() == ".cpp") {
      written.push_back(stem.substr(5));
    }
  }
  std::vector<std::string> replayed;
  for (const fuzz::Reader& reader : fuzz::readers) {
    replayed.emplace_back(reader.name);
  }
  CHECK(written == replayed);
}

TEST_CASE("a broken promise is a failure of the replay", "[fuzz]") {
  CHECK_THROWS_AS(fuzz::promise(false, "it holds"), fuzz::Broken);
  CHECK_THROWS_AS(fuzz::may_refuse([] { throw std::runtime_error{"not a refusal"}; }), std::runtime_error);
  CHECK_NOTHROW(fuzz::may_refuse([] { throw scenarios::InputError{{.file = "f", .found = "what\never"}}; }));
}
