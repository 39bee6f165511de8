#include "calibration/traces/chain_rows.h"

#include <catch2/catch.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "calibration/traces/chain_json.h"
#include "calibration/traces/chain_token.h"
#include "tests/calibration/capture_bench.h"

using namespace calibration;
using Catch::Contains;

namespace {

struct Reading {
  Names names;
  CaptureLog log;
  std::vector<Event> events;

  std::string_view text(Name name) const { return names.text(name); }
};

std::unique_ptr<Reading> read(const std::string& text, TextFormat format = chain_rows_format()) {
  const CaptureBench bench;
  auto reading = std::make_unique<Reading>();
  CaptureFile file{bench.write("rows.txt", text)};
  REQUIRE(format.recognises(file.head()));
  const auto source = format.open({.file = file, .names = reading->names, .log = reading->log});
  for (Event event; source->next(event);) {
    reading->events.push_back(event);
  }
  return reading;
}

std::string stored(const std::string& rows) { return "# chainsim chain 1\n# context exact\n" + rows; }
std::string printed(const std::string& rows) {
  return "Attaching 40 probes...\n# chainsim chain raw 1\n# context exact\n\n" + rows;
}

// Everything that fields() shows, names as text.
std::string shown(const Event& event, const Names& names) {
  std::ostringstream out;
  out << event.time << ' ' << event.cpu << ' ' << event.pid << ' ' << names.text(event.comm) << ' '
      << to_string(event.kind);
  fields(event, [&](std::string_view name, const auto& value) {
    using Value = std::remove_cvref_t<decltype(value)>;
    out << ' ' << name << '=';
    if constexpr (std::is_same_v<Value, Name>) {
      out << names.text(value);
    } else if constexpr (std::is_enum_v<Value>) {
      out << static_cast<int>(value);
    } else {
      out << value;
    }
  });
  if (event.kind == EventKind::sys_enter) {
    for (const std::int64_t arg : event.sys_enter.args) {
      out << ' ' << arg;
    }
  }
  if (event.kind == EventKind::sched_switch) {
    out << (event.sched_switch.preempted ? " preempted" : "");
  }
  return out.str();
}

// One event of every kind that is stored, all values different.
std::vector<Event> one_of_each(Names& names) {
  const auto n = [&](std::string_view text) { return names.intern(text); };
  std::vector<Event> events;
  const auto add = [&](EventKind kind) -> Event& {
    Event event;
    event.time = 1000 + static_cast<std::int64_t>(events.size());
    event.cpu = 3;
    event.pid = 77;
    event.comm = n("agent");
    event.kind = kind;
    return events.emplace_back(event);
  };
  add(EventKind::irq_handler_entry).irq = {.irq = 36, .name = n("virtio1 req"), .handled = false};
  add(EventKind::irq_handler_exit).irq = {.irq = 36, .name = Name::none, .handled = true};
  add(EventKind::softirq_raise).softirq = {.vec = 3};
  add(EventKind::napi_poll).napi_poll = {.napi = 9, .dev = n("(no_device)"), .work = 5, .budget = 64};
  add(EventKind::netif_receive_skb).skb = {.skbaddr = 11, .dev = n("veth0"), .len = 2048};
  add(EventKind::sched_waking).wakeup = {.comm = n("server"), .pid = 80, .prio = 119, .target_cpu = 2};
  add(EventKind::sched_migrate_task).migrate = {
      .comm = n("server"), .pid = 80, .prio = 119, .orig_cpu = 2, .dest_cpu = 1};
  add(EventKind::sched_switch).sched_switch = {.prev_comm = n("agent"),
                                               .prev_pid = 77,
                                               .prev_prio = 120,
                                               .prev_state = TaskState::running,
                                               .preempted = true,
                                               .next_comm = n("server"),
                                               .next_pid = 80,
                                               .next_prio = 119};
  add(EventKind::block_rq_issue).block = {.sector = 123456789012,
                                          .dev = 254U << 20,
                                          .sectors = 8,
                                          .bytes = 4096,
                                          .rwbs = n("RS"),
                                          .comm = n("agent"),
                                          .error = 0};
  add(EventKind::block_rq_complete).block = {.sector = 123456789012,
                                             .dev = 254U << 20,
                                             .sectors = 8,
                                             .bytes = 0,
                                             .rwbs = n("RS"),
                                             .comm = Name::none,
                                             .error = -5};
  add(EventKind::io_uring_complete).io_uring = {
      .ring = 1, .req = 2, .user_data = ~std::uint64_t{0}, .result = -11};
  add(EventKind::sys_enter).sys_enter = {
      .call = Syscall::epoll_wait, .name = n("epoll_pwait2"), .args = {4, 0, 64, -1}};
  add(EventKind::sys_exit).sys_exit = {
      .call = Syscall::io_uring_enter, .name = n("io_uring_enter"), .ret = -4};
  add(EventKind::hrtimer_expire_entry).hrtimer = {.hrtimer = 7, .function = n("hrtimer_wakeup"), .now = 999};
  add(EventKind::cpu_idle).idle = {.state = -1, .cpu_id = 3};
  add(EventKind::ipi_send_cpu).ipi = {.cpu = 1, .callsite = n("ttwu_queue_wakelist"), .callback = n("-")};
  add(EventKind::other).other = {.name = n("local_timer_exit")};
  return events;
}

}  // namespace

