"""`bench/traces/run`: Rowen beside Phoenix and MLflow, spans through HTTP until they can be found, in one run.

bench/traces/run                              60,000 spans into Rowen, 6,000 into each of the others
bench/traces/run --only rowen --spans 1000000 --folder DIR
bench/traces/run --parts kill --kills 100 --only rowen
bench/traces/run --peers-home DIR             where the others are installed, each into an environment of its own

Nothing here asserts a time. CPU figures hold on a busy machine; wall figures only on an idle one.
"""

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from measure import Bench, machine, written
from servers import installed, peers, rowen
from table import printed

PARTS = ("start", "fill", "ask", "open", "kill")


def main() -> int:
    told = arguments()
    known = {"rowen": rowen(), **peers(told.peers_home)}
    if told.show:
        show(json.loads(told.show.read_text())["medians"])
        return 0
    wanted = [told.only] if told.only else ["rowen", *filter(None, told.peers.split(","))]
    servers = installed([known[name] for name in wanted], told.peers_home)
    parts = told.parts.split(",")
    where, began = machine(), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="rowen-bench-") as made:
        bench = Bench(servers, Path(told.folder or made).absolute(), rounds=told.rounds, patience=told.patience)
        own = dict.fromkeys(known, told.peer_spans) | {"rowen": told.spans}
        large = dict.fromkeys(known, told.peer_large) | {"rowen": told.large}
        kills = dict.fromkeys(known, told.peer_kills) | {"rowen": told.kills}
        steps = {
            "fill": lambda: bench.fill(own),
            "ask": bench.ask,
            "open": lambda: bench.open(large),
            "kill": lambda: bench.kill(kills, told.seed),
        }
        try:
            bench.start(3 if "start" in parts else 1)
            for name, step in steps.items():
                if name in parts:
                    print(f"… {name}", file=sys.stderr, flush=True)
                    step()
        finally:
            bench.close()
    medians = bench.medians()
    print(f"\n{where}; {told.rounds} rounds; {time.perf_counter() - began:.0f} s; {told.spans:,} spans into Rowen, ")
    print(f"{told.peer_spans:,} into each of the others\n")
    show(medians)
    for said in bench.troubles:
        print(f"\n! {said}")
    if told.json:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        record = {"at": at, "machine": where, "spans": own, "medians": medians, "values": bench.figures}
        written(told.json, record | {"troubles": bench.troubles})
    return 0


def show(medians: dict[str, dict[str, float]]) -> None:
    print(printed(medians, {"rowen": "Rowen", "phoenix": "Phoenix", "mlflow": "MLflow"}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/traces/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("rowen", "phoenix", "mlflow"), help="one server alone")
    parser.add_argument("--peers", default="phoenix,mlflow", help="comma-separated")
    parser.add_argument(
        "--peers-home", type=Path, default=Path.home() / ".cache/rowen-bench", help="their environments"
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated parts: " + ", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3, help="rounds whose median is shown")
    parser.add_argument("--spans", type=int, default=60_000, help="spans into Rowen")
    parser.add_argument("--peer-spans", type=int, default=6_000, help="spans into each of the others")
    parser.add_argument("--large", type=int, default=50_000, help="spans of Rowen's large trace; 0 for none")
    parser.add_argument("--peer-large", type=int, default=2_000, help="the same for the others")
    parser.add_argument("--kills", type=int, default=100, help="kills of Rowen in mid-load")
    parser.add_argument("--peer-kills", type=int, default=3, help="the same for the others")
    parser.add_argument(
        "--patience", type=float, default=60.0, help="seconds to wait for an answer, or for spans to be there"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the moments of the kills")
    parser.add_argument("--folder", default="", help="where data is kept; without it, nowhere")
    parser.add_argument("--json", type=Path, help="write every value to this file")
    parser.add_argument("--show", type=Path, help="print the table of such a file and stop")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
