#include "tests/chain/chain_check.h"

namespace models {
namespace {

TEST_CASE("a timer wakes its task in hardirq, and the task returns to userspace", "[chain]") {
  HostConfig config = quiet_host(1);
  config.agents.push_back(quiet_agent(0));

  const TracedRun run{config, 120ms};

  const std::vector<TraceRecord> timers = run.all(Tracepoint::hrtimer_expire_entry);
  REQUIRE_FALSE(timers.empty());
  CHECK(sim::count(timers[0].time) - timers[0].b ==
        cost_of(Cost::timer_delivery, Cost::idle_exit_hlt, Cost::hardirq_entry, Cost::hrtimer_interrupt)
            .count());
  check_chain(
      run, 1ms,
      {{Tracepoint::hrtimer_expire_entry, 0, 0ns},
       {Tracepoint::sched_waking, 0, 0ns},
       {Tracepoint::sched_wakeup, 0, 0ns},
       {Tracepoint::cpu_idle, 0, cost_of(Cost::try_to_wake_up, Cost::clockevent_program, Cost::hardirq_exit)},
       {Tracepoint::sched_switch, 0, cost_of(Cost::idle_loop_exit, Cost::context_switch)}});
  CHECK(run.all(Tracepoint::softirq_raise).empty());
}

TEST_CASE("a timer of a busy CPU waits for no idle exit", "[chain]") {
  HostConfig config = quiet_host(1);
  AgentConfig agent = quiet_agent(0);
  agent.sched.sched = SchedClass::fifo;
  config.agents.push_back(agent);
  BackgroundConfig hog;
  hog.sched.cpus = {0};
  config.background.push_back(hog);

  const TracedRun run{config, 120ms};

  const std::vector<TraceRecord> timers = run.all(Tracepoint::hrtimer_expire_entry);
  REQUIRE_FALSE(timers.empty());
  CHECK(sim::count(timers[0].time) - timers[0].b ==
        cost_of(Cost::timer_delivery, Cost::hardirq_entry, Cost::hrtimer_interrupt).count());
  check_chain(
      run, 1ms,
      {{Tracepoint::hrtimer_expire_entry, 0, 0ns},
       {Tracepoint::sched_wakeup, 0, 0ns},
       {Tracepoint::sched_switch, 0,
        cost_of(Cost::try_to_wake_up, Cost::clockevent_program, Cost::hardirq_exit, Cost::context_switch)}});
}

}  // namespace
}  // namespace models
