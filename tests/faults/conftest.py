"""A served Rowen before a fault upstream, asked over real sockets in both vendors' shapes."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from rowen.testing.processes import Nursery
from rowen.testing.serving import Running, serving
from rowen.testing.upstream import FaultUpstream

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The data of a stream's events."""
        lines = [line[5:].strip() for line in self.body.split(b"\n") if line.startswith(b"data:")]
        return [line.decode() if line == b"[DONE]" else json.loads(line) for line in lines]

    @property
    def error(self) -> dict[str, Any]:
        """The error, as a body or as the stream's last event."""
        if self.headers.get("content-type", "").startswith("application/json"):
            return self.json["error"]
        return next(event["error"] for event in self.events if isinstance(event, dict) and "error" in event)

    @property
    def text(self) -> str:
        """What was said, in either shape, streamed or not."""
        if self.headers["content-type"].startswith("application/json"):
            if "choices" in self.json:
                return self.json["choices"][0]["message"]["content"]
            return "".join(part["text"] for part in self.json["content"])
        said = []
        for event in self.events:
            if not isinstance(event, dict):
                continue
            if event.get("choices"):
                said.append(event["choices"][0]["delta"].get("content") or "")
            elif event.get("type") == "content_block_delta":
                said.append(event["delta"].get("text", ""))
        return "".join(said)

    @property
    def trace(self) -> str:
        return self.headers["x-rowen-trace"]


class Client:
    """Asks one address."""

    def __init__(self, url: str, key: str = "", admin: str = "") -> None:
        self.url = url
        self.netloc = urlsplit(url).netloc
        self.key = key
        self.admin = admin

    def send(self, method: str, path: str, body: object = None, key: str = "", **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.netloc, timeout=30)
        try:
            raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            if key:
                sent.setdefault("authorization", f"Bearer {key}")
            if raw is not None:
                sent.setdefault("content-type", "application/json")
            connection.request(method, path, raw, sent)
            reply = connection.getresponse()
            text = reply.read()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, text)
        finally:
            connection.close()

    def ask(
        self, shape: str = "openai", *, model: str = "main", text: str = "hi", key: str = "", **more: Any
    ) -> Answer:
        headers = more.pop("headers", {})
        body = {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": 50, **more}
        return self.send("POST", PATHS[shape], body, key or self.key, **headers)

    def api(self, path: str, method: str = "GET", body: object = None) -> Any:
        """What the management API says, as an admin hears it."""
        answer = self.send(method, path, body, self.admin)
        assert answer.status < 300, answer.body
        return answer.json["data"]

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        text = self.send("GET", "/metrics").body.decode()
        return sum(float(found) for found in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


class Live(Client):
    """A client of a server in this process."""

    def __init__(self, running: Running) -> None:
        super().__init__(running.url, running.key, running.admin)
        self.running = running
        self.opened = running.opened

    def trace(self, id: str) -> Any:
        """A whole trace, once it is written."""
        self.running.do(self.opened.traces_written())
        return self.api(f"/api/traces/{id}")

    def traces(self) -> list[Any]:
        """The rows of the newest traces."""
        self.running.do(self.opened.traces_written())
        return self.api("/api/traces")


def _until(claim: Callable[[], Any], within: float = 20.0) -> Any:
    """Ask again until something holds, and return it."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while True:
        if found := claim():
            return found
        assert time.monotonic() < deadline, "it did not come to hold in time"
        pause.wait(0.01)


@pytest.fixture
def until():
    return _until


@pytest.fixture
def up() -> Iterator[FaultUpstream]:
    with FaultUpstream.in_thread() as upstream:
        yield upstream


Serve = Callable[..., Live]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Serve]:
    """Serves an app written as TOML; settings of the server follow."""
    with ExitStack() as stack:

        def serve(app: str, *, store: str = "memory:", **settings: Any) -> Live:
            path = tmp_path / "app.toml"
            path.write_text('[app]\nname = "shop"\n' + app)
            return Live(stack.enter_context(serving(path, store=store, **settings)))

        yield serve


BORN_WITH = (
    "rowen.cli.main",
    "rowen.cli.serve",
    "rowen.store.sqlite.store",
    "rowen.store.postgres.store",
    "rowen.provider.openai",
    "uvloop",
)
"""What servers have imported before they start: as well as `rowen serve`, what it imports only when it is needed."""

ROWEN = """
import runpy, sys
sys.stdout.reconfigure(line_buffering=True)
runpy.run_module("rowen", run_name="__main__", alter_sys=True)
"""


class Process(Client):
    """A server in a process of its own."""

    def __init__(
        self, nursery: Nursery, folder: Path, app: Path, flags: tuple[str, ...], environment: dict[str, str]
    ) -> None:
        self.errors = folder / f"stderr-{time.monotonic_ns()}.txt"
        self.folder = folder
        command = ["serve", app, "--port", "0", *flags]
        self.process = nursery.start(ROWEN, *command, errors=self.errors, env={**os.environ, **environment}, cwd=folder)
        self.said: list[str] = []
        url, admin = "", ""
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"listens on (http://\S+)", line):
                url = found[1]
            if found := re.search(r"Admin key, shown this once: (\S+)", line):
                admin = found[1]
            if url:
                break
        super().__init__(url, admin=admin)
        if url:
            _until(self._ready, 60)

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.errors.read_text()
        try:
            return self.send("GET", "/readyz").status == 200
        except OSError:
            return False

    def first_admin(self) -> str:
        """The key that a first start shows once."""
        line = self.process.stdout.readline()
        self.said.append(line)
        found = re.search(r"Admin key, shown this once: (\S+)", line)
        assert found, line
        self.admin = found[1]
        return self.admin

    def new_key(self, name: str, **more: Any) -> str:
        return self.api("/api/keys", "POST", {"name": name, **more})["secret"]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture(scope="session")
def servers() -> Iterator[Nursery]:
    """What starts servers quickly: to import all of Rowen takes as long as all else that a start does."""
    nursery = Nursery(BORN_WITH)
    yield nursery
    nursery.close()


@pytest.fixture
def process(tmp_path: Path, servers: Nursery) -> Iterator[Callable[..., Process]]:
    """Starts servers in processes of their own, in one folder."""
    started: list[Process] = []

    def start(app: str, *flags: str, server: str = "", nursery: Nursery = servers, **environment: str) -> Process:
        path = tmp_path / "app.toml"
        path.write_text('[app]\nname = "shop"\n' + app)
        if server:
            (tmp_path / "server.toml").write_text(server)
        made = Process(nursery, tmp_path, path, flags, environment)
        started.append(made)
        return made

    try:
        yield start
    finally:
        for each in started:
            each.process.end()


@pytest.fixture
def rowen(tmp_path: Path, servers: Nursery):
    """Runs the command line in a folder of its own."""

    def run(*words: str, cwd: Path = tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
        return servers.run(ROWEN, *words, env={**os.environ, **environment}, cwd=cwd)

    return run


@pytest.fixture
def together():
    """Runs a function for each item in threads of their own and returns what they gave, in order."""

    @contextmanager
    def started(work: Callable[[Any], Any], items: Any) -> Iterator[list[Any]]:
        outcomes: list[Any] = [None] * len(items)

        def one(number: int, item: Any) -> None:
            try:
                outcomes[number] = work(item)
            except Exception as error:  # noqa: BLE001 - handed to whoever looks
                outcomes[number] = error

        threads = [threading.Thread(target=one, args=(number, item)) for number, item in enumerate(items)]
        for thread in threads:
            thread.start()
        try:
            yield outcomes
        finally:
            for thread in threads:
                thread.join(60)

    return started
