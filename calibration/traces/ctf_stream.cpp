#include "calibration/traces/ctf_stream.h"

#include <string>
#include <utility>

namespace calibration {

std::string_view babeltrace2_gist(std::string_view line) {
  line = line.substr(0, line.find('\n'));
  if (const std::size_t place = line.find('@'); place != std::string_view::npos) {
    const std::size_t space = line.find(' ', place);
    line.remove_prefix(space == std::string_view::npos ? 0 : space + 1);
  }
  if (const std::size_t component = line.find("] ");
      line.starts_with('[') && component != std::string_view::npos) {
    line.remove_prefix(component + 2);
  }
  if (const std::size_t address = line.find("-addr=0x"); address != std::string_view::npos) {
    const std::size_t name = line.rfind(' ', address);
    line = line.substr(0, name == std::string_view::npos ? 0 : name);
    line = line.substr(0, line.find_last_not_of(":,") + 1);
  }
  return line;
}

void babeltrace2_failed(std::string_view what) {
  std::string found = "a trace that babeltrace2 cannot " + std::string{what};
  if (const ::bt_error* const error = ::bt_current_thread_take_error()) {
    if (::bt_error_get_cause_count(error) > 0) {
      found += " (";
      found += babeltrace2_gist(::bt_error_cause_get_message(::bt_error_borrow_cause_by_index(error, 0)));
      found += ")";
    }
    ::bt_error_release(error);
  }
  throw Refusal{found, std::string{ctf_expected}, "copy or record it again"};
}

void require_babeltrace2(bool done, std::string_view what) {
  if (!done) {
    babeltrace2_failed(what);
  }
}

CtfStream::CtfStream(CtfStream&& other) noexcept
    : iterator_{std::exchange(other.iterator_, nullptr)},
      messages_{std::exchange(other.messages_, nullptr)},
      count_{std::exchange(other.count_, 0)},
      at_{std::exchange(other.at_, 0)},
      time_{other.time_},
      cpu_{other.cpu_} {}

CtfStream::~CtfStream() {
  for (; at_ < count_; ++at_) {
    ::bt_message_put_ref(messages_[at_]);
  }
  ::bt_message_iterator_put_ref(iterator_);
}

void CtfStream::open(::bt_self_component_sink* sink, std::uint64_t port) {
  ::bt_self_component_port_input* const input =
      ::bt_self_component_sink_borrow_input_port_by_index(sink, port);
  require_babeltrace2(::bt_message_iterator_create_from_sink_component(sink, input, &iterator_) ==
                          BT_MESSAGE_ITERATOR_CREATE_FROM_SINK_COMPONENT_STATUS_OK,
                      "read");
}

bool CtfStream::find() {
  for (;; release()) {
    if (at_ == count_ && !read_on()) {
      return false;
    }
    if (stop_at(messages_[at_])) {
      return true;
    }
  }
}

// The next few messages; false at the end.
bool CtfStream::read_on() {
  for (;;) {
    at_ = count_ = 0;
    std::uint64_t count = 0;
    switch (::bt_message_iterator_next(iterator_, &messages_, &count)) {
      case BT_MESSAGE_ITERATOR_NEXT_STATUS_OK:
        count_ = count;
        return true;
      case BT_MESSAGE_ITERATOR_NEXT_STATUS_END:
        return false;
      case BT_MESSAGE_ITERATOR_NEXT_STATUS_AGAIN:
        break;
      default:
        babeltrace2_failed("decode");
    }
  }
}

// Whether this message is an event or a loss; keeps its time, or the packet's CPU.
bool CtfStream::stop_at(const ::bt_message* message) {
  switch (::bt_message_get_type(message)) {
    case BT_MESSAGE_TYPE_EVENT:
      if (::bt_message_event_borrow_stream_class_default_clock_class_const(message) == nullptr) {
        throw Refusal{"a trace without a clock", std::string{ctf_expected}, ""};
      }
      take_time(::bt_message_event_borrow_default_clock_snapshot_const(message));
      return true;
    case BT_MESSAGE_TYPE_PACKET_BEGINNING:
      take_cpu(::bt_message_packet_beginning_borrow_packet_const(message));
      return false;
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
      if (::bt_stream_class_discarded_events_have_default_clock_snapshots(
              ::bt_stream_borrow_class_const(::bt_message_discarded_events_borrow_stream_const(message)))) {
        take_time(::bt_message_discarded_events_borrow_beginning_default_clock_snapshot_const(message));
      }
      return true;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
      if (::bt_stream_class_discarded_packets_have_default_clock_snapshots(
              ::bt_stream_borrow_class_const(::bt_message_discarded_packets_borrow_stream_const(message)))) {
        take_time(::bt_message_discarded_packets_borrow_beginning_default_clock_snapshot_const(message));
      }
      return true;
    default:
      return false;
  }
}

void CtfStream::take_time(const ::bt_clock_snapshot* snapshot) {
  require_babeltrace2(::bt_clock_snapshot_get_ns_from_origin(snapshot, &time_) ==
                          BT_CLOCK_SNAPSHOT_GET_NS_FROM_ORIGIN_STATUS_OK,
                      "date");
}

void CtfStream::take_cpu(const ::bt_packet* packet) {
  const ::bt_field* const context = ::bt_packet_borrow_context_field_const(packet);
  const ::bt_field* const cpu =
      context != nullptr ? ::bt_field_structure_borrow_member_field_by_name_const(context, "cpu_id")
                         : nullptr;
  if (cpu != nullptr &&
      ::bt_field_class_type_is(::bt_field_get_class_type(cpu), BT_FIELD_CLASS_TYPE_UNSIGNED_INTEGER)) {
    const std::uint64_t number = ::bt_field_integer_unsigned_get_value(cpu);
    cpu_ = number <= static_cast<std::uint64_t>(max_cpu) ? static_cast<std::int32_t>(number) : -1;
  }
}

}  // namespace calibration
