#include "calibration/traces/perfetto_writer.h"

#include <utility>

#include "calibration/traces/bpftrace_rows.h"

namespace calibration {

PerfettoWriter::PerfettoWriter(scenarios::OutputFile& file, const Names& names,
                               const PerfettoOptions& options)
    : names_{names},
      stream_{file},
      sched_{stream_, names},
      cpus_{stream_, names},
      tasks_{stream_, cpus_, names, options.agents},
      devices_{stream_, names} {
  stream_.system(options.kernel_release);
}

void PerfettoWriter::write(const Event& event) {
  if (event.cpu < 0 || event.cpu >= PerfettoCpus::max_cpus) {
    ++left_out_;
    return;
  }
  if (event.time >= last_) {
    last_ = event.time;
    draw(event);
  } else {
    Event late = event;
    late.time = last_;
    draw(late);
  }
}

void PerfettoWriter::draw(const Event& event) {
  sched_.write(event);
  const FlowId before = std::exchange(cause(event.cpu), FlowId::none);
  switch (event.kind) {
    case EventKind::irq_handler_entry:
      return cpus_.handler_entry(event);
    case EventKind::irq_handler_exit:
      return cpus_.handler_exit(event);
    case EventKind::softirq_raise:
      return softirq_raise(event);
    case EventKind::softirq_entry:
      return cpus_.softirq_entry(event);
    case EventKind::softirq_exit:
      return cpus_.softirq_exit(event);
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      return wakeup(event, before);
    case EventKind::sched_migrate_task:
      return tasks_.migrated(event);
    case EventKind::sched_switch:
      cpus_.close(event.cpu, event.time);
      return tasks_.sched_switch(event);
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      return block(event);
    case EventKind::sys_enter:
    case EventKind::sys_exit:
      return tasks_.gate(event);
    case EventKind::hrtimer_expire_entry:
      return hrtimer(event);
    case EventKind::cpu_idle:
      return;  // Perfetto draws it
    default:
      return other(event);
  }
}

FlowId& PerfettoWriter::cause(std::int32_t cpu) {
  const auto number = static_cast<std::size_t>(cpu);
  if (number >= causes_.size()) {
    causes_.resize(number + 1, FlowId::none);
  }
  return causes_[number];
}

Track PerfettoWriter::place(const Event& event) {
  if (event.flags.hardirq || cpus_.in_irq(event.cpu)) {
    return cpus_.irq(event.cpu);
  }
  if (event.flags.softirq || cpus_.in_softirq(event.cpu)) {
    return cpus_.softirq(event.cpu);
  }
  const Track task = tasks_.track(event.pid, event.comm);
  return task == Track::none ? cpus_.irq(event.cpu) : task;
}

TraceMark PerfettoWriter::mark(const Event& event, TraceCategory category, std::string_view verb,
                               std::string_view object) {
  text_.assign(verb);
  if (!object.empty()) {
    text_.append(" ").append(object);
  }
  return {.time = event.time, .track = place(event), .category = category, .name = text_};
}

void PerfettoWriter::softirq_raise(const Event& event) {
  TraceMark raise = mark(event, TraceCategory::softirq, "raise", softirq_name(event.softirq.vec));
  raise.flow = cpus_.raised(event);
  stream_.instant(raise);
}

void PerfettoWriter::block(const Event& event) {
  const std::string_view rwbs = names_.text(event.block.rwbs);
  const auto at = [&](std::string_view verb) {
    return mark(event, TraceCategory::block, verb, rwbs)
        .arg(TraceArg::sector, static_cast<std::int64_t>(event.block.sector))
        .arg(TraceArg::bytes, std::int64_t{event.block.sectors} * 512);
  };
  if (event.kind == EventKind::block_rq_complete) {
    TraceMark complete = at("complete").arg(TraceArg::error, event.block.error);
    complete.flow = devices_.complete(event);
    stream_.instant(complete);
    cause(event.cpu) = complete.flow;
  } else if (event.kind == EventKind::block_rq_issue) {
    TraceMark issue = at("issue");
    issue.flow = stream_.flow();
    stream_.instant(issue);
    devices_.issue(event, issue.flow);
  } else {
    stream_.instant(at("insert"));
    devices_.insert(event);
  }
}

void PerfettoWriter::wakeup(const Event& event, FlowId cause) {
  const PerfettoTasks::Wake wake = tasks_.wake(event, cause);
  const bool waking = event.kind == EventKind::sched_waking;
  if (waking || wake.flow != FlowId::none) {  // a wakeup right behind its waking says nothing more
    TraceMark by =
        mark(event, TraceCategory::sched, waking ? "waking" : "wakeup", names_.text(event.wakeup.comm));
    by.flow = wake.flow;
    stream_.instant(by.arg(TraceArg::pid, event.wakeup.pid).arg(TraceArg::cpu, event.wakeup.target_cpu));
  }
  tasks_.woken(event, wake);
}

void PerfettoWriter::hrtimer(const Event& event) {
  const std::string_view function = names_.text(event.hrtimer.function);
  TraceMark expiry = mark(event, TraceCategory::timer, "expire", function);
  expiry.track = cpus_.irq(event.cpu);  // the local APIC's interrupt is no irq_handler
  expiry.flow = function == "hrtimer_wakeup" ? stream_.flow() : FlowId::none;
  stream_.instant(expiry);
  cause(event.cpu) = expiry.flow;
}

void PerfettoWriter::other(const Event& event) {
  const std::string_view kind = to_string(event.kind);
  switch (event.kind) {
    case EventKind::napi_poll:
      devices_.napi_poll(event);
      return stream_.instant(mark(event, TraceCategory::net, kind, names_.text(event.napi_poll.dev))
                                 .arg(TraceArg::work, event.napi_poll.work)
                                 .arg(TraceArg::budget, event.napi_poll.budget));
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      return stream_.instant(mark(event, TraceCategory::net, kind, names_.text(event.skb.dev))
                                 .arg(TraceArg::len, event.skb.len));
    case EventKind::io_uring_complete:
      return stream_.instant(
          mark(event, TraceCategory::block, kind, "").arg(TraceArg::result, event.io_uring.result));
    case EventKind::ipi_send_cpu:
      return stream_.instant(mark(event, TraceCategory::irq, kind, "").arg(TraceArg::cpu, event.ipi.cpu));
    case EventKind::agent_wakeup: {
      const AgentWakeup& wakeup = event.agent_wakeup;
      return stream_.instant(mark(event, TraceCategory::agent, kind, names_.text(wakeup.source))
                                 .arg(TraceArg::pid, wakeup.pid)
                                 .arg(TraceArg::agent_id, wakeup.agent_id)
                                 .arg(TraceArg::step_id, wakeup.step_id)
                                 .arg(TraceArg::latency_class, wakeup.latency_class)
                                 .arg(TraceArg::cookie, static_cast<std::int64_t>(wakeup.cookie)));
    }
    case EventKind::lost: {
      cpus_.close(event.cpu, event.time);
      TraceMark lost = mark(event, TraceCategory::trace, "events were lost", "");
      lost.track = cpus_.irq(event.cpu);
      return stream_.instant(lost.arg(TraceArg::count, static_cast<std::int64_t>(event.lost.count)));
    }
    default:
      return stream_.instant(mark(event, TraceCategory::trace, names_.text(event.other.name), ""));
  }
}

void PerfettoWriter::link(const FlowEnd& from, const FlowEnd& to, std::string_view rule) {
  const FlowId flow = stream_.flow();
  const auto end = [&](const FlowEnd& where) {
    const bool known_cpu = where.cpu >= 0 && where.cpu < PerfettoCpus::max_cpus;
    const Track track = where.where == FlowEnd::Where::task || !known_cpu
                            ? tasks_.track(where.pid, where.comm)
                        : where.where == FlowEnd::Where::hardirq ? cpus_.irq(where.cpu)
                                                                 : cpus_.softirq(where.cpu);
    return TraceMark{.time = where.time, .track = track, .category = TraceCategory::link, .name = rule};
  };
  TraceMark first = end(from);
  TraceMark second = end(to);
  if (first.track == Track::none || second.track == Track::none) {
    return;
  }
  first.flow = flow;
  stream_.instant(first, TraceSequence::afterwards);
  second.ends = {&flow, 1};
  stream_.instant(second, TraceSequence::afterwards);
}

void PerfettoWriter::counter(std::string_view name, std::string_view unit, std::int64_t time,
                             std::int64_t value) {
  auto known = counters_.find(std::string{name});
  if (known == counters_.end()) {
    if (counter_group_ == Track::none) {
      counter_group_ = stream_.track({.name = "Counters"});
    }
    const Track track = stream_.track({.name = name, .parent = counter_group_, .counts = unit});
    known = counters_.emplace(name, track).first;
  }
  stream_.counter(time, known->second, value, TraceSequence::afterwards);
}

void PerfettoWriter::finish() {
  cpus_.finish(last_);
  devices_.finish(last_);
  tasks_.finish(last_);
  sched_.finish();
  stream_.flush();
}

}  // namespace calibration
