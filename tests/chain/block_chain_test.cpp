#include "tests/chain/chain_check.h"

namespace models {
namespace {

// The disk is slow enough for the reader's CPU to sleep.
HostConfig nvme_host(int cpus, int queues) {
  HostConfig config = quiet_host(cpus);
  config.devices.emplace_back(NvmeConfig{.queues = queues});
  config.costs[Cost::nvme_read_4k].value = constant(1ms);
  AgentConfig agent = quiet_agent(0);
  agent.read.device = "nvme0";
  agent.read.count = 1;
  config.agents.push_back(agent);
  return config;
}

TEST_CASE("an NVMe read completes in hardirq, and its CQE comes after the switch", "[chain]") {
  const TracedRun run{nvme_host(2, 2), 120ms};

  check_chain(run, 1ms,
              {{Tracepoint::sys_enter_io_uring_enter, 0, 0ns},
               {Tracepoint::block_rq_issue, 0,
                cost_of(Cost::syscall_entry, Cost::block_submit, Cost::io_uring_submit)},
               {Tracepoint::irq_handler_entry, 0, 1ms + into_sleeping_cpu},
               {Tracepoint::block_rq_complete, 0,
                cost_of(Cost::nvme_irq_handler, Cost::nvme_cqe_reap, Cost::block_complete)},
               {Tracepoint::sched_waking, 0, 0ns},
               {Tracepoint::sched_wakeup, 0, 0ns},
               {Tracepoint::irq_handler_exit, 0, cost_of(Cost::try_to_wake_up)},
               {Tracepoint::sched_switch, 0, out_of_idle},
               {Tracepoint::io_uring_complete, 0, cost_of(Cost::io_uring_task_work, Cost::cqe_post)},
               {Tracepoint::sys_exit_io_uring_enter, 0, cost_of(Cost::syscall_exit)}});
  CHECK(run.all(Tracepoint::softirq_raise).empty());
  CHECK(run.metrics()[Counter::interrupts_ipi] == 0);
}

// Two queues on four CPUs: queue 0 serves CPUs 0 and 1, and its vector interrupts CPU 1.
TEST_CASE("a read whose vector is elsewhere completes there and wakes by IPI", "[chain]") {
  const TracedRun run{nvme_host(4, 2), 120ms};

  check_chain(run, 1ms,
              {{Tracepoint::block_rq_issue, 0, 0ns},
               {Tracepoint::irq_handler_entry, 1, 1ms + into_sleeping_cpu},
               {Tracepoint::block_rq_complete, 1,
                cost_of(Cost::nvme_irq_handler, Cost::nvme_cqe_reap, Cost::block_complete)},
               {Tracepoint::sched_waking, 1, 0ns},
               {Tracepoint::sched_wakeup, 0, remote_wakeup},
               {Tracepoint::sched_switch, 0, out_of_idle},
               {Tracepoint::io_uring_complete, 0, cost_of(Cost::io_uring_task_work, Cost::cqe_post)},
               {Tracepoint::sys_exit_io_uring_enter, 0, cost_of(Cost::syscall_exit)}});
  CHECK(run.all(Tracepoint::softirq_raise).empty());
}

TEST_CASE("across LLCs a read goes back to its submitter's CPU and completes in the BLOCK softirq",
          "[chain]") {
  HostConfig config = nvme_host(2, 1);
  config.devices[0] = NvmeConfig{.queues = 1};
  config.topology.llc_cpus = 1;

  const TracedRun run{config, 120ms};

  check_chain(run, 1ms,
              {{Tracepoint::irq_handler_entry, 1, 0ns},
               {Tracepoint::softirq_raise, 0,  // in the IPI on the submitter's CPU
                cost_of(Cost::nvme_irq_handler, Cost::nvme_cqe_reap) + remote_wakeup},
               {Tracepoint::softirq_entry, 0, cost_of(Cost::hardirq_exit, Cost::softirq_overhead)},
               {Tracepoint::block_rq_complete, 0, cost_of(Cost::softirq_block_fixed, Cost::block_complete)},
               {Tracepoint::sched_waking, 0, 0ns},
               {Tracepoint::sched_wakeup, 0, 0ns},
               {Tracepoint::softirq_exit, 0, cost_of(Cost::try_to_wake_up)},
               {Tracepoint::sched_switch, 0, cost_of(Cost::idle_loop_exit, Cost::context_switch)},
               {Tracepoint::io_uring_complete, 0, cost_of(Cost::io_uring_task_work, Cost::cqe_post)}});
}

TEST_CASE("two reads of a single-queue virtio disk: one kick, one interrupt, BLOCK softirq, one wakeup",
          "[chain]") {
  HostConfig config = quiet_host(2);
  config.devices.emplace_back(VirtioBlkConfig{});
  config.costs[Cost::virtio_blk_request].value = constant(1ms);
  AgentConfig agent = quiet_agent(0);
  agent.read.device = "vda";
  agent.read.count = 2;
  config.agents.push_back(agent);

  const TracedRun run{config, 120ms};

  const sim::Nanos second = cost_of(Cost::block_submit, Cost::io_uring_submit, Cost::virtio_blk_kick);
  check_chain(
      run, 1ms,
      {{Tracepoint::sys_enter_io_uring_enter, 0, 0ns},
       {Tracepoint::block_rq_issue, 0,
        cost_of(Cost::syscall_entry, Cost::block_submit, Cost::io_uring_submit)},
       {Tracepoint::block_rq_issue, 0, second},
       {Tracepoint::irq_handler_entry, 1,
        cost_of(Cost::virtio_blk_notify) + 2ms - second + into_sleeping_cpu},
       {Tracepoint::softirq_raise, 1, cost_of(Cost::virtio_blk_irq_handler)},
       {Tracepoint::softirq_entry, 1, cost_of(Cost::hardirq_exit, Cost::softirq_overhead)},
       {Tracepoint::block_rq_complete, 1, cost_of(Cost::softirq_block_fixed, Cost::block_complete)},
       {Tracepoint::sched_waking, 1, 0ns},
       {Tracepoint::sched_wakeup, 0, remote_wakeup},
       {Tracepoint::block_rq_complete, 1,  // the wakeup's costs lie between the two
        cost_of(Cost::try_to_wake_up, Cost::ipi_send, Cost::block_complete) - remote_wakeup},
       {Tracepoint::sched_switch, 0,
        remote_wakeup + out_of_idle - cost_of(Cost::try_to_wake_up, Cost::ipi_send, Cost::block_complete)},
       {Tracepoint::io_uring_complete, 0, cost_of(Cost::io_uring_task_work, Cost::cqe_post, Cost::cqe_post)},
       {Tracepoint::io_uring_complete, 0, 0ns},
       {Tracepoint::sys_exit_io_uring_enter, 0, cost_of(Cost::syscall_exit)}});
  const auto steps = static_cast<std::size_t>(run.metrics()[Counter::steps]);
  CHECK(run.all(Tracepoint::irq_handler_entry).size() == steps);
}

TEST_CASE("completion_to_cqe is the way from the device to the posted CQE", "[chain]") {
  const TracedRun run{nvme_host(2, 2), 120ms};

  const sim::Nanos way =
      into_sleeping_cpu +
      cost_of(Cost::nvme_irq_handler, Cost::nvme_cqe_reap, Cost::block_complete, Cost::try_to_wake_up) +
      out_of_idle + cost_of(Cost::io_uring_task_work, Cost::cqe_post);
  CHECK(run.metrics()[Metric::completion_to_cqe].min() == way.count());
  CHECK(run.metrics()[Metric::chain_block].min() == (way + cost_of(Cost::syscall_exit)).count());
}

}  // namespace
}  // namespace models
