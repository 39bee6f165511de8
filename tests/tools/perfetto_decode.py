"""Decodes a Perfetto trace field by field, from the wire format up, and checks that it means something. Written from
the public .proto files and not from the writer; nothing but Python's own library.

    python3 perfetto_decode.py FILE     prints what the trace holds, and fails where a rule is broken

Rules: every packet parses to its last byte and has only known fields; a sequence begins by clearing its state; times
never go back within the sequence of events, nor within one CPU's scheduler events; tracks and their parents, names,
categories and arguments are said before they are used; no slice ends that has not begun, and all end; an arrow has
two ends."""
import collections
import sys

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5

# Message: {field number: (name, kind, repeated)}. Kind: "int" (signed 64 bits), "uint", "fixed64", "text", or a message.
MESSAGES = {
    "Trace": {1: ("packet", "TracePacket", True)},
    "TracePacket": {
        1: ("ftrace_events", "FtraceEventBundle", False), 8: ("timestamp", "uint", False),
        10: ("trusted_packet_sequence_id", "uint", False), 11: ("track_event", "TrackEvent", False),
        12: ("interned_data", "InternedData", False), 13: ("sequence_flags", "uint", False),
        45: ("system_info", "SystemInfo", False), 60: ("track_descriptor", "TrackDescriptor", False),
        87: ("first_packet_on_sequence", "uint", False)},
    "SystemInfo": {1: ("utsname", "Utsname", False)},
    "Utsname": {1: ("sysname", "text", False), 3: ("release", "text", False), 4: ("machine", "text", False)},
    "InternedData": {1: ("event_categories", "Interned", True), 2: ("event_names", "Interned", True),
                     3: ("debug_annotation_names", "Interned", True)},
    "Interned": {1: ("iid", "uint", False), 2: ("name", "text", False)},
    "TrackDescriptor": {
        1: ("uuid", "uint", False), 2: ("name", "text", False), 5: ("parent_uuid", "uint", False),
        8: ("counter", "CounterDescriptor", False), 11: ("child_ordering", "uint", False),
        12: ("sibling_order_rank", "int", False), 15: ("sibling_merge_behavior", "uint", False)},
    "CounterDescriptor": {3: ("unit", "uint", False), 6: ("unit_name", "text", False)},
    "TrackEvent": {
        3: ("category_iids", "uint", True), 4: ("debug_annotations", "DebugAnnotation", True),
        9: ("type", "uint", False), 10: ("name_iid", "uint", False), 11: ("track_uuid", "uint", False),
        30: ("counter_value", "int", False), 47: ("flow_ids", "fixed64", True),
        48: ("terminating_flow_ids", "fixed64", True)},
    "DebugAnnotation": {1: ("name_iid", "uint", False), 4: ("int_value", "int", False)},
    "FtraceEventBundle": {1: ("cpu", "uint", False), 2: ("event", "FtraceEvent", True),
                          3: ("lost_events", "uint", False)},
    "FtraceEvent": {
        1: ("timestamp", "uint", False), 2: ("pid", "uint", False), 4: ("sched_switch", "SchedSwitch", False),
        13: ("cpu_idle", "CpuIdle", False), 17: ("sched_wakeup", "SchedWakeup", False),
        20: ("sched_waking", "SchedWakeup", False), 114: ("sched_wakeup_new", "SchedWakeup", False),
        491: ("sched_migrate_task", "SchedMigrateTask", False)},
    "SchedSwitch": {
        1: ("prev_comm", "text", False), 2: ("prev_pid", "int", False), 3: ("prev_prio", "int", False),
        4: ("prev_state", "int", False), 5: ("next_comm", "text", False), 6: ("next_pid", "int", False),
        7: ("next_prio", "int", False)},
    "SchedWakeup": {1: ("comm", "text", False), 2: ("pid", "int", False), 3: ("prio", "int", False),
                    4: ("success", "int", False), 5: ("target_cpu", "int", False)},
    "SchedMigrateTask": {1: ("comm", "text", False), 2: ("pid", "int", False), 3: ("prio", "int", False),
                         4: ("orig_cpu", "int", False), 5: ("dest_cpu", "int", False)},
    "CpuIdle": {1: ("state", "uint", False), 2: ("cpu_id", "uint", False)},
}
SCHED = ("sched_switch", "sched_waking", "sched_wakeup", "sched_wakeup_new", "sched_migrate_task", "cpu_idle")
SLICE_BEGIN, SLICE_END, INSTANT, COUNTER = 1, 2, 3, 4
STATE_CLEARED, NEEDS_STATE = 1, 2
MERGE_NONE = 2


