#include "calibration/fit/events/scan_intervals.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace calibration {
namespace {

constexpr int timer_vec = 1, net_rx_vec = 3, block_vec = 4, sched_vec = 7, rcu_vec = 9;
constexpr std::int64_t doubt_ns = 100'000;
constexpr std::uint32_t nvme_major = 259;

bool is_virtio(std::string_view irq) { return irq.starts_with("virtio") && irq.find("req") != irq.npos; }

bool is_nic(std::string_view irq) {
  return irq.starts_with("eth") || irq.starts_with("ens") || irq.starts_with("enp") ||
         (irq.starts_with("virtio") && irq.find("put") != irq.npos);
}

bool is_nvme(std::uint32_t dev) { return dev >> 20 == nvme_major; }

// "agent-3" -> 3; -1 for other names.
std::int64_t agent_number(std::string_view name) {
  std::int64_t number = -1;
  constexpr std::string_view prefix = "agent-";
  if (name.starts_with(prefix)) {
    const char* const end = name.data() + name.size();
    if (std::from_chars(name.data() + prefix.size(), end, number).ptr != end) {
      return -1;
    }
  }
  return number;
}

}  // namespace

IntervalScan::IntervalScan(const Names& names, ScanOptions options)
    : names_{names}, options_{std::move(options)} {
  if (options_.steps != nullptr) {
    for (const StepRow& row : *options_.steps) {
      const auto agent = static_cast<std::size_t>(row.agent);
      if (agent >= 4096) {
        continue;
      }
      starts_.resize(std::max(starts_.size(), agent + 1));
      starts_[agent].push_back(row.start_ns - row.timer_late_ns);
    }
    for (auto& starts : starts_) {
      std::sort(starts.begin(), starts.end());
    }
  }
}

Stamps IntervalScan::stamps() const { return simulated() ? Stamps::model : Stamps::kernel; }

IntervalScan::Cpu& IntervalScan::cpu_of(const Event& event) {
  const auto at = static_cast<std::size_t>(std::max(event.cpu, 0));
  if (at >= cpus_.size()) {
    cpus_.resize(at + 1);
  }
  return cpus_[at];
}

IntervalScan::Task& IntervalScan::task(std::int32_t pid) { return tasks_[pid]; }

IntervalScan::Task& IntervalScan::named_task(std::int32_t pid, Name name) {
  Task& found = tasks_[pid];
  if (found.name != name && name != Name::none) {
    const std::string_view text = names_.text(name);
    found.name = name;
    found.step = agent_number(text);
    found.is_agent = found.step >= 0;
    found.is_bulk = text.starts_with("bulk");
    found.computes = text.starts_with("burst") || text.starts_with("hog");
  }
  return found;
}

void IntervalScan::sample(Interval interval, std::int64_t time, std::int64_t ns, int hits,
                          std::int32_t given) {
  const auto probes = static_cast<std::int64_t>(options_.probe_ns * hits);
  samples_[static_cast<std::size_t>(interval)].push_back(
      {time, std::max<std::int64_t>(0, ns - probes), given});
}

bool IntervalScan::sure(const Cpu& cpu, std::int64_t from) const {
  return vectors_ || from >= cpu.unsure_until;
}

void IntervalScan::doubt_others(std::int32_t cpu, std::int64_t time) {
  for (std::size_t i = 0; i < cpus_.size(); ++i) {
    if (static_cast<std::int32_t>(i) != cpu) {
      cpus_[i].unsure_until = std::max(cpus_[i].unsure_until, time + doubt_ns);
    }
  }
}

