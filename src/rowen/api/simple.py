"""A door that answers from what is here, without walking the chain: models, stored answers, counts."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from rowen.api.base import Receive, Scope, Send, Services
from rowen.api.body import Gone
from rowen.api.envelope import Inbound, Opener
from rowen.api.reply import Headers, Reply, retry_headers
from rowen.values import Broken, Mistaken, Problem, new_id

log = logging.getLogger(__name__)

ErrorBody = Callable[[Problem, str], bytes]


@dataclass(frozen=True, slots=True)
class Told:
    """What a simple door answers."""

    body: bytes
    status: int = 200
    headers: Headers = field(default_factory=list)
    content_type: bytes = b"application/json"
    pieces: AsyncIterator[bytes] | None = None
    """In place of `body`: what is too large to be held at once."""


class SimpleDoor:
    """Opens the envelope, minds the method, and turns a problem into the door's own error shape."""

    shape = ""
    methods: tuple[str, ...] = ("GET",)
    always: tuple[tuple[bytes, bytes], ...] = ()
    """Headers of every answer, refusals too."""

    def __init__(self, services: Services, error_body: ErrorBody) -> None:
        self.services = services
        self._open = Opener(services.settings)
        self._error_body = error_body

    async def tell(self, inbound: Inbound) -> Told:
        """Return the answer.

        Raises:
            Problem: there is none.

        """
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = self.services.clock.now_ns()
        trace = new_id(started)
        reply = Reply(send, trace)
        empty = scope["method"] == "HEAD"
        try:
            told = await self._told(scope, receive, trace, started)
        except Gone:
            return
        except Problem as problem:
            await self._refuse(reply, problem, trace, empty=empty)
        except Exception as error:  # whoever asked is answered whatever breaks, and it is recorded
            log.exception("the door broke on %s", trace)
            await self._refuse(reply, Broken("broken", f"{type(error).__name__} at the door"), trace, empty=empty)
        else:
            headers = [*self.always, *told.headers]
            if told.pieces is not None and not empty:
                await reply.flow(told.pieces, headers, told.content_type)
                return
            await reply.whole(told.status, told.body, headers, empty=empty, content_type=told.content_type)

    async def _told(self, scope: Scope, receive: Receive, trace: str, started: int) -> Told:
        method = scope["method"]
        if method == "OPTIONS":
            return Told(b"", 204, [(b"allow", self._allowed())])
        if method not in self.methods and not (method == "HEAD" and "GET" in self.methods):
            raise Mistaken("method_not_allowed", f"{scope['path']} does not take {method[:20]}")
        inbound = Inbound(
            envelope=self._open(scope),
            trace=trace,
            started_ns=started,
            receive=receive,
            query=scope.get("query_string", b""),
        )
        return await self.tell(inbound)

    async def _refuse(self, reply: Reply, problem: Problem, trace: str, *, empty: bool) -> None:
        self.services.metrics.refused(self.shape, problem.status, problem.code)
        headers = [*self.always, *retry_headers(problem)]
        if problem.code == "method_not_allowed":
            headers.append((b"allow", self._allowed()))
        await reply.whole(problem.status, self._error_body(problem, trace), headers, empty=empty)

    def _allowed(self) -> bytes:
        more = ("HEAD",) if "GET" in self.methods else ()
        return ", ".join((*self.methods, *more, "OPTIONS")).encode()