class Broken(Exception):
    """A rule does not hold."""


def rule(holds, what):
    if not holds:
        raise Broken(what)


def varint(data, at, end):
    value = shift = 0
    while True:
        rule(at < end and shift < 70, "a varint ends within its message and has at most ten bytes")
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            rule(value < 1 << 64, "a varint has at most 64 bits")
            return value, at
        shift += 7


def wire_fields(data, at, end):
    """(number, wire type, value) of each field; a length-delimited value is (begin, end)."""
    while at < end:
        key, at = varint(data, at, end)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = varint(data, at, end)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
            rule(at + size <= end, "a fixed field ends within its message")
            value, at = int.from_bytes(data[at:at + size], "little"), at + size
        elif wire == LENGTH:
            size, at = varint(data, at, end)
            rule(at + size <= end, "a message ends within the one around it")
            value, at = (at, at + size), at + size
        else:
            raise Broken(f"wire type {wire} of field {number} exists")
        yield number, wire, value


def message(data, kind, at, end):
    """A dict by field name, from data[at:end]. A field that is not in MESSAGES breaks a rule."""
    result = {}
    for number, wire, value in wire_fields(data, at, end):
        rule(number in MESSAGES[kind], f"{kind} has a field {number}")
        name, field_kind, repeated = MESSAGES[kind][number]
        expected = {"int": VARINT, "uint": VARINT, "fixed64": FIXED64}.get(field_kind, LENGTH)
        rule(wire == expected, f"{kind}.{name} has wire type {expected}")
        if field_kind == "int":
            value -= (value >> 63) << 64
        elif field_kind == "text":
            value = data[value[0]:value[1]].decode("utf-8", "surrogateescape")
        elif field_kind in MESSAGES:
            value = message(data, field_kind, *value)
        if repeated:
            result.setdefault(name, []).append(value)
        else:
            rule(name not in result, f"{kind}.{name} is there once")
            result[name] = value
    return result


def packets(data):
    for number, wire, value in wire_fields(data, 0, len(data)):
        rule((number, wire) == (1, LENGTH), "a trace is made of packets")
        yield message(data, "TracePacket", *value)


class Mark:
    """A slice or an instant (begin and end are one), with its names as texts."""

    def __init__(self, track, name, category, begin, args, flows):
        self.track, self.name, self.category, self.begin, self.end = track, name, category, begin, begin
        self.args, self.flows, self.instant = args, flows, True


class Sequence:
    def __init__(self):
        self.names, self.categories, self.args, self.last = {}, {}, {}, -1


