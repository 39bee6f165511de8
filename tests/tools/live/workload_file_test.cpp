#include "tools/live/workload_file.h"

#include "scenarios/input_error.h"
#include "tests/tools/live/live_bench.h"

using namespace tools::live;

namespace {
const std::atomic<bool> no_stop{false};
constexpr std::uint64_t size = (std::uint64_t{3} << 20) + 4096;
}  // namespace

TEST_CASE("a data file has its size and no holes, and goes when it was made here", "[live]") {
  const Scratch scratch;
  if (!takes_direct_io(scratch)) {
    return;
  }
  const std::string path = scratch.path("data");
  {
    const DataFile data{path, size, no_stop};

    CHECK(data.complete());
    CHECK(data.made());
    CHECK(std::filesystem::file_size(path) == size);
    const std::string bytes = Scratch::read(path);
    CHECK(bytes.find(std::string(512, '\0')) == std::string::npos);
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a data file that is kept is taken again, and is not removed by who did not make it", "[live]") {
  const Scratch scratch;
  if (!takes_direct_io(scratch)) {
    return;
  }
  const std::string path = scratch.path("data");
  {
    DataFile data{path, size, no_stop};
    data.keep();
  }
  {
    const DataFile again{path, size, no_stop};
    CHECK_FALSE(again.made());
    CHECK(again.complete());
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("somebody else's file is neither overwritten nor taken for a data file", "[live]") {
  const Scratch scratch;
  if (!takes_direct_io(scratch)) {
    return;
  }
  const std::string path = scratch.path("letter");
  SECTION("another size") { scratch.write("letter", "dear reader"); }
  SECTION("a hole of the right size") {
    scratch.write("letter", "");
    std::filesystem::resize_file(path, size);
  }
  const auto before = std::filesystem::file_size(path);

  CHECK_THROWS_AS((DataFile{path, size, no_stop}), scenarios::InputError);

  CHECK(std::filesystem::file_size(path) == before);
}

TEST_CASE("a data file whose writing was stopped is not complete and does not stay", "[live]") {
  const Scratch scratch;
  if (!takes_direct_io(scratch)) {
    return;
  }
  const std::atomic<bool> stop{true};
  {
    const DataFile data{scratch.path("data"), size, stop};
    CHECK_FALSE(data.complete());
  }
  CHECK_FALSE(std::filesystem::exists(scratch.path("data")));
}
