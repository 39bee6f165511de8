"""validate --replay as a user runs it: a simulated run's trace text, replayed, agrees with the models that made it as far
as stamps of 1 us allow; the JSON says the same as the table; bad input ends in one line and exit code 2."""
import json
import pathlib
import subprocess
import sys
import tempfile

chainsim, source = sys.argv[1], pathlib.Path(sys.argv[2])
failures = []


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def run(*arguments):
    return subprocess.run([chainsim, *map(str, arguments)], cwd=source, capture_output=True, text=True)


def refused(what, expected, *arguments):
    done = run("validate", "--replay", *arguments)
    check(done.returncode == 2 and done.stderr.count("\n") == 1 and expected in done.stderr,
          f"{what}: {done.returncode} {done.stderr!r}")


with tempfile.TemporaryDirectory() as folder:
    trace = pathlib.Path(folder) / "mixed.trace"
    simulated = run("run", "scenarios/captured/mixed.yaml", "--set", "run.replications=1", "--set", "run.duration=2s",
                    "--trace", trace)
    check(simulated.returncode == 0, "a run writes a trace: " + simulated.stderr)

    options = (trace, "--release", "6.18", "--placement", "pack_on_running", "--mode", "both")
    out = pathlib.Path(folder) / "replay.json"
    done = run("validate", "--replay", *options, "--json", "--out", out)
    check(done.returncode == 0, "its replay succeeds: " + done.stderr)
    replayed = json.loads(done.stdout)
    check(json.loads(out.read_text()) == replayed, "--out writes what --json prints")
    check(replayed["schema"] == 1 and replayed["kind"] == "replay", "the JSON says what it is")
    decisions = replayed["captures"][0]["teacher_forced"]["decisions"]
    for decision, least in (("cpu", 0.9), ("next_task", 0.94), ("preempted", 0.93)):
        check(decisions[decision]["n"] > 1000, f"{decision} is scored often")
        check(decisions[decision]["agreement"] > least, f"{decision} agrees: {decisions[decision]['agreement']}")
    check(decisions["next_task"]["errors_removed"] > 2 / 3, "most of FIFO's errors are gone")
    check(run("validate", "--replay", *options, "--json").stdout == done.stdout, "the same replay gives the same bytes")
    table = run("validate", "--replay", *options, "--worst", 2)
    check("next task" in table.stdout and "agents wake_to_run" in table.stdout, "the table shows both modes")

    refused("an unknown kernel", "--release", trace)
    refused("a kernel before EEVDF", "CFS", trace, "--release", "6.1")
    refused("a missing file", "no such file", trace.with_name("none.trace"))
    refused("an empty directory", "a directory without captures", source / "docs")
    refused("no trace", "README.md:1", "README.md", "--release", "6.12")
    cut = pathlib.Path(folder) / "cut.trace"
    cut.write_bytes(trace.read_bytes()[:200_000])
    done = run("validate", "--replay", cut, "--release", "6.18")
    check(done.returncode == 0, "a trace that was cut off is replayed as far as it goes: " + done.stderr)

sys.exit(1 if failures else 0)