class PerfettoTrace:
    def __init__(self, data):
        self.tracks = {}                               # uuid to descriptor
        self.marks = []                                # in the order of the file
        self.open = collections.defaultdict(list)      # slices by track
        self.flows = collections.defaultdict(list)     # marks by arrow, in the order of the file
        self.counters = collections.defaultdict(list)  # (time, value) by track
        self.sched = collections.defaultdict(list)     # (time, kind, event) by CPU
        self.lost = collections.Counter()              # bundles with lost events, by CPU
        self.sequences = {}
        self.packets = 0
        self.system = None
        for packet in packets(data):
            self.packets += 1
            self._packet(packet)
        for track, slices in self.open.items():
            rule(not slices, f"every slice of '{self.name(track)}' ends")
        for flow, marks in self.flows.items():
            rule(len(marks) >= 2 or self.may_lead_nowhere(marks[0]), f"arrow {flow} has two ends")

    @staticmethod
    def may_lead_nowhere(mark):
        """The softirq raised last may run after the trace; a timer may find its task awake."""
        return mark.name.startswith("raise ") or mark.name == "expire hrtimer_wakeup"

    def name(self, uuid):
        return self.tracks[uuid].get("name", "")

    def path(self, uuid):
        track = self.tracks[uuid]
        above = self.path(track["parent_uuid"]) + "/" if "parent_uuid" in track else ""
        return above + track.get("name", "")

    def _packet(self, packet):
        number = packet.get("trusted_packet_sequence_id", 0)
        rule(number > 0, "a packet is of a sequence")
        flags = packet.get("sequence_flags", 0)
        if number not in self.sequences:
            rule(flags & STATE_CLEARED, "the first packet of a sequence clears its state")
            rule(packet.get("first_packet_on_sequence") == 1, "the first packet of a sequence says so")
        if flags & STATE_CLEARED:
            self.sequences[number] = Sequence()
        sequence = self.sequences[number]
        self._intern(sequence, packet.get("interned_data", {}))
        kinds = [k for k in ("track_event", "track_descriptor", "ftrace_events", "system_info") if k in packet]
        rule(len(kinds) == 1, "a packet is one thing")
        if "track_event" in packet:
            rule(flags & NEEDS_STATE, "an event says that it needs its sequence's state")
            if number == 1:  # the sequence of events as they happened
                rule(packet["timestamp"] >= sequence.last, "times do not go back")
                sequence.last = packet["timestamp"]
            self._event(sequence, packet["timestamp"], packet["track_event"])
        elif "track_descriptor" in packet:
            track = packet["track_descriptor"]
            rule(track.get("uuid", 0) > 0, "a track has a number")
            if track["uuid"] in self.tracks:
                named = dict(self.tracks[track["uuid"]], name=track["name"])
                rule(track == named and track.get("sibling_merge_behavior") == MERGE_NONE,
                     "a track is described again only to give it another name, which needs a row of its own")
            rule("parent_uuid" not in track or track["parent_uuid"] in self.tracks, "a parent comes before its children")
            self.tracks[track["uuid"]] = track
        elif "ftrace_events" in packet:
            self._bundle(packet["ftrace_events"])
        else:
            self.system = packet["system_info"]

    @staticmethod
    def _intern(sequence, data):
        for kind, known in (("event_names", sequence.names), ("event_categories", sequence.categories),
                            ("debug_annotation_names", sequence.args)):
            for entry in data.get(kind, []):
                rule(entry["iid"] not in known, "a name is said once")
                known[entry["iid"]] = entry["name"]

    def _event(self, sequence, time, event):
        track = event["track_uuid"]
        rule(track in self.tracks, "a track is described before its events")
        kind = event["type"]
        if kind == COUNTER:
            rule("counter" in self.tracks[track], "a counter's value is of a counter")
            self.counters[track].append((time, event["counter_value"]))
            return
        rule("counter" not in self.tracks[track], "a slice is not of a counter")
        if kind == SLICE_END:
            rule(self.open[track], f"no slice of '{self.name(track)}' ends that has not begun")
            self.open[track].pop().end = time
            return
        rule(kind in (SLICE_BEGIN, INSTANT), "an event is of a known type")
        rule(event["name_iid"] in sequence.names, "a name is said before it is used")
        rule(all(c in sequence.categories for c in event["category_iids"]), "a category is said before it is used")
        args = {}
        for arg in event.get("debug_annotations", []):
            rule(arg["name_iid"] in sequence.args, "an argument's name is said before it is used")
            args[sequence.args[arg["name_iid"]]] = arg["int_value"]
        flows = event.get("flow_ids", []) + event.get("terminating_flow_ids", [])
        category = sequence.categories[event["category_iids"][0]]
        mark = Mark(track, sequence.names[event["name_iid"]], category, time, args, flows)
        self.marks.append(mark)
        if kind == SLICE_BEGIN:
            mark.instant = False
            self.open[track].append(mark)
        for flow in flows:
            self.flows[flow].append(mark)

    def _bundle(self, bundle):
        cpu = bundle["cpu"]
        self.lost[cpu] += bundle.get("lost_events", 0)
        for event in bundle["event"]:
            kinds = [k for k in SCHED if k in event]
            rule(len(kinds) == 1, "a scheduler event is one thing")
            before = self.sched[cpu][-1][0] if self.sched[cpu] else 0
            rule(event["timestamp"] >= before, f"the scheduler's times on CPU {cpu} do not go back")
            self.sched[cpu].append((event["timestamp"], kinds[0], event))

    def slices(self, path):
        return [m for m in self.marks if not m.instant and self.path(m.track) == path]

    def instants(self, name):
        return [m for m in self.marks if m.instant and (m.name == name or m.name.startswith(name + " "))]

    def paths(self):
        return sorted({self.path(uuid) for uuid in self.tracks})


def main():
    with open(sys.argv[1], "rb") as file:
        trace = PerfettoTrace(file.read())
    print(trace.packets, "packets,", len(trace.tracks), "tracks,", len(trace.marks), "slices and instants,",
          len(trace.flows), "arrows,", sum(map(len, trace.counters.values())), "counter values")
    counts = collections.Counter(kind for events in trace.sched.values() for _, kind, _ in events)
    print("scheduler events:", dict(sorted(counts.items())))
    by_path = collections.Counter(trace.path(m.track) for m in trace.marks)
    for path in trace.paths():
        values = sum(len(v) for u, v in trace.counters.items() if trace.path(u) == path)
        print(f"{by_path[path]:9} marks {values:9} values  {path}")


if __name__ == "__main__":
    main()
