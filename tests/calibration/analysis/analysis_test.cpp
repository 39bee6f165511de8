#include "calibration/analysis/analysis.h"

#include <catch2/catch.hpp>

#include "tests/calibration/analysis/event_script.h"

using namespace calibration;
using models::Stage;

namespace {

constexpr int net_rx = 3, block = 4;

}  // namespace

TEST_CASE("a wakeup from an interrupt is the timer's, not the interrupted task's", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "hog", 9);
  script.at(10).hardirq().expire(77);
  script.at(11).hardirq().waking("agent-0", 5);
  script.at(12).hardirq().wakeup("agent-0", 5);
  script.analysis.finish();

  REQUIRE(script.links.size() == 1);
  CHECK(script.links[0].rule == Rule::hrtimer_wakeup);
  CHECK(script.links[0].cookie == 77);
}

TEST_CASE("a wakeup in task context is the current task's", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "writer", 9);
  script.at(11).waking("reader", 5);
  script.analysis.finish();

  REQUIRE(script.links.size() == 1);
  CHECK(script.links[0].rule == Rule::task);
  CHECK(script.links[0].cookie == 9);
}

TEST_CASE("only one waking is explained by one timer", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "hog", 9);
  script.at(10).hardirq().expire(77);
  script.at(11).hardirq().waking("a", 5);
  script.at(12).hardirq().waking("b", 6);
  script.analysis.finish();

  CHECK(script.links[0].rule == Rule::hrtimer_wakeup);
  CHECK(script.links[1].rule == Rule::hardirq_only);
}

