#include "calibration/capture/scrubber.h"

#include <utility>

#include "calibration/capture/program.h"

namespace calibration {

Scrubber::Scrubber(ScrubberConfig config, TaskCensus census, const KernelSymbols& symbols, Names& names)
    : config_{std::move(config)},
      census_{std::move(census)},
      symbols_{symbols},
      names_{names},
      hidden_{names.intern(hidden)} {
  for (const std::int32_t tid : census_.seen()) {
    real_.set(tid, names_.intern(census_.comm(tid)));
    shown_.set(tid, shown(tid, census_.comm(tid)));
  }
}

// What a task of that name is called in the capture.
Name Scrubber::shown(std::int32_t pid, std::string_view comm) {
  const bool keeps =
      census_.keeps_name(pid) || (!config_.comm.empty() && !comm.empty() && name_fits(comm, config_.comm));
  kept_[pid] = keeps;
  return keeps ? names_.intern(comm) : hidden_;
}

// A row names the task: its real name becomes the one that may be stored.
void Scrubber::name(std::int32_t pid, Name& comm) {
  if (pid == 0) {
    comm = Name::none;  // the idle task's name follows from its CPU
    return;
  }
  if (comm != Name::none && comm != real_.get(pid)) {
    real_.set(pid, comm);
    shown_.set(pid, shown(pid, names_.text(comm)));
  }
  comm = shown_.get(pid);
  if (comm == Name::none) {
    comm = hidden_;
  }
}

void Scrubber::name_tasks(Event& event) {
  switch (event.kind) {
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      name(event.wakeup.pid, event.wakeup.comm);
      break;
    case EventKind::sched_migrate_task:
      name(event.migrate.pid, event.migrate.comm);
      break;
    case EventKind::sched_switch:
      name(event.sched_switch.prev_pid, event.sched_switch.prev_comm);
      name(event.sched_switch.next_pid, event.sched_switch.next_comm);
      break;
    default:
      break;
  }
  event.comm = Name::none;
  name(event.pid, event.comm);
}

std::uint64_t Scrubber::numbered(std::uint64_t address) {
  return address == 0 ? 0 : numbers_.try_emplace(address, numbers_.size() + 1).first->second;
}

Name Scrubber::function(std::uint64_t address) {
  const auto [place, is_new] = functions_.try_emplace(address, Name::none);
  if (is_new) {
    const std::string_view symbol = symbols_.function_at(address);
    place->second = names_.intern(symbol.empty() ? "unknown" : symbol);
  }
  return place->second;
}

void Scrubber::scrub_addresses(const ChainRow& row, Event& event) {
  switch (event.kind) {
    case EventKind::irq_handler_entry: {
      constexpr std::size_t longest = 15;  // bytes of a row's text
      const auto known = config_.irq_names.find(event.irq.irq);
      const std::string_view cut = names_.text(event.irq.name);
      if (cut.size() == longest && known != config_.irq_names.end() && known->second.starts_with(cut)) {
        event.irq.name = names_.intern(known->second);
      }
      break;
    }
    case EventKind::napi_poll:
      event.napi_poll.napi = numbered(event.napi_poll.napi);
      break;
    case EventKind::netif_receive_skb:
      event.skb.skbaddr = numbered(event.skb.skbaddr);
      break;
    case EventKind::io_uring_complete:
      event.io_uring.ring = numbered(event.io_uring.ring);
      event.io_uring.req = numbered(event.io_uring.req);
      event.io_uring.user_data = numbered(event.io_uring.user_data);
      break;
    case EventKind::hrtimer_expire_entry:
      event.hrtimer.hrtimer = numbered(event.hrtimer.hrtimer);
      event.hrtimer.function = function(row.words[1]);
      break;
    case EventKind::ipi_send_cpu:
      event.ipi.callsite = function(row.words[1]);
      event.ipi.callback = function(row.words[2]);
      break;
    default:
      break;
  }
}

// The program compares only a name's beginning; here it is known whole.
bool Scrubber::allowed(const ChainRow& row, const Event& event) {
  if (event.kind != EventKind::sys_enter && event.kind != EventKind::sys_exit) {
    return true;
  }
  if (!config_.comm.empty() && !name_fits(names_.text(real_.get(row.tid)), config_.comm)) {
    ++counts_.not_matching;
    return false;
  }
  if (config_.filtered_tasks && !kept_[row.tid]) {
    census_.claim(row.tid);
    shown_.set(row.tid, shown(row.tid, names_.text(real_.get(row.tid))));
  }
  return true;
}

bool Scrubber::scrub(const ChainRow& row, Event& event) {
  event = decode(row, names_);
  if (const std::string_view tracepoint = name_of(*chain_point(row.code));
      tracepoint == "sched_process_fork") {
    const auto parent = static_cast<std::int32_t>(row.words[0] >> 32);
    const auto child = static_cast<std::int32_t>(row.words[0] & 0xffffffff);
    census_.born(parent, child);
    real_.set(child, real_.get(parent));
    shown_.set(child, shown(child, names_.text(real_.get(parent))));
    return false;
  }
  // Outside rows still tell names.
  const bool inside = row.time >= config_.start && row.time <= config_.end;
  const bool matches = allowed(row, event);
  name_tasks(event);
  counts_.outside += inside ? 0 : 1;
  if (!inside || !matches) {
    return false;
  }
  scrub_addresses(row, event);
  return true;
}

ScrubberCounts Scrubber::counts() const {
  ScrubberCounts counts = counts_;
  for (const auto& [pid, keeps] : kept_) {
    ++(keeps ? counts.names_kept : counts.names_hidden);
  }
  return counts;
}

}  // namespace calibration
