#include "calibration/traces/event_wire.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstring>
#include <system_error>
#include <type_traits>

#include "scenarios/input_error.h"

namespace calibration {
namespace {

enum class Tag : std::uint8_t { name, event, detail, warning, refusal, end };

using Length = std::uint16_t;

// Every field of an event, in one order for both directions. Unlike fields() of event.h it takes those that
// no writer prints (args, preempted) and hands out references.
template <class Archive>
void transfer(Archive& archive, Event& event) {
  archive(event.time, event.cpu, event.pid, event.comm, event.flags.known, event.flags.irqs_off,
          event.flags.bh_off, event.flags.need_resched, event.flags.hardirq, event.flags.softirq,
          event.flags.preempt_depth);
  switch (event.kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
      return archive(event.irq.irq, event.irq.name, event.irq.handled);
    case EventKind::softirq_raise:
    case EventKind::softirq_entry:
    case EventKind::softirq_exit:
      return archive(event.softirq.vec);
    case EventKind::napi_poll:
      return archive(event.napi_poll.napi, event.napi_poll.dev, event.napi_poll.work, event.napi_poll.budget);
    case EventKind::netif_receive_skb:
    case EventKind::net_dev_xmit:
      return archive(event.skb.skbaddr, event.skb.dev, event.skb.len);
    case EventKind::sched_waking:
    case EventKind::sched_wakeup:
    case EventKind::sched_wakeup_new:
      return archive(event.wakeup.comm, event.wakeup.pid, event.wakeup.prio, event.wakeup.target_cpu);
    case EventKind::sched_migrate_task:
      return archive(event.migrate.comm, event.migrate.pid, event.migrate.prio, event.migrate.orig_cpu,
                     event.migrate.dest_cpu);
    case EventKind::sched_switch:
      return archive(event.sched_switch.prev_comm, event.sched_switch.prev_pid, event.sched_switch.prev_prio,
                     event.sched_switch.prev_state, event.sched_switch.preempted,
                     event.sched_switch.next_comm, event.sched_switch.next_pid, event.sched_switch.next_prio);
    case EventKind::block_rq_insert:
    case EventKind::block_rq_issue:
    case EventKind::block_rq_complete:
      return archive(event.block.sector, event.block.dev, event.block.sectors, event.block.bytes,
                     event.block.rwbs, event.block.comm, event.block.error);
    case EventKind::io_uring_complete:
      return archive(event.io_uring.ring, event.io_uring.req, event.io_uring.user_data,
                     event.io_uring.result);
    case EventKind::sys_enter:
      return archive(event.sys_enter.call, event.sys_enter.name, event.sys_enter.args[0],
                     event.sys_enter.args[1], event.sys_enter.args[2], event.sys_enter.args[3]);
    case EventKind::sys_exit:
      return archive(event.sys_exit.call, event.sys_exit.name, event.sys_exit.ret);
    case EventKind::hrtimer_expire_entry:
      return archive(event.hrtimer.hrtimer, event.hrtimer.function, event.hrtimer.now);
    case EventKind::cpu_idle:
      return archive(event.idle.state, event.idle.cpu_id);
    case EventKind::ipi_send_cpu:
      return archive(event.ipi.cpu, event.ipi.callsite, event.ipi.callback);
    case EventKind::agent_wakeup:
      return archive(event.agent_wakeup.pid, event.agent_wakeup.agent_id, event.agent_wakeup.step_id,
                     event.agent_wakeup.latency_class, event.agent_wakeup.source, event.agent_wakeup.cookie);
    case EventKind::lost:
      return archive(event.lost.count);
    case EventKind::other:
      return archive(event.other.name);
  }
}

// Makes the union's member that belongs to `event.kind` the active one, all zero.
void activate(Event& event) {
  switch (event.kind) {
    case EventKind::irq_handler_entry:
    case EventKind::irq_handler_exit:
      event.irq = {};
      break;
    case EventKind::sched_switch:
      event.sched_switch = {};
      break;
    default:
      break;  // the others have neither bool nor anything else that not every byte is a value of
  }
}

// What a child says is shown on terminals: no control characters, whatever its file made it quote.
std::string printable(std::string_view text) {
  const std::string in_quotes = scenarios::quoted(text, EventWriter::longest_text);
  return in_quotes.substr(1, in_quotes.size() - 2);
}

class Out {
 public:
  explicit Out(std::vector<char>& bytes) : bytes_{bytes} {}

  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  void text(std::string_view value) {
    value = value.substr(0, EventWriter::longest_text);
    put(static_cast<Length>(value.size()));
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }

 private:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_integral_v<T> || std::is_enum_v<T>);
    const auto* bytes = reinterpret_cast<const char*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
  }
  std::vector<char>& bytes_;
};

class In {
 public:
  In(std::span<const char> bytes, const std::vector<Name>& known) : bytes_{bytes}, known_{known} {}

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  std::string_view text() {
    Length length = 0;
    get(length);
    const std::span<const char> taken = take(length);
    return {taken.data(), taken.size()};
  }
  void finish() const {
    if (!bytes_.empty()) {
      throw EventDecoder::BadMessage{"a message that is too long"};
    }
  }

