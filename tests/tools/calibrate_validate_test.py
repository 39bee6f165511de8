"""calibrate and validate as a user runs them: their JSON keeps its documented form, the same captures give the same
profile, the shipped profile is what the shipped captures give, and bad input ends in one line and exit code 2."""
import json
import pathlib
import subprocess
import sys
import tempfile

chainsim, source = sys.argv[1], pathlib.Path(sys.argv[2])
captures = source / "calibration/captures/bpftrace-seed"
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def run(*arguments):
    return subprocess.run([chainsim, *map(str, arguments)], cwd=source, capture_output=True, text=True)


def workloads(*loads):
    return [word for load in loads for word in ("--workload", f"{load}=scenarios/captured/{load}.yaml")]


def matches_schema(text, name):
    try:
        import jsonschema
    except ImportError:
        print("skipped: schema of", name, "(apt: python3-jsonschema)")
        return json.loads(text)
    document = json.loads(text)
    jsonschema.validate(document, json.loads((source / "docs" / name).read_text()))
    return document


with tempfile.TemporaryDirectory() as scratch:
    profile = pathlib.Path(scratch) / "profile.yaml"
    done = run("calibrate", captures, *workloads("idle", "n4"), "--out", profile, "--json")
    check(done.returncode == 0, "calibrate succeeds: " + done.stderr)
    document = matches_schema(done.stdout, "calibration.schema.json")
    costs = document["costs"]
    check(costs["virtio_blk_irq_handler"]["basis"] == "calibrated", "irq 36 calibrates virtio-blk's handler")
    check(costs["nvme_read_4k"]["basis"] == "default", "no capture shows an NVMe read")
    check(all(match["identified"] for match in document["matched"]), "every match moves its statistic")
    late = next(m for m in document["matched"] if m["cost"] == "idle_exit_hlt")
    check(abs(late["simulated_ns"] / late["captured_ns"] - 1) < 0.05, "timer lateness is matched within 5 %")
    shipped = source / "calibration/profiles/guest-6.18.yaml"
    check(profile.read_bytes() == shipped.read_bytes(), "the shipped profile is what the shipped captures give")

    arguments = ["validate", captures / "mixed.irq.txt.gz", "--profile", profile, *workloads("mixed"), "--seconds", 2]
    first, second = run(*arguments, "--json"), run(*arguments, "--json")
    check(first.returncode == 0, "validate succeeds: " + first.stderr)
    check(first.stdout == second.stdout, "validate is deterministic")
    rows = matches_schema(first.stdout, "validation.schema.json")["quantities"]
    step = next(row for row in rows if row["quantity"] == "step")
    check(0.5 < step["simulated_ns"][0] / step["captured_ns"][0] < 2, "the predicted step is of the captured one's size")

    empty = pathlib.Path(scratch) / "idle.irq.txt"
    empty.write_text("")
    binary = pathlib.Path(scratch) / "n4.irq.txt"
    binary.write_bytes(bytes(range(256)) * 20)
    foreign = pathlib.Path(scratch) / "other.txt"
    foreign.write_text("# tracer: nop\n#\n  task-1 [000] ..... 1.0: sched_switch: prev_comm=a\n")
    for path, what in ((empty, "an empty capture"), (binary, "a binary capture"), (foreign, "another program's capture"),
                       (pathlib.Path(scratch) / "absent.txt", "a missing capture")):
        refused = run("calibrate", path)
        lines = refused.stderr.strip().split("\n")
        check(refused.returncode == 2 and len(lines) == 1 and str(path) in lines[0],
              f"{what} ends in one line that names it: {refused.returncode} {refused.stderr}")
    full = run("calibrate", captures, "--out", "/dev/full/profile.yaml")
    check(full.returncode in (2, 3), "a profile that cannot be written is an error")
    bad = run("validate", captures, "--profile", profile, "--workload", "idle")
    check(bad.returncode == 2 and "LOAD=SCENARIO" in bad.stderr, "a malformed --workload is explained")

print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
