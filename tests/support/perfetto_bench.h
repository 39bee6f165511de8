// Events made by hand, what a Perfetto trace of them draws, and in which order.
#pragma once

#include <map>
#include <optional>
#include <protozero/pbf_message.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibration/traces/perfetto_fields.h"
#include "calibration/traces/perfetto_writer.h"
#include "tests/scenarios/scratch.h"

namespace perfetto_bench {

using namespace calibration;
namespace pb = calibration::perfetto;
using protozero::pbf_message;

struct Drawn {
  std::map<std::uint64_t, std::string> tracks;  // uuid to name
  // "100 CPU 0 irq: begin irq 33 eth0 <1 >2", in the order of the file; <n an arrow that ends, >n one that
  // goes on.
  std::vector<std::string> marks;
  int bundles = 0;
  int lost_bundles = 0;
};

class Decoder {
 public:
  explicit Decoder(const std::string& bytes) {
    pbf_message<pb::Trace> trace{bytes};
    while (trace.next(pb::Trace::packet)) {
      packet(trace.get_message());
    }
  }
  Drawn drawn;

 private:
  void packet(pbf_message<pb::TracePacket> packet) {
    std::int64_t time = 0;
    std::uint64_t sequence = 0;
    std::optional<protozero::data_view> event;
    while (packet.next()) {
      switch (packet.tag()) {
        case pb::TracePacket::timestamp:
          time = static_cast<std::int64_t>(packet.get_uint64());
          break;
        case pb::TracePacket::trusted_packet_sequence_id:
          sequence = packet.get_uint32();
          break;
        case pb::TracePacket::track_event:
          event = packet.get_view();
          break;
        case pb::TracePacket::interned_data:
          intern(sequence, packet.get_message());
          break;
        case pb::TracePacket::track_descriptor:
          describe(packet.get_message());
          break;
        case pb::TracePacket::ftrace_events:
          bundle(packet.get_message());
          break;
        default:
          packet.skip();
      }
    }
    if (event) {
      draw(time, sequence, *event);
    }
  }
  void intern(std::uint64_t sequence, pbf_message<pb::InternedData> data) {
    while (data.next()) {
      if (data.tag() != pb::InternedData::event_names) {
        data.skip();
        continue;
      }
      pbf_message<pb::InternedName> entry = data.get_message();
      std::uint64_t iid = 0;
      while (entry.next()) {
        if (entry.tag() == pb::InternedName::iid) {
          iid = entry.get_uint64();
        } else {
          names_[{sequence, iid}] = entry.get_string();
        }
      }
    }
  }
  void describe(pbf_message<pb::TrackDescriptor> track) {
    std::uint64_t uuid = 0;
    while (track.next()) {
      if (track.tag() == pb::TrackDescriptor::uuid) {
        uuid = track.get_uint64();
      } else if (track.tag() == pb::TrackDescriptor::name) {
        drawn.tracks[uuid] = track.get_string();
      } else {
        track.skip();
      }
    }
  }
  void bundle(pbf_message<pb::FtraceEventBundle> fields) {
    ++drawn.bundles;
    while (fields.next()) {
      if (fields.tag() == pb::FtraceEventBundle::lost_events) {
        drawn.lost_bundles += fields.get_bool() ? 1 : 0;
      } else {
        fields.skip();
      }
    }
  }
  void draw(std::int64_t time, std::uint64_t sequence, protozero::data_view bytes) {
    static const std::vector<std::string> types{"", "begin ", "end", "", "="};
    std::string track;
    std::string type;
    std::string name;
    std::string flows;
    pbf_message<pb::TrackEvent> event{bytes};
    while (event.next()) {
      switch (event.tag()) {
        case pb::TrackEvent::track_uuid:
          track = drawn.tracks[event.get_uint64()];
          break;
        case pb::TrackEvent::type:
          type = types.at(static_cast<std::size_t>(event.get_enum()));
          break;
        case pb::TrackEvent::name_iid:
          name = names_[{sequence, event.get_uint64()}];
          break;
        case pb::TrackEvent::counter_value:
          name = std::to_string(event.get_int64());
          break;
        case pb::TrackEvent::flow_ids:
          flows += " >" + std::to_string(event.get_fixed64());
          break;
        case pb::TrackEvent::terminating_flow_ids:
          flows += " <" + std::to_string(event.get_fixed64());
          break;
        default:
          event.skip();
      }
    }
    drawn.marks.push_back(std::to_string(time) + " " + track + ": " + type + name + flows);
  }

  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> names_;
};

struct Bench {
  explicit Bench(const PerfettoOptions& options = {})
      : file{scratch.path("t.pftrace")}, writer{file, names, options} {}

