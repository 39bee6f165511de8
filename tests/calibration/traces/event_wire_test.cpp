#include "calibration/traces/event_wire.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstring>

#include "tests/support/binary_captures.h"

using namespace calibration;

namespace {

// An event of every kind, with a value of its own in every field that fields() shows.
Event event_of(EventKind kind, EventWriter& out) {
  const Name name = out.names().intern("name of " + std::string{to_string(kind)});
  Event event{.time = 1'000 + static_cast<int>(kind), .cpu = 3, .pid = 7, .comm = name, .kind = kind};
  event.flags = {.known = true, .irqs_off = true, .softirq = true, .preempt_depth = 2};
  switch (kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
      event.irq = {27, name, true};
      break;
    case EventKind::sched_switch:
      event.sched_switch = {name, 7, 120, TaskState::uninterruptible, true, name, 8, 99};
      break;
    case EventKind::sys_enter:
      event.sys_enter = {Syscall::epoll_wait, name, {1, 2, 3, -4}};
      break;
    case EventKind::block_rq_issue:
      event.block = {4096, 259 << 20, 8, 4096, name, name, -5};
      break;
    default:
      break;
  }
  return event;
}

// What an EventWriter wrote.
template <class Write>
std::string written(Write&& write) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  EventWriter out{ends[1]};
  write(out);
  out.flush();
  ::close(ends[1]);
  std::string bytes(65536, '\0');
  bytes.resize(static_cast<std::size_t>(::read(ends[0], bytes.data(), bytes.size())));
  ::close(ends[0]);
  return bytes;
}

std::string all_kinds() {
  return written([](EventWriter& out) {
    for (std::size_t kind = 0; kind < event_kinds; ++kind) {
      out.event(event_of(static_cast<EventKind>(kind), out));
    }
    out.end();
  });
}

// How many events came of `bytes`; -1 when they were refused.
int decoded(std::string_view bytes, Names& names, std::vector<Event>& events) {
  CaptureLog log;
  EventDecoder decoder{names, log};
  try {
    while (!bytes.empty()) {
      const auto space = decoder.space();
      const std::size_t size = std::min({space.size(), bytes.size(), std::size_t{37}});
      std::memcpy(space.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      decoder.filled(size);
      for (Event event; decoder.next(event);) {
        events.push_back(event);
      }
    }
  } catch (const EventDecoder::BadMessage&) {
    return -1;
  }
  return static_cast<int>(events.size());
}

}  // namespace

TEST_CASE("events of every kind cross the pipe whole, however the bytes are cut", "[event_wire]") {
  Names names;
  names.intern("one that shifts the numbers");
  std::vector<Event> events;

  REQUIRE(decoded(all_kinds(), names, events) == static_cast<int>(event_kinds));
  for (std::size_t kind = 0; kind < event_kinds; ++kind) {
    CHECK(static_cast<std::size_t>(events[kind].kind) == kind);
    CHECK(events[kind].time == 1'000 + static_cast<int>(kind));
    CHECK(events[kind].cpu == 3);
    CHECK(names.text(events[kind].comm) == "name of " + std::string{to_string(events[kind].kind)});
    CHECK(events[kind].flags.softirq);
    CHECK(events[kind].flags.preempt_depth == 2);
  }
  const Event& issue = events[static_cast<std::size_t>(EventKind::block_rq_issue)];
  CHECK(issue.block.dev == 259 << 20);
  CHECK(issue.block.error == -5);
  const Event& enter = events[static_cast<std::size_t>(EventKind::sys_enter)];
  CHECK(enter.sys_enter.args == std::array<std::int64_t, 4>{1, 2, 3, -4});
  CHECK(events[static_cast<std::size_t>(EventKind::sched_switch)].sched_switch.preempted);
}

TEST_CASE("a time or a CPU that cannot be is refused by the writer", "[event_wire]") {
  CHECK_THROWS_AS(written([](EventWriter& out) { out.event({.time = -1}); }), Refusal);
  CHECK_THROWS_AS(written([](EventWriter& out) { out.event({.time = max_event_time + 1}); }), Refusal);
  CHECK_THROWS_AS(written([](EventWriter& out) { out.event({.time = 1, .cpu = max_cpu + 1}); }), Refusal);
}

TEST_CASE("whatever bytes a parser sends, only events that can be come out", "[event_wire]") {
  const std::string bytes = all_kinds();
  int refused = 0;
  for (std::uint64_t number = 0; number < 4'000; ++number) {
    Names names;
    std::vector<Event> events;
    refused += decoded(mutated(bytes, number), names, events) < 0 ? 1 : 0;
    for (const Event& event : events) {
      REQUIRE(event.kind <= EventKind::other);
      REQUIRE(event.time >= 0);
      REQUIRE(event.time <= max_event_time);
      REQUIRE(event.cpu >= -1);
      REQUIRE(event.cpu <= max_cpu);
      fields(event, [&]<class T>(const char*, const T& value) {
        if constexpr (std::is_same_v<T, Name>) {
          REQUIRE(static_cast<std::size_t>(value) < names.size());
        }
      });
    }
  }

  CHECK(refused > 1'000);
}
