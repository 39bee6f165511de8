"""topology as a user runs it: this machine, a copy of it, bad input; what it prints is YAML and JSON, and a scenario takes
the machine part."""
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
    return subprocess.run([chainsim, *map(str, arguments)], capture_output=True, text=True)


def without_notes(node):
    """Why a value is missing differs: "its driver does not say" has no file in a copy."""
    if isinstance(node, dict):
        return {key: without_notes(value) for key, value in node.items() if key != "note"}
    return [without_notes(each) for each in node] if isinstance(node, list) else node


with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    here = run("topology")
    check(here.returncode == 0 and here.stderr == "", "this machine is described: " + here.stderr)
    lines = here.stdout.split("\n")
    check("host:" in lines and "topology:" in lines, "host and topology are in it")
    described = json.loads(run("topology", "--json").stdout)
    check(described["kind"] == "topology" and described["kernel"]["release"]["value"], "the JSON names the kernel")

    copy = scratch / "copy"
    saved = run("topology", "--save", copy)
    check(saved.returncode == 0 and str(copy) in saved.stdout, "a copy is written and named: " + saved.stderr)
    again = json.loads(run("topology", copy, "--json").stdout)
    for part in ("cpus", "sched_domains", "block", "net"):
        check(without_notes(again[part]) == without_notes(described[part]), part + " of the copy are described as those of the machine")
    everything = [path for path in copy.rglob("*") if path.is_file()]
    check(sum(path.stat().st_size for path in everything) < 1 << 24, "a copy is small")
    for name in ("address", "serial", "product_uuid", "hostname", "version_signature"):
        check(not [path for path in everything if path.name == name], "no copy of " + name)

    machine_part = here.stdout.split("\ntopology:\n")[0]
    profile = source / "calibration/profiles/guest-6.18.yaml"
    scenario = scratch / "scenario.yaml"
    scenario.write_text(machine_part.replace("# costs: PROFILE.yaml", f"costs: {profile}") +
                        "\nrun: {warmup: 1ms, duration: 2ms}\nagents:\n  - {name: agent, think: 1ms, compute: 30us}\n")
    accepted = run("check", scenario)
    check(accepted.returncode == 0, "a scenario takes the machine part: " + accepted.stderr)

    for arguments, what in ((("topology", scratch / "absent"), "a missing directory"), (("topology", scenario), "a file")):
        refused = run(*arguments)
        check(refused.returncode == 2 and len(refused.stderr.strip().split("\n")) == 1, what + " ends in one line")
    unwritable = run("topology", "--save", "/proc/nowhere")
    check(unwritable.returncode == 3, "a copy that cannot be written is an error: " + unwritable.stderr)

print(f"{len(failures)} failures")
sys.exit(1 if failures else 0)
