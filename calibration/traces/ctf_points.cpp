#include "calibration/traces/ctf_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "calibration/traces/event_fields.h"

namespace calibration {
namespace {

struct Wanted {
  std::string_view name;
  bool optional = false;
  std::string_view before = {};  // what an older LTTng called it
};
struct Wants {
  std::array<std::string_view, 3> names;  // newest first; unused ones are empty
  EventKind kind;
  std::array<Wanted, 8> fields;  // in the order of CtfRecords::payload; unused ones have no name
};

constexpr std::array<Wanted, 8> wakeup{{{"comm"}, {"tid"}, {"prio"}, {"target_cpu", true}}};
constexpr std::array<Wanted, 8> skb{{{"skbaddr"}, {"name"}, {"len"}}};
constexpr std::array<Wanted, 8> block{{{"dev"},
                                       {"sector"},
                                       {"nr_sector"},
                                       {"rwbs"},
                                       {"bytes", true},
                                       {"comm", true},
                                       {"error", true, "errors"}}};

constexpr Wants kernel_names[] = {
    {{"irq_handler_entry"}, EventKind::irq_handler_entry, {{{"irq"}, {"name"}}}},
    {{"irq_handler_exit"}, EventKind::irq_handler_exit, {{{"irq"}, {"ret"}}}},
    {{"irq_softirq_raise", "softirq_raise"}, EventKind::softirq_raise, {{{"vec"}}}},
    {{"irq_softirq_entry", "softirq_entry"}, EventKind::softirq_entry, {{{"vec"}}}},
    {{"irq_softirq_exit", "softirq_exit"}, EventKind::softirq_exit, {{{"vec"}}}},
    {{"napi_poll"}, EventKind::napi_poll, {{{"napi"}, {"dev_name"}, {"work", true}, {"budget", true}}}},
    {{"net_if_receive_skb", "netif_receive_skb"}, EventKind::netif_receive_skb, skb},
    {{"net_dev_xmit"}, EventKind::net_dev_xmit, skb},
    {{"sched_waking"}, EventKind::sched_waking, wakeup},
    {{"sched_wakeup"}, EventKind::sched_wakeup, wakeup},
    {{"sched_wakeup_new"}, EventKind::sched_wakeup_new, wakeup},
    {{"sched_migrate_task"},
     EventKind::sched_migrate_task,
     {{{"comm"}, {"tid"}, {"prio"}, {"orig_cpu"}, {"dest_cpu"}}}},
    {{"sched_switch"},
     EventKind::sched_switch,
     {{{"prev_comm"},
       {"prev_tid"},
       {"prev_prio"},
       {"prev_state"},
       {"next_comm"},
       {"next_tid"},
       {"next_prio"}}}},
    {{"block_rq_insert"}, EventKind::block_rq_insert, block},
    {{"block_rq_issue"}, EventKind::block_rq_issue, block},
    {{"block_rq_complete"}, EventKind::block_rq_complete, block},
    {{"timer_hrtimer_expire_entry", "hrtimer_expire_entry"},
     EventKind::hrtimer_expire_entry,
     {{{"hrtimer"}, {"function", true}, {"now"}}}},
    {{"power_cpu_idle", "cpu_idle"}, EventKind::cpu_idle, {{{"state"}, {"cpu_id"}}}},
};

const Wants* wants_of(std::string_view name) {
  const auto* const found = std::find_if(
      std::begin(kernel_names), std::end(kernel_names),
      [&](const Wants& w) { return std::find(w.names.begin(), w.names.end(), name) != w.names.end(); });
  return found == std::end(kernel_names) ? nullptr : found;
}

bool starts(std::string_view& name, std::string_view prefix) {
  const bool has = name.starts_with(prefix);
  name.remove_prefix(has ? prefix.size() : 0);
  return has;
}

CtfField::Type type_of(const ::bt_field_class* field_class) {
  const ::bt_field_class_type type = ::bt_field_class_get_type(field_class);
  if (::bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)) {
    return CtfField::Type::is_unsigned;
  }
  if (::bt_field_class_type_is(type, BT_FIELD_CLASS_TYPE_SIGNED_INTEGER)) {
    return CtfField::Type::is_signed;
  }
  return type == BT_FIELD_CLASS_TYPE_STRING ? CtfField::Type::text : CtfField::Type::other;
}

CtfField field(const ::bt_field_class* structure, std::string_view name) {
  if (structure == nullptr || ::bt_field_class_get_type(structure) != BT_FIELD_CLASS_TYPE_STRUCTURE) {
    return {};
  }
  const std::uint64_t members = ::bt_field_class_structure_get_member_count(structure);
  for (std::uint64_t i = 0; i < members; ++i) {
    const auto* const member = ::bt_field_class_structure_borrow_member_by_index_const(structure, i);
    if (name == ::bt_field_class_structure_member_get_name(member)) {
      return {i, type_of(::bt_field_class_structure_member_borrow_field_class_const(member))};
    }
  }
  return {};
}

// False when one that is no option is missing.
bool find_fields(const ::bt_field_class* payload, CtfPoint& made) {
  const auto* const wants = std::find_if(std::begin(kernel_names), std::end(kernel_names),
                                         [&](const Wants& w) { return w.kind == made.kind; });
  for (std::size_t i = 0; i < CtfPoint::most_fields && !wants->fields[i].name.empty(); ++i) {
    const Wanted& wanted = wants->fields[i];
    made.fields[i] = field(payload, wanted.name);
    if (made.fields[i].type == CtfField::Type::absent && !wanted.before.empty()) {
      made.fields[i] = field(payload, wanted.before);
    }
    if (made.fields[i].type == CtfField::Type::absent && !wanted.optional) {
      return false;
    }
  }
  return true;
}

bool make_syscall(std::string_view name, const ::bt_field_class* payload, Names& names, CtfPoint& made) {
  starts(name, "compat_");
  if (name == "exit_syscall" || starts(name, "syscall_exit_")) {
    made.kind = EventKind::sys_exit;
    made.exit_syscall = name == "exit_syscall";
    made.fields[0] = field(payload, "ret");
  } else if (starts(name, "syscall_entry_") || starts(name, "sys_")) {
    made.kind = EventKind::sys_enter;
    const std::uint64_t members =
        payload != nullptr ? ::bt_field_class_structure_get_member_count(payload) : 0;
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(members, 4); ++i) {
      const auto* const member = ::bt_field_class_structure_borrow_member_by_index_const(payload, i);
      made.fields[i] = {i, type_of(::bt_field_class_structure_member_borrow_field_class_const(member))};
    }
  } else {
    return false;
  }
  if (!made.exit_syscall) {
    made.name = names.intern(name);
    made.call = syscall_of(name);
  }
  return true;
}

}  // namespace

CtfPoint make_ctf_point(const ::bt_event_class& event_class, EventWriter& out) {
  const char* const given = ::bt_event_class_get_name(&event_class);
  const std::string_view name = given != nullptr ? given : "unnamed";
  const ::bt_field_class* const payload = ::bt_event_class_borrow_payload_field_class_const(&event_class);
  const ::bt_field_class* const context = ::bt_stream_class_borrow_event_common_context_field_class_const(
      ::bt_event_class_borrow_stream_class_const(&event_class));
  CtfPoint made{.tid = field(context, "tid"), .procname = field(context, "procname")};
  if (make_syscall(name, payload, out.names(), made)) {
    return made;
  }
  if (const Wants* const known = wants_of(name)) {
    made.kind = known->kind;
    if (find_fields(payload, made)) {
      return made;
    }
    out.warning(fmt::format("{} lacks fields that LTTng gives it: its events are not used", name));
  }
  made.kind = EventKind::other;
  made.name = out.names().intern(name);
  return made;
}

}  // namespace calibration
