"""Sends one answer: whole, or as a stream whose head waits for its first event."""

from collections.abc import AsyncIterator, Awaitable
from math import ceil

from rowen.api.base import Send
from rowen.values import Attempt, Call, Problem, Usage, usd

Headers = list[tuple[bytes, bytes]]

FOLLOWED = "rowen.followed"
"""Set in the message that begins a stream: its first piece is there and comes next. Other servers leave it unread."""

_STREAM: tuple[tuple[bytes, bytes], ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # Proxies of the nginx family would gather the events otherwise.
    (b"x-accel-buffering", b"no"),
)


class Reply:
    """The answer to one request as it is sent. Every answer bears the trace id."""

    __slots__ = ("_send", "_trace", "begun", "status")

    def __init__(self, send: Send, trace: str) -> None:
        self._send = send
        self._trace = trace.encode()
        self.begun = False
        self.status = 0

    async def whole(
        self,
        status: int,
        body: bytes,
        headers: Headers | None = None,
        *,
        empty: bool = False,
        content_type: bytes = b"application/json",
    ) -> None:
        """Send an answer in one piece; `empty` leaves the body out, as HEAD wants it."""
        self.begun = True
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"content-length", b"%d" % len(body)),
                    *self._known(),
                    *(headers or ()),
                ],
            }
        )
        await self._send({"type": "http.response.body", "body": b"" if empty else body})

    async def flow(self, pieces: AsyncIterator[bytes], headers: Headers, content_type: bytes) -> None:
        """Send an answer piece by piece, as it is read."""
        self.begun = True
        self.status = 200
        head = [(b"content-type", content_type), *self._known(), *headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": head})
        async for piece in pieces:
            await self.more(piece)
        await self.last(b"")

    async def begin(self, headers: Headers) -> None:
        """Send the head of a stream, whose first piece is sent next."""
        self.begun = True
        self.status = 200
        head = [*_STREAM, *self._known(), *headers]
        await self._send({"type": "http.response.start", "status": 200, "headers": head, FOLLOWED: True})

    def more(self, chunk: bytes) -> Awaitable[None]:
        """Send a piece of a stream."""
        return self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    def last(self, chunk: bytes) -> Awaitable[None]:
        """Send the last piece of a stream."""
        return self._send({"type": "http.response.body", "body": chunk, "more_body": False})

    def _known(self) -> Headers:
        trace = self._trace
        # `request-id` is where Anthropic's clients look for it.
        return [(b"x-rowen-trace", trace), (b"x-request-id", trace), (b"request-id", trace)]


def sentence(problem: Problem) -> str:
    """Return what happened and where, ended by what to do about it."""
    said = problem.message
    if problem.place and problem.place not in said:
        said = f"{said} ({problem.place})"
    if said[-1:] not in {".", "!", "?"}:
        said += "."
    return f"{said} {problem.next_step}"


def retry_headers(problem: Problem) -> Headers:
    """Return when to come again: whole seconds, and milliseconds for clients that read them."""
    if problem.retry_after is None:
        return []
    seconds = max(problem.retry_after, 0.0)
    return [
        (b"retry-after", str(ceil(seconds)).encode()),
        (b"retry-after-ms", str(ceil(seconds * 1000)).encode()),
    ]


def facts(call: Call) -> Headers:
    """Return what the head of a whole answer tells: cost, cache, who answered, and what was left out."""
    if call.source == "cache":
        cache = b"similar" if call.notes.get("route", {}).get("cache") == "similar" else b"hit"
    elif call.plan is not None and call.plan.cache_key:
        cache = b"miss"
    else:
        cache = b"off"
    cost = call.cost
    if cost is None and not call.attempts:
        cost = usd(0)
    headers: Headers = [
        (b"x-rowen-cost", b"unknown" if cost is None else str(cost).encode()),
        (b"x-rowen-cache", cache),
    ]
    used = used_attempt(call)
    if used is not None:
        headers.append((b"x-rowen-model", used.deployment.encode("latin-1", "replace")))
    if call.answer is not None:
        headers += told(call.answer.extra)
    return headers


OURS = frozenset({"rowen_dropped", "rowen_warnings"})
"""What an answer's `extra` holds for these headers alone."""


def told(extra: dict[str, object]) -> Headers:
    """Return the headers that name the fields which the model's policy left out, and what to know of the sources."""
    headers: Headers = []
    if OURS.isdisjoint(extra):
        return headers
    for field, header in (("rowen_dropped", b"x-rowen-dropped"), ("rowen_warnings", b"x-rowen-warnings")):
        names = extra.get(field)
        if isinstance(names, list | tuple) and names:
            headers.append((header, ", ".join(map(str, names)).encode("latin-1", "replace")))
    return headers


def used_attempt(call: Call) -> Attempt | None:
    """Return the attempt whose answer was used, None when none was."""
    for attempt in reversed(call.attempts):
        if not attempt.waste:
            return attempt
    return None


def usage_of(call: Call) -> Usage:
    """Return what the answer used: the provider's count, or the estimate of the attempt that answered."""
    if call.answer is not None and call.answer.usage.total:
        return call.answer.usage
    used = used_attempt(call)
    return used.usage if used is not None else Usage()
