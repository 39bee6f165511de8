"""validate of live runs and of captures with steps, as a user runs it: a simulation passes for itself and not for a
slower machine, the JSON keeps its documented form, threads change no byte, and bad input ends in one line."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

chainsim, source = sys.argv[1], pathlib.Path(sys.argv[2])
captures = source / "calibration/captures/host"
failures = []

SCENARIO = """schema: 1
run: {{seed: 1, warmup: 200ms, duration: 4s, replications: 3}}
host:
  cpus: 2
  idle: [{{state: hlt}}]
  kernel: {{release: 6.18, hz: 250, preemption: none, timer_slack: 1ns, sched_autogroup_enabled: true}}
  costs: {profile}
policies: [{{name: pack_on_running}}]
devices: [{{name: veth0, model: veth}}, {{name: vda, model: virtio_blk}}]
agents:
  - name: agent
    count: 2
    think: {{exponential: {{mean: 500us}}}}
    tool: {{device: veth0, service: {{exponential: {{mean: 300us}}}}, request: 64B, reply: 2048B}}
    read: {{device: vda, count: 2, size: 4KiB, ring: plain}}
    compute: 30us
variants:
  plain: {{title: as it is}}
  heavy: {{title: more computing, against: plain, set: {{agents.agent.compute: 200us}}}}
