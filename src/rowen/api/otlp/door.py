"""The OTLP doors: `/v1/traces` keeps spans; `/v1/logs` and `/v1/metrics` say that they keep next to nothing.

A program that is told one address sends all three signals there. To answer 404 would fill its log with errors; to answer
200 in silence would lie. So they are taken, counted, and answered with a partial success that says what became of them.
"""

import logging
from collections.abc import Iterable
from typing import Protocol

from rowen.access import Entry
from rowen.api.base import Receive, Scope, Send
from rowen.api.body import Gone
from rowen.api.envelope import Envelope, Opener
from rowen.api.otlp import answer
from rowen.api.otlp.base import SHAPE, Receiving
from rowen.api.otlp.body import check_size, read
from rowen.api.reply import Reply, retry_headers
from rowen.trace.intake import json, protobuf
from rowen.trace.intake.judged import EVENT
from rowen.trace.intake.take import Sender
from rowen.values import Broken, Happening, Mistaken, Problem, new_id

log = logging.getLogger(__name__)

ONLY = "Rowen keeps spans, and of log records only gen_ai.evaluation.result"

LATER = 5.0
"""Seconds after which a sender may come again when the store cannot be written."""


class Signal(Protocol):
    """What is done with the bodies of one signal."""

    async def __call__(self, receiving: Receiving, body: bytes, kind: str, sender: Sender) -> bytes:
        """Return the answer's body; `kind` is the content type."""
        ...


async def spans(receiving: Receiving, body: bytes, kind: str, sender: Sender) -> bytes:
    """Keep spans."""
    sent = json.sent(body) if kind == answer.JSON else protobuf.sent(body)
    taken = await receiving.intake.take(sent, sender)
    return answer.taken(kind, "rejectedSpans", taken.rejected, taken.sentence)


async def logs(receiving: Receiving, body: bytes, kind: str, sender: Sender) -> bytes:
    """Keep the evaluation results among log records, and say that the others are not kept."""
    reader = json if kind == answer.JSON else protobuf
    dropped = 0
    reasons: list[str] = []
    for resource, _, records in reader.opened(body):
        judged: list[tuple[Happening, str, str]] = []
        for raw in records:
            try:
                name, event, trace, span = reader.record(raw)
            except Mistaken:
                dropped += 1
                continue
            if name == EVENT:
                judged.append((event, trace, span))
            else:
                dropped += 1
        taken = await receiving.intake.judge(judged, sender, str(resource.get("service.name", "")))
        dropped += taken.rejected + taken.misjudged
        reasons += [taken.sentence] if taken.reasons else []
    message = "; ".join((ONLY, *reasons)) if dropped else ""
    return answer.taken(kind, "rejectedLogRecords", dropped, message)


async def metrics(receiving: Receiving, body: bytes, kind: str, sender: Sender) -> bytes:  # noqa: ARG001 - a Signal
    """Say that metrics are not kept."""
    reader = json if kind == answer.JSON else protobuf
    dropped = sum(reader.points(raw) for _, _, found in reader.opened(body) for raw in found)
    message = "Rowen keeps spans, no metrics: it makes its own from them." if dropped else ""
    return answer.taken(kind, "rejectedDataPoints", dropped, message)


class OtlpDoor:
    """One signal's door. A plain ASGI callable."""

    def __init__(self, receiving: Receiving, signal: Signal) -> None:
        self._receiving = receiving
        self._signal = signal
        self._open = Opener(receiving.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, after what it brought is on the disk."""
        trace = new_id(self._receiving.clock.now_ns())
        reply = Reply(send, trace)
        kind = _kind(scope)
        try:
            body = await self._answer(scope, receive, kind)
        except Gone:
            return
        except Problem as problem:
            await self._refuse(reply, problem, kind)
        except Exception as error:  # whoever asked is answered whatever breaks, and it is recorded
            log.exception("the OTLP door broke on %s", trace)
            await self._refuse(reply, Broken("broken", f"{type(error).__name__} at the door"), kind)
        else:
            await reply.whole(200, body, content_type=kind.encode())

    async def _answer(self, scope: Scope, receive: Receive, kind: str) -> bytes:
        receiving = self._receiving
        if scope["method"] != "POST":
            raise Mistaken("method_not_allowed", f"{scope['path']} takes POST, not {scope['method'][:20]}")
        envelope = self._open(scope)
        entry = await receiving.admit(envelope.digest, envelope.address, "call", endpoint=SHAPE)
        sender = sender_of(entry, envelope, scope["headers"])
        if not kind:
            raise Mistaken("content_type", "send application/x-protobuf or application/json", place="content-type")
        check_size(envelope, receiving.settings)
        async with receiving.room.place() as place:
            body = await read(envelope, receive, receiving.settings, place)
            return await self._signal(receiving, body, kind, sender)

    async def _refuse(self, reply: Reply, problem: Problem, kind: str) -> None:
        self._receiving.metrics.refused(SHAPE, problem.status, problem.code)
        if problem.status == 503 and problem.retry_after is None:
            problem.retry_after = LATER
        headers = retry_headers(problem)
        if problem.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        if problem.status == 405:
            headers.append((b"allow", b"POST"))
        body = answer.refused(kind, problem)
        await reply.whole(problem.status, body, headers, content_type=(kind or answer.JSON).encode())


def sender_of(entry: Entry, envelope: Envelope, headers: Iterable[tuple[bytes, bytes]]) -> Sender:
    """Return who sends, and the app that the headers name: Rowen's own, Phoenix's project, MLflow's experiment."""
    found = {name: value.decode("latin-1").strip() for name, value in headers if name in _NAMING}
    experiment = found.get(b"x-mlflow-experiment-id", "")
    app = (envelope.app or found.get(b"x-project-name", ""))[:200]
    return sender_of_key(entry, app=app, otherwise=f"experiment {experiment[:100]}" if experiment else "unnamed")


def sender_of_key(entry: Entry, *, app: str = "", otherwise: str = "unnamed") -> Sender:
    """Return who sends with a key; what a key of one app sends without a name is of that app."""
    only = next(iter(entry.apps)) if len(entry.apps) == 1 else ""
    return Sender(tenant=entry.caller.tenant, apps=entry.apps, app=app, otherwise=only or otherwise)


_NAMING = {b"x-project-name", b"x-mlflow-experiment-id"}


def _kind(scope: Scope) -> str:
    """Return the content type that is spoken, empty for one that is not."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            said = value.decode("latin-1").partition(";")[0].strip().lower()
            if said in {answer.PROTOBUF, "application/protobuf"}:
                return answer.PROTOBUF
            return answer.JSON if said == answer.JSON else ""
    return ""
