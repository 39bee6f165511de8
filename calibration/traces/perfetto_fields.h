// The field numbers of Perfetto's public protocol that perfetto_*.cpp write: one enum per message, in the
// order of the numbers, under the .proto file (github.com/google/perfetto, protos/perfetto/) that defines it.
#pragma once

#include <protozero/types.hpp>

namespace calibration::perfetto {

using protozero::pbf_tag_type;

// trace/trace.proto
enum class Trace : pbf_tag_type { packet = 1 };

// trace/trace_packet.proto
enum class TracePacket : pbf_tag_type {
  ftrace_events = 1,
  timestamp = 8,
  trusted_packet_sequence_id = 10,
  track_event = 11,
  interned_data = 12,
  sequence_flags = 13,
  system_info = 45,
  track_descriptor = 60,
  first_packet_on_sequence = 87,
};
inline constexpr int seq_incremental_state_cleared = 1;  // TracePacket.SequenceFlags
inline constexpr int seq_needs_incremental_state = 2;

// trace/interned_data/interned_data.proto; trace/track_event/track_event.proto, debug_annotation.proto
enum class InternedData : pbf_tag_type { event_categories = 1, event_names = 2, debug_annotation_names = 3 };
enum class InternedName : pbf_tag_type {
  iid = 1,
  name = 2
};  // EventCategory, EventName, DebugAnnotationName

// trace/track_event/track_descriptor.proto
enum class TrackDescriptor : pbf_tag_type {
  uuid = 1,
  name = 2,
  parent_uuid = 5,
  counter = 8,
  child_ordering = 11,
  sibling_order_rank = 12,
  sibling_merge_behavior = 15,
};
inline constexpr int ordering_lexicographic = 1;  // TrackDescriptor.ChildTracksOrdering
inline constexpr int ordering_explicit = 3;
inline constexpr int merge_none = 2;  // TrackDescriptor.SiblingMergeBehavior: siblings of one name stay apart

// trace/track_event/counter_descriptor.proto
enum class CounterDescriptor : pbf_tag_type { unit = 3, unit_name = 6 };
inline constexpr int unit_count = 2;  // CounterDescriptor.Unit

// trace/track_event/track_event.proto
enum class TrackEvent : pbf_tag_type {
  category_iids = 3,
  debug_annotations = 4,
  type = 9,
  name_iid = 10,
  track_uuid = 11,
  counter_value = 30,
  flow_ids = 47,
  terminating_flow_ids = 48,
};
inline constexpr int type_slice_begin = 1;  // TrackEvent.Type
inline constexpr int type_slice_end = 2;
inline constexpr int type_instant = 3;
inline constexpr int type_counter = 4;

// trace/track_event/debug_annotation.proto
enum class DebugAnnotation : pbf_tag_type { name_iid = 1, int_value = 4 };

// common/system_info.proto
enum class SystemInfo : pbf_tag_type { utsname = 1 };
enum class Utsname : pbf_tag_type { sysname = 1, release = 3, machine = 4 };

// trace/ftrace/ftrace_event_bundle.proto
enum class FtraceEventBundle : pbf_tag_type { cpu = 1, event = 2, lost_events = 3 };

// trace/ftrace/ftrace_event.proto
enum class FtraceEvent : pbf_tag_type {
  timestamp = 1,
  pid = 2,
  sched_switch = 4,
  cpu_idle = 13,
  sched_wakeup = 17,
  sched_waking = 20,
  sched_wakeup_new = 114,
  sched_migrate_task = 491,
};

// trace/ftrace/sched.proto, power.proto
enum class SchedSwitch : pbf_tag_type {
  prev_comm = 1,
  prev_pid = 2,
  prev_prio = 3,
  prev_state = 4,
  next_comm = 5,
  next_pid = 6,
  next_prio = 7,
};
enum class SchedWakeup : pbf_tag_type {
  comm = 1,
  pid = 2,
  prio = 3,
  success = 4,
  target_cpu = 5
};  // all three
enum class SchedMigrateTask : pbf_tag_type { comm = 1, pid = 2, prio = 3, orig_cpu = 4, dest_cpu = 5 };
enum class CpuIdle : pbf_tag_type { state = 1, cpu_id = 2 };

}  // namespace calibration::perfetto
