#include "tests/chain/chain_check.h"

namespace models {
namespace {

AgentConfig caller(const char* device) {
  AgentConfig agent = quiet_agent(0);
  agent.tool.device = device;
  agent.tool.service = constant(5ms);
  agent.tool.one_way = 30us;
  agent.tool.request = sim::Bytes{64};
  agent.tool.reply = sim::Bytes{1000};
  return agent;
}

HostConfig nic_host(int irq_cpu) {
  HostConfig config = quiet_host(2);
  NicConfig nic;
  nic.irq_cpus = {irq_cpu};
  nic.link_rate = sim::BytesPerSecond{1'000'000'000};  // 1 ns a byte, 90 bytes around each frame
  config.devices.emplace_back(nic);
  config.agents.push_back(caller("eth0"));
  return config;
}

TEST_CASE("a reply from the NIC goes through hardirq, softirq, wakeup and switch at the sum of their costs",
          "[chain]") {
  const TracedRun run{nic_host(1), 120ms};

  const sim::Nanos sent = run.all(Tracepoint::sys_enter_epoll_wait)[0].time.time_since_epoch();
  // The request left when its system call still had to return.
  const sim::Nanos asked_and_answered = (64ns + 90ns) + 30us + 5ms + (1000ns + 90ns) + 30us;
  check_chain(
      run, sent,
      {{Tracepoint::sys_enter_epoll_wait, 0, 0ns},
       {Tracepoint::irq_handler_entry, 1,
        asked_and_answered - cost_of(Cost::syscall_exit) + cost_of(Cost::nic_dma) + into_sleeping_cpu},
       {Tracepoint::softirq_raise, 1, cost_of(Cost::nic_irq_handler)},
       {Tracepoint::irq_handler_exit, 1, 0ns},
       {Tracepoint::softirq_entry, 1, cost_of(Cost::hardirq_exit, Cost::softirq_overhead)},
       {Tracepoint::netif_receive_skb, 1,
        cost_of(Cost::napi_poll_fixed, Cost::napi_packet, Cost::tcp_deliver)},
       {Tracepoint::sched_waking, 1, 0ns},
       {Tracepoint::sched_wakeup, 0, remote_wakeup},
       {Tracepoint::sched_switch, 0, out_of_idle},
       {Tracepoint::sys_exit_epoll_wait, 0, cost_of(Cost::epoll_send_events, Cost::syscall_exit)}});
}

TEST_CASE("the chain's metric is the way from the frame in memory to userspace", "[chain]") {
  const TracedRun run{nic_host(1), 120ms};

  const sim::Nanos chain = into_sleeping_cpu +
                           cost_of(Cost::nic_irq_handler, Cost::hardirq_exit, Cost::softirq_overhead,
                                   Cost::napi_poll_fixed, Cost::napi_packet, Cost::tcp_deliver) +
                           remote_wakeup + out_of_idle + cost_of(Cost::epoll_send_events, Cost::syscall_exit);
  CHECK(run.metrics()[Metric::chain_network].min() == chain.count());
  CHECK(run.metrics()[Metric::wakeup_to_run].min() == out_of_idle.count());
  CHECK(run.metrics()[Metric::return_epoll].min() ==
        cost_of(Cost::epoll_send_events, Cost::syscall_exit).count());
}

TEST_CASE("an agent on the interrupted CPU runs when the softirq is over, without an IPI", "[chain]") {
  const TracedRun run{nic_host(0), 120ms};

  const sim::Nanos wakeup_costs = cost_of(Cost::ep_poll_callback, Cost::try_to_wake_up);
  check_chain(run, 1ms,
              {{Tracepoint::irq_handler_entry, 0, 0ns},
               {Tracepoint::softirq_raise, 0, cost_of(Cost::nic_irq_handler)},
               {Tracepoint::softirq_entry, 0, cost_of(Cost::hardirq_exit, Cost::softirq_overhead)},
               {Tracepoint::netif_receive_skb, 0,
                cost_of(Cost::napi_poll_fixed, Cost::napi_packet, Cost::tcp_deliver)},
               {Tracepoint::sched_waking, 0, 0ns},
               {Tracepoint::sched_wakeup, 0, 0ns},
               {Tracepoint::softirq_exit, 0, wakeup_costs},
               {Tracepoint::sched_switch, 0, cost_of(Cost::idle_loop_exit, Cost::context_switch)},
               {Tracepoint::sys_exit_epoll_wait, 0, cost_of(Cost::epoll_send_events, Cost::syscall_exit)}});
  CHECK(run.metrics()[Counter::interrupts_ipi] == 0);
}

TEST_CASE("a reply over a veth is delivered in its sender's system call, and no device interrupts",
          "[chain]") {
  HostConfig config = quiet_host(2);
  config.devices.emplace_back(VethConfig{.name = "veth0"});
  config.agents.push_back(caller("veth0"));
  config.agents[0].server_sched.cpus = {1};

  const TracedRun run{config, 120ms};

  // The server's nanosleep ends; it sends. 1000 bytes take 1000/1024 of the copying of 1 KiB.
  const sim::Nanos copy{cost_of(Cost::copy_per_kib).count() * 1000 / 1024};
  const std::vector<TraceRecord> timers = run.all(Tracepoint::hrtimer_expire_entry);
  REQUIRE(timers.size() >= 2);
  check_chain(
      run, timers[1].time.time_since_epoch(),
      {{Tracepoint::hrtimer_expire_entry, 1, 0ns},
       {Tracepoint::sched_switch, 1, cost_of(Cost::try_to_wake_up, Cost::clockevent_program) + out_of_idle},
       {Tracepoint::softirq_raise, 1,
        cost_of(Cost::syscall_exit, Cost::syscall_entry, Cost::tcp_sendmsg) + copy},
       {Tracepoint::softirq_entry, 1, cost_of(Cost::softirq_overhead)},
       {Tracepoint::netif_receive_skb, 1, cost_of(Cost::napi_poll_fixed, Cost::backlog_packet)},
       {Tracepoint::sched_waking, 1, 0ns},
       {Tracepoint::sched_wakeup, 0, remote_wakeup},
       {Tracepoint::sched_switch, 0, out_of_idle},
       {Tracepoint::sys_exit_epoll_wait, 0, cost_of(Cost::epoll_send_events, Cost::syscall_exit)}});
  CHECK(run.all(Tracepoint::irq_handler_entry).empty());
}

}  // namespace
}  // namespace models
