#include "tools/live/journal.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "scenarios/input_error.h"
#include "scenarios/output.h"
#include "tests/scenarios/scratch.h"
#include "tools/live/cleanup.h"
#include "tools/live/journal_undo.h"
#include "tools/live/settings.h"

namespace fs = std::filesystem;
using namespace tools::live;

namespace {

// A process that is no more: its number is beyond what the kernel gives.
const std::string dead_owner =
    R"({"schema": 1, "kind": "live_journal", "pid": 1073741824, "start_ticks": 5, "boot": "BOOT"})";

std::string of_this_boot(std::string text) { return text.replace(text.find("BOOT"), 4, this_process().boot); }

JournalEntry value(const std::string& path, const std::string& before, const std::string& now) {
  return {.kind = JournalEntry::Kind::value, .path = path, .before = before, .now = now};
}

}  // namespace

TEST_CASE("a journal holds each change before it is made, readable by root alone", "[live_journal]") {
  const Scratch scratch;
  const std::string file = scratch.path("live-" + std::to_string(this_process().pid) + ".journal");
  {
    Journal journal{scratch.directory};
    journal.add(value("/proc/x", "1", "2"));

    CHECK_THAT(Scratch::read(file), Catch::Contains(R"("before":"1","now":"2"})"));
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    journal.forget(0);
    CHECK_THAT(Scratch::read(file), !Catch::Contains("/proc/x"));
  }

  CHECK_FALSE(fs::exists(file));  // nothing to undo is left
}

TEST_CASE("a journal with changes not undone stays, and the next run refuses and names the remedy",
          "[live_journal]") {
  const Scratch scratch;
  scratch.write("live-7.journal", of_this_boot(dead_owner) + "\n" +
                                      R"({"change": "value", "path": "/x", "before": "1", "now": "2"})" +
                                      "\n");

  CHECK(left_journals(scratch.directory).size() == 1);
  CHECK_THROWS_WITH(Journal{scratch.directory},
                    Catch::Contains("a live run that was killed, with 1 changes not undone") &&
                        Catch::Contains("chainsim live --cleanup"));
}

TEST_CASE("the journal of a process that lives is not left", "[live_journal]") {
  const Scratch scratch;
  const Journal journal{scratch.directory};

  CHECK(is_alive(this_process()));
  CHECK(left_journals(scratch.directory).empty());
}

TEST_CASE("a number that another process got since is not the owner", "[live_journal]") {
  ProcessId other = this_process();
  other.start_ticks -= 1;
  CHECK_FALSE(is_alive(other));
}

TEST_CASE("a line that was cut short is no change, as it was not made", "[live_journal]") {
  const Scratch scratch;
  scratch.write("live-7.journal", of_this_boot(dead_owner) + "\n" + R"({"change": "file", "path": "/a"})" +
                                      "\n" + R"({"change": "fi)");

  const auto left = left_journals(scratch.directory);

  REQUIRE(left.size() == 1);
  CHECK(left[0].entries ==
        std::vector<JournalEntry>{{.kind = JournalEntry::Kind::file, .path = "/a", .before = "", .now = ""}});
}

TEST_CASE("undoing goes from the last change to the first", "[live_journal]") {
  const Scratch scratch;
  const std::string file = scratch.write("knob", "3\n");
  Journal journal{scratch.directory};
  journal.add(value(file, "1", "2"));
  journal.add(value(file, "2", "3"));

  undo_since(journal, 0);

  CHECK(Scratch::read(file) == "1\n");
  CHECK(journal.entries().empty());
}

TEST_CASE("a change that cannot be undone stays in the journal, the others are undone", "[live_journal]") {
  const Scratch scratch;
  const std::string file = scratch.write("knob", "2\n");
  fs::create_directory(scratch.path("full"));
  scratch.write("full/file", "");
  Journal journal{scratch.directory};
  journal.add(value(file, "1", "2"));
  journal.add({.kind = JournalEntry::Kind::file, .path = scratch.path("full"), .before = "", .now = ""});

  CHECK_THROWS_AS(undo_since(journal, 0), scenarios::OutputError);

  CHECK(Scratch::read(file) == "1\n");
  CHECK(journal.entries().size() == 2);
  journal.forget(0);
}

