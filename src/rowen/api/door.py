"""A model door: from the bytes of a request through the chain to the bytes of its answer.

Each vendor's door says how to read a body and how to write an answer; all else is here.
"""

import asyncio
import logging
from contextlib import aclosing
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from rowen.api import body as bodies
from rowen.api.base import Receive, Scope, Send, Services
from rowen.api.body import Gone
from rowen.api.burst import Burst, before_waiting
from rowen.api.envelope import Envelope, Inbound, Opener
from rowen.api.reply import Reply, facts, retry_headers, told, usage_of
from rowen.api.vet import large, vet
from rowen.api.watch import Watch, Watches, WhenGone
from rowen.flow import App, Apps, Walk
from rowen.values import Broken, Call, Door, Event, Finished, Mistaken, Problem, Request, Started, new_id

log = logging.getLogger(__name__)


class Writer(Protocol):
    """Writes one answer in a vendor's shape."""

    def event(self, event: Event) -> bytes:
        """Return what one event makes, perhaps nothing."""
        ...

    async def end(self, call: Call) -> bytes:
        """Return what closes the stream of a finished call."""
        ...

    def fail(self, problem: Problem) -> bytes:
        """Return what closes a stream that has begun and cannot go on."""
        ...

    async def whole(self, call: Call) -> bytes:
        """Return the answer of a finished call in one piece."""
        ...


class Asked(NamedTuple):
    """What a body asks for, and who will write the answer."""

    request: Request
    writer: Writer


class Place(NamedTuple):
    """The app that a model name leads to, and the name that is left for it."""

    app: App
    model: str


