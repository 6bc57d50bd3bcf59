"""A served Rowen, and a client that speaks Langfuse's API with a key of each kind."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from rowen.testing.serving import Running, serving

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
"""


class Client:
    """Sends requests to one Rowen with one key."""

    def __init__(self, rowen: Running, key: str) -> None:
        self.rowen, self.key = rowen, key

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        basic = base64.b64encode(f"pk-any:{self.key}".encode()).decode()
        head = {"authorization": f"Basic {basic}"} if self.key else {}
        head |= {"content-type": "application/json"} if raw is not None else {}
        connection = http.client.HTTPConnection(urlsplit(self.rowen.url).netloc, timeout=20)
        connection.request(method, f"/api/public/{path}", raw, {**head, **headers})
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply.status, json.loads(text) if text else None

    def of(self, name: str, **wanted: Any) -> "Client":
        """A client of another key."""
        return Client(self.rowen, self.rowen.new_key(name, **wanted))


@pytest.fixture(scope="module")
def rowen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.toml").write_text(APP)
    with serving(folder / "app.toml", store=f"sqlite:{folder}/data") as running:
        yield running


@pytest.fixture(scope="module")
def langfuse(rowen: Running) -> Client:
    """A client whose key may call, read and change."""
    return Client(rowen, rowen.new_key("langfuse", scopes=("call", "manage")))


@pytest.fixture(scope="module")
def other(langfuse: Client) -> Client:
    """The same in another tenant."""
    return langfuse.of("other", tenant="globex", scopes=("call", "manage"))
