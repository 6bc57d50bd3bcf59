"""Two worker processes under load: going back, and a new version of Rowen, without a call that fails."""

import http.client
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

import rowen
from rowen.access import SYSTEM, Directory, Register, Wanted
from rowen.release import Reason, Releases
from rowen.store.catalog import open_store
from rowen.values import SystemClock

from .test_releasing import write

log = logging.getLogger(__name__)

SOURCE = Path(rowen.__file__).parent
NEXT = "99.0.0"


class Load:
    """Callers that ask without a pause, each over one connection for as long as the server keeps it."""

    def __init__(self, port: int, key: str, callers: int = 2) -> None:
        self.answers: list[str] = []
        self._times: list[float] = []
        self.faults: list[str] = []
        self._port, self._key = port, key
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(callers)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(30)

    def last(self, said: str) -> float:
        """Return when this was answered last."""
        return max(at for at, each in zip(self._times, self.answers, strict=False) if each == said)

    def _ask(self) -> None:
        body = json.dumps({"model": "main", "messages": [{"role": "user", "content": "hello"}]})
        head = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._ended.is_set():
            try:
                connection.request("POST", "/v1/chat/completions", body, head)
                reply = connection.getresponse()
                text = reply.read()
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
                connection.close()
                continue
            if reply.status != 200:
                self.faults.append(f"{reply.status} {text[:200]!r}")
            else:
                self._times.append(time.monotonic())
                self.answers.append(json.loads(text)["choices"][0]["message"]["content"])
        connection.close()


def until(true: Callable[[], bool], seconds: float = 90) -> None:
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.02)


@contextmanager
def workers(app: Path, code: Path, store: str) -> Iterator[tuple[int, subprocess.Popen]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "rowen",
        "serve",
        str(app),
        "--port",
        str(port),
        "--store",
        store,
        "--workers",
        "2",
    ]
    environment = {**os.environ, "PYTHONPATH": str(code)}
    with (app.parent / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=app.parent, stdout=log, stderr=log)
        try:
            yield port, process
        finally:
            process.terminate()
            process.wait(60)


def got(port: int, path: str, key: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"authorization": f"Bearer {key}"} if key else {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


@pytest.mark.skipif(os.name == "nt", reason="workers are renewed by a signal that Windows has not")
async def test_going_back_and_a_new_version_of_rowen_fail_no_call(tmp_path):
    (tmp_path / "now").mkdir()
    (tmp_path / "now" / "rowen").symlink_to(SOURCE)
    shutil.copytree(SOURCE, tmp_path / "next" / "rowen")  # with what is compiled, which is most of a start
    init = tmp_path / "next" / "rowen" / "__init__.py"
    init.write_text(re.sub(r'__version__ = "[^"]+"', f'__version__ = "{NEXT}"', init.read_text()))
    (tmp_path / "code").symlink_to(tmp_path / "now")
    app, url = write(tmp_path, "one"), f"sqlite:{tmp_path}/data"
    clock = SystemClock()
    store = await open_store(url, clock=clock)
    directory = Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
    register = Register(keys=store.keys, tenants=store.tenants, audit=store.audit, directory=directory, clock=clock)
    await register.people.ensure_tenant(SYSTEM, "default")
    key = (await register.create(SYSTEM, Wanted(name="t", scopes=("call", "admin")))).secret.reveal()
    desk = Releases(store.records, store.definitions, clock)
    with workers(app, tmp_path / "code", url) as (port, process):
        until(lambda: got(port, "/readyz")[0] == 200)
        first = await desk.live("shop")
        assert first is not None
        with Load(port, key) as load:
            until(lambda: len(load.answers) > 20)
            write(tmp_path, "two")
            (tmp_path / "code").unlink()
            (tmp_path / "code").symlink_to(tmp_path / "next")
            process.send_signal(signal.SIGHUP)
            until(lambda: all(NEXT.encode() in got(port, "/api/openapi.json", key)[1] for _ in range(12)))
            until(lambda: load.answers[-20:] == ["two"] * 20)
            await desk.rollback("shop", Reason(by="ann", note="it is worse"))
            began = time.monotonic()
            until(lambda: load.answers[-20:] == ["one"] * 20)

        log.info(
            "the last old answer came within %.2f s of going back, of %d", load.last("two") - began, len(load.answers)
        )
        assert load.faults == []
        live = await desk.live("shop")
        assert live is not None
        assert (live.definition, live.pinned) == (first.definition, True)
    await store.close()