 private:
  std::span<const char> take(std::size_t size) {
    if (bytes_.size() < size) {
      throw EventDecoder::BadMessage{"a message that is too short"};
    }
    const auto taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  template <std::integral T>
  void get(T& value) {
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
  }
  void get(bool& value) {
    std::uint8_t byte = 0;
    get(byte);
    if (byte > 1) {
      throw EventDecoder::BadMessage{"a truth value that is neither"};
    }
    value = byte == 1;
  }
  template <class E>
  requires std::is_enum_v<E>
  void get(E& value, E last) {
    std::underlying_type_t<E> number{};
    get(number);
    if (number < 0 || number > static_cast<std::underlying_type_t<E>>(last)) {
      throw EventDecoder::BadMessage{"an enumerator that does not exist"};
    }
    value = static_cast<E>(number);
  }
  void get(EventKind& kind) { get(kind, EventKind::other); }
  void get(Tag& tag) { get(tag, Tag::end); }
  void get(TaskState& state) { get(state, TaskState::other); }
  void get(Syscall& call) { get(call, Syscall::nanosleep); }
  void get(Name& name) {
    std::uint32_t number = 0;
    get(number);
    if (number >= known_.size()) {
      throw EventDecoder::BadMessage{"a name that was never sent"};
    }
    name = known_[number];
  }

  std::span<const char> bytes_;
  const std::vector<Name>& known_;
};

}  // namespace

template <class Body>
void EventWriter::message(std::uint8_t tag, Body&& body) {
  const std::size_t start = buffer_.size();
  Out out{buffer_};
  out(Length{0}, tag);
  body(out);
  const auto length = static_cast<Length>(buffer_.size() - start - sizeof(Length));
  std::memcpy(buffer_.data() + start, &length, sizeof length);
  if (buffer_.size() > capacity - 8192) {
    flush();
  }
}

void EventWriter::event(Event event) {
  if (event.time < 0 || event.time > max_event_time || event.cpu < -1 || event.cpu > max_cpu) {
    throw Refusal{"an event at " + std::to_string(event.time) + " ns on CPU " + std::to_string(event.cpu),
                  "times and CPUs that can be", "the file is damaged; copy or record it again"};
  }
  define_new_names();
  message(static_cast<std::uint8_t>(Tag::event), [&](Out& out) {
    out(event.kind);
    transfer(out, event);
  });
  ++events_;
}

void EventWriter::define_new_names() {
  for (; defined_ < names_.size(); ++defined_) {
    message(static_cast<std::uint8_t>(Tag::name),
            [&](Out& out) { out.text(names_.text(Name{static_cast<std::uint32_t>(defined_)})); });
  }
}

void EventWriter::detail(std::string_view text) {
  message(static_cast<std::uint8_t>(Tag::detail), [&](Out& out) { out.text(text); });
}

void EventWriter::warning(std::string_view text) {
  message(static_cast<std::uint8_t>(Tag::warning), [&](Out& out) { out.text(text); });
}

void EventWriter::refuse(const Refusal& refusal) {
  message(static_cast<std::uint8_t>(Tag::refusal), [&](Out& out) {
    out.text(refusal.found);
    out.text(refusal.expected);
    out.text(refusal.suggestion);
  });
  flush();
}

void EventWriter::end() {
  message(static_cast<std::uint8_t>(Tag::end), [](Out&) {});
  flush();
}

void EventWriter::flush() {
  for (std::size_t written = 0; written < buffer_.size();) {
    const ::ssize_t got = ::write(fd_, buffer_.data() + written, buffer_.size() - written);
    if (got < 0 && errno != EINTR) {
      throw std::system_error{errno, std::generic_category()};
    }
    written += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  buffer_.clear();
}

EventDecoder::EventDecoder(Names& names, CaptureLog& log)
    : names_{names}, log_{log}, known_{Name{0}, Name{1}}, buffer_(capacity) {}

std::span<char> EventDecoder::space() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  return std::span{buffer_}.subspan(end_);
}

void EventDecoder::filled(std::size_t size) { end_ += size; }

bool EventDecoder::next(Event& event) {
  while (!over_ && end_ - begin_ >= sizeof(Length)) {
    Length length = 0;
    std::memcpy(&length, buffer_.data() + begin_, sizeof length);
    const std::size_t whole = sizeof length + length;
    if (end_ - begin_ < whole) {
      break;
    }
    const std::span<const char> message{buffer_.data() + begin_ + sizeof length, length};
    begin_ += whole;
    if (take(message, event)) {
      return true;
    }
  }
  return false;
}

// Whether the message was an event.
bool EventDecoder::take(std::span<const char> message, Event& event) {
  In in{message, known_};
  Tag tag{};
  in(tag);
  switch (tag) {
    case Tag::event: {
      event = Event{};
      in(event.kind);
      activate(event);
      transfer(in, event);
      if (event.time < 0 || event.time > max_event_time || event.cpu < -1 || event.cpu > max_cpu) {
        throw BadMessage{"an event at no possible time or place"};
      }
      break;
    }
    case Tag::name:
      define_name(in.text());
      break;
    case Tag::detail:
      log_.detail = printable(in.text());
      break;
    case Tag::warning:
      if (const std::string_view text = in.text(); log_.warnings.size() < CaptureLog::kept_warnings) {
        log_.warnings.push_back({.text = printable(text)});
      }
      break;
    case Tag::refusal: {
      Refusal& refusal = refusal_.emplace();
      refusal.found = printable(in.text());
      refusal.expected = printable(in.text());
      refusal.suggestion = printable(in.text());
      over_ = true;
      break;
    }
    case Tag::end:
      over_ = true;
      break;
  }
  in.finish();
  return tag == Tag::event;
}

void EventDecoder::define_name(std::string_view text) {
  if (known_.size() >= Names::max_names) {
    throw BadMessage{"more names than there may be"};
  }
  known_.push_back(names_.intern(text));
}

}  // namespace calibration
