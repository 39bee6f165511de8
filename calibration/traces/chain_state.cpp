#include "calibration/traces/chain_state.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "calibration/traces/event_wire.h"

namespace calibration {
namespace {

// arch/x86/include/asm/trace/irq_vectors.h; not irq_work, which the kernel lets no perf event follow.
constexpr std::array<std::string_view, 4> vectors{"local_timer", "reschedule", "call_function",
                                                  "call_function_single"};
constexpr std::int8_t step_unknown = 2;

int step_of(std::string_view name) {
  for (const std::string_view vector : vectors) {
    if (name.starts_with(vector)) {
      const std::string_view rest = name.substr(vector.size());
      if (rest == "_entry" || rest == "_exit") {
        return rest == "_entry" ? 1 : -1;
      }
    }
  }
  return 0;
}

}  // namespace

void TaskNames::set(std::int32_t pid, Name comm) {
  if (pid <= 0 || pid >= max_pid) {
    return;
  }
  const auto at = static_cast<std::size_t>(pid);
  if (at >= names_.size()) {
    names_.resize(std::max(at + 1, std::min<std::size_t>(2 * names_.size(), max_pid)), Name::none);
  }
  names_[at] = comm;
}

Name TaskNames::get(std::int32_t pid) const {
  const auto at = static_cast<std::size_t>(pid);
  return pid > 0 && at < names_.size() ? names_[at] : Name::none;
}

ChainState::ChainState(Names& names) : names_{names}, idle_{names.intern("<idle>")} {}

ChainState::Cpu& ChainState::cpu(std::int32_t number) {
  const auto at = static_cast<std::size_t>(std::clamp(number, 0, max_cpu));
  if (at >= cpus_.size()) {
    cpus_.resize(at + 1);
  }
  return cpus_[at];
}

Name ChainState::comm_of(std::int32_t pid, std::int32_t on_cpu) {
  if (pid != 0) {
    return tasks_.get(pid);
  }
  Name& idle = cpu(on_cpu).idle_comm;
  if (idle == Name::none) {
    idle = names_.intern("swapper/" + std::to_string(on_cpu));
  }
  return idle;
}

void ChainState::learn(std::int32_t pid, std::int32_t on_cpu, Name& comm) {
  if (comm == Name::none) {
    comm = comm_of(pid, on_cpu);
  } else {
    tasks_.set(pid, comm);
  }
}

void ChainState::complete(Event& event) {
  switch (event.kind) {
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      learn(event.wakeup.pid, event.cpu, event.wakeup.comm);
      break;
    case EventKind::sched_migrate_task:
      learn(event.migrate.pid, event.cpu, event.migrate.comm);
      break;
    case EventKind::sched_switch:
      learn(event.sched_switch.prev_pid, event.cpu, event.sched_switch.prev_comm);
      learn(event.sched_switch.next_pid, event.cpu, event.sched_switch.next_comm);
      break;
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
      learn(event.pid, event.cpu, event.block.comm);
      break;
    default:
      break;
  }
  event.comm = event.pid == 0 ? idle_ : tasks_.get(event.pid);
  enter(event);
}

// +1, -1 or 0 for an `other` event of that name.
int ChainState::vector_step(Name name) {
  const auto at = static_cast<std::size_t>(name);
  if (at >= vector_steps_.size()) {
    vector_steps_.resize(at + 1, step_unknown);
  }
  if (vector_steps_[at] == step_unknown) {
    vector_steps_[at] = static_cast<std::int8_t>(step_of(names_.text(name)));
  }
  return vector_steps_[at];
}

// An entry is inside what it enters, an exit inside what it leaves, as in the kernel's own flags.
void ChainState::enter(Event& event) {
  Cpu& here = cpu(event.cpu);
  int leaves = 0;
  bool leaves_softirq = false;
  switch (event.kind) {
    case EventKind::irq_handler_entry:
      ++here.hardirqs;
      break;
    case EventKind::irq_handler_exit:
      leaves = 1;
      break;
    case EventKind::softirq_entry:
      here.softirq = true;
      break;
    case EventKind::softirq_exit:
      leaves_softirq = true;
      break;
    case EventKind::sched_switch:  // nothing switches in an interrupt: an exit was missed
      here.hardirqs = 0;
      here.softirq = false;
      break;
    case EventKind::other:
      if (const int step = vector_step(event.other.name); step > 0) {
        ++here.hardirqs;
      } else if (step < 0) {
        leaves = 1;
      }
      break;
    default:
      break;
  }
  event.flags.known = exact_;
  event.flags.hardirq = here.hardirqs > 0;
  event.flags.softirq = here.softirq;
  here.hardirqs = std::max(0, here.hardirqs - leaves);
  here.softirq = here.softirq && !leaves_softirq;
}

}  // namespace calibration