IntervalScan::Seen IntervalScan::seen(const Event& event) const {
  Seen now{.time = event.time, .kind = event.kind, .pid = event.pid};
  switch (event.kind) {
    case EventKind::irq_handler_entry:
      now.name = event.irq.name;
      break;
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      now.value = event.softirq.vec;
      break;
    case EventKind::napi_poll:
      now.name = event.napi_poll.dev;
      now.value = event.napi_poll.work;
      break;
    case EventKind::netif_receive_skb:
      now.value = event.skb.len;
      break;
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
      now.value = event.wakeup.pid;
      now.elsewhere = event.wakeup.target_cpu >= 0 && event.wakeup.target_cpu != event.cpu;
      break;
    case EventKind::sched_switch:
      now.value = event.sched_switch.next_pid;
      break;
    case EventKind::sys_enter:
      now.value = static_cast<std::int32_t>(event.sys_enter.call);
      break;
    case EventKind::sys_exit:
      now.value = static_cast<std::int32_t>(event.sys_exit.call);
      break;
    case EventKind::hrtimer_expire_entry:
      now.name = event.hrtimer.function;
      now.now = event.hrtimer.now;
      break;
    case EventKind::cpu_idle:
      now.value = event.idle.state;
      break;
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      now.dev = event.block.dev;
      break;
    case EventKind::other:
      now.name = event.other.name;
      break;
    default:
      break;
  }
  return now;
}

void IntervalScan::add(const Event& event) {
  if (event.kind == EventKind::lost) {
    for (Cpu& each : cpus_) {
      each = Cpu{};
    }
    outstanding_.clear();
    return;
  }
  if (event.cpu < 0 || event.kind == EventKind::agent_wakeup) {
    return;
  }
  Cpu& cpu = cpu_of(event);
  Seen now = seen(event);
  if (event.pid > 0) {
    named_task(event.pid, event.comm);
  }
  if (cpu.last[0].kind == EventKind::sched_waking && now.kind != EventKind::sched_wakeup) {
    doubt_others(event.cpu, event.time);  // it was left to another CPU
  }
  if (cpu.last[0].kind == EventKind::ipi_send_cpu) {
    sample(Interval::ipi_sent, now.time, now.time - cpu.last[0].time, 1);
  }
  switch (event.kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      interrupt_event(cpu, event, now);
      break;
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
      wakeup_event(cpu, event, now);
      break;
    case EventKind::sched_switch:
      switch_event(cpu, event, now);
      break;
    case EventKind::sys_enter:
    case EventKind::sys_exit:
    case EventKind::io_uring_complete:
      call_event(cpu, event, now);
      break;
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      block_event(cpu, event, now);
      break;
    case EventKind::cpu_idle:
      idle_event(cpu, event, now);
      break;
    case EventKind::hrtimer_expire_entry:
      cpu.in_timer = true;
      cpu.run_broken = true;
      break;
    case EventKind::netif_receive_skb:
      skbs_ = true;
      break;
    case EventKind::ipi_send_cpu:
      if (event.ipi.cpu >= 0 && static_cast<std::size_t>(event.ipi.cpu) < cpus_.size()) {
        cpus_[static_cast<std::size_t>(event.ipi.cpu)].ipi_sent = event.time;
      }
      break;
    case EventKind::other:
      vector_event(cpu, now);
      break;
    default:
      break;
  }
  if (cpu.in_run && event.kind != EventKind::softirq_entry && event.kind != EventKind::irq_handler_entry) {
    cpu.run.push_back(now);
  }
  std::rotate(cpu.last.begin(), cpu.last.end() - 1, cpu.last.end());
  cpu.last[0] = now;
}

void IntervalScan::finish() {
  // Rows that stand in for events which turned out to be there.
  const auto drop = [this](Interval interval) { samples_[static_cast<std::size_t>(interval)].clear(); };
  if (nanosleeps_) {
    drop(Interval::send_untold);
  }
  if (skbs_) {
    drop(Interval::poll_untold);
  }
}

