"""Two servers on one store behind HAProxy and behind nginx, as the documents configure them."""

import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from rowen.testing.upstream import Delay, openai_chat, openai_stream

PAGE = (Path(__file__).parents[2] / "docs/how-to/balance.md").read_text(encoding="utf-8")
APP = """
[models.main]
provider = "openai"
base_url = "{url}/v1"

[models.slow]
provider = "openai"
base_url = "{url}/slow/v1"
"""
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {page}
}}
"""


def on_the_page(language: str) -> str:
    found = re.search(rf"^```{language} .*?\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"{name.upper()} IS NOT HERE: servers behind it were NOT tried. Install {name}.")
    return found


@dataclass
class Load:
    """Callers who ask without a pause, each over one connection for as long as it is kept."""

    port: int
    key: str
    answers: int = 0
    faults: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        for each in self._threads:
            each.join(30)

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.ended.is_set():
            try:
                status, text = posted(connection, self.key, "main")
            except (OSError, http.client.HTTPException) as error:
                self.faults.append(repr(error))
                connection.close()
                continue
            if status == 200:
                self.answers += 1
            else:
                self.faults.append(f"{status} {text[:200]!r}")
        connection.close()


def posted(
    connection: http.client.HTTPConnection, key: str, model: str, *, stream: bool = False, **headers: str
) -> tuple[int, bytes]:
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    head = {"authorization": f"Bearer {key}", "content-type": "application/json", **sent}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), head)
    reply = connection.getresponse()
    return reply.status, reply.read()


@pytest.fixture(params=["haproxy", "nginx"])
def balanced(request, tmp_path: Path) -> Iterator[tuple[int, list[int]]]:
    """The balancer as the page has it: its port, and those of the two servers it looks for."""
    found = program(request.param)
    ports = free_ports(3)
    text = on_the_page(request.param)
    for shown, port in zip(("8080", "8484", "8485"), ports, strict=True):
        text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port}")
    file = tmp_path / f"{request.param}.cfg"
    if request.param == "haproxy":
        file.write_text(text)
        command = [found, "-db", "-f", str(file)]
    else:
        file.write_text(NGINX.format(folder=tmp_path, page=text))
        command = [found, "-c", str(file), "-p", str(tmp_path)]
    with (tmp_path / "balancer.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield ports[0], ports[1:]
    finally:
        process.terminate()
        process.wait(30)


def test_killing_or_stopping_one_of_two_servers_fails_no_call(up, process, until, balanced, together):
    # Long enough for calls to be under way whenever a server goes, and for the callers to leave it time.
    up.on("/v1/chat/completions", Delay(seconds=0.05, then=openai_chat("ok")))
    up.on("/slow/v1/chat/completions", openai_stream(["a"] * 30, gap=0.1))
    port, (first, second) = balanced
    server, app = on_the_page("toml"), APP.format(url=up.url)
    one = process(app, "--port", str(first), server=server)
    one.admin = one.admin or one.first_admin()
    two = process(app, "--port", str(second), server=server)
    key = one.new_key("calls")

    def stream(_: int) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        status, text = posted(connection, key, "slow", stream=True)
        connection.close()
        return "whole" if status == 200 and text.count(b'"a"') == 30 and b"[DONE]" in text else f"{status} {text!r}"

    until(lambda: two.ask(key=key).status == 200)
    with Load(port, key) as load:
        until(lambda: all(each.metric("rowen_requests_total") > 20 for each in (one, two)))
        one.kill()
        killed = load.answers
        until(lambda: load.answers > killed + 50)
        one = process(app, "--port", str(first), server=server)
        until(lambda: one.metric("rowen_requests_total") > 5)
        with together(stream, range(4)) as streams:
            until(lambda: two.metric("rowen_in_flight") >= 2)
            two.process.send_signal(signal.SIGTERM)
            ended = two.process.wait(30)
            stopped = load.answers
            until(lambda: load.answers > stopped + 50)

    assert load.faults == []
    assert streams == ["whole"] * 4
    assert ended in {0, -signal.SIGTERM}


def test_the_balancer_says_who_called_and_nobody_can_say_it_himself(up, process, until, balanced):
    up.on("/v1/chat/completions", openai_chat("ok"))
    port, (first, _) = balanced
    one = process(APP.format(url=up.url), "--port", str(first), server=on_the_page("toml"))
    one.admin = one.admin or one.first_admin()
    key = one.new_key("bound", networks=["127.0.0.2/32"])

    def asked(source: str, **headers: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=(source, 0))
        status, _ = posted(connection, key, "main", **headers)
        connection.close()
        return status

    until(lambda: asked("127.0.0.2") == 200)
    assert asked("127.0.0.3") == 403
    assert asked("127.0.0.3", x_forwarded_for="127.0.0.2") == 403
