"""Runs the parts that are chosen, prints a table of each, and puts it into build/bench/engine.json."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.engine import fleet, memory, precision, speed, stall, streaming, truth
from bench.engine.lab import REPOSITORY, Lab, Others, build, machine
from bench.engine.own import cpu_of_ours
from bench.engine.shown import Part

RESULT = REPOSITORY / "build" / "bench" / "engine.json"
PARTS: Mapping[str, Callable[[Lab], Part]] = {
    "speed": speed.measure,
    "precision": precision.measure,
    "truth": truth.measure,
    "stall": stall.measure,
    "streaming": streaming.measure,
    "memory": memory.measure,
    "fleet": fleet.measure,
}
# Of all CPUs, by others: above it the figures are worth a second look.
QUIET = 0.03


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """What was asked for; the environment's PARTS, QUICK, OWN_CPU and MEMORY_SECONDS are the defaults."""
    environment = os.environ
    quick, own = (environment.get(name, "") not in ("", "0") for name in ("QUICK", "OWN_CPU"))
    parser = argparse.ArgumentParser(prog="bench.engine", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)} (default: $PARTS, or all)")
    parser.add_argument("--quick", action="store_true", default=quick, help="short, to try it ($QUICK=1)")
    parser.add_argument(
        "--own-cpu",
        action="store_true",
        default=own,
        help="keep all other tasks of the machine off the clients' CPU meanwhile ($OWN_CPU=1; needs root)",
    )
    parser.add_argument(
        "--memory-seconds",
        type=float,
        default=environment.get("MEMORY_SECONDS") or (20 if quick else 600),
        help="how long memory is watched (default $MEMORY_SECONDS, or 600)",
    )
    chosen = parser.parse_args(words)
    chosen.parts = chosen.parts or environment.get("PARTS", "").split() or list(PARTS)
    unknown = [part for part in chosen.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}: choose of {', '.join(PARTS)}")
    if not chosen.memory_seconds >= 10:
        parser.error("--memory-seconds: at least 10")
    return chosen


def keep(name: str, found: dict[str, Any]) -> None:
    """Puts a part into the file, beside those that are there from before."""
    try:
        document = json.loads(RESULT.read_text())
    except (OSError, ValueError):
        document = {}
    document["machine"] = machine()
    document.setdefault("parts", {})[name] = found
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    fresh = RESULT.with_suffix(".new")
    fresh.write_text(json.dumps(document, indent=1) + "\n")
    fresh.replace(RESULT)


def measure(lab: Lab, name: str) -> bool:
    """Runs a part and shows it; whether all of its bounds are met."""
    print(f"\n== {name}", flush=True)
    others, began = Others(), time.monotonic()
    try:
        part = PARTS[name](lab)
    except (SystemExit, AssertionError, OSError, ValueError) as failure:
        # The parts after it are measured all the same.
        print(f"FAILED: {failure or type(failure).__name__}", flush=True)
        keep(name, {"failed": str(failure), "quick": lab.quick})
        return False
    share, took = others.share(), time.monotonic() - began
    print(part.text())
    disturbed = ": these figures are disturbed" if share > QUIET else ""
    print(f"took {took:.0f} s; others took {share:.1%} of all CPUs{disturbed}", flush=True)
    about = {
        "oneCpu": lab.server_cpu == lab.client_cpu,
        "quick": lab.quick,
        "ownCpu": lab.own_cpu,
        "at": time.time(),
        "seconds": took,
        "othersCpuRatio": share,
    }
    keep(name, {**about, **part.plain()})
    return all(check.met for check in part.checks)


def main() -> int:
    """0: all bounds are met; 1: one is missed, or a part failed."""
    chosen = arguments()
    for program in ("go", "wrk", "taskset"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed")
    cpus = sorted(os.sched_getaffinity(0))
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was begun is undone
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        print("building", file=sys.stderr, flush=True)
        programs = build(folder)
        own = chosen.own_cpu and len(cpus) > 1
        lab = Lab(folder, programs, cpus[-1], cpus[0], chosen.quick, own, chosen.memory_seconds)
        about = machine()
        print(f"{about['model']}: the server has CPU {lab.server_cpu}, the clients CPU {lab.client_cpu}")
        if own:
            kept_off = stack.enter_context(cpu_of_ours(lab.client_cpu))
            print(f"the clients' CPU is their own: {kept_off} tasks keep off it meanwhile")
        os.sched_setaffinity(0, {lab.server_cpu})  # what measures is not to be in the clients' way
        if lab.server_cpu == lab.client_cpu:
            print("there is one CPU, where two are needed: the figures say nothing of the engine")
        if lab.quick:
            print("QUICK: too short for figures that hold")
        met = {part: measure(lab, part) for part in chosen.parts}
    print(f"\n== after {time.monotonic() - began:.0f} s")
    for part, fine in met.items():
        print(f"{part:12}{'ok' if fine else 'a bound is MISSED, or it failed'}")
    return 0 if all(met.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
