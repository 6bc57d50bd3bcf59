"""What is measured, and how. Every figure is a list of values; the table shows medians."""

import http.client
import json
import os
import random
import socket
import sqlite3
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

from load import Load
from procs import Started
from servers import Ask, Server

SETTLE = 1.0
"""Seconds after a load until CPU is read: what a server does late belongs to the spans."""
SENDERS = 4
MIB = 2**20


class Target:
    """A server that runs, in a folder of its own."""

    def __init__(self, server: Server, folder: Path, port: int) -> None:
        self.server = server
        self.folder = folder
        self.port = port
        self.process: Started | None = None
        self._cookie = ""
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def running(self) -> Started:
        if self.process is None:
            raise RuntimeError(f"{self.server.title} does not run")
        return self.process

    def start(self, patience: float = 180) -> tuple[float, float]:
        """Start it; return wall and CPU seconds until it says that it is ready."""
        launch = self.server.launch(self.folder, self.port)
        env = {**launch.env, "HOME": str(self.folder)}
        began = time.perf_counter()
        self.process = Started(launch.argv, env=env, folder=self.folder, log=self.folder / "log")
        while time.perf_counter() - began < patience and self.process.running:
            try:
                if self.request(Ask(path=launch.ready), 5)[0] == 200:
                    return time.perf_counter() - began, self.process.cpu()
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)
        tail = (self.folder / "log").read_text(errors="replace")[-600:]
        self.stop()
        raise RuntimeError(f"{self.server.title} did not come up: {tail}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def kill(self) -> None:
        """End it, and all that it started, at once."""
        self.running.kill()
        self.process = None

    def request(self, ask: Ask, patience: float) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        head = self.server.head(self.folder) if ask.kind != "page" else {"cookie": self.cookie()}
        try:
            connection.request(
                "POST" if ask.body else "GET", ask.path, ask.body or None, {**head, "content-type": ask.kind}
            )
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def timed(self, ask: Ask, patience: float) -> tuple[float, int]:
        """Return how long an answer took, in milliseconds, and its bytes.

        Raises:
            RuntimeError: it is not the one that is wanted.

        """
        began = time.perf_counter()
        status, body = self.request(ask, patience)
        took = (time.perf_counter() - began) * 1e3
        if status != 200 or ask.wants.encode() not in body.replace(b'": ', b'":').replace(b", ", b","):
            raise RuntimeError(f"{self.server.title}, {ask.path[:60]}: {status} {body[:300]!r}")
        return took, len(body)

    def cookie(self) -> str:
        """Sign in to Rowen's pages, once."""
        if not self._cookie:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            connection.request("GET", "/sign-in")
            response = connection.getresponse()
            response.read()
            form = (response.getheader("set-cookie") or "").partition(";")[0]
            key = (self.folder / "secret").read_text()
            body = urlencode({"csrf": form.partition("=")[2], "key": key, "to": "/"})
            head = {"content-type": "application/x-www-form-urlencoded", "cookie": form}
            connection.request("POST", "/sign-in", body, head)
            self._cookie = (connection.getresponse().getheader("set-cookie") or "").partition(";")[0]
            connection.close()
        return self._cookie

    def kept(self) -> set[str]:
        """Return the ids of the spans in its file."""
        return {id for (id,) in self._read(self.server.kept)}

    def count(self) -> int:
        return int(self._read("SELECT count(*) FROM spans")[0][0])

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        path = self.folder / self.server.file
        # Closed at once: as long as somebody reads, the log cannot be put away.
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as reading:
            return reading.execute(query).fetchall()

    def disk(self) -> int:
        return sum(file.stat().st_size for file in (self.folder / "data").rglob("*") if file.is_file())


class Senders:
    """Sends requests over a few kept connections, each from a thread."""

    def __init__(self, target: Target, requests: Iterator[tuple[bytes, list[str]]], senders: int = SENDERS) -> None:
        self._target = target
        self._requests = requests
        self._lock = threading.Lock()
        self.acknowledged: list[str] = []
        self.sent = self.size = self.turned_away = 0
        self.said = ""
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(senders)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        head = {**self._target.server.head(self._target.folder), "content-type": "application/x-protobuf"}
        connection = http.client.HTTPConnection("127.0.0.1", self._target.port, timeout=120)
        while not self.stop.is_set():
            with self._lock:
                body, ids = next(self._requests, (b"", []))
            if not body:
                break
            while not self.stop.is_set():
                try:
                    connection.request("POST", "/v1/traces", body, head)
                    response = connection.getresponse()
                    said = response.read()
                except (OSError, http.client.HTTPException) as error:
                    self.said = repr(error)
                    connection.close()
                    if not isinstance(error, http.client.RemoteDisconnected):
                        return
                    continue  # a kept connection that the server closed meanwhile
                if response.status == 200:
                    with self._lock:
                        self.acknowledged += ids
                        self.sent += len(ids)
                        self.size += len(body)
                    break
                self.turned_away += 1
                self.said = f"{response.status} {said[:200]!r}"
                if response.status not in {429, 503}:
                    return
                time.sleep(float(response.getheader("retry-after") or 0.2))
        connection.close()


class Bench:
    """One run: the servers, and the figures found so far."""

    def __init__(self, servers: list[Server], folder: Path, *, rounds: int, patience: float) -> None:
        self.rounds = rounds
        self.patience = patience
        self.targets = [Target(each, folder / each.name, free_port()) for each in servers]
        self.figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.troubles: list[str] = []
        self._load = Load()
        self._given: dict[str, int] = defaultdict(int)

    def close(self) -> None:
        for target in self.targets:
            target.stop()

    def note(self, target: Target, figure: str, value: float) -> None:
        self.figures[target.server.name][figure].append(value)

    def start(self, times: int) -> None:
        """Start each a few times, one alone at a time, and leave them running; who does not come up is left out."""
        for target in list(self.targets):
            try:
                for turn in range(times):
                    target.stop()
                    wall, _ = target.start()
                    time.sleep(4)  # MLflow's workers go on starting after the first has answered
                    if turn or times == 1:  # the first makes the tables
                        self.note(target, "start_wall", wall)
                        self.note(target, "start_cpu", target.running.cpu())
                        self.note(target, "start_mib", target.running.memory()["pss"] * 1e6 / MIB)
                        self.note(target, "processes", len(target.running.pids()))
            except RuntimeError as error:
                self.trouble(str(error))
                self.targets.remove(target)

    def fill(self, spans: dict[str, int]) -> None:
        """Send spans in rounds, the servers in turn, until each has its number."""
        before = {target.server.name: target.disk() for target in self.targets}
        for turn in range(self.rounds):
            for target in self._turned(turn):
                self._fill(target, spans[target.server.name] // 6 // self.rounds)
        for target in self.targets:
            target.stop()  # puts the log away
            grown = target.disk() - before[target.server.name]
            if count := target.count():
                self.note(target, "disk_mib", grown / MIB / count * 1000)
            target.start()

    def _fill(self, target: Target, traces: int) -> None:
        name = target.server.name
        there = target.count()
        requests = self._load.requests(self._given[name], traces)
        self._given[name] += traces
        process = target.running
        rate = self._idle(target)
        used, began = process.spent(), time.perf_counter()
        peak = 0.0
        with Senders(target, requests) as sending:
            while sending.busy:
                peak = max(peak, process.memory()["pss"] * 1e6 / MIB)
                process.spent()
                time.sleep(0.3)
        answered = time.perf_counter() - began
        deadline = time.perf_counter() + self.patience
        while target.count() - there < traces * 6 and time.perf_counter() < deadline:
            peak = max(peak, process.memory()["pss"] * 1e6 / MIB)
            time.sleep(0.5)
        wall = time.perf_counter() - began
        time.sleep(SETTLE)
        seconds = time.perf_counter() - began
        count = target.count() - there
        cpu = process.spent() - used - rate * seconds
        if count != traces * 6 or sending.turned_away:
            self.trouble(
                f"{target.server.title}: {count:,} of {traces * 6:,} spans came to be there, "
                f"{sending.turned_away} requests were turned away {sending.said}"
            )
        if count:
            self.note(target, "cpu_us", cpu / count * 1e6)
            self.note(target, "spans_s", count / wall)
            self.note(target, "late_s", wall - answered)
            self.note(target, "peak_mib", peak)
            self.note(target, "span_bytes", sending.size / max(sending.sent, 1))
        print(
            f"  {target.server.title}: {count:,} spans in {wall:.0f} s, {cpu / max(count, 1) * 1e6:,.0f} µs", flush=True
        )

    def _idle(self, target: Target) -> float:
        """Return the seconds of CPU that a server takes each second by itself, once it has come to rest."""
        rate = 1.0
        for _ in range(20):
            before, began = target.running.spent(), time.perf_counter()
            time.sleep(3)
            rate = (target.running.spent() - before) / (time.perf_counter() - began)
            if rate < 0.1:
                break
        return rate

    def ask(self) -> None:
        """Ask each question in turns: every server once a round."""
        late: set[tuple[str, str]] = set()
        for turn in range(max(self.rounds, 5)):
            for target in self._turned(turn):
                for name, ask in target.server.asks(target.folder).items():
                    self._ask(target, name, ask, late)

    def open(self, spans: dict[str, int]) -> None:
        """Send one large trace, and open it."""
        for target in self.targets:
            count = spans[target.server.name]
            if not count:
                continue
            trace, requests = Load().large(count)
            there, used = target.count(), target.running.spent()
            with Senders(target, ((body, []) for body in requests), 1) as sending:
                pass
            deadline = time.perf_counter() + self.patience
            while target.count() - there < count and time.perf_counter() < deadline:
                time.sleep(0.5)
            if target.count() - there < count:
                self.trouble(f"{target.server.title}: {target.count() - there:,} of {count:,} spans {sending.said}")
            self.note(target, "large_cpu_us", (target.running.spent() - used) / count * 1e6)
            self.note(target, "large_spans", count)
            late: set[tuple[str, str]] = set()
            for _ in range(5):
                for name, ask in target.server.opens(target.folder, trace).items():
                    self._ask(target, name, ask, late)

    def kill(self, kills: dict[str, int], seed: int) -> None:
        """Kill each server at random moments of a load, start it again, and count what it had acknowledged and lost."""
        for target in self.targets:
            dice = random.Random(seed)
            lost = sent = 0
            for turn in range(kills[target.server.name]):
                moment = dice.uniform(0.05, 1.5)
                requests = Load(seed=1000 + seed * 1000 + turn).requests(0, 5_000, dice.choice((6, 60, 100, 500)))
                with Senders(target, requests) as sending:
                    time.sleep(moment)
                    target.kill()
                    sending.stop.set()
                target.start()
                gone = set(sending.acknowledged) - target.kept()
                lost += len(gone)
                sent += sending.sent
                if gone:
                    print(
                        f"  {target.server.title}: {len(gone)} of {sending.sent} lost after {moment:.2f} s", flush=True
                    )
            if kills[target.server.name]:
                self.note(target, "kills", kills[target.server.name])
                self.note(target, "killed_sent", sent)
                self.note(target, "killed_lost", lost)
                self.note(target, "killed_lost_pct", 100 * lost / max(sent, 1))

    def _ask(self, target: Target, name: str, ask: Ask, late: set[tuple[str, str]]) -> None:
        if (target.server.name, name) in late:
            return
        used = target.running.spent()
        try:
            took, size = target.timed(ask, self.patience)
        except TimeoutError:
            self.trouble(f"{target.server.title}, {name}: no answer after {self.patience:g} s; not asked again")
            late.add((target.server.name, name))
            self.note(target, f"{name}_ms", self.patience * 1e3)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            self.trouble(str(error))
            late.add((target.server.name, name))
        else:
            self.note(target, f"{name}_ms", took)
            self.note(target, f"{name}_kib", size / 1024)
            self.note(target, f"{name}_cpu", (target.running.spent() - used) * 1e3)

    def trouble(self, said: str) -> None:
        self.troubles.append(said)
        print(f"! {said}", file=sys.stderr, flush=True)

    def medians(self) -> dict[str, dict[str, float]]:
        return {
            name: {
                # The system counts time in hundredths of a second, so that only the mean says what one asking takes.
                figure: (statistics.fmean if figure.endswith("_cpu") else statistics.median)(values)
                for figure, values in figures.items()
                if values
            }
            for name, figures in self.figures.items()
        }

    def _turned(self, turn: int) -> list[Target]:
        at = turn % max(len(self.targets), 1)
        return self.targets[at:] + self.targets[:at]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def written(path: Path, record: dict[str, Any]) -> None:
    path.write_text(json.dumps(record, indent=1) + "\n")


def machine() -> str:
    """What it was measured on, in a line."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        "unknown processor",
    )
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), Python {sys.version.split()[0]}, load average {load:.1f} at the start"
