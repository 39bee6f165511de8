#include "calibration/capture/scrubber.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace calibration;

namespace {

constexpr std::int32_t agent = 100, its_thread = 101, browser = 200, kworker = 30;

std::uint64_t pair(std::int64_t high, std::int64_t low) {
  return static_cast<std::uint64_t>(high) << 32 | (static_cast<std::uint64_t>(low) & 0xffffffff);
}

ChainRow row(std::int64_t time, std::int32_t tid, std::uint8_t code, std::array<std::uint64_t, 4> words = {},
             std::string_view text = "") {
  ChainRow made{.time = time, .cpu = 0, .tid = tid, .code = code, .words = words};
  std::copy_n(text.begin(), std::min(text.size(), made.text.size() - 1), made.text.begin());
  return made;
}
ChainRow wakeup(std::int64_t time, std::int32_t tid, std::int32_t woken, std::string_view comm) {
  return row(time, tid, 9, {pair(woken, 120), 0}, comm);
}
ChainRow switch_to(std::int64_t time, std::int32_t from, std::int32_t to, std::string_view comm) {
  return row(time, from, 12, {pair(from, to), pair(120, 120), 1}, comm);
}
ChainRow fork(std::int64_t time, std::int32_t parent, std::int32_t child) {
  return row(time, parent, 32, {pair(parent, child)});
}
ChainRow epoll_exit(std::int64_t time, std::int32_t tid) { return row(time, tid, 17, {1}); }

struct ScrubberBench {
  explicit ScrubberBench(ScrubberConfig config, std::vector<std::int32_t> own = {agent}) {
    TaskCensus census{std::move(own)};
    census.note({.tid = agent, .parent = 1, .kernel_thread = false, .comm = "agent"}, agent);
    census.note({.tid = its_thread, .parent = 1, .kernel_thread = false, .comm = "agent-io"}, agent);
    census.note({.tid = browser, .parent = 1, .kernel_thread = false, .comm = "browser"}, browser);
    census.note({.tid = kworker, .parent = 2, .kernel_thread = true, .comm = "kworker/0:1"}, kworker);
    census.settle();
    scrubber.emplace(std::move(config), std::move(census), symbols, names);
  }
  // The event, as stored; none when it is not.
  std::optional<Event> take(const ChainRow& taken) {
    Event event;
    return scrubber->scrub(taken, event) ? std::optional{event} : std::nullopt;
  }
  std::string woken(const ChainRow& taken) {
    return std::string{names.text(take(taken).value().wakeup.comm)};
  }

  KernelSymbols symbols{"ffffffff81000100 t hrtimer_wakeup\n"};
  Names names;
  std::optional<Scrubber> scrubber;
};

}  // namespace

TEST_CASE("only tasks that were asked for and kernel threads keep their names", "[scrubber]") {
  ScrubberBench bench{{}};

  CHECK(bench.woken(wakeup(1, browser, agent, "agent")) == "agent");
  CHECK(bench.woken(wakeup(2, browser, its_thread, "agent-io")) == "agent-io");
  CHECK(bench.woken(wakeup(3, agent, browser, "browser")) == "other");
  CHECK(bench.woken(wakeup(4, agent, kworker, "kworker/0:1-ev")) == "kworker/0:1-ev");
  CHECK(bench.woken(wakeup(5, agent, 999, "stranger")) == "other");
  const Event by_browser = bench.take(wakeup(6, browser, agent, "agent")).value();
  CHECK(bench.names.text(by_browser.comm) == "other");
  CHECK(bench.scrubber->counts().names_kept == 3);
  CHECK(bench.scrubber->counts().names_hidden == 2);
}

TEST_CASE("what a task that was asked for starts keeps its name too", "[scrubber]") {
  ScrubberBench bench{{}};

  CHECK_FALSE(bench.take(fork(1, its_thread, 300)));  // it tells, and is not stored
  CHECK_FALSE(bench.take(fork(2, 300, 301)));
  CHECK_FALSE(bench.take(fork(3, browser, 400)));
  CHECK(bench.woken(wakeup(4, 0, 301, "grandchild")) == "grandchild");
  CHECK(bench.woken(wakeup(5, 0, 400, "tab")) == "other");
}

TEST_CASE("a name that fits the pattern is kept while it fits", "[scrubber]") {
  ScrubberBench bench{{.comm = "brow*"}, {}};

  CHECK(bench.woken(wakeup(1, 0, browser, "browser")) == "browser");
  CHECK(bench.woken(wakeup(2, 0, browser, "renamed")) == "other");
  CHECK(bench.woken(wakeup(3, 0, agent, "agent")) == "other");
}