TEST_CASE("every kind of event is read as it was stored", "[chain_rows]") {
  Names names;
  const std::vector<Event> events = one_of_each(names);
  std::string text;
  ChainWriter writer{text, names};
  writer.header({.cpus = 4, .tracer = 99, .exact_context = true, .lost = 6});
  for (const Event& event : events) {
    writer.event(event);
  }
  writer.end();

  const auto reading = read(text);

  REQUIRE(reading->events.size() == events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(shown(reading->events[i], reading->names) == shown(events[i], names));
  }
  CHECK(reading->log.lost_events == 6);
  CHECK(reading->log.unknown_lines == 0);
  CHECK(reading->log.warnings.empty());
}

TEST_CASE("a task's stored name holds from its row on", "[chain_rows]") {
  const auto reading =
      read(stored("task 5 bash\n10 0 5 softirq_raise 1\n"
                  "task 5 python3\n20 0 5 softirq_raise 1\n30 0 6 softirq_raise 1\n# end 3\n"));

  REQUIRE(reading->events.size() == 3);
  CHECK(reading->text(reading->events[0].comm) == "bash");
  CHECK(reading->text(reading->events[1].comm) == "python3");
  CHECK(reading->events[2].comm == Name::none);
}

TEST_CASE("the idle task is named after its CPU in switches", "[chain_rows]") {
  const auto reading = read(stored("10 1 0 sched_switch 0 120 R 7 120\n# end 1\n"));

  CHECK(reading->text(reading->events.at(0).comm) == "<idle>");
  CHECK(reading->text(reading->events.at(0).sched_switch.prev_comm) == "swapper/1");
}

TEST_CASE("a printed row of a switch is unpacked", "[chain_rows]") {
  // tid 812, kind 12; prev 812, next 3; prio 120 and 98; S
  const auto head = std::to_string((812 << 8) | 12);
  const auto pids = std::to_string((std::uint64_t{812} << 32) | 3);
  const auto prios = std::to_string((std::uint64_t{120} << 32) | 98);
  const auto reading = read(
      printed("@e[11393006782345, 1]: (" + head + ", " + pids + ", " + prios + ", 1, 0, ksoftirqd/1)\n"));

  REQUIRE(reading->events.size() == 1);
  const Event& event = reading->events.front();
  CHECK(event.time == 11393006782345);
  CHECK(event.cpu == 1);
  CHECK(event.pid == 812);
  CHECK(event.kind == EventKind::sched_switch);
  CHECK(event.sched_switch.prev_pid == 812);
  CHECK(event.sched_switch.prev_state == TaskState::interruptible);
  CHECK_FALSE(event.sched_switch.preempted);
  CHECK(event.sched_switch.next_pid == 3);
  CHECK(event.sched_switch.next_prio == 98);
  CHECK(reading->text(event.sched_switch.next_comm) == "ksoftirqd/1");
}

TEST_CASE("printed numbers below zero come back, however a version prints them", "[chain_rows]") {
  // epoll_wait returned -4, as 64 bits without sign and with it; cpu_idle's state is -1 in an upper half
  const auto reading =
      read(printed("@e[10, 0]: (2065, 18446744073709551612, 0, 0, 0, )\n"
                   "@e[20, 0]: (2065, -4, 0, 0, 0, )\n"
                   "@e[30, 2]: (30, 18446744069414584322, 0, 0, 0, )\n"));

  REQUIRE(reading->events.size() == 3);
  CHECK(reading->events[0].sys_exit.ret == -4);
  CHECK(reading->events[1].sys_exit.ret == -4);
  CHECK(reading->events[0].sys_exit.call == Syscall::epoll_wait);
  CHECK(reading->events[2].idle.state == -1);
  CHECK(reading->events[2].idle.cpu_id == 2);
}

