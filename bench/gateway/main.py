"""`bench/gateway/run`: Rowen beside other gateways, before one mock upstream, in one run.

Nothing here asserts a time. CPU figures hold on a busy machine; wall figures (latency, gaps, cold start) hold only on an
idle one.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from gateways import Gateway, peers, rowen
from measure import Bench, machine
from table import printed

PARTS = ("cold", "memory", "quiet", "cpu", "latency", "paced", "many", "idle", "scaling")


def main() -> int:
    known = peers()
    parser = argparse.ArgumentParser(prog="bench/gateway/run", description=__doc__)
    parser.add_argument("--peers", default=",".join(known), help="comma-separated; default: all of them")
    parser.add_argument("--only", help="one gateway alone, such as rowen")
    parser.add_argument("--python", default="", help="run Rowen once more under this interpreter, as a peer of itself")
    parser.add_argument("--tree", type=Path, help="another checkout whose Rowen runs too, as a peer of this one")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--rounds", type=int, help="rounds whose median is shown; default 5")
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated parts: " + ", ".join(PARTS))
    parser.add_argument("--json", type=Path, help="write every value to this file")
    parser.add_argument("--merge", action="store_true", help="keep of the JSON file what is not measured now")
    parser.add_argument("--show", type=Path, help="print the table of such a file and stop")
    parser.add_argument("--install", action="store_true", help="install the peers and stop")
    told = parser.parse_args()

    if told.show:
        _print(json.loads(told.show.read_text())["medians"])
        return 0
    wanted = [told.only] if told.only else ["rowen", *filter(None, told.peers.split(","))]
    if unknown := [name for name in wanted if name != "rowen" and name not in known]:
        parser.error(f"unknown gateway {unknown[0]} — choose from rowen, {', '.join(known)}")
    gateways = [rowen() if name == "rowen" else known[name] for name in wanted]
    if told.python:
        gateways.insert(1, rowen(python=told.python))
    if told.tree:
        gateways.insert(1, rowen(tree=told.tree.resolve()))
    gateways = [each for each in gateways if _there(each)]
    if told.install:
        return 0
    rounds = told.rounds or (2 if told.quick else 5)
    parts = told.parts.split(",")
    began = time.perf_counter()
    where = machine()
    bench = Bench(gateways, rounds=rounds, seconds=0.8 if told.quick else 1.5)
    streams = 128 if told.quick else 512
    steps = {
        "cold": bench.cold_starts,
        "memory": bench.idle_memory,
        "quiet": bench.idle_cpu,
        "cpu": bench.cpu,
        "latency": bench.latency,
        "paced": bench.paced,
        "many": lambda: bench.many_streams(512),
        "idle": lambda: bench.idle_streams(streams),
        "scaling": bench.scaling,
    }
    try:
        bench.start()
        for name, step in steps.items():
            if name in parts:
                print(f"… {name}", file=sys.stderr, flush=True)
                step()
    finally:
        bench.close()

    if told.merge and told.json and told.json.exists():
        _keep(bench.figures, json.loads(told.json.read_text())["values"])
    medians = bench.medians()
    print(f"\n{where}; medians of {rounds} rounds; {time.perf_counter() - began:.0f} s")
    _print(medians)
    for said in bench.troubles:
        print(f"\n! {said}")
    if told.json:
        record = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": where,
            "rounds": rounds,
            "medians": medians,
            "values": bench.figures,
            "troubles": bench.troubles,
        }
        told.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


def _keep(figures: dict[str, dict[str, list[float]]], earlier: dict[str, dict[str, list[float]]]) -> None:
    for name, found in earlier.items():
        for figure, values in found.items():
            if not figures[name][figure]:
                figures[name][figure] = values


def _print(medians: dict[str, dict[str, float]]) -> None:
    own = medians.get("rowen", {})
    if "cpu_scale_one" in own and "cpu_scale_two" in own:
        own["scaling"] = 2 * own["cpu_scale_one"] / own["cpu_scale_two"]
    titles = {"rowen": "Rowen", "rowen-python": "Rowen, the other interpreter"}
    titles["rowen-tree"] = "Rowen, the other checkout"
    titles |= {name: each.title for name, each in peers().items() if name in medians}
    print(f"\n{printed(medians, titles)}")
    if "many_largest" in medians.get("direct", {}):
        print(f"\nThe upstream asked directly by 512 streams: largest gap {medians['direct']['many_largest']:.0f} ms.")


def _there(gateway: Gateway) -> bool:
    """Whether the gateway is installed by now."""
    if gateway.installed():
        return True
    print(f"… installing {gateway.title}", file=sys.stderr, flush=True)
    try:
        if gateway.install is not None:
            gateway.install()
    except (RuntimeError, OSError) as error:
        print(f"! SKIPPED {gateway.title}: {error}", file=sys.stderr)
        return False
    if not gateway.installed():
        print(f"! SKIPPED {gateway.title}: its install left no program", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