TEST_CASE("values are read as they are written: the chosen word, the flag, the words of a line",
          "[live_journal]") {
  const Scratch scratch;
  fs::create_directory(scratch.path("sched"));

  CHECK(value_of(scratch.write("scheduler", "none [mq-deadline] bfq\n"), "") == "mq-deadline");
  CHECK(value_of(scratch.write("preempt", "none (full) lazy\n"), "") == "full");
  CHECK(value_of(scratch.write("rmem", "4096\t131072\t6291456\n"), "") == "4096 131072 6291456");
  const std::string features = scratch.write("sched/features", "PLACE_LAG NO_HRTICK\n");
  CHECK(value_of(features, "HRTICK") == "NO_HRTICK");
  CHECK(value_of(features, "NO_PLACE_LAG") == "PLACE_LAG");
  CHECK_FALSE(value_of(features, "NEW_THING"));
  CHECK_FALSE(value_of(scratch.path("absent"), ""));
}

TEST_CASE("a clean-up undoes the journals of the dead, once", "[live_cleanup]") {
  const Scratch scratch;
  const std::string knob = scratch.write("knob", "2\n");
  const std::string data = scratch.write("x.data", "data");
  scratch.write("live-7.journal", of_this_boot(dead_owner) + "\n" + R"({"change": "file", "path": ")" + data +
                                      "\"}\n" + R"({"change": "value", "path": ")" + knob +
                                      R"(", "before": "1", "now": "2"})" + "\n");
  const CleanupPlaces places{.journals = scratch.directory, .cgroups = {}, .instances = {}};

  const Cleanup first = clean_up(places);
  const Cleanup second = clean_up(places);

  CHECK(first.done == std::vector<std::string>{knob + ": 1 again", data + " removed",
                                               scratch.path("live-7.journal") + " removed"});
  CHECK(first.failed.empty());
  CHECK(Scratch::read(knob) == "1\n");
  CHECK_FALSE(fs::exists(data));
  CHECK(second.done.empty());
}

TEST_CASE("a clean-up leaves values of another boot alone, which are gone with it", "[live_cleanup]") {
  const Scratch scratch;
  const std::string knob = scratch.write("knob", "2\n");
  scratch.write("live-7.journal", dead_owner + "\n" + R"({"change": "value", "path": ")" + knob +
                                      R"(", "before": "1", "now": "2"})" + "\n");

  clean_up({.journals = scratch.directory, .cgroups = {}, .instances = {}});

  CHECK(Scratch::read(knob) == "2\n");
  CHECK_FALSE(fs::exists(scratch.path("live-7.journal")));
}

TEST_CASE("a clean-up says when somebody else had changed a value since", "[live_cleanup]") {
  const Scratch scratch;
  const std::string knob = scratch.write("knob", "5\n");

  CHECK(undo(value(knob, "1", "2")) == knob + ": 1 again (somebody else had made it 5)");
}

TEST_CASE("a clean-up removes directories of dead processes and no others", "[live_cleanup]") {
  const Scratch scratch;
  for (const std::string name :
       {"chainsim-1073741824", "chainsim-1073741824-slow", "chainsim-1", "chainsim-x", "other"}) {
    fs::create_directories(scratch.path("instances/" + name));
    fs::create_directories(scratch.path("cpu/" + name + "/child"));
  }

  const Cleanup cleanup = clean_up({.journals = scratch.directory,
                                    .cgroups = {scratch.path("cpu")},
                                    .instances = {scratch.path("instances")}});

  CHECK(cleanup.failed.empty());
  for (const std::string place : {"cpu/", "instances/"}) {
    CHECK_FALSE(fs::exists(scratch.path(place + "chainsim-1073741824")));
    CHECK_FALSE(fs::exists(scratch.path(place + "chainsim-1073741824-slow")));
    CHECK(fs::exists(scratch.path(place + "chainsim-1")));  // init lives
    CHECK(fs::exists(scratch.path(place + "chainsim-x")));
    CHECK(fs::exists(scratch.path(place + "other")));
  }
}