"""


def check(holds, what):
    if not holds:
        failures.append(what)
        print("FAILED:", what)


def run(*arguments):
    return subprocess.run([chainsim, *map(str, arguments)], cwd=source, capture_output=True, text=True)


def matches_schema(text):
    document = json.loads(text)
    try:
        import jsonschema
    except ImportError:
        print("skipped: schema of live validations (apt: python3-jsonschema)")
        return document
    jsonschema.validate(document, json.loads((source / "docs/validation.schema.json").read_text()))
    return document


def live_run(directory, scenario, variant, repetition, seed):
    """One repetition, "really" run by the simulator: its steps as the analysis of its events finds them."""
    stem = directory / f"{variant}.r{repetition}"
    steps = pathlib.Path(f"{stem}.steps.csv")
    done = run("analyze", scenario, "--variant", variant, "--seed", seed, "--step-csv", steps, "--slowest", 0)
    check(done.returncode == 0, "a simulated run gives steps: " + done.stderr)
    rows = [list(map(int, line.split(","))) for line in steps.read_text().split()[1:]]
    first = min(row[1] - row[2] for row in rows)
    last = max(row[1] + sum(row[3:]) for row in rows)
    with gzip.open(f"{stem}.steps.csv.gz", "wt") as packed:
        packed.write(steps.read_text())
    steps.unlink()
    document = {"schema": 1, "kind": "live_run", "variant": variant, "repetition": repetition, "capture": "none",
                "capture_complete": True, "start_ns": first, "end_ns": last, "steps": len(rows),
                "counters": {"steps": len(rows), "background_bytes": None},
                "cpu_percent": {"user": 10, "system": 5, "softirq": 1, "hardirq": 1, "idle": 3, "steal": 0},
                "background": {}, "settings": []}
    pathlib.Path(f"{stem}.run.json").write_text(json.dumps(document))


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    profile = source / "calibration/profiles/guest-6.18.yaml"
    scenario = scratch / "s.yaml"
    scenario.write_text(SCENARIO.format(profile=profile))
    runs = scratch / "runs"
    runs.mkdir()
    for variant in ("plain", "heavy"):
        for repetition in range(1, 5):
            live_run(runs, scenario, variant, repetition, 100 + repetition)
    origin = {"schema": 1, "kind": "results", "command": "live", "scenario": {"path": str(scenario), "sets": []},
              "live": {"machine": "the simulator", "kernel": "none"}}
    (runs / "results.json").write_text(json.dumps(origin))

    arguments = ["validate", runs, "--profile", profile]
    first, second = run(*arguments, "--json", "--jobs", 1), run(*arguments, "--json", "--jobs", 3)
    check(first.returncode == 0, "validate succeeds: " + first.stderr)
    check(first.stdout == second.stdout, "threads change no byte")
    document = matches_schema(first.stdout)
    check([v["name"] for v in document["variants"]] == ["plain", "heavy"], "variants in the scenario's order")
    check(not any(v["calibrated"] for v in document["variants"]), "the profile names neither load: held out")
    for variant in document["variants"]:
        step = variant["columns"]["step"]["percentiles"]
        check(step[0]["equivalence"]["verdict"] == "equivalent", variant["name"] + " is equivalent to itself at p50")
        check(all(p["equivalence"]["verdict"] != "different" for p in step if p["judged"]),
              variant["name"] + " is at no percentile different from itself")
        check(any("saturated" in warning for warning in variant["warnings"]), "3 % idle is warned of")
    (effect,) = document["effects"]
    median = effect["columns"]["step"][0]
    check(effect["variant"] == "heavy" and effect["pairs"] == 4, "the effect of heavy, over four pairs")
    check(median["exceeds_noise"] and median["sign_right"] and median["size_right"],
          "170 us more computing is seen and predicted: " + json.dumps(median))

    text = run(*arguments, "--verbose")
    check("held out" in text.stdout and "EFFECT ON THE STEP" in text.stdout and "WARNING plain" in text.stdout,
          "the text has its parts: " + text.stderr)
    check(all(len(line) <= 130 and line.isascii() for line in text.stdout.split("\n")), "the text fits a terminal")
    table = run(*arguments, "--markdown", "--variant", "plain")
    check(table.stdout.count("| plain |") >= 5 and "heavy" not in table.stdout, "one variant's tables in Markdown")

    slower = scratch / "slower.yaml"
    slower.write_text(SCENARIO.format(profile=profile).replace("compute: 30us", "compute: 130us"))
    rejected = run(*arguments, "--scenario", slower, "--variant", "plain", "--json")
    plain = json.loads(rejected.stdout)["variants"][0]
    check(plain["columns"]["step"]["percentiles"][0]["equivalence"]["verdict"] == "different",
          "a slower program is told from what was run")
    check(plain["all_steps"]["parts"][0]["part"] == "parse", "and the difference is found in parse")

    loads = [word for load in ("k1-idle=idle",) for word in
             ("--workload", f"{load.split('=')[0]}=scenarios/captured/{load.split('=')[1]}.yaml")]
    capture = run("validate", captures, "--profile", profile, *loads, "--seconds", 2, "--json")
    check(capture.returncode == 0, "a capture with steps is validated: " + capture.stderr)
    (variant,) = matches_schema(capture.stdout)["variants"]
    check(variant["time_blocks"] and variant["traced"], "one traced run, cut into blocks")
    check(len(variant["captures"][0]["stages"]) > 30, "its stages are compared")

    for bad, what in ((("--margin", "no"), "--margin"), (("--variant", "plane"), "no run of variant 'plane'"),
                      (("--scenario", scratch / "absent.yaml"), "absent.yaml")):
        refused = run(*arguments, *bad)
        check(refused.returncode == 2 and what in refused.stderr and len(refused.stderr.strip().split("\n")) == 1,
              f"{bad} ends in one line: {refused.returncode} {refused.stderr}")
    refused = run("validate", runs)
    check(refused.returncode == 2 and "--profile" in refused.stderr, "no profile: " + refused.stderr)
    refused = run("validate", captures, "--profile", profile)
    check(refused.returncode == 2 and "--workload" in refused.stderr, "no workload: " + refused.stderr)
    (runs / "plain.r2.run.json").write_text("{")
    refused = run(*arguments)
    check(refused.returncode == 2 and "plain.r2.run.json" in refused.stderr, "a damaged run is named: " + refused.stderr)

print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