class ModelDoor:
    """The part that all model doors share. A plain ASGI callable."""

    shape = ""
    errors: ModuleType
    """`body(problem, trace)` in the vendor's shape."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._open = Opener(services.settings)
        self._watches = Watches(services.settings.notice_gone)

    def plain(self, body: bytes, inbound: Inbound) -> Asked | None:  # noqa: ARG002 - for doors that have one
        """Return what the usual body asks for, where a door reads it in one go; None leaves it to `read`."""
        return None

    async def read(self, body: dict[str, Any], inbound: Inbound) -> Asked:
        """Return what a body asks for.

        Raises:
            Problem: it asks wrongly.

        """
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = self.services.clock.now_ns()
        trace = new_id(started)
        reply = Reply(send, trace)
        metrics = self.services.metrics
        metrics.begin(self.shape)
        try:
            inbound = Inbound(envelope=self._open(scope), trace=trace, started_ns=started, receive=receive)
            answering = self._answer(inbound, self._watches.told_by(scope, receive), reply)
            del scope, inbound  # what a stream holds it holds for as long as it lasts
            await answering
        except Gone:
            metrics.refused(self.shape, 499, "cancelled")
        except Problem as problem:
            await self._refuse(reply, problem, trace)
        except Exception as error:  # whoever asked is answered whatever breaks, and it is recorded
            log.exception("the door broke on %s", trace)
            await self._refuse(reply, Broken("broken", f"{type(error).__name__} at the door"), trace)
        finally:
            metrics.end(self.shape)

    async def _answer(self, inbound: Inbound, when_gone: WhenGone, reply: Reply) -> None:
        services, envelope, trace = self.services, inbound.envelope, inbound.trace
        if envelope.method != "POST":
            await self._other(envelope, reply, trace)
            return
        bodies.check_head(envelope, services.settings)
        if large(envelope, services.settings):  # asked first, which spares all others a coroutine
            await vet(services, envelope, self.shape)
        body = await bodies.read(inbound.receive, services.settings)
        asked = self.plain(body, inbound) or await self.read(bodies.table_of(body, services.settings.depth), inbound)
        request = asked.request
        place, walk = self._begun(envelope, request, trace, inbound.started_ns)
        del inbound, envelope, body
        watch = Watch(when_gone)
        burst = Burst(reply)
        try:
            if request.stream:
                await before_waiting(_play(walk, asked.writer, burst), burst.idle)
                watch.stop()
                await burst.last(await asked.writer.end(walk.call))
            else:
                finished = await walk.answer()
                watch.stop()
                await reply.whole(200, await asked.writer.whole(finished), facts(finished))
        except asyncio.CancelledError:
            if not watch.left():
                raise
        except Problem as problem:
            watch.stop()
            if not reply.begun:
                await reply.whole(problem.status, self.errors.body(problem, trace), retry_headers(problem))
            elif request.stream:
                await burst.last(asked.writer.fail(problem))
            else:
                raise
        finally:
            watch.stop()
            self._counted(place, walk.call, 499 if watch.gone else reply.status or 500)

    async def answer(self, body: bytes, envelope: Envelope, trace: str) -> bytes:
        """Return the whole answer to a body that came without a connection of its own, such as a line of a batch.

        Raises:
            Problem: there is none; the call is recorded all the same.

        """
        services = self.services
        started = services.clock.now_ns()
        inbound = Inbound(envelope=envelope, trace=trace, started_ns=started, receive=_nothing)
        asked = self.plain(body, inbound) or await self.read(bodies.table_of(body, services.settings.depth), inbound)
        if asked.request.stream:
            raise Mistaken("field_unsupported", "An answer in a batch is not streamed.", place="stream")
        place, walk = self._begun(envelope, asked.request, trace, started)
        status = 500
        try:
            whole = await asked.writer.whole(await walk.answer())
            status = 200
        except Problem as problem:
            status = problem.status
            raise
        finally:
            self._counted(place, walk.call, status)
        return whole

    def _begun(self, envelope: Envelope, request: Request, trace: str, started: int) -> tuple[Place, Walk]:
        place = place_of(self.services.apps, envelope.app, request.model)
        if place.model != request.model:
            request = request.but(model=place.model)
        return place, place.app.walk(self._call(envelope, request, place.app, trace, started))

    def _counted(self, place: Place, done: Call, status: int) -> None:
        known = place.model in place.app.models or place.model == place.app.name
        self.services.metrics.called(done, model=place.model if known else "other", status=status, usage=usage_of(done))

    def _call(self, envelope: Envelope, request: Request, app: App, trace: str, started: int) -> Call:
        notes: dict[str, Any] = {}
        if envelope.traceparent or envelope.beta:
            said: dict[str, Any] = {}
            if envelope.traceparent:
                said["traceparent"] = envelope.traceparent
            if envelope.beta:
                said["anthropic_beta"] = list(envelope.beta)
            notes["door"] = said
        return Call(
            id=trace,
            app=app.name,
            definition=app.definition.hash,
            request=request,
            door=Door(
                shape=self.shape,
                path=envelope.path,
                address=envelope.address,
                key_digest=envelope.digest,
                parent=envelope.traceparent[36:52],
                parent_trace=envelope.traceparent[3:35],
                agent=envelope.agent,
            ),
            started_ns=started,
            feature=envelope.feature,
            session=envelope.session,
            end_user=envelope.user or request.user,
            priority=envelope.priority,
            use_cache=envelope.use_cache,
            tags=envelope.tags,
            notes=notes,
        )

    async def _other(self, envelope: Envelope, reply: Reply, trace: str) -> None:
        if envelope.method == "OPTIONS":
            await reply.whole(204, b"", [(b"allow", b"POST, OPTIONS")])
            return
        problem = Mistaken("method_not_allowed", f"{envelope.path} takes POST, not {envelope.method[:20]}")
        self.services.metrics.refused(self.shape, problem.status, problem.code)
        await reply.whole(
            problem.status,
            self.errors.body(problem, trace),
            [(b"allow", b"POST, OPTIONS")],
            empty=envelope.method == "HEAD",
        )

    async def _refuse(self, reply: Reply, problem: Problem, trace: str) -> None:
        if reply.begun:
            # Half an answer has left; closing the connection is all that is left to say.
            log.error("an answer broke off in %s: %s", trace, problem.code)
            return
        self.services.metrics.refused(self.shape, problem.status, problem.code)
        await reply.whole(problem.status, self.errors.body(problem, trace), retry_headers(problem))


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _play(walk: Walk, writer: Writer, burst: Burst) -> None:
    """Write the events as they come."""
    write, put = writer.event, burst.put
    async with aclosing(walk.events()) as events:
        async for batch in events:
            for event in batch:
                # The start and the finish go out with the next piece: fewer writes, and an error right after the start
                # is still a plain HTTP error. No piece is given a name here, since a stream that waits would hold it.
                if type(event) is Started:
                    if event.extra:
                        burst.head = told(event.extra)
                    burst.hold(write(event))
                elif type(event) is Finished:
                    burst.hold(write(event))
                elif put(write(event)):
                    await burst.send()


def place_of(apps: Apps, named: str, model: str) -> Place:
    """Return the app for a model name: the one named by header, or by `app/model`, or by its own name, or the first.

    Raises:
        Mistaken: `app_unknown` when the header names no app that is served.

    """
    if named:
        app = apps.named(named)
        return Place(app, model.removeprefix(f"{named}/") if model not in app.models else model)
    app = apps.named("")
    if model in app.models or model == app.name:
        return Place(app, model)
    first, slash, rest = model.partition("/")
    for other in apps.all():
        if other.name == first:
            return Place(other, rest if slash and rest else model)
    return Place(app, model)
