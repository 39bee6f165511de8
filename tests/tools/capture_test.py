"""capture as a user runs it: what it says of the machine, what it prints, and, as root with bpftrace, one short live
capture: its events are those of the machine, and the machine is afterwards as it was, however the capture ended."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

chainsim, source = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []
started = []  # captures that may outlive a failure
patience = 120  # seconds for what takes one; other work may run beside this

# An agent in small: timers, a loopback connection, a poll. It ends by itself.
load = """
import select, socket, sys, threading, time
server = socket.create_server(("127.0.0.1", 0))
def answer():
    peer, _ = server.accept()
    while peer.recv(64):
        peer.send(b"x" * 2048)
threading.Thread(target=answer, daemon=True).start()
link = socket.create_connection(server.getsockname())
poll = select.epoll()
poll.register(link, select.EPOLLIN)
for _ in range(200):
    time.sleep(0.001)
    link.send(b"x" * 64)
    poll.poll()
    link.recv(2048)
"""


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def run(*arguments, **more):
    return subprocess.run([chainsim, "capture", *map(str, arguments)], cwd=source, capture_output=True, text=True,
                          timeout=patience, **more)


def default_signals():
    """Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def machine_state():
    """What a capture might have changed."""
    settings = ("kernel/bpf_stats_enabled", "kernel/perf_event_paranoid", "kernel/kptr_restrict")
    return {
        "mounts": [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
                   if any(f" - {kind} " in line for kind in ("tracefs", "debugfs", "bpf"))],
        "settings": {name: pathlib.Path("/proc/sys", name).read_text() for name in settings
                     if os.access(pathlib.Path("/proc/sys", name), os.R_OK)},
        "tracers": sorted(entry.name for entry in pathlib.Path("/proc").iterdir() if is_tracer(entry)),
    }


def is_tracer(process):
    try:
        return process.name.isdigit() and (process / "comm").read_text() == "bpftrace\n" and \
            " Z " not in (process / "stat").read_text()
    except OSError:
        return False


def wait_for(what):
    end = time.monotonic() + patience
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def rows_of(path):
    text = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout.decode()
    return [line.split(" ") for line in text.splitlines() if line[0].isdigit()], text


def is_kernel_address(word):
    try:
        number = int(word, 0)
    except ValueError:
        return False
    return 0xffff_8000_0000_0000 <= number <= 0xffff_ffff_ffff_0000  # beyond: small negative numbers


def broken_switches(rows):
    """How many switches there are to check, and how many do not leave the task that was entered. Tasks that never
    leave at all do not count: some kernels never deliver the own events of a task (docs/capture.md)."""
    switches = [row for row in rows if row[3] == "sched_switch"]
    leaving = {row[4] for row in switches}
    current, checked, broken = {}, 0, 0
    for row in switches:
        cpu, previous, following = row[1], row[4], row[7]
        if current.get(cpu) in leaving:
            checked += 1
            broken += current[cpu] != previous
        current[cpu] = following
    return checked, broken


def without_root():
    nowhere = run("--check", env={**os.environ, "PATH": "/nonexistent"})
    check(nowhere.returncode == 2, "a machine without bpftrace cannot be captured")
    check("MISSING  bpftrace" in nowhere.stdout and "apt install bpftrace" in nowhere.stdout,
          "what is missing is named, with a remedy")
    check(len(nowhere.stderr.strip().split("\n")) == 1, "the error is one line")
    seeds = run("--seed-programs", "--print")
    check(seeds.returncode == 0, "the five programs can be printed anywhere: " + seeds.stderr)
    for program in ("irq", "softirq", "wakeup", "epoll", "uring"):
        text = (source / "calibration/bpftrace" / f"{program}.bt").read_text()
        check(f"// {program}.bt\n{text}" in seeds.stdout, f"{program}.bt is printed word for word")
    for option, what in (("--device=nothing-of-that-name", "a device that is none"),
                         ("--cgroup=/nonexistent", "a cgroup that is none"), ("--name=a/b", "a name with a slash")):
        refused = run("--print", option)
        check(refused.returncode == 2 and option.split("=")[0] in refused.stderr, f"{what} is refused")


def program(scratch):
    printed = run("--print", "--comm", "agent*", "--pid", os.getpid())
    check(printed.returncode == 0, "the program is printed: " + printed.stderr)
    path = scratch / "chain.bt"
    path.write_text(printed.stdout)
    mount = "[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing; "
    dry = subprocess.run(["unshare", "-m", "sh", "-c", mount + f"BPFTRACE_STRLEN=16 exec bpftrace -d {path}"],
                         capture_output=True, text=True, timeout=patience)
    check(dry.returncode == 0, "bpftrace compiles the printed program: " + dry.stderr[-500:])


