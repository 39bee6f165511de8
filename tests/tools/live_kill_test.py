"""live as it is killed: at random moments, by SIGINT, SIGTERM and SIGKILL (then `live --cleanup`), a run that changes
many settings leaves the machine as it was: sysctls, affinities, queues, cgroups, namespaces, interfaces, trace
instances, data files, processes.

live_kill_test.py CHAINSIM SOURCE [MOMENTS [SEED]]      50 moments are what the project was tested with
"""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

chainsim, source = sys.argv[1], pathlib.Path(sys.argv[2])
moments = int(sys.argv[3]) if len(sys.argv) > 3 else 9
seed = int(sys.argv[4]) if len(sys.argv) > 4 else time.time_ns() % 1_000_000
patience = 60  # seconds for what takes a few; other work may run beside this

if os.geteuid() != 0:
    print("skipped: not root, and live needs namespaces")
    sys.exit(0)

SYSCTLS = ("net/core/netdev_budget", "net/core/netdev_budget_usecs", "net/core/dev_weight", "net/core/gro_normal_batch",
           "net/core/netdev_max_backlog", "net/core/busy_poll", "kernel/sched_autogroup_enabled", "kernel/timer_migration",
           "kernel/sched_rt_runtime_us", "kernel/bpf_stats_enabled")