void IntervalScan::vector_event(Cpu& cpu, const Seen& now) {
  const std::string_view name = names_.text(now.name);
  const Seen& before = cpu.last[0];
  if (name.ends_with("_entry")) {
    vectors_ = true;
    cpu.run_broken = true;
    cpu.in_timer = name == "local_timer_entry";
    if (name == "reschedule_entry" && cpu.ipi_sent >= 0 && before.time >= 0 && before.time < cpu.ipi_sent &&
        cpu.idle_since < 0 && now.pid > 0) {
      sample(Interval::ipi_arrived, now.time, now.time - cpu.ipi_sent, 1);
    }
    cpu.ipi_sent = -1;
  } else if (name == "local_timer_exit") {
    if (before.kind == EventKind::sched_wakeup && cpu.last[1].kind == EventKind::sched_waking &&
        cpu.last[2].kind == EventKind::hrtimer_expire_entry) {
      sample(Interval::timer_program, now.time, now.time - before.time, 1);
    }
    std::size_t raises = 0;
    while (raises < 3 && cpu.last[raises].kind == EventKind::softirq_raise) {
      ++raises;
    }
    const Seen& tick = cpu.last[raises];
    if (tick.kind == EventKind::hrtimer_expire_entry && names_.text(tick.name).starts_with("tick")) {
      sample(Interval::timer_tick, now.time, now.time - tick.time, static_cast<int>(raises) + 1);
    }
    cpu.in_timer = false;
  } else if (name == "reschedule_exit" && before.kind == EventKind::other &&
             names_.text(before.name) == "reschedule_entry") {
    sample(Interval::ipi_handled, now.time, now.time - before.time, 1);
  }
}

void IntervalScan::interrupt_event(Cpu& cpu, const Event& event, const Seen& now) {
  const Seen& before = cpu.last[0];
  switch (event.kind) {
    case EventKind::irq_handler_entry:
      cpu.run_broken = cpu.in_run;
      cpu.in_timer = false;
      cpu.run.assign(1, now);
      cpu.in_run = true;
      break;
    case EventKind::irq_handler_exit:
      cpu.run.push_back(now);
      if (cpu.in_run && !cpu.run_broken) {
        handler_run(cpu);
      }
      cpu.in_run = false;
      cpu.run.clear();
      break;
    case EventKind::softirq_raise:
      if (!cpu.in_run && !cpu.in_timer && now.value == net_rx_vec) {
        const Task& sender = task(event.pid);
        const bool from_sleep =
            before.kind == EventKind::sys_exit && before.value == static_cast<int>(Syscall::nanosleep);
        const bool from_switch = before.kind == EventKind::sched_switch && sender.is_agent && sender.by_timer;
        cpu.raised_by_task = true;
        cpu.send_untold = !from_sleep;
        cpu.send_ns = (from_sleep || from_switch) && sure(cpu, before.time) ? now.time - before.time : -1;
      } else {
        cpu.raised_by_task = false;
      }
      break;
    case EventKind::softirq_entry:
      if (before.kind == EventKind::softirq_raise && before.value == now.value && cpu.raised_by_task &&
          sure(cpu, before.time)) {
        sample(Interval::softirq_from_task, now.time, now.time - before.time, 1);
      }
      if (before.kind == EventKind::irq_handler_exit && sure(cpu, before.time)) {
        sample(Interval::irq_to_softirq, now.time, now.time - before.time, 1);
      }
      cpu.raised_by_task = cpu.raised_by_task && before.kind == EventKind::softirq_raise;
      cpu.in_timer = false;
      cpu.run_broken = false;
      cpu.run.assign(1, now);
      cpu.in_run = true;
      break;
    default:
      end_run(cpu, now);
      break;
  }
}

void IntervalScan::end_run(Cpu& cpu, const Seen& now) {
  cpu.run.push_back(now);
  if (cpu.in_run && !cpu.run_broken && !cpu.run.empty() && cpu.run.front().kind == EventKind::softirq_entry &&
      cpu.run.front().value == now.value && sure(cpu, cpu.run.front().time)) {
    const std::int64_t ns = now.time - cpu.run.front().time;
    const bool plain = cpu.run.size() == 2;
    if (now.value == net_rx_vec) {
      net_run(cpu);
    } else if (now.value == block_vec) {
      block_run(cpu.run);
    } else if (now.value == sched_vec && plain) {
      sample(Interval::softirq_sched, now.time, ns, 1);
    } else if (now.value == timer_vec && plain) {
      sample(Interval::softirq_timer, now.time, ns, 1);
    } else if (now.value == rcu_vec && plain) {
      sample(Interval::softirq_rcu, now.time, ns, 1);
    }
  }
  cpu.in_run = false;
  cpu.run.clear();
}