def live(scratch):
    out = scratch / "live"
    done = run("--seconds", 1, "--out", out, "--name", "small", "--comm", "pytho*", "--", sys.executable, "-c", load)
    check(done.returncode == 0, "a capture succeeds: " + done.stderr)
    names = ["small.chain.txt.zst", "small.meta.json", "small.topology.yaml"]
    check(sorted(entry.name for entry in out.iterdir()) == names, "rows, meta and topology are stored, and nothing else")
    meta = json.loads((out / "small.meta.json").read_text())
    check(meta["events"]["stored"] > 1000 and not meta["lost"]["map_full"], "the load's events are there")
    check(meta["map"]["used"] < meta["map"]["entries"], "the map had room")
    check(meta["overhead"]["tracer_share_of_one_cpu"] < 0.2, "bpftrace itself sleeps while it captures")
    kinds = meta["events"]["by_tracepoint"]
    for kind in ("sched_switch", "sched_waking", "sched_wakeup", "softirq_raise", "softirq_entry", "softirq_exit",
                 "hrtimer_expire_entry", "sys_enter_epoll_wait", "sys_exit_epoll_wait", "netif_receive_skb"):
        check(kinds.get(kind, 0) > 0, f"the capture holds {kind}")
    again = run("--seconds", 1, "--out", out, "--name", "small")
    check(again.returncode == 2 and "never overwritten" in again.stderr, "a capture is not overwritten")
    if shutil.which("zstd") is None:
        print("skipped: the stored rows (apt: zstd)")
        return
    rows, text = rows_of(out / "small.chain.txt.zst")
    check(len(rows) == meta["events"]["stored"], "as many rows as the meta says")
    check(text.endswith(f"# end {len(rows)}\n"), "the capture is whole")
    times = [int(row[0]) for row in rows]
    check(times == sorted(times), "rows are sorted by time")
    check(meta["time"]["start_ns"] <= times[0] and times[-1] <= meta["time"]["end_ns"], "rows are of the capture's time")
    checked, broken = broken_switches(rows)
    check(checked > 100 and broken <= 0.01 * checked, f"{broken} of {checked} switches leave a task that was not entered")
    tasks = {line.split(" ")[2] for line in text.splitlines() if line.startswith("task ")}
    check("other" in tasks and any(name.startswith("pytho") for name in tasks), "tasks are named, or 'other'")
    own = {line.split(" ")[1] for line in text.splitlines() if line.startswith("task ") and " pytho" in line}
    callers = {row[2] for row in rows if row[3].startswith("sys_")}
    check(callers <= own, "only tasks that were asked for have system calls")
    check(" hrtimer_wakeup " in text, "timers' functions have names")
    exposed = [line for line in text.splitlines() if any(is_kernel_address(word) for word in re.split("[ =]", line))]
    check(not exposed, f"no address of the kernel is stored: {exposed[:3]}")


def interrupted(scratch):
    for number, status, stored in ((signal.SIGINT, 130, True), (signal.SIGTERM, 130, True), (signal.SIGKILL, -9, False)):
        out = scratch / number.name
        marker = scratch / f"{number.name}.runs"
        command = [chainsim, "capture", "--seconds", "600", "--map-entries", "100000", "--out", out, "--", "sh", "-c",
                   f"touch {marker}; exec sleep 600"]
        capture = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=default_signals)
        started.append(capture)
        check(wait_for(marker.exists), "the command runs once everything is traced")
        time.sleep(0.3)  # so that there is something to store
        capture.send_signal(number)
        check(capture.wait(patience) == status, f"{number.name} ends it with {status}: {capture.returncode}")
        check(len(list(out.iterdir())) == (3 if stored else 0), f"after {number.name} a capture is whole or absent")
        if stored:
            time_of = json.loads((out / "capture.meta.json").read_text())["time"]
            check(time_of["partial"] and time_of["ended_by"] == "signal", "what ended early says so")
    early = subprocess.Popen([chainsim, "capture", "--out", scratch / "early"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    time.sleep(0.2)
    early.send_signal(signal.SIGTERM)
    check(early.wait(patience) == 130, "it can be ended before it traces")


def seed_programs(scratch):
    out = scratch / "seeds"
    done = run("--seed-programs", "--seconds", 0.2, "--out", out, "--name", "idle")
    check(done.returncode == 0, "the five programs run: " + done.stderr)
    check(sorted(entry.name for entry in out.iterdir()) ==
          [f"idle.{name}.txt" for name in ("epoll", "irq", "softirq", "uring", "wakeup")], "each into a file of its own")


with tempfile.TemporaryDirectory() as directory:
    scratch = pathlib.Path(directory)
    without_root()
    if run("--check").returncode != 0:
        print("skipped: live captures:", run("--check").stderr.strip())
    else:
        # Tracing shares the machine with whatever else runs: what fails once is tried once more.
        earlier = list(failures)
        for attempt in ("first", "second"):
            failures[:] = earlier
            tried = scratch / attempt
            tried.mkdir()
            before = machine_state()
            try:
                program(tried)
                live(tried)
                interrupted(tried)
                seed_programs(tried)
            except (subprocess.SubprocessError, OSError, ValueError, KeyError) as trouble:
                check(False, f"a live capture ends as it should: {trouble!r}")
                for child in started:
                    child.terminate()
            check(wait_for(lambda: machine_state() == before), "the machine is as it was")
            if failures == earlier:
                break

print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