def text(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError as error:
        return error.strerror


def names(pattern):
    return sorted(str(path) for path in pathlib.Path("/").glob(pattern))


def disks():
    return [disk for disk in names("sys/block/*") if os.path.exists(f"{disk}/mq") and "/loop" not in disk]


def machine_state():
    """What a live run may have changed, and what it may have left."""
    interfaces = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    state = {f"/proc/sys/{name}": text(f"/proc/sys/{name}") for name in SYSCTLS}
    state |= {path: text(path) for path in names("proc/irq/*/smp_affinity")}
    state |= {path: text(path) for path in names("sys/devices/system/cpu/cpu*/cpuidle/state*/disable")}
    for disk in disks():
        for knob in ("scheduler", "rq_affinity"):
            state[f"{disk}/queue/{knob}"] = text(f"{disk}/queue/{knob}")
    state["namespaces"] = names("run/netns/*")
    state["interfaces"] = sorted(line.split(":")[1].strip() for line in interfaces.splitlines())
    state["cgroups"] = names("sys/fs/cgroup/chainsim-*") + names("sys/fs/cgroup/*/chainsim-*")
    state["instances"] = names("sys/kernel/tracing/instances/chainsim-*")
    state["journals"] = names("run/chainsim/*.journal")
    return state


def workload_processes():
    """Processes of the program: those of the workload are forked from it."""
    found = []
    for path in names("proc/[0-9]*"):
        try:
            if os.path.samefile(f"{path}/exe", chainsim):
                found.append((path, text(f"{path}/comm").strip()))
        except OSError:
            pass  # it has ended, or is the kernel's
    return found


def settle(state_of, wanted):
    """The kernel takes a moment to end processes."""
    deadline = time.monotonic() + 10
    while state_of() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return state_of()


def scenario(directory):
    """Small, with many settings; those that this machine does not have are left out."""
    disk = pathlib.Path(os.path.realpath(f"/sys/dev/block/{os.major(os.stat(directory).st_dev)}:"
                                         f"{os.minor(os.stat(directory).st_dev)}"))
    disk = (disk.parent if (disk / "partition").exists() else disk).name
    driver = os.path.basename(os.path.realpath(f"/sys/block/{disk}/device/driver"))
    reads = driver in ("virtio_blk", "nvme")
    schedulers = text(f"/sys/block/{disk}/queue/scheduler").split() if reads else []
    other = [each for each in schedulers if not each.startswith("[")]
    lines = ["schema: 1", "run: {seed: 1, warmup: 50ms, duration: 400ms, replications: 3}", "host:",
             f"  cpus: {os.cpu_count()}", "  costs: " + str(source / "calibration/profiles/round.yaml"),
             "  cpu_dma_latency: 50us",
             "  cgroups: [{name: fast, weight: 500}, {name: slow, weight: 20, cpu_max: 40ms}, "
             "{name: slower, parent: slow, weight: 50}]",
             "  kernel:",
             "    netdev_budget: 77", "    netdev_budget_usecs: 24ms", "    dev_weight: 33", "    gro_normal_batch: 5",
             "    netdev_max_backlog: 777", "    timer_migration: false",
             f"    sched_autogroup_enabled: {'false' if text('/proc/sys/kernel/sched_autogroup_enabled') == '1' + chr(10) else 'true'}"]
    if reads:
        lines.append(f"    rq_affinity: {2 if text(f'/sys/block/{disk}/queue/rq_affinity').strip() != '2' else 0}")
    lines += ["devices:", "  - {name: veth0, model: veth}"]
    lines += [f"  - {{name: {disk}, model: {driver}}}"] if reads else []
    lines += ["agents:", "  - name: agent", "    count: 2", "    think: 500us", "    compute: 20us",
              "    tool: {device: veth0, service: 100us}", "    sched: {cgroup: fast}"]
    lines += [f"    read: {{device: {disk}}}"] if reads else []
    lines += ["background:", "  - {name: burst, kind: burst, busy: 500us, sleep: 1ms, sched: {cgroup: slower}}",
              "  - {name: bulk, kind: bulk, device: veth0, size: 64KiB, rate: 100Mbit/s}"]
    lines += [f"  - {{name: writer, kind: writer, device: {disk}, size: 64KiB, rate: 5MB/s}}"] if reads else []
    lines += ["live:", "  sysctls: {net.core.busy_poll: 3}"]
    lines += [f"  io_scheduler: {{{disk}: {other[0]}}}"] if other else []
    free = [line.split()[-1] for line in text("/proc/interrupts").splitlines() if line.rstrip().endswith("-config")]
    lines += [f"  irq_affinity: {{{free[0]}: [0]}}"] if free else []
    return "\n".join(lines) + "\n"


def start(directory, number):
    arguments = [chainsim, "live", f"{directory}/small.yaml", "--out", f"{directory}/runs{number}", "--file-size", "4MiB"]
    arguments += ["--captures", "1", "--capture", "ftrace", "--repetitions", "1"] if number % 5 == 4 else []
    # Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def cleanup():
    return subprocess.run([chainsim, "live", "--cleanup"], capture_output=True, text=True, timeout=patience)


def kill_once(directory, number, moment, how, before, busy):
    process = start(directory, number)
    time.sleep(moment)
    changed = sum(1 for key, value in machine_state().items() if value != before[key])
    ended = process.poll() is not None
    process.send_signal(how)
    try:
        _, errors = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        return f"still runs {patience} s after {how.name}"
    if how == signal.SIGKILL:
        done = cleanup()
        if done.returncode != 0:
            return f"--cleanup failed: {done.stderr}"
        if cleanup().stdout != "nothing to clean up\n":
            return "a second --cleanup found something"
    elif process.returncode not in ((0, 130) if not ended else (0,)):
        # Before main() has taken hold of the signal, it ends the program as any other.
        if process.returncode != -how or moment > 0.2:
            return f"exit {process.returncode} after {how.name}: {errors}"
    after = settle(machine_state, before)
    wrong = [f"{key}: {before[key]!r} is {after[key]!r}" for key in before if before[key] != after[key]]
    left = [task for task in settle(workload_processes, busy) if task not in busy]
    files = [str(path) for path in pathlib.Path(directory).rglob("*.data")]
    if wrong or left or files:
        return f"left: {wrong} {left} {files}"
    print(f"  {how.name} after {moment:.3f} s, {changed} settings away from before{' (it had ended)' if ended else ''}: "
          "all as before")
    return None


def whole_run(directory, before):
    process = start(directory, 1000)
    _, errors = process.communicate(timeout=patience)
    if process.returncode != 0:
        return f"exit {process.returncode}: {errors}"
    if settle(machine_state, before) != before:
        return "the machine is not as before"
    runs = pathlib.Path(directory, "runs1000")
    results = json.loads((runs / "results.json").read_text())
    if results["variants"][0]["replications_completed"] != 3 or not results["variants"][0]["counters"]["steps"]:
        return "three repetitions with steps were expected"
    if not all((runs / f"base.r{k}.{what}").exists() for k in (1, 2, 3) for what in ("run.json", "steps.csv.gz")):
        return f"files are missing: {sorted(os.listdir(runs))}"
    try:
        import jsonschema
    except ImportError:
        print("skipped: python3 has no jsonschema, the form of results.json (apt-get install python3-jsonschema)")
        return None
    jsonschema.validate(results, json.loads((source / "docs/results.schema.json").read_text()))
    return None


def main():
    random.seed(seed)
    print(f"{moments} moments, seed {seed}")
    failures = []
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="chainsim-kill-") as directory:
        pathlib.Path(directory, "small.yaml").write_text(scenario(directory))
        refused = subprocess.run([chainsim, "live", "--check", f"{directory}/small.yaml", "--file-size", "4MiB", "--file",
                                  f"{directory}/x.data"], capture_output=True, text=True, timeout=patience)
        if refused.returncode != 0:
            print("skipped: this machine cannot run the small scenario:\n" + refused.stdout + refused.stderr)
            return 0
        before, busy = machine_state(), workload_processes()
        for number in range(moments):
            how = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)[number % 3]
            trouble = kill_once(directory, number, random.uniform(0.02, 3.0), how, before, busy)
            if trouble:
                failures.append(trouble)
                print(f"FAILED: moment {number}: {trouble}")
                cleanup()
        trouble = whole_run(directory, before)
        if trouble:
            failures.append(trouble)
            print(f"FAILED: a whole run: {trouble}")
    print("ok" if not failures else f"{len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