TEST_CASE("a task's name may hold what rows are made of", "[chain_rows]") {
  const auto reading = read(printed("@e[10, 0]: (9, 21474836600, 0, 0, 0, a), @e[1, (b)\n"));

  REQUIRE(reading->events.size() == 1);
  CHECK(reading->text(reading->events[0].wakeup.comm) == "a), @e[1, (b");
}

TEST_CASE("names with spaces and control characters survive being stored", "[chain_rows]") {
  const std::string name =
      GENERATE(as<std::string>{}, "", "-", "a b", "100%", "%41", "\n\t\x01", "#x", "x#", "caf\xc3\xa9");
  std::string token, space;
  append_token(token, name);

  CHECK(token.find_first_of(" \n\t") == std::string::npos);
  CHECK_FALSE(token.empty());
  CHECK(read_token(token, space) == name);
}

TEST_CASE(
    "a hardirq that interrupts a softirq is in both, and a wakeup in the timer's interrupt is in a hardirq",
    "[chain_rows]") {
  const auto reading =
      read(stored("1 0 5 softirq_entry 3\n"
                  "2 0 5 irq_handler_entry 36 vda\n"
                  "3 0 5 irq_handler_exit 36 1\n"
                  "4 0 5 softirq_exit 3\n"
                  "5 0 5 local_timer_entry\n"
                  "6 0 5 sched_waking 9 120 0\n"
                  "7 0 5 local_timer_exit\n"
                  "8 0 5 sched_waking 9 120 0\n# end 8\n"));

  std::string contexts;
  for (const Event& event : reading->events) {
    CHECK(event.flags.known);
    contexts += event.flags.hardirq ? (event.flags.softirq ? 'H' : 'h') : (event.flags.softirq ? 's' : '.');
  }
  CHECK(contexts == "sHHshhh.");
}

TEST_CASE("without the interrupts' own tracepoints the context is not known", "[chain_rows]") {
  const auto reading = read("# chainsim chain 1\n# context unknown\n1 0 5 softirq_entry 3\n# end 1\n");

  CHECK_FALSE(reading->events.at(0).flags.known);
}

TEST_CASE("a missed exit does not leave a CPU in an interrupt for ever", "[chain_rows]") {
  const auto reading =
      read(stored("1 0 5 irq_handler_entry 36 vda\n"
                  "2 0 5 sched_switch 5 120 S 6 120\n3 0 6 softirq_raise 1\n# end 3\n"));

  CHECK_FALSE(reading->events.at(2).flags.hardirq);
}

TEST_CASE("rows that make no sense are counted and passed over", "[chain_rows]") {
  const std::string odd = GENERATE(
      as<std::string>{}, "10 0 5 softirq_raise", "10 0 5 softirq_raise 1 2", "10 0 5 softirq_raise x",
      "10 0 5", "-1 0 5 softirq_raise 1", "10 99999 5 softirq_raise 1", "10 0 -2 softirq_raise 1",
      "10  0 5 softirq_raise 1", "99999999999999999999 0 5 softirq_raise 1",
      "10 0 5 softirq_raise 99999999999", "10 0 5 sched_switch 1 2 RR 3 4", "10 0 5 irq_handler_exit 1 2",
      "10 0 5 sys_exit_epoll_wait", "10 0 5 sys_enter_epoll_wait 1 2 3", "task 5", "task x y", "10 0 5 ", "",
      "@e[10, 0]: (9, 21474836600, 0, 0, 0, a)");
  const auto reading = read(stored("1 0 5 softirq_raise 1\n" + odd + "\n2 0 5 softirq_raise 1\n# end 2\n"));

  CHECK(reading->events.size() == 2);
  CHECK(reading->log.unknown_lines == 1);
}

