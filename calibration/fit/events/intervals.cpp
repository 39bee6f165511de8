#include "calibration/fit/events/intervals.h"

#include "sim/check.h"

namespace calibration {
namespace {

using models::Cost;

constexpr IntervalTerm once(Cost cost) { return {cost, 1}; }
constexpr IntervalTerm twice(Cost cost) { return {cost, 2}; }
constexpr IntervalTerm copy(std::int32_t bytes) { return {Cost::copy_per_kib, bytes}; }

constexpr auto any = Stamps::any;
constexpr auto kernel = Stamps::kernel;
constexpr auto model = Stamps::model;

// clang-format off
constexpr std::array rows{
    // Interrupts and softirqs
    IntervalRow{Interval::virtio_irq, "virtio_irq", any, "irq_handler_entry of a virtio disk", "its irq_handler_exit",
                Cost::virtio_blk_irq_handler, {}},
    IntervalRow{Interval::nic_irq, "nic_irq", any, "irq_handler_entry of a network device", "its irq_handler_exit",
                Cost::nic_irq_handler, {}},
    IntervalRow{Interval::softirq_from_task, "softirq_from_task", any, "softirq_raise in a task", "softirq_entry",
                Cost::softirq_overhead, {}},
    IntervalRow{Interval::softirq_sched, "softirq_sched", any, "softirq_entry SCHED", "softirq_exit, nothing between",
                Cost::softirq_sched, {}},
    IntervalRow{Interval::softirq_timer, "softirq_timer", any, "softirq_entry TIMER", "softirq_exit, nothing between",
                Cost::softirq_timer, {}},
    IntervalRow{Interval::softirq_rcu, "softirq_rcu", any, "softirq_entry RCU", "softirq_exit, nothing between",
                Cost::softirq_rcu, {}},
    IntervalRow{Interval::irq_to_softirq, "irq_to_softirq", any, "irq_handler_exit", "softirq_entry",
                Cost::hardirq_exit, {once(Cost::softirq_overhead)}},
    // Wakeups and completions
    IntervalRow{Interval::wakeup, "wakeup", kernel, "sched_waking", "sched_wakeup on the same CPU",
                Cost::try_to_wake_up, {}},
    IntervalRow{Interval::wakeup_model, "wakeup_model", model, "sched_waking of a sleeper outside epoll, last of its softirq",
                "softirq_exit", Cost::try_to_wake_up, {}},
    IntervalRow{Interval::block_next, "block_next", kernel, "block_rq_complete", "the next one or softirq_exit, less its wakeup",
                Cost::block_complete, {}},
    IntervalRow{Interval::block_next_model, "block_next_model", model, "block_rq_complete that wakes on its CPU", "the next one",
                Cost::block_complete, {once(Cost::try_to_wake_up)}},
    IntervalRow{Interval::block_first, "block_first", kernel, "softirq_entry BLOCK", "block_rq_complete",
                Cost::softirq_block_fixed, {}},
    IntervalRow{Interval::block_first_model, "block_first_model", model, "softirq_entry BLOCK", "block_rq_complete",
                Cost::softirq_block_fixed, {once(Cost::block_complete)}},
    // Packets
    IntervalRow{Interval::packet, "packet", kernel, "netif_receive_skb from a backlog",
                "the next one or napi_poll, less its wakeup; nobody in epoll woken", Cost::backlog_packet, {}},
    IntervalRow{Interval::packet_model, "packet_model", model,
                "netif_receive_skb from a backlog that wakes nobody", "the next one", Cost::backlog_packet, {}},
    IntervalRow{Interval::packet_epoll, "packet_epoll", kernel, "netif_receive_skb from a backlog",
                "the next one or napi_poll, less its wakeup of a task in epoll_wait", Cost::ep_poll_callback,
                {once(Cost::backlog_packet)}},
    IntervalRow{Interval::packet_epoll_model, "packet_epoll_model", model,
                "netif_receive_skb from a backlog that wakes a task in epoll_wait", "the next one", Cost::ep_poll_callback,
                {once(Cost::try_to_wake_up), once(Cost::backlog_packet)}},
    IntervalRow{Interval::poll_first, "poll_first", kernel, "softirq_entry NET_RX", "netif_receive_skb from a backlog",
                Cost::napi_poll_fixed, {}},
    IntervalRow{Interval::poll_first_model, "poll_first_model", model, "softirq_entry NET_RX",
                "netif_receive_skb from a backlog", Cost::napi_poll_fixed, {once(Cost::backlog_packet)}},
    IntervalRow{Interval::poll_untold, "poll_untold", kernel, "softirq_entry NET_RX",
                "softirq_exit of one packet, less its wakeup, where netif_receive_skb was not traced", Cost::backlog_packet,
                {once(Cost::napi_poll_fixed)}},
    IntervalRow{Interval::nic_packet, "nic_packet", kernel, "netif_receive_skb from a NIC",
                "the next one or napi_poll, less its wakeup", Cost::tcp_deliver, {}},
    IntervalRow{Interval::nic_packet_model, "nic_packet_model", model, "netif_receive_skb from a NIC that wakes nobody",
                "the next one of the poll's list", Cost::tcp_deliver, {}},
    IntervalRow{Interval::nic_first, "nic_first", kernel, "softirq_entry NET_RX",
                "netif_receive_skb, the only packet of a NIC's poll", Cost::napi_packet, {once(Cost::napi_poll_fixed)}},
    IntervalRow{Interval::nic_first_model, "nic_first_model", model, "softirq_entry NET_RX",
                "netif_receive_skb, the only packet of a NIC's poll", Cost::napi_packet,
                {once(Cost::napi_poll_fixed), once(Cost::tcp_deliver)}},
    // Switches and system calls
    IntervalRow{Interval::preempting_switch, "preempting_switch", any, "softirq_exit over a task in userspace",
                "sched_switch from it", Cost::context_switch, {}},
    IntervalRow{Interval::cqe_to_user, "cqe_to_user", any, "io_uring_complete, the last of a wait",
                "sys_exit_io_uring_enter", Cost::syscall_exit, {}},
    IntervalRow{Interval::epoll_enter, "epoll_enter", any, "sys_enter_epoll_wait", "sched_switch, asleep",
                Cost::epoll_wait_entry, {once(Cost::syscall_entry), once(Cost::context_switch)}},
    IntervalRow{Interval::epoll_leave, "epoll_leave", any, "sched_switch to a task in epoll_wait",
                "sys_exit_epoll_wait, on the CPU it ran on before", Cost::epoll_send_events, {once(Cost::syscall_exit)}},
    IntervalRow{Interval::read_submit, "read_submit", any, "sys_enter_io_uring_enter", "block_rq_issue, virtio",
                Cost::block_submit, {once(Cost::syscall_entry), once(Cost::io_uring_submit)}},
    IntervalRow{Interval::read_submit_nvme, "read_submit_nvme", any, "sys_enter_io_uring_enter", "block_rq_issue, NVMe",
                Cost::block_submit, {once(Cost::syscall_entry), once(Cost::io_uring_submit)}},
    IntervalRow{Interval::read_next, "read_next", any, "block_rq_issue of a read to an idle virtio disk",
                "the task's next block_rq_issue", Cost::virtio_blk_kick,
                {once(Cost::block_submit), once(Cost::io_uring_submit)}},
    IntervalRow{Interval::read_next_nvme, "read_next_nvme", any, "block_rq_issue of a read to NVMe",
                "the task's next block_rq_issue", Cost::nvme_doorbell,
                {once(Cost::block_submit), once(Cost::io_uring_submit)}},
    IntervalRow{Interval::task_work, "task_work", any, "sched_switch to a task in io_uring_enter with two reads done",
                "the last io_uring_complete, on the CPU it ran on before", Cost::io_uring_task_work,
                {twice(Cost::cqe_post)}},
    IntervalRow{Interval::sleep_enter, "sleep_enter", any, "sys_enter_clock_nanosleep", "sched_switch, asleep",
                Cost::nanosleep_entry, {once(Cost::syscall_entry), once(Cost::context_switch)}},
    IntervalRow{Interval::send_small, "send_small", any, "sys_exit_clock_nanosleep of an agent", "softirq_raise NET_RX",
                Cost::tcp_sendmsg, {once(Cost::syscall_entry), copy(64)}},
    IntervalRow{Interval::send_untold, "send_untold", kernel, "sched_switch to an agent whose timer expired",
                "softirq_raise NET_RX, where nanosleep was not traced", Cost::tcp_sendmsg,
                {once(Cost::syscall_exit), once(Cost::syscall_entry), copy(64)}},
    IntervalRow{Interval::send_large, "send_large", any, "sys_exit_clock_nanosleep of a bulk sender",
                "softirq_raise NET_RX", Cost::copy_per_kib, {once(Cost::syscall_entry), once(Cost::tcp_sendmsg)}},
    IntervalRow{Interval::receive, "receive", any, "sys_exit_epoll_wait", "sys_enter_io_uring_enter", Cost::tcp_recvmsg,
                {once(Cost::syscall_entry), once(Cost::syscall_exit), copy(2048)}},
    // Timers and IPIs
    IntervalRow{Interval::timer_callback, "timer_callback", kernel, "the clock's reading in hrtimer_interrupt",
                "sched_waking of the sleeper", Cost::hrtimer_interrupt, {}},
    IntervalRow{Interval::timer_program, "timer_program", kernel, "sched_wakeup by an expired timer", "local_timer_exit",
                Cost::clockevent_program, {}},
    IntervalRow{Interval::timer_to_idle_exit, "timer_to_idle_exit", any, "sched_waking by an expired timer",
                "cpu_idle exit", Cost::clockevent_program, {once(Cost::try_to_wake_up), once(Cost::hardirq_exit)}},
    IntervalRow{Interval::timer_tick, "timer_tick", kernel, "hrtimer_expire_entry of the tick", "local_timer_exit",
                Cost::tick, {once(Cost::clockevent_program)}},
    IntervalRow{Interval::ipi_sent, "ipi_sent", kernel, "ipi_send_cpu", "the next event", Cost::ipi_send, {}},
    IntervalRow{Interval::ipi_handled, "ipi_handled", kernel, "reschedule_entry", "reschedule_exit", Cost::ipi_handler, {}},
    IntervalRow{Interval::ipi_arrived, "ipi_arrived", kernel, "ipi_send_cpu", "reschedule_entry on the busy CPU it was sent to",
                Cost::ipi_delivery, {once(Cost::hardirq_entry)}},
    // Idle
    IntervalRow{Interval::idle_leave, "idle_leave", any, "cpu_idle exit", "sched_switch from idle, the clock event kept",
                Cost::idle_loop_exit, {once(Cost::context_switch)}},
    IntervalRow{Interval::idle_leave_tick, "idle_leave_tick", any, "cpu_idle exit",
                "sched_switch from idle, the clock event programmed", Cost::tick_restart,
                {once(Cost::idle_loop_exit), once(Cost::context_switch)}},
    IntervalRow{Interval::idle_enter, "idle_enter", any, "sched_switch to idle", "cpu_idle, the clock event kept",
                Cost::idle_enter, {}},
    IntervalRow{Interval::idle_enter_tick, "idle_enter_tick", any, "sched_switch to idle",
                "cpu_idle, the clock event programmed", Cost::tick_stop, {once(Cost::idle_enter)}},
    IntervalRow{Interval::timer_running, "timer_running", kernel, "a sleep's end as it was asked for",
                "the clock's reading in hrtimer_interrupt, over a task in userspace", Cost::timer_delivery,
                {once(Cost::hardirq_entry)}},
    IntervalRow{Interval::timer_running_model, "timer_running_model", model, "a sleep's end as it was asked for",
                "hrtimer_expire_entry over a task in userspace", Cost::timer_delivery,
                {once(Cost::hardirq_entry), once(Cost::hrtimer_interrupt)}},
    IntervalRow{Interval::timer_poll, "timer_poll", any, "a sleep's end", "the same on a polling CPU",
                Cost::idle_exit_poll, {}, Interval::timer_running},
    IntervalRow{Interval::timer_c1, "timer_c1", any, "a sleep's end", "the same on a CPU in C1",
                Cost::idle_exit_c1, {}, Interval::timer_running},
    IntervalRow{Interval::timer_c6, "timer_c6", any, "a sleep's end", "the same on a CPU in C6",
                Cost::idle_exit_c6, {}, Interval::timer_running},
    IntervalRow{Interval::timer_hlt, "timer_hlt", any, "a sleep's end", "the same on a halted CPU",
                Cost::idle_exit_hlt, {}, Interval::timer_running},
    IntervalRow{Interval::timer_hlt_deep, "timer_hlt_deep", any, "a sleep's end",
                "the same on a CPU halted for about 1 ms", Cost::idle_exit_hlt_deep, {once(Cost::idle_exit_hlt)},
                Interval::timer_running},
};
// clang-format on

static_assert(rows.size() == interval_count);

constexpr bool in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].id) != i) {
      return false;
    }
  }
  return true;
}
static_assert(in_order());

}  // namespace

std::span<const IntervalRow> interval_rows() { return rows; }

const IntervalRow& interval_row(Interval id) { return rows[static_cast<std::size_t>(id)]; }

}  // namespace calibration
