#include "calibration/traces/chain_stored.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <type_traits>

#include "calibration/traces/chain_state.h"
#include "calibration/traces/chain_token.h"
#include "calibration/traces/event_fields.h"
#include "calibration/traces/event_line.h"
#include "calibration/traces/event_wire.h"
#include "calibration/traces/text_cache.h"
#include "calibration/traces/text_scan.h"

namespace calibration {
namespace {

constexpr std::string_view stored_version = "1";

// "R", "S+": as the kernel prints prev_state.
bool read_state(std::string_view token, SchedSwitch& fields) {
  fields.preempted = token.size() == 2 && token[1] == '+';
  if (token.size() != (fields.preempted ? 2U : 1U)) {
    return false;
  }
  constexpr std::string_view letters = "RSDI";
  constexpr TaskState states[] = {TaskState::running, TaskState::interruptible, TaskState::uninterruptible,
                                  TaskState::idle};
  const auto at = letters.find(token[0]);
  fields.prev_state = at == std::string_view::npos ? TaskState::other : states[at];
  return at != std::string_view::npos || token[0] == 'X';
}

struct RowKind {  // what the fourth column says
  EventKind kind = EventKind::other;
  Syscall call = Syscall::other;
  Name name = Name::none;  // of the system call, or of an `other`
};

// Reads the fields of one row into an event.
struct RowFields {
  TextScan& text;
  Event& event;
  CachedNames& names;
  std::string& space;
  bool good = true;

  template <class Value>
  void operator()(std::string_view name, const Value& place) {
    if (!good || name.ends_with("comm")) {
      return;
    }
    auto& value = const_cast<Value&>(place);  // fields() shows what is in `event`, which is not const
    good = text.literal(" ") && read(value);
  }

  template <class Value>
  bool read(Value& value) {
    if constexpr (std::is_same_v<Value, Name>) {
      const std::string_view token = text.word();
      value = names.intern(read_token(token, space));
      return !token.empty();
    } else if constexpr (std::is_same_v<Value, TaskState>) {
      return read_state(text.word(), event.sched_switch);
    } else if constexpr (std::is_same_v<Value, bool>) {
      int number = 0;
      const bool read_one = text.number(number) && (number == 0 || number == 1);
      value = number == 1;
      return read_one;
    } else if constexpr (std::is_integral_v<Value>) {
      return text.number(value);
    } else {
      return true;  // a Syscall: its name says it
    }
  }
};

class StoredRows final : public EventSource {
 public:
  explicit StoredRows(TextInput input) : input_{input}, names_{input.names}, state_{input.names} {
    input_.log.detail = "stored by chainsim capture";
  }

  bool next(Event& event) override {
    for (std::string_view line; input_.file.next_line(line);) {
      ++input_.log.lines;
      if (input_.file.partial_line()) {
        input_.log.partial_last_line = true;  // even if it looks whole: "12" may be the start of "120"
      } else if (line.starts_with('#')) {
        comment(line);
      } else if (line.starts_with("task ")) {
        name_task(line);
      } else if (event_row(line, event)) [[likely]] {
        ++events_;
        nonsense_.known();
        state_.complete(event);
        return true;
      } else {
        nonsense_.unknown(input_, line, 1, "a row of a stored chain capture");
      }
    }
    if (said_events_ != events_) {
      warn(input_.log, 0,
           said_events_ < 0 ? "the capture breaks off: its last line is not '# end'"
                            : "the capture's last line speaks of " + std::to_string(said_events_) +
                                  " events, and " + std::to_string(events_) + " were read");
    }
    return false;
  }

 private:
  void comment(std::string_view line) {
    TextScan text{line};
    if (text.literal(chain_stored_tag)) {
      if (text.rest() != stored_version) {
        throw input_.file.error(static_cast<std::int64_t>(chain_stored_tag.size()) + 1,
                                "version " + scenarios::quoted(text.rest()) + " of the chain rows",
                                "version 1", "read it with the chainsim that stored it");
      }
    } else if (text.literal("# lost ")) {
      text.number(input_.log.lost_events);
    } else if (text.literal("# context ")) {
      state_.context_is_exact(text.rest() == "exact");
    } else if (text.literal("# end ")) {
      text.number(said_events_);
    }
  }

  void name_task(std::string_view line) {
    TextScan text{line};
    std::int32_t pid = 0;
    text.literal("task ");
    if (!text.number(pid) || !text.literal(" ") || text.done()) {
      nonsense_.unknown(input_, line, 1, "'task PID NAME'");
      return;
    }
    state_.name_task(pid, names_.intern(read_token(text.rest(), space_)));
  }