void IntervalScan::handler_run(const Cpu& cpu) {
  const std::vector<Seen>& run = cpu.run;
  if (!sure(cpu, run.front().time)) {
    return;
  }
  const auto is_raise = [](const Seen& each) { return each.kind == EventKind::softirq_raise; };
  const std::string_view name = names_.text(run.front().name);
  const std::int64_t ns = run.back().time - run.front().time;
  const int hits = static_cast<int>(run.size()) - 1;
  if (std::all_of(run.begin() + 1, run.end() - 1, is_raise)) {
    if (is_virtio(name)) {
      sample(Interval::virtio_irq, run.back().time, ns, hits);
    } else if (is_nic(name)) {
      sample(Interval::nic_irq, run.back().time, ns, hits);
    }
  }
}

void IntervalScan::net_run(Cpu& cpu) {
  const std::vector<Seen>& run = cpu.run;
  const auto is = [&](EventKind kind) {
    return std::count_if(run.begin(), run.end(), [&](const Seen& each) { return each.kind == kind; });
  };
  std::int64_t bytes = 0;
  for (const Seen& each : run) {
    bytes += each.kind == EventKind::netif_receive_skb ? each.value : 0;
  }
  const Seen& end = run.back();
  if (cpu.raised_by_task && cpu.send_ns >= 0) {
    const Task& sender = task(run.front().pid);
    if (sender.is_agent && bytes < 8192) {
      sample(cpu.send_untold ? Interval::send_untold : Interval::send_small, end.time, cpu.send_ns, 1);
    } else if (sender.is_bulk && bytes >= 8192 && !cpu.send_untold) {
      sample(Interval::send_large, end.time, cpu.send_ns, 1, static_cast<std::int32_t>(bytes >> 10));
    }
  }
  cpu.send_ns = -1;
  if (is(EventKind::napi_poll) != 1) {
    return;
  }
  const auto poll =
      std::find_if(run.begin(), run.end(), [](const Seen& e) { return e.kind == EventKind::napi_poll; });
  net_packets(run, static_cast<std::size_t>(poll - run.begin()));
  if (is(EventKind::netif_receive_skb) == 0 && poll->value == 1 && run.size() == 5 &&
      run[1].kind == EventKind::sched_waking && run[2].kind == EventKind::sched_wakeup &&
      names_.text(poll->name) == "(no_device)") {
    sample(Interval::poll_untold, end.time, end.time - run.front().time - (run[2].time - run[1].time), 3);
  }
}

void IntervalScan::net_packets(const std::vector<Seen>& run, std::size_t poll) {
  const bool backlog = names_.text(run[poll].name) == "(no_device)";
  const Seen& end = run.back();
  for (std::size_t i = 1; i < poll; ++i) {
    if (run[i].kind != EventKind::netif_receive_skb) {
      continue;
    }
    std::size_t next = i + 1;
    while (next < poll && run[next].kind != EventKind::netif_receive_skb) {
      ++next;
    }
    if (i == 1) {
      if (backlog) {
        sample(Interval::poll_first, run[i].time, run[i].time - run[0].time, 1);
        sample(Interval::poll_first_model, run[i].time, run[i].time - run[0].time, 1);
      } else if (run[poll].value == 1) {
        sample(Interval::nic_first, run[i].time, run[i].time - run[0].time, 1);
        sample(Interval::nic_first_model, run[i].time, run[i].time - run[0].time, 1);
      }
    }
    const bool wakes = next > i + 2 && run[i + 1].kind == EventKind::sched_waking &&
                       run[i + 2].kind == EventKind::sched_wakeup && next == i + 3 && !run[i + 2].elsewhere;
    if (next != i + 1 && !wakes) {
      continue;  // something else happened, or the wakeup went to another CPU
    }
    const bool epoll =
        wakes && task(run[i + 1].value).in_call && task(run[i + 1].value).call == Syscall::epoll_wait;
    const std::int64_t inner = wakes ? run[i + 2].time - run[i + 1].time : 0;
    const std::int64_t ns = run[next].time - run[i].time - inner;
    const int hits = wakes ? 2 : 1;
    // The kernel's stamp is before the packet's work, the models' behind it.
    sample(backlog ? (epoll ? Interval::packet_epoll : Interval::packet) : Interval::nic_packet,
           run[next].time, ns, hits, static_cast<std::int32_t>(run[i].value));
    if (!backlog && !wakes && next < poll) {
      sample(Interval::nic_packet_model, run[next].time, ns, hits);
    }
    if (backlog && next < poll && (!wakes || epoll)) {
      sample(wakes ? Interval::packet_epoll_model : Interval::packet_model, run[next].time,
             run[next].time - run[i].time, 1);
    }
    if (backlog && wakes && !epoll && next == poll && poll + 2 == run.size() &&
        run[poll].time == run[i].time) {
      sample(Interval::wakeup_model, end.time, end.time - run[i].time, 1);
    }
  }
}

