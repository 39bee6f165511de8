#!/usr/bin/env python3
"""How fast captures are read and analysed, beside the tools that read the same format.

    tests/perf/readers.py [--program build/release/chainsim] [--rounds 5] CAPTURE...

For each capture: chainsim analyze, and where there is one the format's own tool (trace-cmd report for trace.dat,
babeltrace2 for an LTTng directory, zstd/xz/cat for text: how fast the bytes alone come). All of a capture's
commands take turns in one run; the median and the range of the CPU seconds are printed, never asserted. Pin to a
core (taskset) and leave the machine alone."""

import argparse
import json
import lzma
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        return None
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def text_size(capture):
    reader = {".zst": "zstdcat", ".xz": "xzcat", ".gz": "zcat"}.get(capture.suffix, "cat")
    counted = subprocess.run(f"{reader} '{capture}' | wc -c", shell=True, capture_output=True, text=True, check=True)
    return int(counted.stdout), [reader, capture]


def rivals(capture, scratch):
    """The other commands, each with its name; and the bytes of text, 0 for binary formats."""
    if capture.is_dir():
        return {"babeltrace2": ["babeltrace2", capture]}, 0
    if ".dat" in capture.name:
        plain = capture
        if capture.suffix == ".xz":
            plain = scratch / capture.stem
            plain.write_bytes(lzma.decompress(capture.read_bytes()))
        return {"trace-cmd report": ["trace-cmd", "report", plain]}, 0
    size, command = text_size(capture)
    return {command[0]: command}, size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/chainsim", type=pathlib.Path)
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("captures", nargs="+", type=pathlib.Path, metavar="CAPTURE")
    arguments = parser.parse_args()
    print(f"{'capture':32} {'command':18} {'CPU s, median (min-max)':26} {'M events/s':>10} {'MB/s':>7} {'x ours':>7}")
    with tempfile.TemporaryDirectory() as name:
        for capture in arguments.captures:
            analysed = subprocess.run([arguments.program, "analyze", capture, "--slowest", "0", "--json"],
                                      capture_output=True, text=True, check=True)
            events = sum(json.loads(analysed.stdout)["capture"]["events"].values())
            others, size = rivals(capture, pathlib.Path(name))
            commands = {"chainsim analyze": [arguments.program, "analyze", capture, "--slowest", "0"]}
            commands |= {what: command for what, command in others.items() if shutil.which(command[0])}
            times = {what: [] for what in commands}
            for _ in range(arguments.rounds):
                for what, command in commands.items():
                    times[what].append(cpu_seconds(command))
            ours = sorted(times["chainsim analyze"])[arguments.rounds // 2]
            for what, spent in times.items():
                if None in spent:
                    print(f"{capture.name:32} {what:18} failed")
                    continue
                spent.sort()
                median = spent[len(spent) // 2]
                shown = f"{median:.3f} ({spent[0]:.3f}-{spent[-1]:.3f})"
                rate = f"{size / median / 1e6:7.0f}" if size else f"{'-':>7}"
                print(f"{capture.name:32} {what:18} {shown:26} {events / median / 1e6:10.2f} {rate} {median / ours:7.2f}")
            for what in set(others) - set(commands):
                print(f"{capture.name:32} {what:18} skipped: not installed")


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"
    main()
