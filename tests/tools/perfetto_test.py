"""run --perfetto as a user runs it: the trace decodes by the rules of perfetto_decode.py, and says what the ftrace
text of the same run says, event by event."""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from perfetto_decode import Broken, PerfettoTrace, message  # noqa: E402

chainsim, source = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []

LINE = re.compile(r" *(?P<comm>.*)-(?P<pid>\d+) +\[(?P<cpu>\d+)\] \S{5} +(?P<s>\d+)\.(?P<us>\d{6}): (?P<text>.*)")
FIELD = re.compile(r"(\w+)=(.*?)(?= \w+=| ==>|$)")
STATES = {"R": 0, "S": 1, "D": 2, "I": 0x80, "X": 0x10, "R+": 0x100}


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def run(*arguments):
    return subprocess.run([chainsim, *map(str, arguments)], cwd=source, capture_output=True, text=True)


class TextTrace:
    """The events of ftrace's text."""

    def __init__(self, path):
        self.count = collections.Counter()
        self.sched = collections.defaultdict(list)  # (microseconds, kind, fields) by CPU
        self.irqs = []                              # (cpu, irq, name)
        self.vectors = collections.Counter()        # entries by (cpu, name)
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                self._line(LINE.fullmatch(line))

    def _line(self, line):
        cpu, us = int(line["cpu"]), int(line["s"]) * 1_000_000 + int(line["us"])
        kind, _, rest = line["text"].partition(": ")
        if "(" in kind or " -> " in kind:
            kind = "sys_exit" if " -> " in kind else "sys_enter"
        self.count[kind] += 1
        fields = dict(FIELD.findall(rest))
        if kind.startswith("sched_") or kind == "cpu_idle":
            self.sched[cpu].append((us, kind, fields))
        elif kind == "irq_handler_entry":
            self.irqs.append((cpu, f"irq {fields['irq']} {fields['name']}"))
        elif kind == "softirq_entry":
            self.vectors[cpu, rest.split("action=")[1].rstrip("]")] += 1


def same(kind, ours, theirs):
    """Whether a decoded scheduler event has the text's fields."""
    for name, text in theirs.items():
        value = ours[name]
        expected = STATES[text] if name == "prev_state" else value if name == "action" else text
        if isinstance(value, int) and name != "prev_state":
            expected = int(text)
        if value != expected:
            return False
    return set(theirs) == set(ours) - {"success"}


