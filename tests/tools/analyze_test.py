"""chainsim analyze, from outside: a simulated trace written as text and read back, JSON, side outputs, refusals."""

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

program, source = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
scenario = source / "scenarios/captured/n4.yaml"


def run(*arguments, expect=0):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == expect, (arguments, done.returncode, done.stderr[-500:])
    return done


def schema_errors(document):
    try:
        import jsonschema
    except ImportError:
        print("skipped: the schema (no python3-jsonschema)")
        return
    schema = json.loads((source / "docs/analysis.schema.json").read_text())
    jsonschema.validate(document, schema)


def stage(document, name, group):
    rows = [row for row in document["stages"] if row["stage"] == name and row["group"] == group]
    assert len(rows) == 1, (name, group, rows)
    return rows[0]


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)

    # A scenario, analysed as if captured: truth, so precision and recall.
    simulated = json.loads(run("analyze", scenario, "--set", "run.duration=500ms", "--json").stdout)
    schema_errors(simulated)
    rules = simulated["attribution_quality"]["plain"]["rules"]
    assert rules["request"]["links"] > 100 and rules["request"]["right"] == rules["request"]["links"], rules
    assert simulated["capture"]["broken_switches"] == 0

    # The same run as ftrace text reads back: as many steps, and the same wait to within a stamp's microsecond.
    trace = folder / "n4.trace"
    run("run", scenario, "--set", "run.duration=500ms", "--replications", 1, "--trace", trace, "--trace-events", 1000000)
    steps = folder / "steps.csv"
    dot = folder / "slowest.dot"
    perfetto = folder / "n4.pftrace"
    read = json.loads(run("analyze", trace, "--json", "--step-csv", steps, "--dot", dot, "--perfetto", perfetto).stdout)
    schema_errors(read)
    for agent in ("agent-0", "agent-3"):
        known, found = stage(simulated, "step", agent), stage(read, "step", agent)
        assert known["count"] == found["count"], (agent, known["count"], found["count"])
        assert abs(known["mean"] - found["mean"]) < 2000, (agent, known["mean"], found["mean"])
    rows = list(csv.DictReader(steps.open()))
    assert len(rows) == sum(row["count"] for row in read["stages"] if row["stage"] == "step")
    assert list(rows[0]) == ["agent", "start_ns", "timer_late_ns", "tool_ns", "read_ns", "parse_ns"]
    assert dot.read_text().startswith("digraph") and "slack" in dot.read_text()
    assert perfetto.stat().st_size > 100000

    # Text says the same, and draws the slowest steps.
    text = run("analyze", trace, "--slowest", 2).stdout
    assert "LOOK FIRST AT step p99" in text and "WHERE STEP TIME GOES" in text and "\n2. agent-" in text, text[:2000]

    # Other names for agents.
    named = json.loads(run("analyze", trace, "--agents", "agent-1", "--json").stdout)
    assert named["attribution"]["agents"]["wakeups"] < read["attribution"]["agents"]["wakeups"]

    # Two sorted runs in one file are merged; from a pipe they are refused.
    lines = trace.read_text().splitlines(keepends=True)
    head = [line for line in lines if line.startswith("#")]
    calls = [line for line in lines if "sys_" in line]
    others = [line for line in lines if "sys_" not in line and not line.startswith("#")]
    two = folder / "two.trace"
    two.write_text("".join(head + calls + others))
    merged = json.loads(run("analyze", two, "--json").stdout)
    assert merged["capture"]["sorted_runs"] == 2, merged["capture"]
    assert merged["capture"]["switches"] == read["capture"]["switches"]
    piped = subprocess.run(f"cat {two} | {program} analyze /dev/stdin", shell=True, capture_output=True, text=True,
                           check=False)
    assert piped.returncode == 2 and "save it to a file" in piped.stderr, piped.stderr

    # Bad input: one line, status 2, nothing written.
    for bad, said in [("/nonexistent", "no such file"), (source / "README.md", "expected"), (folder, "expected")]:
        refused = run("analyze", bad, "--step-csv", folder / "none.csv", expect=2)
        assert said in refused.stderr and refused.stderr.count("\n") == 1, refused.stderr
        assert not (folder / "none.csv").exists()
    assert "CAPTURE" in run("analyze", expect=2).stderr
    assert run("analyze", trace, "--step-csv", "/nonexistent/steps.csv", expect=3).stderr.count("\n") == 1

    # A capture cut in mid-line is read up to there, and says so.
    cut = folder / "cut.trace"
    cut.write_bytes(trace.read_bytes()[:-30])
    assert json.loads(run("analyze", cut, "--json").stdout)["capture"]["switches"] > 0

    # A survey names every file and stops at none.
    (folder / "notes.txt").write_text("milk\neggs\n")
    survey = run("analyze", "--survey", folder).stdout
    for file in ("n4.trace", "two.trace", "notes.txt"):
        assert file in survey, survey

    # Ctrl-C keeps what was read, says so, and exits with 130.
    long_trace = folder / "long.trace"
    with long_trace.open("w") as out:
        body = "".join(line for line in lines if not line.startswith("#"))
        out.write("".join(head))
        for _ in range(1):
            out.write(body)
    fifo = folder / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen([program, "analyze", fifo], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)) as child:
        with fifo.open("w") as out:
            out.write("".join(head) + body)
            child.send_signal(signal.SIGINT)
            try:
                out.write(body[: len(body) // 2])
            except BrokenPipeError:
                pass
        stdout, _ = child.communicate(timeout=60)
    assert child.returncode in (130, 2), child.returncode

print("ok")