void IntervalScan::block_run(const std::vector<Seen>& run) {
  for (std::size_t i = 1; i + 1 < run.size(); ++i) {
    if (run[i].kind != EventKind::block_rq_complete) {
      continue;
    }
    if (i == 1) {
      sample(Interval::block_first, run[1].time, run[1].time - run[0].time, 1);
      sample(Interval::block_first_model, run[1].time, run[1].time - run[0].time, 1);
    }
    std::size_t next = i + 1;
    while (next + 1 < run.size() && run[next].kind != EventKind::block_rq_complete) {
      ++next;
    }
    const bool wakes = next == i + 3 && run[i + 1].kind == EventKind::sched_waking &&
                       run[i + 2].kind == EventKind::sched_wakeup && !run[i + 2].elsewhere;
    if (next != i + 1 && !wakes) {
      continue;
    }
    const std::int64_t inner = wakes ? run[i + 2].time - run[i + 1].time : 0;
    const bool last = next + 1 == run.size();
    sample(Interval::block_next, run[next].time, run[next].time - run[i].time - inner, wakes ? 2 : 1);
    if (wakes && !last) {
      sample(Interval::block_next_model, run[next].time, run[next].time - run[i].time, 1);
    }
    if (wakes && last) {
      sample(Interval::wakeup_model, run[next].time, run[next].time - run[i].time, 1);
    }
  }
}

// When the sleep that ended at or before `before` was to end; -1: not known.
std::int64_t IntervalScan::sleep_end(Task& sleeper, std::int64_t before) {
  if (sleeper.step < 0 || static_cast<std::size_t>(sleeper.step) >= starts_.size()) {
    return -1;
  }
  const std::vector<std::int64_t>& starts = starts_[static_cast<std::size_t>(sleeper.step)];
  std::size_t& at = sleeper.next_step;
  while (at + 1 < starts.size() && starts[at + 1] <= before) {
    ++at;
  }
  constexpr std::int64_t longest = 5'000'000;  // later than that is another sleep
  return at < starts.size() && starts[at] <= before && before - starts[at] < longest ? starts[at] : -1;
}