TEST_CASE("printed rows that make no sense are counted and passed over", "[chain_rows]") {
  const std::string odd = GENERATE(
      as<std::string>{}, "@e[10, 0]: (250, 1, 2, 3, 4, a)", "@e[10, 9999]: (9, 1, 2, 3, 4, a)",
      "@e[-1, 0]: (9, 1, 2, 3, 4, a)", "@e[10, 0]: (9, 1, 2, 3, a)", "@e[10, 0]: (9, 1, 2, 3, 4, a",
      "@e[10, 0]: (99999999999999999999, 1, 2, 3, 4, a)", "@e[10]: (9, 1, 2, 3, 4, a)", "@other[1]: 2");
  const auto reading =
      read(printed("@e[1, 0]: (9, 1, 2, 3, 4, a)\n" + odd + "\n@e[20, 0]: (9, 1, 2, 3, 4, a)\n"));

  CHECK(reading->events.size() == 2);
  CHECK(reading->log.unknown_lines == 1);
}

TEST_CASE("rows of another version are refused", "[chain_rows]") {
  const auto newer = input_error_of([] { read("# chainsim chain 2\n1 0 5 softirq_raise 1\n"); });
  CHECK(newer.line() == 1);
  CHECK_THAT(newer.what(), Contains("version '2'"));

  const auto raw = input_error_of([] { read("Attaching 2 probes...\n# chainsim chain raw 7\n"); });
  CHECK(raw.line() == 2);
}

TEST_CASE("a capture that breaks off says so", "[chain_rows]") {
  CHECK(read(stored("1 0 5 softirq_raise 1\n"))->log.warnings.size() == 1);
  CHECK(read(stored("1 0 5 softirq_raise 1\n# end 2\n"))->log.warnings.size() == 1);

  const auto cut = read(stored("1 0 5 softirq_raise 1\n2 0 5 softirq_raise 1"));  // 1, or the start of 10?
  CHECK(cut->events.size() == 1);
  CHECK(cut->log.partial_last_line);
}

TEST_CASE("other text is not taken for chain rows", "[chain_rows]") {
  const auto other = GENERATE(as<std::string>{}, "# tracer: nop\n", "irq=36 duration=1us\n",
                              "chainsim chain raw 1\n", "@e[1]: 2\n", "");
  CHECK_FALSE(chain_rows_format().recognises(other));
  CHECK_FALSE(chain_json_format().recognises(other));
}

TEST_CASE("rows printed as JSON are those printed as text", "[chain_rows]") {
  const std::string rows = GENERATE(
      as<std::string>{},
      // 0.17
      R"({"10,0": [2065,18446744073709551612,0,0,0,""], "11393006782345,1": [9,21474836600,2,3,4,"a \"b\"\n"]})",
      // later: large numbers as text
      R"({"10,0": [2065,"18446744073709551612",0,0,0,""],"11393006782345,1": [9,21474836600,2,3,4,"a \"b\"\u000a"]})");
  const auto reading = read(
      "{\"type\": \"attached_probes\", \"data\": {\"probes\": 2}}\n"
      "{\"type\": \"printf\", \"data\": \"# chainsim chain raw 1\\n\"}\n"
      "{\"type\": \"printf\", \"data\": \"# context exact\\n\"}\n\n"
      "{\"type\": \"map\", \"data\": {\"@e\": " +
          rows + "}}\n",
      chain_json_format());

  REQUIRE(reading->events.size() == 2);
  CHECK(reading->events[0].time == 10);
  CHECK(reading->events[0].sys_exit.ret == -4);
  CHECK(reading->events[0].flags.known);
  CHECK(reading->events[1].time == 11393006782345);
  CHECK(reading->events[1].cpu == 1);
  CHECK(reading->text(reading->events[1].wakeup.comm) == "a \"b\"\n");
  CHECK(reading->log.warnings.empty());
}

TEST_CASE("JSON that breaks off gives the rows before the break and a warning", "[chain_rows]") {
  const std::string rest =
      GENERATE(as<std::string>{}, R"("20,0": [9,1,2,3)", R"("20,0": [9,1,2,3,4,"a)", R"("20", 1)",
               R"("20,0": {"a": 1}}}})", R"("20,0": [250,1,2,3,4,"a"]}}})");
  const auto reading = read(
      "{\"type\": \"printf\", \"data\": \"# chainsim chain raw 1\\n\"}\n"
      "{\"type\": \"map\", \"data\": {\"@e\": {\"10,0\": [9,1,2,3,4,\"a\"], " +
          rest,
      chain_json_format());

  CHECK(reading->events.size() == 1);
  CHECK(reading->log.warnings.size() == 1);
}
