#include "calibration/traces/parser_process.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "tests/support/binary_captures.h"

using namespace calibration;
using namespace std::chrono_literals;

namespace {

Event softirq(EventWriter& out, std::int64_t time, std::string_view comm) {
  Event event{
      .time = time, .cpu = 1, .pid = 7, .comm = out.names().intern(comm), .kind = EventKind::softirq_entry};
  event.softirq = {3};
  return event;
}

using Parse = std::function<void(EventWriter& out, int input)>;

BinaryRead run(Parse parse, ParserLimits limits = {}) {
  const auto open = [&](const std::filesystem::path& path, Names& names, CaptureLog& log) {
    return start_parser({.file = path.string(),
                         .parser = "the parser",
                         .expected = "a sound file",
                         .limits = limits,
                         .parse = parse},
                        names, log);
  };
  return BinaryRead{open, "capture"};
}

std::string refusal_of(Parse parse, ParserLimits limits = {}) {
  const int files_before = open_files();
  try {
    run(std::move(parse), limits);
  } catch (const scenarios::InputError& error) {
    CHECK(error.file() == "capture");
    CHECK(error.expected() == "a sound file");
    CHECK(open_files() == files_before);
    CHECK(no_children());
    return error.found();
  }
  return "not refused";
}

}  // namespace

TEST_CASE("a parser's events arrive with their names, as many as there are", "[parser_process]") {
  const BinaryRead read = run([](EventWriter& out, int) {
    out.detail("parser 1.0");
    out.warning("odd");
    for (int i = 0; i < 100'000; ++i) {
      out.event(softirq(out, i, i % 2 == 0 ? "agent-0" : "agent-1"));
    }
  });

  REQUIRE(read.events.size() == 100'000);
  CHECK(read.events[99'999].time == 99'999);
  CHECK(read.events[99'999].softirq.vec == 3);
  CHECK(read.text(read.events[99'998].comm) == "agent-0");
  CHECK(read.text(read.events[99'999].comm) == "agent-1");
  CHECK(read.log.detail == "parser 1.0");
  CHECK(read.log.warnings.at(0).text == "odd");
  CHECK(no_children());
}

TEST_CASE("a parser's crash is a refusal that says what it last said", "[parser_process]") {
  const std::string found = refusal_of([](EventWriter& out, int) {
    out.event(softirq(out, 1, "agent-0"));
    out.flush();
    ::write(STDERR_FILENO, "first\nassertion failed\n", 23);
    std::abort();
  });

  CHECK(found ==
        "something on which the parser crashes (Aborted), after 1 events (it said 'assertion failed')");
}

TEST_CASE("a parser that ends without a word is refused", "[parser_process]") {
  CHECK(refusal_of([](EventWriter&, int) { ::_exit(3); }) ==
        "something on which the parser gives up, after 0 events");
}

TEST_CASE("a parser's refusal, or whatever it throws, is the file's", "[parser_process]") {
  CHECK(refusal_of([](EventWriter&, int) {
          throw Refusal{"a \x1b[31mred thing", "", ""};
        }) == "a \\x1b[31mred thing");
  CHECK(refusal_of([](EventWriter&, int) { throw std::runtime_error{"bad page"}; }) ==
        "something on which the parser gives up, after 0 events (it said 'bad page')");
}

TEST_CASE("a parser that waits forever, or computes forever, is ended", "[parser_process]") {
  CHECK(refusal_of([](EventWriter&, int) { ::pause(); }, {.silence = 150ms}) ==
        "something on which the parser says nothing for 150 ms, after 0 events");
  CHECK(refusal_of(
            [](EventWriter&, int) {
              for (;;) {
                ::getppid();
              }
            },
            {.silent_cpu = 100ms}) ==
        "something on which the parser computes for 100 ms and says nothing, after 0 events");
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("a parser that eats memory is refused", "[parser_process]") {
  const std::string found = refusal_of(
      [](EventWriter&, int) {
        for (std::vector<std::string> hoard;;) {
          hoard.emplace_back(std::size_t{1} << 20, 'x');
        }
      },
      {.memory = std::uint64_t{64} << 20});

  CHECK(found == "something that makes the parser ask for more memory than it may have");
}
#endif

TEST_CASE("a parser cannot write files, and sees none of its parent's", "[parser_process]") {
  const CaptureBench bench;
  const std::filesystem::path path = bench.write("out", "");
  const std::string found = refusal_of([&](EventWriter&, int) { std::ofstream{path} << "x" << std::flush; });
  CHECK(found.find("crashes (File size limit exceeded)") != std::string::npos);
  CHECK(std::filesystem::file_size(path) == 0);

  const std::ifstream kept_open{path};
  const BinaryRead read = run([](EventWriter& out, int) { out.detail(std::to_string(open_files())); });
  CHECK(read.log.detail == "5");  // 0, 1, 2, the pipe, and the directory that is being counted
}

TEST_CASE("bytes that are no event are refused, whatever they are", "[parser_process]") {
  CHECK(refusal_of(
            [](EventWriter&, int) {
              const std::string junk(4096, '\x7f');
              ::write(3, junk.data(), junk.size());
              ::pause();
            },
            {.silence = 150ms})
            .find("something on which the parser") == 0);
}

TEST_CASE("a reader that is left early takes its parser with it", "[parser_process]") {
  const int files_before = open_files();
  {
    Names names;
    CaptureLog log;
    const auto source = start_parser({.file = "capture",
                                      .parser = "the parser",
                                      .parse =
                                          [](EventWriter& out, int) {
                                            for (std::int64_t i = 0;; ++i) {
                                              out.event(softirq(out, i, "agent-0"));
                                            }
                                          }},
                                     names, log);
    Event event;
    CHECK(source->next(event));
  }

  CHECK(open_files() == files_before);
  CHECK(no_children());
}

TEST_CASE("Ctrl-C is the parent's to handle", "[parser_process]") {
  const BinaryRead read = run([](EventWriter& out, int) {
    ::raise(SIGINT);
    ::raise(SIGQUIT);
    out.event(softirq(out, 1, "agent-0"));
  });

  CHECK(read.events.size() == 1);
}

TEST_CASE("a parser dies with its parent", "[parser_process]") {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // the orphan becomes ours, to be waited for
  const ::pid_t parent = ::fork();
  if (parent == 0) {
    Names names;
    CaptureLog log;
    const auto source = start_parser({.file = "capture",
                                      .parser = "the parser",
                                      .parse =
                                          [](EventWriter& out, int) {
                                            out.event(softirq(out, 1, "agent-0"));
                                            out.flush();
                                            ::pause();
                                          }},
                                     names, log);
    Event event;
    source->next(event);  // by now it asks to die with us
    ::_exit(0);
  }
  int status = 0;
  CHECK(::waitpid(parent, &status, 0) == parent);
  CHECK(::waitpid(-1, &status, 0) > 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);

  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a parser can be started while other threads run", "[parser_process]") {
  std::vector<std::size_t> counts(4);
  std::vector<std::thread> threads;
  for (std::size_t& count : counts) {
    threads.emplace_back([&count] {
      for (int i = 0; i < 10; ++i) {
        count += run([](EventWriter& out, int) { out.event(softirq(out, 1, "agent-0")); }).events.size();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }

  CHECK(counts == std::vector<std::size_t>{10, 10, 10, 10});
}