  Event event(EventKind kind, std::int32_t pid) {
    Event made;
    made.time = now;
    made.cpu = cpu;
    made.pid = pid;
    made.comm = comm(pid);
    made.kind = kind;
    return made;
  }
  Name comm(std::int32_t pid) {
    return names.intern(pid == 0 ? "<idle>" : std::string(1, static_cast<char>('a' + pid % 10)));
  }
  Bench& at(std::int64_t time, std::int32_t on_cpu = 0) {
    now = time;
    cpu = on_cpu;
    return *this;
  }
  Bench& switched(std::int32_t prev, std::int32_t next, TaskState state = TaskState::interruptible) {
    Event made = event(EventKind::sched_switch, prev);
    made.sched_switch = {comm(prev), prev,       120,  prev == 0 ? TaskState::running : state,
                         false,      comm(next), next, 120};
    return write(made);
  }
  Bench& wake(EventKind kind, std::int32_t pid, std::int32_t target, std::int32_t by = 0) {
    Event made = event(kind, by);
    made.wakeup = {comm(pid), pid, 120, target};
    return write(made);
  }
  Bench& irq(EventKind kind, std::int32_t number = 33) {
    Event made = event(kind, 0);
    made.irq = {number, names.intern("eth0"), true};
    return write(made);
  }
  Bench& softirq(EventKind kind, std::int32_t vec, std::int32_t pid = 0) {
    Event made = event(kind, pid);
    made.softirq = {vec};
    return write(made);
  }
  Bench& block(EventKind kind, std::uint64_t sector, std::int32_t pid = 0) {
    Event made = event(kind, pid);
    made.block = {sector, 259U << 20, 8, 4096, names.intern("R"), comm(pid), 0};
    return write(made);
  }
  Bench& gate(EventKind kind, std::int32_t pid, Syscall call, std::string_view name) {
    Event made = event(kind, pid);
    if (kind == EventKind::sys_enter) {
      made.sys_enter = {call, names.intern(name), {}};
    } else {
      made.sys_exit = {call, names.intern(name), 0};
    }
    return write(made);
  }
  Bench& timer() {
    Event made = event(EventKind::hrtimer_expire_entry, 0);
    made.hrtimer = {1, names.intern("hrtimer_wakeup"), now};
    return write(made);
  }
  Bench& lost(std::uint64_t count) {
    Event made = event(EventKind::lost, 0);
    made.lost = {count};
    return write(made);
  }
  Bench& write(const Event& made) {
    writer.write(made);
    return *this;
  }
  const Drawn& drawn() {
    if (!decoded) {
      writer.finish();
      file.commit();
      decoded.emplace(Scratch::read(scratch.path("t.pftrace")));
    }
    return decoded->drawn;
  }
  // Of the tracks of that name.
  std::vector<std::string> on(const std::string& track) {
    std::vector<std::string> marks;
    for (const std::string& mark : drawn().marks) {
      const std::size_t space = mark.find(' ');
      if (mark.compare(space + 1, track.size() + 2, track + ": ") == 0) {
        marks.push_back(mark.substr(0, space) + " " + mark.substr(space + track.size() + 3));
      }
    }
    return marks;
  }

  // Slices on any track, but those with `without` in them.
  std::vector<std::string> begun(const std::string& without) {
    std::vector<std::string> marks;
    for (const std::string& mark : drawn().marks) {
      if (mark.find(": begin") != std::string::npos && mark.find(without) == std::string::npos) {
        marks.push_back(mark);
      }
    }
    return marks;
  }

  Scratch scratch;
  Names names;
  scenarios::OutputFile file;
  PerfettoWriter writer;
  std::optional<Decoder> decoded;
  std::int64_t now = 0;
  std::int32_t cpu = 0;
};

}  // namespace perfetto_bench
