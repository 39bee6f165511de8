#include "scenarios/output.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/scenarios/scratch.h"

using scenarios::OutputError;
using scenarios::OutputFile;

namespace {

std::size_t files_in(const std::string& directory) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{directory}) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a file written in pieces appears whole when it is committed", "[output]") {
  const Scratch scratch;
  const std::string path = scratch.write("out", "old");
  OutputFile file{path};

  file.write("one ");
  file.write("two");
  CHECK(Scratch::read(path) == "old");
  file.commit();

  CHECK(Scratch::read(path) == "one two");
  CHECK(file.size() == 7);
  CHECK(files_in(scratch.directory) == 2);  // and the scratch directory's own defaults.yaml
}

TEST_CASE("a file that is not committed leaves what was there, and nothing else", "[output]") {
  const Scratch scratch;
  const std::string path = scratch.write("out", "old");
  {
    OutputFile file{path};
    file.write("new");
  }

  CHECK(Scratch::read(path) == "old");
  CHECK(files_in(scratch.directory) == 2);
}

TEST_CASE("what was written can be written over before it is committed", "[output]") {
  const Scratch scratch;
  OutputFile file{scratch.path("out")};

  file.write("0 events\nthe first\n");
  file.rewrite(0, "7");
  file.write("the last\n");
  file.commit();

  CHECK(Scratch::read(scratch.path("out")) == "7 events\nthe first\nthe last\n");
}

TEST_CASE("a killed program leaves nothing half-written", "[output]") {
  const Scratch scratch;
  const std::string path = scratch.path("out");
  const pid_t child = ::fork();
  if (child == 0) {
    OutputFile file{path};
    file.write("half");
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);

  CHECK(WIFSIGNALED(status));
  CHECK(files_in(scratch.directory) == 1);
}

TEST_CASE("a disk that is full leaves what was there, and says which file it was", "[output]") {
  const Scratch scratch;
  const std::string path = scratch.write("out", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int code = 1;
    try {
      OutputFile file{path};
      file.write(std::string(10'000, 'x'));
      file.commit();
    } catch (const OutputError& error) {
      code = std::string{error.what()}.rfind(path + ": cannot be written: ", 0) == 0 ? 0 : 2;
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);

  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(Scratch::read(path) == "old");
  CHECK(files_in(scratch.directory) == 2);
}

TEST_CASE("a file in no directory, or one that is a directory, cannot be written", "[output]") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path("taken"));

  CHECK_THROWS_AS(OutputFile{scratch.path("absent/out")}, OutputError);
  CHECK_THROWS_AS(scenarios::write_file(scratch.path("taken"), "text"), OutputError);
  CHECK(files_in(scratch.directory) == 2);
}

TEST_CASE("a pipe is written in place, and cannot be gone back in", "[output]") {
  const Scratch scratch;
  const std::string path = scratch.path("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    OutputFile file{path};
    file.write(file.seekable() ? "seekable" : "a pipe");
    file.commit();
    ::_exit(0);
  }

  CHECK(Scratch::read(path) == "a pipe");
  int status = 0;
  ::waitpid(child, &status, 0);
}
