#include "calibration/traces/perfetto_stream.h"

#include <protozero/pbf_builder.hpp>

#include "calibration/traces/perfetto_fields.h"

namespace calibration {
namespace {

namespace pb = perfetto;
using protozero::pbf_builder;

constexpr std::size_t block = 1 << 16;

constexpr std::array<std::string_view, trace_categories> category_names{
    "irq", "softirq", "timer", "block", "net", "sched", "agent", "link", "trace"};
constexpr std::array<std::string_view, trace_args> arg_names{
    "pid", "cpu",    "sector",   "bytes",   "error",         "work",   "budget",
    "len", "result", "agent_id", "step_id", "latency_class", "cookie", "count"};

std::uint32_t sequence_id(TraceSequence sequence) { return static_cast<std::uint32_t>(sequence) + 1; }

}  // namespace

Track PerfettoStream::track(const TrackForm& form) {
  const auto made = static_cast<Track>(++tracks_);
  describe(made, form);
  return made;
}

void PerfettoStream::rename(Track track, const TrackForm& form) { describe(track, form); }

void PerfettoStream::describe(Track track, const TrackForm& form) {
  open_packet(TraceSequence::events, -1, false);
  pbf_builder<pb::TracePacket> packet{packet_};
  {
    pbf_builder<pb::TrackDescriptor> descriptor{packet, pb::TracePacket::track_descriptor};
    descriptor.add_uint64(pb::TrackDescriptor::uuid, static_cast<std::uint64_t>(track));
    descriptor.add_string(pb::TrackDescriptor::name, form.name.data(), form.name.size());
    if (form.parent != Track::none) {
      descriptor.add_uint64(pb::TrackDescriptor::parent_uuid, static_cast<std::uint64_t>(form.parent));
    }
    if (!form.counts.empty()) {
      pbf_builder<pb::CounterDescriptor> counter{descriptor, pb::TrackDescriptor::counter};
      counter.add_enum(pb::CounterDescriptor::unit, pb::unit_count);
      counter.add_string(pb::CounterDescriptor::unit_name, form.counts.data(), form.counts.size());
    } else {
      descriptor.add_enum(pb::TrackDescriptor::child_ordering,
                          form.ranks_children ? pb::ordering_explicit : pb::ordering_lexicographic);
    }
    if (form.rank >= 0) {
      descriptor.add_int32(pb::TrackDescriptor::sibling_order_rank, form.rank);
    }
    if (form.own_row) {
      descriptor.add_enum(pb::TrackDescriptor::sibling_merge_behavior, pb::merge_none);
    }
  }
  close_packet();
}

void PerfettoStream::write(const TraceMark& mark, Kind kind, TraceSequence sequence) {
  Said& said = said_[static_cast<std::size_t>(sequence)];
  interned_.clear();
  open_packet(sequence, mark.time, true);
  pbf_builder<pb::TracePacket> packet{packet_};
  {
    pbf_builder<pb::TrackEvent> event{packet, pb::TracePacket::track_event};
    event.add_enum(pb::TrackEvent::type, kind);
    event.add_uint64(pb::TrackEvent::track_uuid, static_cast<std::uint64_t>(mark.track));
    const auto category = static_cast<std::size_t>(mark.category);
    event.add_uint64(pb::TrackEvent::category_iids, category + 1);
    if (!said.categories[category]) {
      said.categories[category] = true;
      intern(static_cast<int>(pb::InternedData::event_categories), category + 1, category_names[category]);
    }
    event.add_uint64(pb::TrackEvent::name_iid, name_iid(said, mark.name));
    for (std::size_t i = 0; i < mark.arg_count; ++i) {
      const auto name = static_cast<std::size_t>(mark.args[i].name);
      pbf_builder<pb::DebugAnnotation> arg{event, pb::TrackEvent::debug_annotations};
      arg.add_uint64(pb::DebugAnnotation::name_iid, name + 1);
      arg.add_int64(pb::DebugAnnotation::int_value, mark.args[i].value);
      if (!said.args[name]) {
        said.args[name] = true;
        intern(static_cast<int>(pb::InternedData::debug_annotation_names), name + 1, arg_names[name]);
      }
    }
    if (mark.flow != FlowId::none) {
      event.add_fixed64(pb::TrackEvent::flow_ids, static_cast<std::uint64_t>(mark.flow));
    }
    for (const FlowId flow : mark.ends) {
      event.add_fixed64(pb::TrackEvent::terminating_flow_ids, static_cast<std::uint64_t>(flow));
    }
  }
  if (!interned_.empty()) {
    packet.add_message(pb::TracePacket::interned_data, interned_);
  }
  close_packet();
}

void PerfettoStream::end(std::int64_t time, Track track) {
  open_packet(TraceSequence::events, time, true);
  pbf_builder<pb::TracePacket> packet{packet_};
  {
    pbf_builder<pb::TrackEvent> event{packet, pb::TracePacket::track_event};
    event.add_enum(pb::TrackEvent::type, pb::type_slice_end);
    event.add_uint64(pb::TrackEvent::track_uuid, static_cast<std::uint64_t>(track));
  }
  close_packet();
}

void PerfettoStream::counter(std::int64_t time, Track track, std::int64_t value, TraceSequence sequence) {
  open_packet(sequence, time, true);
  pbf_builder<pb::TracePacket> packet{packet_};
  {
    pbf_builder<pb::TrackEvent> event{packet, pb::TracePacket::track_event};
    event.add_enum(pb::TrackEvent::type, pb::type_counter);
    event.add_uint64(pb::TrackEvent::track_uuid, static_cast<std::uint64_t>(track));
    event.add_int64(pb::TrackEvent::counter_value, value);
  }
  close_packet();
}

void PerfettoStream::ftrace_bundle(std::string_view bundle) {
  open_packet(TraceSequence::ftrace, -1, false);
  pbf_builder<pb::TracePacket> packet{packet_};
  packet.add_message(pb::TracePacket::ftrace_events, bundle.data(), bundle.size());
  close_packet();
}

void PerfettoStream::system(std::string_view kernel_release) {
  open_packet(TraceSequence::ftrace, -1, false);
  pbf_builder<pb::TracePacket> packet{packet_};
  {
    pbf_builder<pb::SystemInfo> system{packet, pb::TracePacket::system_info};
    pbf_builder<pb::Utsname> utsname{system, pb::SystemInfo::utsname};
    utsname.add_string(pb::Utsname::sysname, "Linux");
    utsname.add_string(pb::Utsname::release, kernel_release.data(), kernel_release.size());
    utsname.add_string(pb::Utsname::machine, "x86_64");
  }
  close_packet();
}

void PerfettoStream::flush() {
  file_.write(buffer_);
  buffer_.clear();
}

std::uint64_t PerfettoStream::name_iid(Said& said, std::string_view name) {
  if (const auto known = said.names.find(name); known != said.names.end()) {
    return known->second;
  }
  const std::uint64_t iid = said.names.size() + 1;
  said.names.emplace(name, iid);
  intern(static_cast<int>(pb::InternedData::event_names), iid, name);
  return iid;
}

void PerfettoStream::intern(int field, std::uint64_t iid, std::string_view name) {
  pbf_builder<pb::InternedData> data{interned_};
  pbf_builder<pb::InternedName> entry{data, static_cast<pb::InternedData>(field)};
  entry.add_uint64(pb::InternedName::iid, iid);
  entry.add_string(pb::InternedName::name, name.data(), name.size());
}

void PerfettoStream::open_packet(TraceSequence sequence, std::int64_t time, bool incremental) {
  packet_.clear();
  pbf_builder<pb::TracePacket> packet{packet_};
  if (time >= 0) {
    packet.add_uint64(pb::TracePacket::timestamp, static_cast<std::uint64_t>(time));
  }
  packet.add_uint32(pb::TracePacket::trusted_packet_sequence_id, sequence_id(sequence));
  Said& said = said_[static_cast<std::size_t>(sequence)];
  std::uint32_t flags = incremental ? pb::seq_needs_incremental_state : 0;
  if (!said.begun) {
    said.begun = true;
    flags |= pb::seq_incremental_state_cleared;
    packet.add_bool(pb::TracePacket::first_packet_on_sequence, true);
  }
  if (flags != 0) {
    packet.add_uint32(pb::TracePacket::sequence_flags, flags);
  }
}

void PerfettoStream::close_packet() {
  ++packets_;
  pbf_builder<pb::Trace>{buffer_}.add_message(pb::Trace::packet, packet_);
  if (buffer_.size() >= block) {
    flush();
  }
}

}  // namespace calibration