TEST_CASE("system calls of tasks that the whole pattern rules out are not stored", "[scrubber]") {
  ScrubberBench bench{{.comm = "agent", .filtered_tasks = true}, {}};

  CHECK(bench.take(epoll_exit(1, agent)));
  CHECK_FALSE(bench.take(epoll_exit(2, its_thread)));  // "agent-io": the program compares the beginning
  CHECK(bench.scrubber->counts().not_matching == 1);
}

TEST_CASE("a system call that passed the filter shows whose task it is", "[scrubber]") {
  ScrubberBench bench{{.filtered_tasks = true}, {}};

  CHECK(bench.woken(wakeup(1, 0, browser, "browser")) == "other");
  CHECK(bench.take(epoll_exit(2, browser)));
  CHECK(bench.woken(wakeup(3, 0, browser, "browser")) == "browser");
}

TEST_CASE("what is outside of the time that everything was traced is not stored, but names tasks",
          "[scrubber]") {
  ScrubberBench bench{{.start = 10, .end = 20}};

  CHECK_FALSE(bench.take(switch_to(9, 0, agent, "renamed")));
  const Event first = bench.take(switch_to(10, agent, 0, "swapper/0")).value();
  CHECK(bench.names.text(first.comm) == "renamed");
  CHECK(bench.take(epoll_exit(20, agent)));
  CHECK_FALSE(bench.take(epoll_exit(21, agent)));
  CHECK(bench.scrubber->counts().outside == 2);
}

TEST_CASE("addresses become small numbers, functions their names", "[scrubber]") {
  ScrubberBench bench{{}};
  const auto expiry = [&](std::uint64_t timer, std::uint64_t function) {
    return bench.take(row(1, 0, 28, {timer, function, 77})).value().hrtimer;
  };

  CHECK(expiry(0xffff888100000040, 0xffffffff81000100).hrtimer == 1);
  CHECK(expiry(0xffff888100000080, 0xffffffff81000100).hrtimer == 2);
  const HrtimerExpire again = expiry(0xffff888100000040, 0xffffffff81000100);
  CHECK(again.hrtimer == 1);
  CHECK(again.now == 77);
  CHECK(bench.names.text(again.function) == "hrtimer_wakeup");
  CHECK(bench.names.text(expiry(0, 5).function) == "unknown");
  CHECK(expiry(0, 5).hrtimer == 0);
}

TEST_CASE("an interrupt's name that did not fit the row is completed", "[scrubber]") {
  ScrubberBench bench{{.irq_names = {{36, "nvme0q1-and-a-long-tail"}, {37, "nvme0q2-and-a-long-tail"}}}};
  const auto name = [&](std::uint64_t irq, std::string_view text) {
    return bench.names.text(bench.take(row(1, 0, 1, {irq}, text)).value().irq.name);
  };

  CHECK(name(36, "nvme0q1-and-a-l") == "nvme0q1-and-a-long-tail");
  CHECK(name(37, "nvme0q1-and-a-l") == "nvme0q1-and-a-l");  // another handler of a shared line
  CHECK(name(36, "nvme0q1") == "nvme0q1");
}

TEST_CASE("a line of /proc/PID/stat is read whatever the task is called", "[scrubber]") {
  TaskStat task;
  REQUIRE(parse_task_stat("812 (a) b (c)) S 1 812 812 0 -1 4194560 100 0", task));
  CHECK(task.tid == 812);
  CHECK(task.comm == "a) b (c)");
  CHECK(task.parent == 1);
  CHECK_FALSE(task.kernel_thread);

  REQUIRE(parse_task_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0", task));
  CHECK(task.kernel_thread);

  const auto odd = GENERATE(as<std::string>{}, "", "812", "812 (a", "x (a) S 1 2 3 4 5 6", "812 (a) S 1 2",
                            "812 )a( S 1 2 3 4 5 6");
  CHECK_FALSE(parse_task_stat(odd, task));
}

TEST_CASE("descent is followed through processes that were met in any order", "[scrubber]") {
  TaskCensus census{{10}};
  census.note({.tid = 31, .parent = 20, .kernel_thread = false, .comm = "c"}, 31);
  census.note({.tid = 20, .parent = 10, .kernel_thread = false, .comm = "b"}, 20);
  census.note({.tid = 10, .parent = 1, .kernel_thread = false, .comm = "a"}, 10);
  census.note({.tid = 1, .parent = 0, .kernel_thread = false, .comm = "init"}, 1);
  census.settle();

  CHECK(census.keeps_name(31));
  CHECK(census.keeps_name(10));
  CHECK(census.keeps_name(0));
  CHECK_FALSE(census.keeps_name(1));
  CHECK_FALSE(census.keeps_name(99));

  census.note({.tid = 31, .parent = 1, .kernel_thread = false, .comm = "c"}, 31);  // orphaned
  census.settle();
  CHECK(census.keeps_name(31));
}
