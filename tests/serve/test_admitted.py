"""A key that another process has made a moment ago, at each door of a server."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from rowen.access import COOKIE, SYSTEM, Directory, Register, Sessions, Throttle, Wanted
from rowen.serve.server import signing_of
from rowen.serve.settings import ServerSettings
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock

from .deployment import START, deployed

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
"""
UNKNOWN = "The key is not known here. Check for a truncated key, or create one with `rowen keys create`."
SAID = {"model": "main", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}


@dataclass(frozen=True)
class Door:
    """One request, what it is answered with, and where a refusal says what."""

    method: str
    path: str
    body: object = None
    status: int = 200
    refused: tuple[str, ...] = ("error", "code")
    saying: str = "key_unknown"
    basic: bool = False
    in_pieces: bool = False

    async def ask(self, client: httpx2.AsyncClient, key: str) -> httpx2.Response:
        scheme = f"Basic {base64.b64encode(f'pk:{key}'.encode()).decode()}" if self.basic else f"Bearer {key}"
        head = {"authorization": scheme, "content-type": "application/json"}
        raw = b"" if self.body is None else json.dumps(self.body).encode()
        return await client.request(
            self.method, self.path, headers=head, content=_pieces(raw) if self.in_pieces else raw
        )


async def _pieces(raw: bytes) -> AsyncIterator[bytes]:
    yield raw


DOORS = {
    "chat": Door("POST", "/v1/chat/completions", SAID),
    "chat whose length nobody says": Door("POST", "/v1/chat/completions", SAID, in_pieces=True),
    "messages": Door("POST", "/v1/messages", SAID),
    "tokens": Door("POST", "/v1/messages/count_tokens", SAID),
    "models": Door("GET", "/v1/models"),
    "a stored response": Door("GET", "/v1/responses/resp_none", status=404),
    "files": Door("GET", "/v1/files"),
    "batches": Door("GET", "/v1/batches"),
    "batches of messages": Door("GET", "/v1/messages/batches"),
    "feedback": Door("POST", "/v1/feedback", {"trace": "0" * 32, "name": "thumbs", "value": True}, status=201),
    "spans": Door("POST", "/v1/traces", {"resourceSpans": []}, refused=("message",), saying=UNKNOWN),
    "flags": Door("POST", "/ofrep/v1/evaluate/flags", {"context": {}}, refused=("errorDetails",), saying=UNKNOWN),
    "Langfuse": Door("GET", "/api/public/v2/prompts", refused=("code",), basic=True),
    "management": Door("GET", "/api/me"),
}


class Counting:
    """The store's revision, and how often it was asked for."""

    def __init__(self, revisions) -> None:
        self._revisions = revisions
        self.asked = 0

    async def revision(self) -> int:
        self.asked += 1
        return await self._revisions.revision()


class Elsewhere:
    """Another process with the same store."""

    def __init__(self, store, clock: FakeClock, signing: bytes) -> None:
        self.directory = Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
        self.register = Register(
            keys=store.keys, tenants=store.tenants, audit=store.audit, directory=self.directory, clock=clock
        )
        self.sessions = Sessions(
            directory=self.directory,
            recorder=self.register.recorder,
            counters=store.counters,
            throttle=Throttle(store.counters, clock),
            signing=signing,
            clock=clock,
        )
        self._clock = clock

    async def key(self):
        """Make a key, long enough after the last look that the server may look again at once."""
        self._clock.move(0.1)
        return await self.register.create(SYSTEM, Wanted(name="new", scopes=("call", "read")))


@asynccontextmanager
async def running(folder):
    """A server that does not follow its store by itself, and another process beside it."""
    (folder / "app.toml").write_text(APP)
    clock = FakeClock(START)
    settings = ServerSettings(store=f"sqlite:{folder}/data")
    async with deployed(folder, clock) as deployment:
        directory = deployment.server.opened.register._directory
        await directory.stop()
        store = await open_store(settings.store, clock=clock)
        try:
            yield deployment, Elsewhere(store, clock, signing_of(settings))
        finally:
            await store.close()


async def test_every_door_knows_a_key_that_another_process_has_just_made(tmp_path):
    async with running(tmp_path) as (deployment, elsewhere):
        answered = {}
        for name, door in DOORS.items():
            made = await elsewhere.key()
            answered[name] = (await door.ask(deployment.client, made.secret.reveal())).status_code

    assert answered == {name: door.status for name, door in DOORS.items()}


async def test_every_door_refuses_an_unknown_key_in_its_own_shape_and_all_of_them_look_together(tmp_path, caplog):
    async with running(tmp_path) as (deployment, _):
        directory = deployment.server.opened.register._directory
        directory._revisions = counting = Counting(directory._revisions)
        answers = await asyncio.gather(*(door.ask(deployment.client, "rk-guessed") for door in DOORS.values()))

    said = {}
    for (name, door), answer in zip(DOORS.items(), answers, strict=True):
        found = answer.json()
        for part in door.refused:
            found = found[part]
        said[name] = (answer.status_code, found)
    assert said == {name: (401, door.saying) for name, door in DOORS.items()}
    assert 1 <= counting.asked <= 2
    assert not any("rk-guessed" in text for text in (caplog.text, *(answer.text for answer in answers)))


async def test_somebody_signs_in_with_a_key_that_another_process_has_just_made(tmp_path):
    async with running(tmp_path) as (deployment, elsewhere):
        made = await elsewhere.key()
        form = await deployment.client.get("/sign-in")
        csrf = re.search(r'name="csrf" value="([^"]+)"', form.text)[1]

        entered = await deployment.client.post("/sign-in", data={"key": made.secret.reveal(), "csrf": csrf})

    assert entered.status_code == 303
    assert COOKIE in entered.cookies


async def test_a_session_that_began_elsewhere_with_a_new_key_goes_on_here(tmp_path):
    async with running(tmp_path) as (deployment, elsewhere):
        made = await elsewhere.key()
        session = await elsewhere.sessions.sign_in(made.secret, "127.0.0.1")
        cookie = elsewhere.sessions.cookie(session, secure=False).partition(";")[0]

        page = await deployment.client.get("/", headers={"cookie": cookie, "authorization": ""})

    assert page.status_code == 200


async def test_a_key_that_another_process_revokes_is_of_no_use_at_the_next_look(tmp_path):
    async with running(tmp_path) as (deployment, elsewhere):
        made = await elsewhere.key()
        before = [(await door.ask(deployment.client, made.secret.reveal())).status_code for door in DOORS.values()]
        await elsewhere.register.revoke(SYSTEM, made.key.id)
        await deployment.server.opened.register._directory.refresh()

        after = [(await door.ask(deployment.client, made.secret.reveal())).status_code for door in DOORS.values()]

    assert 401 not in before
    assert set(after) == {401}