  bool event_row(std::string_view line, Event& event) {
    TextScan text{line};
    if (!text.number(event.time) || !text.literal(" ") || !text.number(event.cpu) || !text.literal(" ") ||
        !text.number(event.pid) || !text.literal(" ") || event.time < 0 || event.time > max_event_time ||
        event.cpu < -1 || event.cpu > max_cpu || event.pid < -1) {
      return false;
    }
    const RowKind& kind = kind_of(text.word());
    event.kind = kind.kind;
    event.flags = {};
    switch (kind.kind) {
      case EventKind::other:
        event.other = {.name = kind.name};
        return kind.name != Name::none;
      case EventKind::sys_enter:
        event.sys_enter = {.call = kind.call, .name = kind.name, .args = {}};
        return std::all_of(event.sys_enter.args.begin(), event.sys_enter.args.end(),
                           [&](std::int64_t& arg) { return text.literal(" ") && text.number(arg); }) &&
               text.done();
      case EventKind::sys_exit:
        event.sys_exit = {.call = kind.call, .name = kind.name, .ret = 0};
        return text.literal(" ") && text.number(event.sys_exit.ret) && text.done();
      default:
        return plain_fields(text, event);
    }
  }

  bool plain_fields(TextScan& text, Event& event) {
    clear_fields(event);
    RowFields reader{.text = text, .event = event, .names = names_, .space = space_};
    fields(event, reader);
    return reader.good && text.done();
  }

  // The fields that a row does not show are none or 0, whatever the event held before.
  static void clear_fields(Event& event) {
    const EventKind kind = event.kind;
    const auto& [time, cpu, pid] = std::tuple{event.time, event.cpu, event.pid};
    event = Event{};
    event.time = time;
    event.cpu = cpu;
    event.pid = pid;
    event.kind = kind;
    switch (kind) {
      case EventKind::irq_handler_exit:
      case EventKind::irq_handler_entry:
        event.irq = {};
        break;
      case EventKind::napi_poll:
        event.napi_poll = {};
        break;
      case EventKind::netif_receive_skb:
      case EventKind::net_dev_xmit:
        event.skb = {};
        break;
      case EventKind::sched_waking:
      case EventKind::sched_wakeup:
      case EventKind::sched_wakeup_new:
        event.wakeup = {};
        break;
      case EventKind::sched_migrate_task:
        event.migrate = {};
        break;
      case EventKind::sched_switch:
        event.sched_switch = {};
        break;
      case EventKind::block_rq_insert:
      case EventKind::block_rq_issue:
      case EventKind::block_rq_complete:
        event.block = {};
        break;
      case EventKind::agent_wakeup:
        event.agent_wakeup = {};
        break;
      default:
        break;  // every field is in the row
    }
  }

  const RowKind& kind_of(std::string_view token) {
    if (const RowKind* known = kinds_.find(token)) {
      return *known;
    }
    made_ = RowKind{};
    constexpr std::string_view enter = "sys_enter_", exit = "sys_exit_";
    if (token.starts_with(enter) || token.starts_with(exit)) {
      const bool enters = token.starts_with(enter);
      const std::string_view call = read_token(token.substr(enters ? enter.size() : exit.size()), space_);
      made_ = {enters ? EventKind::sys_enter : EventKind::sys_exit, syscall_of(call), names_.intern(call)};
    } else {
      for (std::size_t i = 0; i < static_cast<std::size_t>(EventKind::other); ++i) {
        const auto kind = static_cast<EventKind>(i);
        if (kind != EventKind::sys_enter && kind != EventKind::sys_exit && token == to_string(kind)) {
          made_.kind = kind;
        }
      }
      if (made_.kind == EventKind::other) {
        made_.name = names_.intern(read_token(token, space_));
      }
    }
    kinds_.keep(token, made_);
    return made_;
  }

  TextInput input_;
  CachedNames names_;
  ChainState state_;
  Nonsense nonsense_;
  TextCache<RowKind> kinds_;
  RowKind made_;
  std::string space_;
  std::int64_t events_ = 0;
  std::int64_t said_events_ = -1;
};

}  // namespace

std::unique_ptr<EventSource> open_stored_rows(TextInput input) { return std::make_unique<StoredRows>(input); }

}  // namespace calibration
