// The grammar of intervals: what passes between two events of one CPU, and which costs that time is.
//
//   events ──IntervalScan──► samples of each interval ──fit_events──► costs
//
// Two events that follow each other on a CPU, in one context and without anything in between, are a stretch
// of straight-line kernel code: nothing in it is waiting. Its time is a sum of costs (models/costs.h). A row
// of the table says which; all of them but one are known from earlier rows or taken from the defaults, and
// the one is what the row identifies. Rows with a single cost come first.
//
// Stamps: the kernel fires sched_wakeup, netif_receive_skb, block_rq_complete and sched_switch before the
// work
//         that they stand for is over; the models charge that work at the event and let it pass behind it,
//         except for a switch, a packet and a request, whose cost passes before the event. Rows that this
//         concerns exist twice. A capture shows by itself which it is: simulated wakeups take no time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "models/costs.h"

namespace calibration {

enum class Interval : std::uint8_t {
  virtio_irq,
  nic_irq,
  softirq_from_task,
  softirq_sched,
  softirq_timer,
  softirq_rcu,
  irq_to_softirq,
  wakeup,
  wakeup_model,
  block_next,
  block_next_model,
  block_first,
  block_first_model,
  packet,
  packet_model,
  packet_epoll,
  packet_epoll_model,
  poll_first,
  poll_first_model,
  poll_untold,
  nic_packet,
  nic_packet_model,
  nic_first,
  nic_first_model,
  preempting_switch,
  cqe_to_user,
  epoll_enter,
  epoll_leave,
  read_submit,
  read_submit_nvme,
  read_next,
  read_next_nvme,
  task_work,
  sleep_enter,
  send_small,
  send_untold,
  send_large,
  receive,
  timer_callback,
  timer_program,
  timer_to_idle_exit,
  timer_tick,
  ipi_sent,
  ipi_handled,
  ipi_arrived,
  idle_leave,
  idle_leave_tick,
  idle_enter,
  idle_enter_tick,
  timer_running,
  timer_running_model,
  timer_poll,
  timer_c1,
  timer_c6,
  timer_hlt,
  timer_hlt_deep,
  count,
};
inline constexpr std::size_t interval_count = static_cast<std::size_t>(Interval::count);

enum class Stamps : std::uint8_t { any, kernel, model };  // whose events a row is for

struct IntervalTerm {
  models::Cost cost = models::Cost::count;  // count: none
  std::int32_t times = 1;                   // how often it occurs; of copy_per_kib: in bytes
};

struct IntervalRow {
  Interval id;
  std::string_view name;
  Stamps stamps;
  std::string_view from, to;                 // the events, with the condition
  models::Cost identifies;                   // what remains
  std::array<IntervalTerm, 4> less;          // what is known, and subtracted
  Interval less_interval = Interval::count;  // as well as another interval, as it was sampled
};

// In the order of `Interval`, which is the order of the fit: whatever a row subtracts was found before it.
std::span<const IntervalRow> interval_rows();
const IntervalRow& interval_row(Interval id);

// A condition that an interval may depend on, for tables; none where a row has none.
struct IntervalSample {
  std::int64_t time = 0;  // of its end, ns, by the capture's clock
  std::int64_t ns = 0;
  std::int32_t given =
      0;  // wakeup: context (0 task, 1 softirq, 2 hardirq); idle: residency in us; else a count
};

using IntervalSamples = std::array<std::vector<IntervalSample>, interval_count>;

}  // namespace calibration
