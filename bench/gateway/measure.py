"""What is measured, and how. Every figure is a list of one value a round; the table shows medians."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from gateways import HERE, Gateway, rowen
from procs import Started
from upstream import MODEL

SYSTEM = "You are a helpful assistant of a small farm. Answer in two sentences and name no brands."
QUESTION = "When is the second growth of a meadow mown, and what is it good for?"
PATH = "/v1/chat/completions"
SETTLE = 0.7
"""Seconds after a load until CPU is read: what a gateway writes late belongs to the calls."""


class Target:
    """A gateway that runs."""

    def __init__(self, gateway: Gateway, folder: Path, upstream: int) -> None:
        self.gateway = gateway
        self.folder = folder
        self.upstream = upstream
        self.port = _free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.process: Started | None = None

    @property
    def running(self) -> Started:
        if self.process is None:
            raise RuntimeError(f"{self.gateway.title} does not run")
        return self.process

    def start(self, patience: float = 120) -> tuple[float, float]:
        """Start it; return wall and CPU seconds until the first call is answered well."""
        launch = self.gateway.launch(self.folder, self.port, self.upstream)
        env = {**launch.env, "HOME": str(self.folder), "NO_PROXY": "*", "no_proxy": "*"}
        began = time.perf_counter()
        self.process = Started(launch.argv, env=env, folder=self.folder, log=self.folder / "log")
        said = ""
        while time.perf_counter() - began < patience:
            if not self.process.running:
                break
            try:
                status, said = self.once()
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
                continue
            if status == 200:
                return time.perf_counter() - began, self.process.cpu()
            time.sleep(0.05)
        tail = self.process.log.read_text(errors="replace")[-600:]
        self.stop()
        raise RuntimeError(f"{self.gateway.title} did not come up: {said[:300]} {tail}")

    def once(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", PATH, self.body(), self.head())
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def head(self) -> dict[str, str]:
        return {"content-type": "application/json", **self.gateway.headers(self.folder, self.upstream)}

    def body(self, *, stream: bool = False, mode: str = "", model: str = MODEL) -> str:
        question = f"{mode} {QUESTION}".strip()
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
        body: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 200}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return json.dumps(body, separators=(",", ":"))

    def asked(self, **how: Any) -> dict[str, Any]:
        """What the load generator needs to ask this gateway."""
        body = self.body(**how)
        head = {"host": f"127.0.0.1:{self.port}", **self.head(), "content-length": str(len(body.encode()))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return {"port": self.port, "payload": f"POST {PATH} HTTP/1.1\r\n{lines}\r\n{body}"}


class Direct(Target):
    """The upstream itself, asked as if it were a gateway."""

    def __init__(self, folder: Path, upstream: int) -> None:
        super().__init__(
            Gateway(name="direct", title="direct", launch=lambda *_: None, headers=lambda *_: {}), folder, upstream
        )
        self.port = upstream


class Bench:
    """One run: the upstream, the load generator, the gateways, and the figures found so far."""

    def __init__(self, gateways: list[Gateway], *, rounds: int, seconds: float) -> None:
        self.rounds = rounds
        self.seconds = seconds
        self.folder = Path(tempfile.mkdtemp(prefix="rowen-bench-"))
        self.upstream = _free_port()
        self.mock = Started(
            [sys.executable, str(HERE / "upstream.py"), str(self.upstream)],
            env={},
            folder=self.folder,
            log=self.folder / "upstream.log",
        )
        self.load = subprocess.Popen(
            [sys.executable, str(HERE / "load.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.direct = Direct(self.folder / "direct", self.upstream)
        self.targets = [Target(each, self.folder / each.name, self.upstream) for each in gateways]
        self.figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.troubles: list[str] = []

    def close(self) -> None:
        for target in self.targets:
            target.stop()
        self.load.terminate()
        self.load.wait()
        self.mock.stop()

    def ask(self, name: str, /, **job: Any) -> dict[str, Any]:
        assert self.load.stdin is not None
        assert self.load.stdout is not None
        self.load.stdin.write(json.dumps({"job": name, **job}) + "\n")
        self.load.stdin.flush()
        return json.loads(self.load.stdout.readline())

    def note(self, target: Target, figure: str, value: float) -> None:
        self.figures[target.gateway.name][figure].append(value)

    def start(self) -> None:
        """Start everything; a gateway that does not come up is left out."""
        for _ in range(25):
            try:
                self.direct.once()
                break
            except OSError:
                time.sleep(0.2)
        for target in list(self.targets):
            try:
                target.start()
            except RuntimeError as error:
                self.trouble(str(error))
                self.targets.remove(target)

    def cold_starts(self) -> None:
        """Start each gateway anew a few times. The stores of an earlier start are there already."""
        for _ in range(min(self.rounds, 3)):
            for target in self.targets:
                target.stop()
                wall, cpu = target.start()
                self.note(target, "cold_wall", wall)
                self.note(target, "cold_cpu", cpu)

    def idle_memory(self) -> None:
        for target in self.targets:
            self.ask("calls", target=target.asked(), concurrency=1, seconds=0.3)
        time.sleep(3)
        for target in self.targets:
            memory = target.running.memory()
            self.note(target, "idle_pss", memory["pss"])
            self.note(target, "idle_rss", memory["rss"])

    def idle_cpu(self) -> None:
        """CPU of processes that nobody asks, all at the same time."""
        time.sleep(5)
        began, before = time.perf_counter(), [target.running.cpu() for target in self.targets]
        time.sleep(10 * self.seconds)
        for target, used in zip(self.targets, before, strict=True):
            self.note(target, "idle_cpu", (target.running.cpu() - used) / (time.perf_counter() - began) * 1e3)

    def cpu(self) -> None:
        """CPU of calls and of streams, gateways in turn, each round beginning with another."""
        for turn in range(self.rounds):
            for target in self._turned(turn):
                self._cpu(target, "call", target.asked())
                self._cpu(target, "stream", target.asked(stream=True))
                if target.gateway.cache:
                    self._cpu(target, "hit", target.asked(model="cached"))
                    self._cpu(target, "stream_hit", target.asked(model="cached", stream=True))

    def paced(self) -> None:
        """CPU of streams whose chunks come one at a time, 20 ms apart: 64 of them at once."""
        for turn in range(max(self.rounds // 2, 1)):
            for target in self._turned(turn):
                asked = target.asked(stream=True, mode="[paced]")
                self._cpu(target, "paced", asked, concurrency=64, seconds=max(self.seconds, 3), ramp=0.5)

    def _cpu(self, target: Target, figure: str, asked: dict[str, Any], **job: Any) -> None:
        process = target.running
        job = {"concurrency": 16, "seconds": self.seconds, **job}
        self.ask("calls", target=asked, concurrency=job["concurrency"], seconds=0.2)
        time.sleep(SETTLE)
        before, mock_before = process.cpu(), self.mock.cpu()
        result = self.ask("calls", target=asked, **job)
        time.sleep(SETTLE)
        used, mock_used = process.cpu() - before, self.mock.cpu() - mock_before
        if self._well(target, figure, result):
            self.note(target, f"cpu_{figure}", used / result["n"] * 1e6)
            self.note(target, f"rate_{figure}", result["n"] / result["wall"])
            self.note(target, f"mock_{figure}", mock_used / result["n"] * 1e6)
            if result["events"]:
                self.note(target, f"events_{figure}", result["events"])

    def latency(self) -> None:
        """Added time at one connection: every target is asked in turn, call by call, the upstream itself too."""
        everyone: list[Target] = [self.direct, *self.targets]
        for turn in range(self.rounds):
            order = everyone[turn % len(everyone) :] + everyone[: turn % len(everyone)]
            for stream, n in ((False, 150), (True, 40)):
                targets = {each.gateway.name: each.asked(stream=stream) for each in order}
                found = self.ask("alternate", targets=targets, n=n)
                if "n" in found:
                    self.trouble(f"latency: {found['said']}")
                    continue
                direct = found["direct"]
                for each in self.targets:
                    result = found[each.gateway.name]
                    if not self._well(each, "latency", result):
                        continue
                    for kind, share in (("total", "p50"), ("total", "p99"), ("first", "p50"), ("first", "p99")):
                        key = f"{kind}_{share}"
                        if key in result and stream == (kind == "first"):
                            self.note(each, f"added_{key}", (result[key] - direct[key]) / 1e3)

    def many_streams(self, count: int) -> None:
        """`count` streams at once, 50 tokens a second each: what the callers see of gaps."""
        for target in [self.direct, *self.targets]:
            before = target.process.cpu() if target.process else 0.0
            asked = target.asked(stream=True, mode="[paced]")
            result = self.ask("calls", target=asked, concurrency=count, seconds=4, ramp=1.5, patience=30)
            if target.process:
                time.sleep(SETTLE)
                if result["n"]:
                    self.note(target, "cpu_many", (target.process.cpu() - before) / result["n"] * 1e6)
            if not result["n"]:
                self.trouble(f"{target.gateway.title}, {count} streams: none ended; {result['said']}")
                continue
            if result["errors"]:
                self.trouble(f"{target.gateway.title}, {count} streams: {result['errors']} errors; {result['said']}")
            self.note(target, "many_errors", result["errors"])
            self.note(target, "many_largest", result["largest_gap_ms"])
            self.note(target, "many_stalls", result["stalls"] / max(result["gaps"], 1) * 100)
            self.note(target, "many_stalled", result["stalled_streams"] / result["n"] * 100)
            self.note(target, "many_first_p50", result["first_p50"] / 1e3)
            self.note(target, "many_n", result["n"])

    def idle_streams(self, count: int) -> None:
        """Memory of streams that have begun and then hang, in a new process: in what a load leaves free they cost nothing."""
        for target in self.targets:
            target.stop()
            target.start()
            process = target.running
            asked = target.asked(stream=True, mode="[hang]")
            # The first lot fills pools and free lists, which are not the price of a stream.
            first = count // 4
            self.ask("hold", target=asked, n=first)
            time.sleep(3)
            before = process.memory()
            held = self.ask("hold", target=asked, n=count)
            time.sleep(3)
            after = process.memory()
            self.ask("release")
            if held.get("open", 0) < first + count or held["errors"]:
                self.trouble(f"{target.gateway.title}, idle streams: {held.get('open', 0)} open; {held['said']}")
                continue
            for kind in ("pss", "rss"):
                self.note(target, f"stream_{kind}", (after[kind] - before[kind]) * 1e6 / 1024 / count)

    def scaling(self) -> None:
        """CPU per call and throughput of Rowen with one worker and with two."""
        two = Target(rowen(2), self.folder / "rowen2", self.upstream)
        one = next((each for each in self.targets if each.gateway.name == "rowen"), None)
        if one is None:
            return
        try:
            two.start()
            time.sleep(1)
            for _ in range(self.rounds):
                for target, label in ((one, "one"), (two, "two")):
                    self._cpu(target, f"scale_{label}", target.asked(), concurrency=32)
        except RuntimeError as error:
            self.trouble(str(error))
        finally:
            two.stop()
        found = self.figures["rowen2"]
        for figure, values in found.items():
            self.figures["rowen"][figure].extend(values)
        del self.figures["rowen2"]

    def trouble(self, said: str) -> None:
        self.troubles.append(said)
        print(f"! {said}", file=sys.stderr)

    def medians(self) -> dict[str, dict[str, float]]:
        return {
            name: {figure: statistics.median(values) for figure, values in figures.items() if values}
            for name, figures in self.figures.items()
        }

    def _well(self, target: Target, figure: str, result: dict[str, Any]) -> bool:
        if result["errors"]:
            self.trouble(f"{target.gateway.title}, {figure}: {result['errors']} errors; {result['said']}")
        return result["n"] > result["errors"]

    def _turned(self, turn: int) -> list[Target]:
        at = turn % max(len(self.targets), 1)
        return self.targets[at:] + self.targets[:at]


def machine() -> str:
    """What it was measured on, in a line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "unknown processor",
    )
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), Python {sys.version.split()[0]}, load average {load:.1f} at the start"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
