"""`bench/sdk/run`: what a traced call costs the program, in one run on one machine.

The same function, with the same arguments and result, is called through `rowen.trace`, through the OpenTelemetry SDK with its
batch processor and its OTLP/HTTP exporter, and bare. Both send to one sink in a process of its own that takes everything and
keeps nothing. CPU is that of the whole process: the caller's thread and the thread that sends. Wall time is the caller's alone.
Each is a process of its own; the order changes from round to round, and medians are shown.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

import rowen

WAYS = ("bare", "off", "never", "rowen", "opentelemetry", "rowen-bare-spans", "opentelemetry-bare-spans")
QUESTION = "What does the handbook say about travel expenses abroad, and who signs them? " * 4
ANSWER = "Travel abroad is signed by the head of department before it is booked. [3] " * 8


def answer(question: str, top: int = 3, tone: str = "kind") -> str:
    return ANSWER if question and top and tone else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench/sdk/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer calls and rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--calls", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.sink:
        return sink()
    if told.one:
        print(json.dumps(one(told.one, told.url, told.calls)))
        return 0
    rounds, calls = (2, 5_000) if told.quick else (told.rounds, 20_000)
    with subprocess.Popen([sys.executable, __file__, "--sink"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for number in range(rounds):
            for way in WAYS if number % 2 else WAYS[::-1]:
                found[way].append(measured(way, url, calls))
        process.kill()
    show(found, rounds, calls)
    return 0


def measured(way: str, url: str, calls: int) -> dict[str, float]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ROWEN_", "OTEL_"))}
    if way == "never":
        environment["OTEL_SDK_DISABLED"] = "true"
    done = subprocess.run(
        [sys.executable, __file__, "--one", way, "--url", url, "--calls", str(calls)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def one(way: str, url: str, calls: int) -> dict[str, float]:
    """Return microseconds of wall and CPU for each call, and how many spans were sent."""
    call, finish = ways(way, url)
    more = calls * (50 if way in {"bare", "off", "never"} else 1)
    pause = way not in {"bare", "off", "never"}
    for _ in range(200):
        call(QUESTION, 5, tone="dry")
    finish()
    cpu, wall = time.process_time(), 0.0
    for start in range(0, more, 1000):
        began = time.perf_counter()
        for _ in range(min(1000, more - start)):
            call(QUESTION, 5, tone="dry")
        wall += time.perf_counter() - began
        if pause:
            finish()  # neither may win by dropping
    sent = finish()
    cpu = time.process_time() - cpu
    return {"wall": wall / more * 1e6, "cpu": cpu / more * 1e6, "sent": sent}


def ways(way: str, url: str) -> tuple[Any, Any]:
    """Return what calls the function once, and what waits until all is sent and says how many spans that were."""
    if way == "bare":
        return answer, lambda: 0
    if way in {"off", "never"}:
        return rowen.trace(answer), lambda: 0
    # Each is loaded alone: that the OpenTelemetry SDK is there would make ours look for its spans.
    maker = import_module("peer" if way.startswith("opentelemetry") else "ours")
    made: tuple[Any, Any] = maker.make(answer, url, content=not way.endswith("bare-spans"))
    return made


def show(found: dict[str, list[dict[str, float]]], rounds: int, calls: int) -> None:
    middle = {
        way: {name: statistics.median(each[name] for each in values) for name in ("wall", "cpu")}
        for way, values in found.items()
    }
    bare = middle["bare"]
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; medians of {rounds} rounds of {calls:,} calls\n")
    print("| | caller, µs a call | CPU of the process, µs a call | CPU, of the OpenTelemetry SDK's |")
    print("|---|---|---|---|")
    peers = {"rowen": "opentelemetry", "rowen-bare-spans": "opentelemetry-bare-spans"}
    titles = {
        "bare": "no tracing",
        "off": "`@rowen.trace`, off",
        "never": "`@rowen.trace`, `OTEL_SDK_DISABLED`",
        "rowen": "`@rowen.trace`, arguments and result",
        "opentelemetry": "OpenTelemetry SDK, the same",
        "rowen-bare-spans": "`@rowen.trace(capture=False)`",
        "opentelemetry-bare-spans": "OpenTelemetry SDK, the same",
    }
    for way in WAYS:
        wall, cpu = (middle[way][name] - (bare[name] if way != "bare" else 0) for name in ("wall", "cpu"))
        ratio = f"{cpu / (middle[peers[way]]['cpu'] - bare['cpu']):.2f}" if way in peers else ""
        digits = 2 if way in {"bare", "off", "never"} else 1
        sign = "" if way == "bare" else "+"
        print(f"| {titles[way]} | {wall:{sign}.{digits}f} | {cpu:{sign}.{digits}f} | {ratio} |")


def sink() -> int:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
