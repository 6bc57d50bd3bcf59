"""`bench/gateway/count.py`: the instructions that a call takes, counted by Valgrind, so that no neighbour shows in them.

Rowen runs whole, with everything on, behind real sockets; only its own process is counted. Each tree named is counted for
itself: `count.py` alone counts this one, `count.py ../other ../third` those. Takes a minute a tree. What it does not show is
what a miss of the caches costs, so it goes with figures of CPU, not in their place.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from gateways import ROOT, Gateway, Launch, rowen
from measure import Bench

FIGURES = {"call": {}, "hit": {"model": "cached"}, "stream": {"stream": True}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trees", nargs="*", type=Path, default=[ROOT], help="checkouts; default: this one")
    parser.add_argument("--figures", default="call,hit", help="comma-separated: " + ", ".join(FIGURES))
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--keep", type=Path, help="a folder for callgrind's own files")
    told = parser.parse_args()
    for tree in told.trees:
        for figure in told.figures.split(","):
            folder = told.keep or Path(tempfile.mkdtemp(prefix="rowen-count-"))
            found = counted(tree.resolve(), FIGURES[figure], told.calls, folder)
            whole = sum(found.values())
            parts = ", ".join(f"{name} {count / told.calls / 1e3:.0f}" for name, count in found.items())
            print(f"{tree} {figure}: {whole / told.calls / 1e3:.0f} thousand instructions ({parts})", flush=True)
    return 0


def counted(tree: Path, how: dict[str, object], calls: int, folder: Path) -> dict[str, int]:
    """Return the instructions of so many calls, by thread: `loop`, `others`, in callgrind's files in `folder`."""
    bench = Bench([_counting(tree, folder)], rounds=1, seconds=600)
    try:
        bench.start()
        if not bench.targets:
            raise RuntimeError("; ".join(bench.troubles))
        (target,) = bench.targets
        asked = target.asked(**how)
        process = target.running.pids()[0]
        bench.ask("calls", target=asked, concurrency=16, seconds=600, most=100)
        time.sleep(25)  # what the first calls leave to be written is not counted
        _control(process, "-i", "on")
        said = bench.ask("calls", target=asked, concurrency=16, seconds=600, most=calls)
        time.sleep(25)  # what these leave is
        _control(process, "-i", "off")
        _control(process, "-d")
        if said["errors"] or said["n"] != calls:
            raise RuntimeError(f"{said['n']} of {calls} calls, {said['errors']} errors: {said['said']}")
    finally:
        bench.close()
    found = {"loop": 0, "others": 0}
    for path in folder.glob("callgrind.out.*.1-*"):
        head = path.read_text(errors="replace")
        summed = re.findall(r"^(?:totals|summary): (\d+)", head, re.MULTILINE)
        found["loop" if path.name.endswith("-01") else "others"] += int(summed[-1]) if summed else 0
    return found


def _counting(tree: Path, folder: Path) -> Gateway:
    plain = rowen(tree=tree)

    def launch(here: Path, port: int, upstream: int) -> Launch:
        found = plain.launch(here, port, upstream)
        argv = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes"]
        argv.append(f"--callgrind-out-file={folder}/callgrind.out.%p")
        # The process is fifty times slower, so what it does by the clock is made rarer.
        env = {**found.env, "PYTHONHASHSEED": "0", "ROWEN_TRACE_EVERY": "20s"}
        return Launch(argv=[*argv, *found.argv], env=env)

    return replace(plain, launch=launch)


def _control(process: int, *how: str) -> None:
    subprocess.run(["callgrind_control", *how, str(process)], check=True, capture_output=True, env=os.environ)


if __name__ == "__main__":
    sys.exit(main())