def compare(trace, text):
    for kind in ("sched_switch", "sched_waking", "sched_wakeup", "sched_migrate_task", "cpu_idle"):
        ours = sum(1 for events in trace.sched.values() for _, k, _ in events if k == kind)
        check(ours == text.count[kind] > 0, f"as many {kind} as in the text: {ours}, {text.count[kind]}")
    for cpu, expected in text.sched.items():
        events = trace.sched[cpu]
        different = [i for i, ((ns, kind, event), (us, k, fields)) in enumerate(zip(events, expected))
                     if kind != k or (ns + 500) // 1000 != us or not same(kind, event[kind], fields)]
        check(not different and len(events) == len(expected),
              f"the scheduler's events on CPU {cpu} are those of the text, in their order {different[:3]}")
        irqs = [m.name for m in trace.slices(f"CPUs/CPU {cpu} irq")]
        check(irqs == [name for c, name in text.irqs if c == cpu], f"the irqs of CPU {cpu} are those of the text")
        vectors = collections.Counter(m.name for m in trace.slices(f"CPUs/CPU {cpu} softirq"))
        check(vectors == {v: n for (c, v), n in text.vectors.items() if c == cpu},
              f"the softirqs of CPU {cpu} are those of the text")
    for mark, kind in (("raise", "softirq_raise"), ("waking", "sched_waking"), ("issue", "block_rq_issue"),
                       ("complete", "block_rq_complete"), ("napi_poll", "napi_poll"),
                       ("io_uring_complete", "io_uring_complete"), ("expire", "hrtimer_expire_entry"),
                       ("netif_receive_skb", "netif_receive_skb")):
        check(len(trace.instants(mark)) == text.count[kind] > 0, f"as many marks '{mark}' as {kind}")


def chains(trace):
    """Arrows that lead from an issued read, over its completion and a waking, to a task that runs."""
    whole = 0
    for marks in trace.flows.values():
        names = [m.name.split(" ")[0].rstrip(",") for m in marks]
        check(all(a.begin <= b.begin for a, b in zip(marks, marks[1:])), "an arrow goes forward in time")
        whole += [n for n in names if n in ("issue", "complete", "waking", "runnable", "running")] == \
            ["issue", "complete", "waking", "runnable", "running"]
    return whole


def tracks(trace, cpus):
    paths = set(trace.paths())
    for cpu in range(cpus):
        for row in ("irq", "softirq", "run queue"):
            check(f"CPUs/CPU {cpu} {row}" in paths, f"CPU {cpu} has a row '{row}'")
    check(any(p.startswith("Devices/") and p.endswith("/requests") for p in paths), "a disk has its requests")
    agents = [p for p in paths if p.startswith("Agents/")]
    check(agents, "agents have rows")
    for agent in agents:
        names = {m.name for m in trace.slices(agent)}
        check({"sleep", "step", "epoll_wait", "io_uring_enter"} <= names, f"{agent} has steps and gates: {names}")
    for counter in ("run queue", "in flight", "NAPI work"):
        values = [v for u, v in trace.counters.items() if trace.name(u).endswith(counter)]
        check(values and all(n >= 0 for series in values for _, n in series), f"'{counter}' counts from 0 on")
    check(trace.system["utsname"]["sysname"] == "Linux", "the trace says whose task states it has")


def broken_files():
    """The decoder sees what is wrong."""
    for data, what in ((b"\x0a\x05\x40\x01", "a packet cut off"), (b"\x0a\x02\x40\x01", "a packet of no sequence"),
                       (b"\x12\x00", "a field that a trace has not"), (b"\x0a\x02\xf8\x7f", "a varint cut off")):
        try:
            PerfettoTrace(data)
            check(False, f"{what} is refused")
        except Broken:
            pass
    check(message(b"\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "DebugAnnotation", 0, 11) == {"int_value": -1},
          "negative numbers decode")


SCENARIO = """
schema: 1
run: {seed: 1, warmup: 5ms, duration: 60ms, replications: 1}
host: {cpus: 4, costs: COSTS}
devices:
  - {name: eth0, model: nic, queues: 2, irq_cpus: [0, 1]}
  - {name: nvme0, model: nvme, queues: 4}
agents:
  - name: reader
    count: 4
    think: {exponential: {mean: 1ms}}
    tool: {device: eth0, service: 300us}
    read: {device: nvme0}
    compute: 30us
background:
  - {name: stream, kind: flow, count: 2, device: eth0, rate: 400Mbit/s}
  - {name: burst, kind: burst, count: 2, busy: {exponential: {mean: 1ms}}, sleep: {exponential: {mean: 2ms}}}
  - {name: writer, kind: writer, count: 1, device: nvme0, size: 128KiB, rate: 60MB/s}
"""

with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    scenario = scratch / "s.yaml"
    scenario.write_text(SCENARIO.replace("COSTS", str(source / "calibration/profiles/guest-6.18.yaml")))
    both = ("--trace", scratch / "t.trace", "--perfetto", scratch / "t.pftrace", "--trace-events", 20000)
    result = run("run", scenario, *both)
    check(result.returncode == 0, f"run --trace --perfetto succeeds: {result.stderr}")
    check(f"written: {scratch}/t.trace\nwritten: {scratch}/t.pftrace\n" in result.stdout, "both files are named")
    first = (scratch / "t.pftrace").read_bytes()
    trace, text = PerfettoTrace(first), TextTrace(scratch / "t.trace")
    compare(trace, text)
    tracks(trace, len(text.sched))
    check(chains(trace) > 50, f"{chains(trace)} arrows lead from a read to its reader")

    run("run", scenario, *both)
    check((scratch / "t.pftrace").read_bytes() == first, "the same run gives the same bytes")
    result = run("run", scenario, "--perfetto", scratch / "absent/t.pftrace")
    check(result.returncode == 3 and "absent/t.pftrace: cannot be written" in result.stderr,
          "a file that cannot be written ends the run")
broken_files()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
