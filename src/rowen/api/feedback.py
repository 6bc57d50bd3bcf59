"""`POST /v1/feedback`: what a user says of an answer or does with it, with a key, or from a browser with a token."""

from dataclasses import dataclass
from typing import Any, get_args

import msgspec

from rowen.access import Directory
from rowen.access.network import neighbourhood
from rowen.api import body as bodies
from rowen.api.base import DoorSettings, Receive, Scope, Services
from rowen.api.envelope import Envelope, Inbound
from rowen.api.openai import errors
from rowen.api.parse.fields import invalid, number, string, wrong
from rowen.api.reply import Headers
from rowen.api.simple import SimpleDoor, Told
from rowen.score.feedback import Desk, Event, Said
from rowen.score.tokens import Permit, Tokens
from rowen.store.base import Counters
from rowen.values import Refused, Score

SHAPE = "feedback"

_TEXTS = ("trace", "span", "session", "user", "name", "reason", "comment", "correction", "event", "text")
_KNOWN = frozenset((*_TEXTS, "value", "token"))
_BODY = 131_072
_MINUTE = 60_000_000_000
# No cookie is read here, so any page may ask: what it may do, its token says.
_OPEN = ((b"access-control-allow-origin", b"*"),)
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"POST, DELETE"),
    (b"access-control-allow-headers", b"authorization, content-type, x-api-key"),
    (b"access-control-max-age", b"86400"),
]


class Pace:
    """How much feedback may come from one address without a key, counted for all workers together."""

    def __init__(self, counters: Counters, *, per_minute: int = 60) -> None:
        self._counters = counters
        self._per_minute = per_minute

    async def enter(self, address: str, now_ns: int) -> None:
        """Count one message.

        Raises:
            Refused: `feedback_throttled` with the seconds to wait.

        """
        minute = now_ns // _MINUTE
        ends = (minute + 1) * _MINUTE
        if not await self._counters.take(f"feedback:{neighbourhood(address)}:{minute}", 1, self._per_minute, ends):
            raise Refused("feedback_throttled", retry_after=max(1.0, -(-(ends - now_ns) // 1_000_000_000)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What the door is handed."""

    directory: Directory
    tokens: Tokens
    desk: Desk
    pace: Pace


class FeedbackDoor(SimpleDoor):
    """Takes feedback in, and back out again with DELETE. Browsers of any origin may ask."""

    shape = SHAPE
    methods = ("POST", "DELETE")
    always = _OPEN

    def __init__(self, services: Services, feedback: Feedback) -> None:
        super().__init__(services, errors.body)
        self._feedback = feedback
        self._settings = services.settings.but(body_limit=min(services.settings.body_limit, _BODY))

    async def tell(self, inbound: Inbound) -> Told:
        """Return what was kept, or how much was taken back."""
        feedback, envelope = self._feedback, inbound.envelope
        _check_head(envelope, self._settings)
        found = bodies.table_of(await bodies.read(inbound.receive, self._settings), self._settings.depth)
        token = string(found.get("token") or "", "token")
        if token:
            await feedback.pace.enter(envelope.address, inbound.started_ns)
        permit = feedback.tokens.opened(token) if token else await self._keyed(envelope)
        said = _said(found, permit)
        apps = frozenset(permit.apps)
        if envelope.method == "DELETE":
            return _told({"deleted": await feedback.desk.take_back(said, permit.tenant, apps=apps)}, 200)
        kept = await feedback.desk.take(said, permit.tenant, apps=apps, known_only=bool(token))
        return _told({"data": [_shown(score) for score in kept]}, 201)

    async def _told(self, scope: Scope, receive: Receive, trace: str, started: int) -> Told:
        if scope["method"] == "OPTIONS":
            return Told(b"", 204, [*_PREFLIGHT, (b"allow", self._allowed())])
        return await super()._told(scope, receive, trace, started)

    async def _keyed(self, envelope: Envelope) -> Permit:
        """Return what a key permits: all traces of its tenant, in its apps."""
        entry = await self._feedback.directory.admit(envelope.digest, envelope.address, "call", endpoint=SHAPE)
        return Permit(tenant=entry.key.tenant, trace="", user=envelope.user, apps=entry.key.apps, expires_ns=0)


def _check_head(envelope: Envelope, settings: DoorSettings) -> None:
    """As for other bodies, but `text/plain` passes: a page that is left sends that without asking first."""
    if envelope.content_type.partition(";")[0].strip().lower() == "text/plain":
        envelope.content_type = "application/json"
    bodies.check_head(envelope, settings)


def _said(found: dict[str, Any], permit: Permit) -> Said:
    for field in found:
        if field not in _KNOWN:
            raise invalid(field[:60], f"{field[:60]!r} is not known; there are {', '.join(sorted(_KNOWN))}")
    texts = {name: string(found[name], name) for name in _TEXTS if found.get(name) is not None}
    value = found.get("value")
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise wrong("value", "a number, a boolean or a string", value)
    if texts.get("event") and texts["event"] not in get_args(Event):
        raise invalid("event", f"event must be one of {', '.join(get_args(Event))}")
    said = msgspec.convert(texts, Said).but(value=number(value, "value") if type(value) is int else value)
    if permit.trace:
        if said.trace not in {"", permit.trace}:
            raise Refused("feedback_token", "the feedback token is for another answer", place="trace")
        return said.but(trace=permit.trace, user=permit.user)
    return said if said.user else said.but(user=permit.user)


def _shown(score: Score) -> dict[str, Any]:
    """Return what the user's own program may know of a score."""
    return {"id": score.id, "name": score.name, "value": score.value, "trace": score.trace}


def _told(answer: dict[str, Any], status: int) -> Told:
    return Told(msgspec.json.encode(answer), status, [(b"cache-control", b"no-store")])