void IntervalScan::timer_wake(Cpu& cpu, const Seen& now) {
  const Seen& expiry = cpu.last[0];
  const bool entry_seen = cpu.last[1].kind == EventKind::other && cpu.last[1].name != Name::none &&
                          names_.text(cpu.last[1].name) == "local_timer_entry";
  const Seen& before = cpu.last[entry_seen ? 2 : 1];
  Task& sleeper = task(now.value);
  sleeper.by_timer = true;
  if (names_.text(expiry.name) != "hrtimer_wakeup" || before.time < 0) {
    return;
  }
  // The models tell the event's own time in place of the clock's reading.
  const bool model = simulated();
  if (!model) {
    sample(Interval::timer_callback, now.time, now.time - expiry.now, 1);
  }
  const std::int64_t due = sleep_end(sleeper, expiry.now);
  const std::int64_t reached = model ? expiry.time : expiry.now;
  if (due < 0 || before.time >= due || !sure(cpu, before.time)) {
    return;
  }
  if (before.kind == EventKind::cpu_idle && before.value >= 0 && cpu.idle_since >= 0) {
    const auto at = std::min(static_cast<std::size_t>(before.value), options_.idle_states.size() - 1);
    const auto residency =
        static_cast<std::int32_t>(std::min<std::int64_t>(due - cpu.idle_since, 1'000'000'000) / 1000);
    constexpr std::array by_state{Interval::timer_poll, Interval::timer_c1, Interval::timer_c6,
                                  Interval::timer_hlt};
    sample(by_state[static_cast<std::size_t>(options_.idle_states[at])], now.time, reached - due, 0,
           residency);
  } else if (task(expiry.pid).in_user && expiry.pid > 0) {
    sample(model ? Interval::timer_running_model : Interval::timer_running, now.time, reached - due, 0);
  }
}

void IntervalScan::wakeup_event(Cpu& cpu, const Event& event, const Seen& now) {
  named_task(event.wakeup.pid, event.wakeup.comm);
  const Seen& before = cpu.last[0];
  if (event.kind == EventKind::sched_waking) {
    if (before.kind == EventKind::hrtimer_expire_entry) {
      timer_wake(cpu, now);
    } else {
      task(now.value).by_timer = false;
    }
    return;
  }
  if (event.wakeup.target_cpu >= 0 && event.wakeup.target_cpu != event.cpu) {
    doubt_others(event.cpu, event.time);
  }
  if (before.kind == EventKind::sched_waking && before.value == now.value) {
    ++wakeups_;
    instant_wakeups_ += now.time == before.time ? 1 : 0;
    const int context = cpu.in_timer ? 2
                        : cpu.in_run ? (cpu.run.front().kind == EventKind::softirq_entry ? 1 : 2)
                                     : 0;
    sample(Interval::wakeup, now.time, now.time - before.time, 1, context);
  } else {
    cpu.unsure_until = std::max(cpu.unsure_until, event.time + doubt_ns);
  }
}

void IntervalScan::switch_event(Cpu& cpu, const Event& event, const Seen& now) {
  const Seen& before = cpu.last[0];
  const bool clean = sure(cpu, before.time);
  const SchedSwitch& change = event.sched_switch;
  named_task(change.next_pid, change.next_comm);
  const std::int64_t ns = now.time - before.time;
  const bool sleeps = change.prev_state != TaskState::running;
  if (change.prev_pid > 0) {
    Task& prev = named_task(change.prev_pid, change.prev_comm);
    const bool enters =
        before.kind == EventKind::sys_enter && before.pid == change.prev_pid && sleeps && clean;
    if (enters && before.value == static_cast<int>(Syscall::epoll_wait)) {
      sample(Interval::epoll_enter, now.time, ns, 1);
    } else if (enters && before.value == static_cast<int>(Syscall::nanosleep)) {
      sample(Interval::sleep_enter, now.time, ns, 1);
    }
    if (before.kind == EventKind::softirq_exit && !cpu.raised_by_task && !sleeps && prev.in_user && clean) {
      sample(Interval::preempting_switch, now.time, ns, 1);
    }
    prev.in_user = prev.in_user && !sleeps;
    prev.cpu = event.cpu;
  } else if (before.kind == EventKind::cpu_idle && before.value < 0 && clean) {
    sample(Interval::idle_leave, now.time, ns, 1);
  }
  cpu.raised_by_task = false;
  cpu.in_run = cpu.in_timer = false;
}

void IntervalScan::call_event(Cpu& cpu, const Event& event, const Seen& now) {
  const Seen& before = cpu.last[0];
  Task& caller = task(event.pid);
  const bool own = before.pid == event.pid && sure(cpu, before.time);
  const bool from_switch = before.kind == EventKind::sched_switch && before.value == event.pid &&
                           caller.cpu == event.cpu && sure(cpu, before.time);
  const std::int64_t ns = now.time - before.time;
  if (event.kind == EventKind::sys_enter) {
    nanosleeps_ |= event.sys_enter.call == Syscall::nanosleep;
    if (own && before.kind == EventKind::sys_exit && before.value == static_cast<int>(Syscall::epoll_wait) &&
        event.sys_enter.call == Syscall::io_uring_enter) {
      sample(Interval::receive, now.time, ns, 1);
    }
    caller.in_call = true;
    caller.call = event.sys_enter.call;
    caller.in_user = false;
  } else if (event.kind == EventKind::sys_exit) {
    const Syscall call = event.sys_exit.call;
    if (from_switch && call == Syscall::epoll_wait) {
      sample(Interval::epoll_leave, now.time, ns, 1);
    }
    if (call == Syscall::io_uring_enter && own && before.kind == EventKind::io_uring_complete) {
      sample(Interval::cqe_to_user, now.time, ns, 1);
      const Seen& in = cpu.last[2];
      if (cpu.last[1].kind == EventKind::io_uring_complete && in.kind == EventKind::sched_switch &&
          in.value == event.pid && caller.cpu == event.cpu && sure(cpu, in.time)) {
        sample(Interval::task_work, now.time, before.time - in.time, 2);
      }
    }
    caller.in_call = false;
    caller.in_user = call == Syscall::io_uring_enter || (call == Syscall::nanosleep && caller.computes);
  }
  cpu.in_timer = false;
  cpu.in_run = false;
}

void IntervalScan::block_event(Cpu& cpu, const Event& event, Seen& now) {
  const Seen& before = cpu.last[0];
  std::vector<Outstanding>& outstanding = outstanding_[event.block.dev];
  // One that never completes was completed by an event that got lost.
  constexpr std::int64_t longest = 50'000'000;
  outstanding.erase(std::remove_if(outstanding.begin(), outstanding.end(),
                                   [&](const Outstanding& each) {
                                     return each.issued + longest < now.time ||
                                            (event.kind == EventKind::block_rq_complete &&
                                             each.sector == event.block.sector);
                                   }),
                    outstanding.end());
  if (event.kind == EventKind::block_rq_complete) {
    return;
  }
  const bool own = before.pid == event.pid && sure(cpu, before.time) && task(event.pid).is_agent;
  const std::int64_t ns = now.time - before.time;
  if (own && before.kind == EventKind::sys_enter &&
      before.value == static_cast<int>(Syscall::io_uring_enter)) {
    sample(is_nvme(now.dev) ? Interval::read_submit_nvme : Interval::read_submit, now.time, ns, 1);
  } else if (own && before.kind == EventKind::block_rq_issue && before.dev == now.dev) {
    if (is_nvme(now.dev)) {
      sample(Interval::read_next_nvme, now.time, ns, 1);
    } else if (before.value == 1) {
      sample(Interval::read_next, now.time, ns, 1);
    }
  }
  now.value = outstanding.empty() ? 1 : 0;  // whether the device was idle
  outstanding.push_back({event.block.sector, now.time});
}

void IntervalScan::idle_event(Cpu& cpu, const Event& event, const Seen& now) {
  const Seen& before = cpu.last[0];
  if (event.idle.state >= 0) {
    if (before.kind == EventKind::sched_switch && before.value == 0 && sure(cpu, before.time)) {
      sample(Interval::idle_enter, now.time, now.time - before.time, 1);
    }
    cpu.idle_since = now.time;
    cpu.idle_state = event.idle.state;
  } else {
    const bool exit_seen = before.kind == EventKind::other;
    const Seen& wakeup = cpu.last[exit_seen ? 1 : 0];
    const Seen& waking = cpu.last[exit_seen ? 2 : 1];
    const Seen& expiry = cpu.last[exit_seen ? 3 : 2];
    if (wakeup.kind == EventKind::sched_wakeup && waking.kind == EventKind::sched_waking &&
        wakeup.value == waking.value && expiry.kind == EventKind::hrtimer_expire_entry &&
        sure(cpu, waking.time)) {
      sample(Interval::timer_to_idle_exit, now.time, now.time - waking.time, exit_seen ? 3 : 2);
    }
    cpu.idle_since = -1;
  }
  cpu.in_run = cpu.in_timer = false;
}

}  // namespace calibration