TEST_CASE("a softirq raised again while it runs waits from that raise on", "[analysis]") {
  EventScript script;
  script.at(10).hardirq().raise(net_rx);
  script.at(12).softirq().entry(net_rx);
  script.at(15).softirq().raise(net_rx);
  script.at(20).softirq().exit(net_rx);
  script.at(45).softirq().entry(net_rx);
  script.at(46).softirq().exit(net_rx);

  const sim::Histogram* waits = script.stage("NET_RX", StageId::softirq_wait);
  REQUIRE(waits != nullptr);
  CHECK(waits->count() == 2);
  CHECK(waits->min() == 2'000);
  CHECK(waits->max() == 30'000);
  CHECK(script.analysis.stages().negative() == 0);
}

TEST_CASE("one vector on two CPUs is two softirqs", "[analysis]") {
  EventScript script;
  script.at(10, 0).softirq().entry(net_rx);
  script.at(11, 1).softirq().entry(net_rx);
  script.at(13, 1).softirq().exit(net_rx);
  script.at(40, 0).softirq().exit(net_rx);

  const sim::Histogram* runs = script.stage("NET_RX", StageId::softirq_run);
  REQUIRE(runs != nullptr);
  CHECK(runs->min() == 2'000);
  CHECK(runs->max() == 30'000);
}

TEST_CASE("a remote wakeup is measured from the waking on one CPU to the switch on the other", "[analysis]") {
  EventScript script;
  script.at(0, 0).switches("swapper/0", 0, TaskState::running, "hog", 9);
  script.at(0, 1).switches("x", 3, TaskState::interruptible, "swapper/1", 0);
  script.at(10, 0).hardirq().expire(77);
  script.at(11, 0).hardirq().waking("agent-0", 5, 1);
  script.at(31, 1).hardirq().wakeup("agent-0", 5, 1);
  script.at(431, 1).switches("swapper/1", 0, TaskState::running, "agent-0", 5);

  CHECK(script.stage("agent-0", StageId::waking_to_wakeup)->max() == 20'000);
  CHECK(script.stage("agent-0", StageId::wakeup_to_run)->max() == Approx(400'000).epsilon(0.01));
  CHECK(script.stage("agent-0", StageId::wake_to_run)->max() == Approx(420'000).epsilon(0.01));
}

TEST_CASE(
    "a task woken before it left its CPU waits from its waking on if it leaves, and not at all if it stays",
    "[analysis]") {
  const bool leaves = GENERATE(true, false);
  EventScript script;
  script.at(0, 0).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  script.at(0, 1).switches("swapper/1", 0, TaskState::running, "peer", 6);
  script.at(10, 1).waking("agent-0", 5);
  if (leaves) {
    script.at(12, 0).switches("agent-0", 5, TaskState::interruptible, "swapper/0", 0);
    script.at(15, 0).hardirq().wakeup("agent-0", 5);
    script.at(30, 0).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  } else {
    script.at(11, 1).wakeup("agent-0", 5);
    script.at(13, 0).returns(Syscall::epoll_wait, "agent-0", 5);
  }

  const sim::Histogram* waits = script.stage("agent-0", StageId::wake_to_run);
  if (leaves) {
    REQUIRE(waits != nullptr);
    CHECK(waits->max() == 20'000);
  } else {
    CHECK(waits == nullptr);
    CHECK(script.analysis.losses().woken_while_running == 1);
  }
}

TEST_CASE("two requests of one io_uring wait are two chains; only the first has the wakeup", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  script.at(1).enters(Syscall::io_uring_enter, "agent-0", 5);
  script.at(2).issue(100);
  script.at(3).issue(200);
  script.at(5).switches("agent-0", 5, TaskState::interruptible, "swapper/0", 0);
  script.at(50).hardirq().irq_entry(36, "disk");
  script.at(51).hardirq().raise(block);
  script.at(52).hardirq().irq_exit(36);
  script.at(54).softirq().entry(block);
  script.at(57).softirq().complete(100);
  script.at(58).softirq().waking("agent-0", 5);
  script.at(59).softirq().wakeup("agent-0", 5);
  script.at(63).softirq().complete(200);
  script.at(64).softirq().exit(block);
  script.at(70).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  script.at(71).cqe();
  script.at(72).cqe();
  script.at(75).returns(Syscall::io_uring_enter, "agent-0", 5);
  script.analysis.finish();

  REQUIRE(script.chains.size() == 2);
  const CompletionChain& first = script.chains[0];
  CHECK(first.sector == 100);
  CHECK(first.issued == 2'000);
  CHECK(first[Stage::hardirq_entry] == 50'000);
  CHECK(first[Stage::softirq_raise] == 51'000);
  CHECK(first[Stage::softirq_entry] == 54'000);
  CHECK(first[Stage::completed] == 57'000);
  CHECK(first[Stage::waking] == 58'000);
  CHECK(first[Stage::running] == 70'000);
  CHECK(first[Stage::cqe] == 71'000);
  CHECK(first[Stage::user] == 75'000);
  const CompletionChain& second = script.chains[1];
  CHECK(second.sector == 200);
  CHECK(second[Stage::completed] == 63'000);
  CHECK(second[Stage::waking] == never_seen);
  CHECK(second[Stage::cqe] == 72'000);
  CHECK(script.links[0].rule == Rule::request);
  CHECK(script.links[0].cookie == request_key(1, 100));
}

TEST_CASE("a reply's wakeup is linked to the task whose send raised NET_RX", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "server", 8);
  script.at(10).raise(net_rx);
  script.at(11).softirq().entry(net_rx);
  script.at(14).softirq().waking("agent-0", 5);
  script.analysis.finish();

  CHECK(script.links[0].rule == Rule::peer_send);
  CHECK(script.links[0].cookie == 8);
}

TEST_CASE("with another task's send in between, or a network device's interrupt, nothing is linked",
          "[analysis]") {
  EventScript script;
  const bool device = GENERATE(true, false);
  script.at(0).switches("swapper/0", 0, TaskState::running, "server", 8);
  if (device) {  // an interrupt that raises NET_RX, so that it is known for one
    script.at(1).hardirq().irq_entry(33);
    script.at(2).hardirq().raise(net_rx);
    script.at(3).hardirq().irq_exit(33);
    script.at(4).softirq().entry(net_rx);
    script.at(5).softirq().exit(net_rx);
  }
  script.at(10).raise(net_rx);
  if (device) {
    script.at(11).hardirq().irq_entry(33);
    script.at(12).hardirq().irq_exit(33);
  } else {
    script.at(11).switches("server", 8, TaskState::running, "other", 9);
    script.at(12).switches("other", 9, TaskState::interruptible, "ksoftirqd/0", 15);
  }
  script.at(20).softirq().entry(net_rx);
  script.at(24).softirq().waking("agent-0", 5);
  script.analysis.finish();

  CHECK(script.links.back().rule == Rule::ambiguous_send);
  CHECK_FALSE(proves(script.links.back().rule));
}

TEST_CASE("the rest of a NET_RX run keeps its sender", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "server", 8);
  script.at(10).raise(net_rx);
  script.at(11).softirq().entry(net_rx);
  script.at(20).softirq().raise(net_rx);
  script.at(21).softirq().exit(net_rx);
  script.at(22).softirq().entry(net_rx);
  script.at(24).softirq().waking("agent-0", 5);
  script.analysis.finish();

  CHECK(script.links[0].rule == Rule::peer_send);
  CHECK(script.links[0].cookie == 8);
}

TEST_CASE("a hardirq that interrupts a softirq is a cause of its own", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "server", 8);
  script.at(10).raise(net_rx);
  script.at(11).softirq().entry(net_rx);
  script.at(12).hardirq().softirq().expire(77);
  script.at(13).hardirq().softirq().waking("agent-0", 5);
  script.analysis.finish();

  CHECK(script.links[0].rule == Rule::hrtimer_wakeup);
  CHECK(script.links[0].nested);
}

TEST_CASE("no duration is counted across a switch that does not leave the task last entered", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "hog", 9);
  script.at(10).hardirq().expire(77);
  script.at(11).hardirq().waking("agent-0", 5);
  script.at(12).hardirq().wakeup("agent-0", 5);
  script.at(500).switches("stranger", 4, TaskState::interruptible, "agent-0", 5);

  CHECK(script.analysis.losses().broken_switches == 1);
  CHECK(script.stage("agent-0", StageId::wake_to_run) == nullptr);
}

TEST_CASE("no duration is counted across lost events", "[analysis]") {
  EventScript script;
  script.at(0).hardirq().irq_entry(36);
  script.at(1).lose(123);
  script.at(9).hardirq().irq_exit(36);

  CHECK(script.analysis.losses().lost_events == 123);
  CHECK(script.stage("irq 36 nic", StageId::irq_handler) == nullptr);
}

TEST_CASE("what began before the capture is not measured", "[analysis]") {
  EventScript script;
  script.at(0).hardirq().irq_exit(36);
  script.at(1).softirq().exit(net_rx);
  script.at(2).switches("agent-0", 5, TaskState::interruptible, "swapper/0", 0);
  script.at(3).softirq().complete(100);
  script.at(4).returns(Syscall::epoll_wait, "agent-0", 5);

  for (std::size_t i = 0; i < stage_ids; ++i) {
    CHECK(script.analysis.stages().all(static_cast<StageId>(i)).empty());
  }
  CHECK(script.analysis.losses().unmatched_requests == 1);
}

TEST_CASE("bpftrace's tasks are the tracer's, whatever they do", "[analysis]") {
  EventScript script;
  script.at(0).switches("swapper/0", 0, TaskState::running, "x", 9);
  script.at(1).waking("bpftrace", 50);
  script.at(2).wakeup("bpftrace", 50);
  script.at(9).switches("x", 9, TaskState::running, "bpftrace", 50);
  script.analysis.finish();

  CHECK(script.analysis.attribution(TaskClass::tracer).total() == 1);
  CHECK(script.stage("tracer", StageId::wakeup_to_run)->count() == 1);
  CHECK(script.stage("other tasks", StageId::wakeup_to_run) == nullptr);
}

namespace {

// One step: timer, a request to a server and its reply, two reads of which the second issued is ready last.
void one_step(EventScript& script, double from) {
  const auto t = [&](double us) -> EventScript& { return script.at(from + us); };
  t(0).hardirq().expire(77);
  t(2).hardirq().waking("agent-0", 5);
  t(3).hardirq().wakeup("agent-0", 5);
  t(13).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  t(20).raise(net_rx);
  t(20).softirq().entry(net_rx);
  t(24).softirq().waking("server", 8);
  t(25).softirq().wakeup("server", 8);
  t(28).softirq().exit(net_rx);
  t(30).enters(Syscall::epoll_wait, "agent-0", 5);
  t(31).switches("agent-0", 5, TaskState::interruptible, "server", 8);
  t(40).raise(net_rx);
  t(41).softirq().entry(net_rx);
  t(45).softirq().waking("agent-0", 5);
  t(46).softirq().wakeup("agent-0", 5);
  t(48).softirq().exit(net_rx);
  t(50).switches("server", 8, TaskState::interruptible, "agent-0", 5);
  t(52).returns(Syscall::epoll_wait, "agent-0", 5);
  t(55).enters(Syscall::io_uring_enter, "agent-0", 5);
  t(57).issue(100);
  t(59).issue(200);
  t(60).switches("agent-0", 5, TaskState::interruptible, "swapper/0", 0);
  t(90).hardirq().irq_entry(36, "disk");
  t(91).hardirq().raise(block);
  t(92).hardirq().irq_exit(36);
  t(93).softirq().entry(block);
  t(94).softirq().complete(100);
  t(95).softirq().waking("agent-0", 5);
  t(96).softirq().wakeup("agent-0", 5);
  t(97).softirq().exit(block);
  t(100).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  t(101).cqe();
  t(102).switches("agent-0", 5, TaskState::interruptible, "swapper/0", 0);
  t(190).hardirq().irq_entry(36, "disk");
  t(191).hardirq().raise(block);
  t(192).hardirq().irq_exit(36);
  t(193).softirq().entry(block);
  t(194).softirq().complete(200);
  t(195).softirq().waking("agent-0", 5);
  t(196).softirq().wakeup("agent-0", 5);
  t(197).softirq().exit(block);
  t(204).switches("swapper/0", 0, TaskState::running, "agent-0", 5);
  t(205).cqe();
  t(207).returns(Syscall::io_uring_enter, "agent-0", 5);
  t(240).switches("agent-0", 5, TaskState::interruptible, "swapper/0", 0);
}

}  // namespace

TEST_CASE("a step is found with its parts, and its blame adds up to it", "[analysis]") {
  EventScript script;
  script.at(0).switches("x", 3, TaskState::interruptible, "swapper/0", 0);
  one_step(script, 1000);
  one_step(script, 2000);

  REQUIRE(script.steps.size() == 1);  // the second has not been followed by another timer
  const AgentStep& step = script.steps[0];
  CHECK(step.timer_late() == 13'000);
  CHECK(step.tool() == 42'000);
  CHECK(step.read() == 152'000);
  CHECK(step.parse() == 33'000);
  const CriticalPath& path = script.paths[0];
  CHECK_FALSE(path.cut_off);
  CHECK(path.sums.total() == step.duration());
  const auto own = [&](Blame blame) { return path.sums.own[static_cast<std::size_t>(blame)]; };
  const auto peer = [&](Blame blame) { return path.sums.peer[static_cast<std::size_t>(blame)]; };
  CHECK(own(Blame::device) == 131'000);  // 59 to 190: the read that came last
  CHECK(own(Blame::idle_exit) == 10'000 + 7'000);
  CHECK(own(Blame::interrupts_ahead) == 2'000 + 1'000);
  CHECK(peer(Blame::own) == 9'000);  // the server, 31 to 40
  CHECK(own(Blame::unknown) + peer(Blame::unknown) == 0);
  CHECK(own(Blame::timer) == 0);
}

TEST_CASE("in a step's graph the critical path has no slack, and a read that was ready early has",
          "[analysis]") {
  EventScript script;
  script.at(0).switches("x", 3, TaskState::interruptible, "swapper/0", 0);
  one_step(script, 1000);
  one_step(script, 2000);

  const CausalGraph& causal = script.graphs.at(0);
  std::int64_t early = -1, late = -1;
  for (const auto vertex : boost::make_iterator_range(boost::vertices(causal.graph))) {
    const Node& node = causal.graph[vertex].node;
    CHECK(causal.slack[vertex] >= 0);
    if (node.kind == NodeKind::completed) {
      (node.time == 1'094'000 ? early : late) = causal.slack[vertex];
    }
  }
  CHECK_FALSE(causal.cut_off);
  CHECK(late == 0);
  CHECK(early > 0);
}

TEST_CASE("waiting behind another task and for interrupts is told apart", "[analysis]") {
  EventScript script;
  script.at(0).switches("x", 3, TaskState::interruptible, "hog", 9);
  script.at(100).hardirq().expire(77);
  script.at(101).hardirq().waking("agent-0", 5);
  script.at(102).hardirq().wakeup("agent-0", 5);
  script.at(110).hardirq().irq_entry(36);
  script.at(115).hardirq().irq_exit(36);
  script.at(152).switches("hog", 9, TaskState::running, "agent-0", 5);
  script.at(160).switches("agent-0", 5, TaskState::interruptible, "hog", 9);
  script.at(300).hardirq().expire(77);
  script.at(301).hardirq().waking("agent-0", 5);

  REQUIRE(script.steps.size() == 1);
  const auto& sums = script.paths[0].sums;
  CHECK(sums.own[static_cast<std::size_t>(Blame::run_queue)] == 45'000);
  CHECK(sums.own[static_cast<std::size_t>(Blame::interrupts_ahead)] == 5'000);
  CHECK(sums.own[static_cast<std::size_t>(Blame::wake)] == 1'000);
  CHECK(sums.own[static_cast<std::size_t>(Blame::own)] == 8'000);
  CHECK(sums.total() == 60'000);
}

TEST_CASE("memory stays bounded however many tasks, requests and groups a capture names", "[analysis]") {
  EventScript script{{.agents = {"*"}}};
  double now = 0;
  for (int i = 1; i < 200'000; ++i) {
    const std::string name = "t" + std::to_string(i);
    script.at(now += 1).waking(name, i);
    script.at(now += 1).issue(static_cast<std::uint64_t>(i));
  }
  script.analysis.finish();

  CHECK(script.analysis.stages().groups() <= StageTable::max_groups);
  CHECK(script.analysis.attribution(TaskClass::agent).total() == 199'999);
}
