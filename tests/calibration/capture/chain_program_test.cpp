#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "calibration/capture/program.h"
#include "calibration/capture/seed_programs.h"
#include "calibration/traces/chain_program.h"

using namespace calibration;
using Catch::Contains;
using Form = TracepointField::Form;

namespace {

// A kernel with every tracepoint and field that the program asks for.
Machine whole_machine() {
  Machine machine;
  for (const ChainPoint& point : chain_points()) {
    TracepointFields fields;
    for (const ChainWord& word : point.words) {
      fields.emplace(word.high, TracepointField{Form::number, 8, 4});
      fields.emplace(word.low, TracepointField{Form::number, 8, 4});
    }
    fields.insert_or_assign(std::string{point.text}, TracepointField{Form::text, 24, 16});
    machine.tracepoints.emplace(point.tracepoint, fields);
  }
  return machine;
}

// The probe of one tracepoint, up to the next.
std::string probe(const std::string& program, const std::string& tracepoint) {
  const auto from = program.find("tracepoint:" + tracepoint + "\n");
  return from == std::string::npos ? "" : program.substr(from, program.find("}\n", from) - from);
}

}  // namespace

TEST_CASE("the codes of the program's points are unique and lead to their points", "[chain_program]") {
  std::set<int> codes;
  std::set<std::string_view> tracepoints;
  for (const ChainPoint& point : chain_points()) {
    CHECK(codes.insert(point.code).second);
    CHECK(tracepoints.insert(point.tracepoint).second);
    CHECK(chain_point(point.code) == &point);
  }
  CHECK(chain_point(0) == nullptr);
  CHECK(chain_point(255) == nullptr);
}

TEST_CASE("every point is a probe that keeps its row in the one map", "[chain_program]") {
  const ChainProgram program = chain_program(whole_machine(), {});

  CHECK(program.points == static_cast<int>(chain_points().size()));
  CHECK(program.absent_fields.empty());
  CHECK(program.exact_context);
  CHECK_THAT(probe(program.text, "sched:sched_switch"),
             Contains("@e[nsecs, cpu] = ((uint64)12 | ((uint64)tid << 8), ((uint64)args->prev_pid << 32) | "
                      "((uint64)args->next_pid & 0xffffffff), ") &&
                 Contains("args->next_comm)"));
  CHECK(program.text.find("/(") == std::string::npos);  // nothing is filtered
}

TEST_CASE("texts are read as the kernel holds them", "[chain_program]") {
  Machine machine = whole_machine();
  machine.tracepoints["block:block_rq_issue"]["rwbs"] = {Form::text, 34, 10};
  machine.tracepoints["irq:irq_handler_entry"]["name"] = {Form::text_elsewhere, 12, 4};
  const std::string program = chain_program(machine, {}).text;

  CHECK_THAT(probe(program, "block:block_rq_issue"), Contains("str((uint64)args + 34))"));
  CHECK_THAT(probe(program, "irq:irq_handler_entry"), Contains("str(args->name))"));
}

TEST_CASE("a kernel without a tracepoint or a field gets a program without it", "[chain_program]") {
  Machine machine = whole_machine();
  machine.tracepoints.erase("ipi:ipi_send_cpu");
  machine.tracepoints.erase("irq_vectors:local_timer_entry");
  machine.tracepoints["io_uring:io_uring_complete"].erase("req");
  const ChainProgram program = chain_program(machine, {});

  CHECK(probe(program.text, "ipi:ipi_send_cpu").empty());
  CHECK_FALSE(program.exact_context);
  CHECK(program.absent_fields == std::vector<std::string>{"io_uring:io_uring_complete req"});
  CHECK_THAT(probe(program.text, "io_uring:io_uring_complete"),
             Contains("(uint64)0") && !Contains("args->req"));
}

TEST_CASE("filters leave out system calls and block requests, and nothing else", "[chain_program]") {
  ChainProgramOptions options;
  options.filter = {.comm = "agent*x", .pids = {7, 9}, .cgroups = {33}, .devices = {254U << 20}};
  const std::string program = chain_program(whole_machine(), options).text;

  CHECK_THAT(probe(program, "syscalls:sys_enter_epoll_wait"),
             Contains("/(strncmp(comm, \"agent\", 5) == 0) && (pid == 7 || pid == 9) && (cgroup == 33)/"));
  CHECK_THAT(probe(program, "block:block_rq_complete"), Contains("/args->dev == 266338304/"));
  for (const ChainPoint& point : chain_points()) {
    const bool filtered = probe(program, std::string{point.tracepoint}).find("\n/") != std::string::npos;
    CHECK(filtered == (point.filter != ChainFilter::none));
  }
  CHECK(left_out(options.filter).size() == 3);
  CHECK(left_out({}).empty());
}

TEST_CASE("a pattern that begins with a star, or could end the text, is left to the storing",
          "[chain_program]") {
  const std::string pattern = GENERATE(as<std::string>{}, "*agent", "?", "a\"b", "a\\");
  ChainProgramOptions options;
  options.filter.comm = pattern;

  CHECK(chain_program(whole_machine(), options).text.find("strncmp") == std::string::npos);
}

TEST_CASE("packets can be left out", "[chain_program]") {
  CHECK(chain_program(whole_machine(), {.receive = false}).text.find("netif_receive_skb") ==
        std::string::npos);
}

TEST_CASE("names fit patterns as a shell's would", "[chain_program]") {
  CHECK(name_fits("agent-1", "agent*"));
  CHECK(name_fits("agent", "agent"));
  CHECK(name_fits("xabcabd", "*ab?"));
  CHECK(name_fits("", "*"));
  CHECK_FALSE(name_fits("agent", "agen"));
  CHECK_FALSE(name_fits("agent", "?agent"));
  CHECK_FALSE(name_fits("abc", "*b"));
  CHECK_FALSE(name_fits("", "?"));
}

TEST_CASE("the proposal's programs are those of calibration/bpftrace", "[chain_program]") {
  for (const SeedProgram& seed : seed_programs) {
    std::ostringstream text;
    text << std::ifstream{std::string{CHAINSIM_SOURCE_DIR} + "/calibration/bpftrace/" +
                          std::string{seed.name} + ".bt"}
                .rdbuf();
    CHECK(text.str() == seed.text);
  }
}
