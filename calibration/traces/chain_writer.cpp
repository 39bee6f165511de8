// The stored form of chain rows, written. Its reader is chain_rows.cpp.
#include <charconv>
#include <type_traits>

#include "calibration/traces/chain_rows.h"
#include "calibration/traces/chain_token.h"

namespace calibration {
namespace {

std::string_view letter(TaskState state) {
  switch (state) {
    case TaskState::running:
      return "R";
    case TaskState::interruptible:
      return "S";
    case TaskState::uninterruptible:
      return "D";
    case TaskState::idle:
      return "I";
    case TaskState::other:
      break;
  }
  return "X";
}

bool is_task_name(std::string_view field) { return field.ends_with("comm"); }

// "# event sched_switch prev_pid prev_prio ...", of an event of that kind.
std::string columns(EventKind kind) {
  Event event;
  event.kind = kind;
  event.lost = {};
  std::string text = "# event " + std::string{to_string(kind)};
  if (kind == EventKind::sys_enter || kind == EventKind::sys_exit) {
    return text + (kind == EventKind::sys_enter ? "_* arg0 arg1 arg2 arg3\n" : "_* ret\n");
  }
  fields(event, [&text](std::string_view name, const auto&) {
    if (!is_task_name(name)) {
      text += " " + std::string{name};
    }
  });
  return text + "\n";
}

}  // namespace

void append_token(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  if (text.empty()) {
    out += '-';
    return;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool first_marks = i == 0 && (text[i] == '-' || text[i] == '#');
    if (byte <= 0x20 || byte == 0x7f || text[i] == '%' || first_marks) {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += text[i];
    }
  }
}

std::string_view read_token(std::string_view token, std::string& space) {
  if (token == "-") {
    return {};
  }
  if (token.find('%') == std::string_view::npos) {
    return token;
  }
  space.clear();
  for (std::size_t i = 0; i < token.size(); ++i) {
    unsigned byte = 0;
    const char* const hex = token.data() + i + 1;
    if (token[i] == '%' && token.size() - i > 2 && std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
      space += static_cast<char>(byte);
      i += 2;
    } else {
      space += token[i];
    }
  }
  return space;
}

void ChainWriter::number(std::int64_t value) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  static_cast<void>(error);  // 20 characters hold any 64-bit number
  out_.append(digits, end);
}

void ChainWriter::token(Name name) { append_token(out_, names_.text(name)); }

void ChainWriter::header(const ChainHeader& header) {
  out_ += "# chainsim chain 1\n# clock CLOCK_MONOTONIC\n# columns time_ns cpu pid event fields\n";
  for (std::size_t kind = 0; kind < static_cast<std::size_t>(EventKind::lost); ++kind) {
    out_ += columns(static_cast<EventKind>(kind));
  }
  out_ += "# cpus " + std::to_string(header.cpus) + "\n# tracer " + std::to_string(header.tracer) +
          "\n# context " + (header.exact_context ? "exact" : "unknown") + "\n# lost " +
          std::to_string(header.lost) + "\n";
}

// Before a task occurs under a name for the first time.
void ChainWriter::task(std::int32_t pid, Name comm) {
  if (pid <= 0 || comm == Name::none || said_.get(pid) == comm) {
    return;
  }
  said_.set(pid, comm);
  out_ += "task ";
  number(pid);
  out_ += ' ';
  token(comm);
  out_ += '\n';
}

void ChainWriter::tasks_of(const Event& event) {
  task(event.pid, event.comm);
  switch (event.kind) {
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      task(event.wakeup.pid, event.wakeup.comm);
      break;
    case EventKind::sched_migrate_task:
      task(event.migrate.pid, event.migrate.comm);
      break;
    case EventKind::sched_switch:
      task(event.sched_switch.prev_pid, event.sched_switch.prev_comm);
      task(event.sched_switch.next_pid, event.sched_switch.next_comm);
      break;
    default:
      break;
  }
}

void ChainWriter::event(const Event& event) {
  ++events_;
  tasks_of(event);
  for (const std::int64_t column : {event.time, std::int64_t{event.cpu}, std::int64_t{event.pid}}) {
    number(column);
    out_ += ' ';
  }
  if (event.kind == EventKind::other) {
    token(event.other.name);
    out_ += '\n';
    return;
  }
  out_ += to_string(event.kind);
  if (event.kind == EventKind::sys_enter) {
    out_ += '_';
    token(event.sys_enter.name);
    for (const std::int64_t arg : event.sys_enter.args) {
      out_ += ' ';
      number(arg);
    }
  } else if (event.kind == EventKind::sys_exit) {
    out_ += '_';
    token(event.sys_exit.name);
    out_ += ' ';
    number(event.sys_exit.ret);
  } else {
    fields(event, [&](std::string_view name, const auto& value) {
      using Value = std::remove_cvref_t<decltype(value)>;
      if (is_task_name(name)) {
        return;
      }
      out_ += ' ';
      if constexpr (std::is_same_v<Value, Name>) {
        token(value);
      } else if constexpr (std::is_same_v<Value, TaskState>) {
        out_ += letter(value);
        out_ += event.sched_switch.preempted ? "+" : "";
      } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
        out_ += std::to_string(value);
      } else {
        number(static_cast<std::int64_t>(value));
      }
    });
  }
  out_ += '\n';
}

void ChainWriter::end() { out_ += "# end " + std::to_string(events_) + "\n"; }

}  // namespace calibration
