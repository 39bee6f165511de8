#include "calibration/traces/trace_dat_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "calibration/traces/event_fields.h"

namespace calibration {
namespace {

struct Wanted {
  std::string_view name;
  bool optional = false;
  std::string_view before = {};  // what old kernels called it
};
struct Wants {
  EventKind kind;
  std::array<Wanted, 8> fields;  // in the order of TraceDatRecords::payload; unused ones have no name
};

constexpr Wants wants[] = {
    {EventKind::irq_handler_entry, {{{"irq"}, {"name"}}}},
    {EventKind::irq_handler_exit, {{{"irq"}, {"ret"}}}},
    {EventKind::softirq_raise, {{{"vec"}}}},
    {EventKind::softirq_entry, {{{"vec"}}}},
    {EventKind::softirq_exit, {{{"vec"}}}},
    {EventKind::napi_poll, {{{"napi"}, {"dev_name"}, {"work", true}, {"budget", true}}}},
    {EventKind::netif_receive_skb, {{{"skbaddr"}, {"name"}, {"len"}}}},
    {EventKind::net_dev_xmit, {{{"skbaddr"}, {"name"}, {"len"}}}},
    {EventKind::sched_waking, {{{"comm"}, {"pid"}, {"prio"}, {"target_cpu", true}}}},
    {EventKind::sched_wakeup, {{{"comm"}, {"pid"}, {"prio"}, {"target_cpu", true}}}},
    {EventKind::sched_wakeup_new, {{{"comm"}, {"pid"}, {"prio"}, {"target_cpu", true}}}},
    {EventKind::sched_migrate_task, {{{"comm"}, {"pid"}, {"prio"}, {"orig_cpu"}, {"dest_cpu"}}}},
    {EventKind::sched_switch,
     {{{"prev_comm"},
       {"prev_pid"},
       {"prev_prio"},
       {"prev_state"},
       {"next_comm"},
       {"next_pid"},
       {"next_prio"}}}},
    {EventKind::block_rq_insert,
     {{{"dev"}, {"sector"}, {"nr_sector"}, {"rwbs"}, {"bytes", true}, {"comm", true}, {"error", true}}}},
    {EventKind::block_rq_issue,
     {{{"dev"}, {"sector"}, {"nr_sector"}, {"rwbs"}, {"bytes", true}, {"comm", true}, {"error", true}}}},
    {EventKind::block_rq_complete,
     {{{"dev"},
       {"sector"},
       {"nr_sector"},
       {"rwbs"},
       {"bytes", true},
       {"comm", true},
       {"error", true, "errors"}}}},
    {EventKind::io_uring_complete, {{{"ctx"}, {"req", true}, {"user_data"}, {"res"}}}},
    {EventKind::sys_enter, {{{"id"}, {"args"}}}},
    {EventKind::sys_exit, {{{"id"}, {"ret"}}}},
    {EventKind::hrtimer_expire_entry, {{{"hrtimer"}, {"function", true}, {"now"}}}},
    {EventKind::cpu_idle, {{{"state"}, {"cpu_id"}}}},
    {EventKind::ipi_send_cpu, {{{"cpu"}, {"callsite"}, {"callback"}}}},
    {EventKind::agent_wakeup,
     {{{"pid"}, {"agent_id"}, {"step_id"}, {"latency_class"}, {"source"}, {"cookie"}}}},
};

const Wants* wants_of(std::string_view name) {
  const auto* const found = std::find_if(std::begin(wants), std::end(wants),
                                         [&](const Wants& w) { return name == to_string(w.kind); });
  return found == std::end(wants) ? nullptr : found;
}

TraceDatField field(const ::tep_format_field* format) {
  if (format == nullptr) {
    return {};
  }
  return {.offset = format->offset,
          .size = format->size,
          .is_signed = (format->flags & TEP_FIELD_IS_SIGNED) != 0,
          .dynamic = (format->flags & TEP_FIELD_IS_DYNAMIC) != 0,
          .relative = (format->flags & TEP_FIELD_IS_RELATIVE) != 0};
}

// False when one that is no option is missing.
bool find_fields(const ::tep_event& format, TraceDatPoint& made) {
  auto* const event = const_cast<::tep_event*>(&format);
  auto to = made.fields.begin();
  for (const Wanted& wanted : wants_of(to_string(made.kind))->fields) {
    if (wanted.name.empty()) {
      break;
    }
    const ::tep_format_field* found = ::tep_find_field(event, std::string{wanted.name}.c_str());
    if (found == nullptr && !wanted.before.empty()) {
      found = ::tep_find_field(event, std::string{wanted.before}.c_str());
    }
    if (found == nullptr && !wanted.optional) {
      return false;
    }
    *to++ = field(found);
  }
  return true;
}

// Of sys_enter_epoll_wait: each argument is a field, after the call's number. Of sys_exit_epoll_wait: ret.
void find_arguments(const ::tep_event& format, TraceDatPoint& made) {
  if (made.kind == EventKind::sys_exit) {
    made.fields[1] = field(::tep_find_field(const_cast<::tep_event*>(&format), "ret"));
    return;
  }
  std::size_t count = 0;
  for (const ::tep_format_field* at = format.format.fields; at != nullptr && count < 4; at = at->next) {
    if (at->name != nullptr && std::string_view{at->name} != "__syscall_nr" &&
        std::string_view{at->name} != "nr") {
      made.fields[count++] = field(at);
    }
  }
}

}  // namespace

TraceDatPoint make_trace_dat_point(::tep_handle& tep, int id, EventWriter& out) {
  const ::tep_event* const format = ::tep_find_event(&tep, id);
  if (format == nullptr || format->name == nullptr) {
    return {.name = out.names().intern("unknown")};
  }
  const std::string_view name = format->name;
  TraceDatPoint made;
  const bool enter = name.starts_with("sys_enter_");
  if (enter || name.starts_with("sys_exit_")) {
    const std::string_view call = name.substr(enter ? 10 : 9);
    made = {.kind = enter ? EventKind::sys_enter : EventKind::sys_exit,
            .name = out.names().intern(call),
            .call = syscall_of(call)};
    find_arguments(*format, made);
    return made;
  }
  if (const Wants* const known = wants_of(name)) {
    made.kind = known->kind;
    if (find_fields(*format, made)) {
      return made;
    }
    out.warning(fmt::format("{} lacks fields that it has in every kernel: its events are not used", name));
  }
  return {.name = out.names().intern(name)};
}

}  // namespace calibration
