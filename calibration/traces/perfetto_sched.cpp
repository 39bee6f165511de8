#include "calibration/traces/perfetto_sched.h"

#include <algorithm>
#include <protozero/pbf_builder.hpp>
#include <string_view>

#include "calibration/traces/perfetto_fields.h"

namespace calibration {
namespace {

namespace pb = perfetto;
using protozero::pbf_builder;

constexpr int bundle_events = 256;

// include/linux/sched.h: __TASK_*, TASK_REPORT_IDLE, TASK_REPORT_MAX (preempted) of 4.14 and later.
std::int64_t prev_state(const SchedSwitch& change) {
  const std::int64_t preempted = change.preempted ? 0x100 : 0;
  switch (change.prev_state) {
    case TaskState::running:
      return preempted;
    case TaskState::interruptible:
      return 0x01;
    case TaskState::uninterruptible:
      return 0x02;
    case TaskState::idle:
      return 0x80;
    case TaskState::other:
      break;
  }
  return 0x10;  // EXIT_DEAD
}

class EventPacker {
 public:
  EventPacker(std::string& bytes, const Event& event, const Names& names)
      : event_{event}, names_{names}, packed_{bytes} {
    packed_.add_uint64(pb::FtraceEvent::timestamp,
                       static_cast<std::uint64_t>(std::max(event.time, std::int64_t{0})));
    packed_.add_uint32(pb::FtraceEvent::pid, static_cast<std::uint32_t>(std::max(event.pid, 0)));
  }

  void sched_switch() {
    const SchedSwitch& change = event_.sched_switch;
    pbf_builder<pb::SchedSwitch> fields{packed_, pb::FtraceEvent::sched_switch};
    text(fields, pb::SchedSwitch::prev_comm, change.prev_comm);
    fields.add_int32(pb::SchedSwitch::prev_pid, change.prev_pid);
    fields.add_int32(pb::SchedSwitch::prev_prio, change.prev_prio);
    fields.add_int64(pb::SchedSwitch::prev_state, prev_state(change));
    text(fields, pb::SchedSwitch::next_comm, change.next_comm);
    fields.add_int32(pb::SchedSwitch::next_pid, change.next_pid);
    fields.add_int32(pb::SchedSwitch::next_prio, change.next_prio);
  }

  void wakeup(pb::FtraceEvent kind) {
    const SchedWakeup& wakee = event_.wakeup;
    pbf_builder<pb::SchedWakeup> fields{packed_, kind};
    text(fields, pb::SchedWakeup::comm, wakee.comm);
    fields.add_int32(pb::SchedWakeup::pid, wakee.pid);
    fields.add_int32(pb::SchedWakeup::prio, wakee.prio);
    fields.add_int32(pb::SchedWakeup::success, 1);
    fields.add_int32(pb::SchedWakeup::target_cpu, std::max(wakee.target_cpu, 0));
  }

  void migrate() {
    const SchedMigrateTask& task = event_.migrate;
    pbf_builder<pb::SchedMigrateTask> fields{packed_, pb::FtraceEvent::sched_migrate_task};
    text(fields, pb::SchedMigrateTask::comm, task.comm);
    fields.add_int32(pb::SchedMigrateTask::pid, task.pid);
    fields.add_int32(pb::SchedMigrateTask::prio, task.prio);
    fields.add_int32(pb::SchedMigrateTask::orig_cpu, task.orig_cpu);
    fields.add_int32(pb::SchedMigrateTask::dest_cpu, task.dest_cpu);
  }

  void idle() {
    pbf_builder<pb::CpuIdle> fields{packed_, pb::FtraceEvent::cpu_idle};
    fields.add_uint32(pb::CpuIdle::state, static_cast<std::uint32_t>(event_.idle.state));
    fields.add_uint32(pb::CpuIdle::cpu_id, static_cast<std::uint32_t>(event_.idle.cpu_id));
  }

 private:
  template <class Builder, class Field>
  void text(Builder& fields, Field field, Name name) {
    const std::string_view comm = names_.text(name);
    fields.add_string(field, comm.data(), comm.size());
  }

  const Event& event_;
  const Names& names_;
  pbf_builder<pb::FtraceEvent> packed_;
};

}  // namespace

void PerfettoSched::write(const Event& event) {
  switch (event.kind) {
    case EventKind::sched_switch:
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
    case EventKind::sched_migrate_task:
    case EventKind::cpu_idle:
    case EventKind::lost:
      break;
    default:
      return;
  }
  const auto cpu = static_cast<std::size_t>(event.cpu);
  if (cpu >= bundles_.size()) {
    bundles_.resize(cpu + 1);
  }
  Bundle& bundle = bundles_[cpu];
  if (event.kind == EventKind::lost) {
    flush(bundle, event.cpu);
    bundle.lost = true;
    return;
  }
  add(bundle, event);
  if (++bundle.events >= bundle_events) {
    flush(bundle, event.cpu);
  }
}

void PerfettoSched::add(Bundle& bundle, const Event& event) {
  event_.clear();
  {
    EventPacker packer{event_, event, names_};
    switch (event.kind) {
      case EventKind::sched_switch:
        packer.sched_switch();
        break;
      case EventKind::sched_waking:
        packer.wakeup(pb::FtraceEvent::sched_waking);
        break;
      case EventKind::sched_wakeup:
        packer.wakeup(pb::FtraceEvent::sched_wakeup);
        break;
      case EventKind::sched_wakeup_new:
        packer.wakeup(pb::FtraceEvent::sched_wakeup_new);
        break;
      case EventKind::sched_migrate_task:
        packer.migrate();
        break;
      default:
        packer.idle();
        break;
    }
  }
  pbf_builder<pb::FtraceEventBundle>{bundle.bytes}.add_message(pb::FtraceEventBundle::event, event_);
}

void PerfettoSched::flush(Bundle& bundle, std::int32_t cpu) {
  if (bundle.events == 0) {
    return;
  }
  pbf_builder<pb::FtraceEventBundle> fields{bundle.bytes};
  fields.add_uint32(pb::FtraceEventBundle::cpu, static_cast<std::uint32_t>(cpu));
  if (bundle.lost) {
    fields.add_bool(pb::FtraceEventBundle::lost_events, true);
  }
  stream_.ftrace_bundle(bundle.bytes);
  bundle.bytes.clear();
  bundle.events = 0;
  bundle.lost = false;
}

void PerfettoSched::finish() {
  for (std::size_t cpu = 0; cpu < bundles_.size(); ++cpu) {
    flush(bundles_[cpu], static_cast<std::int32_t>(cpu));
  }
}

}  // namespace calibration
