"""The current span over borders: to threads, and to other processes by headers."""

import functools
from collections.abc import Callable
from contextvars import copy_context
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from rowen.sdk.context import Headers, parsed, written
from rowen.sdk.here import Entered, enter, leave, parent_now
from rowen.sdk.link import LINK

P = ParamSpec("P")
R = TypeVar("R")


def carried(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that, wherever it runs, runs as a part of what is under way here.

    Threads and pools begin without a context: `pool.map(rowen.carried(work), items)`. `asyncio` tasks and
    `asyncio.to_thread` need none of this.
    """
    context = copy_context()

    @functools.wraps(function)
    def there(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.copy().run(function, *args, **kwargs)  # a copy, for a context can be entered once at a time

    return there


def headers() -> dict[str, str]:
    """Return the headers of an outgoing request by which the other side goes on with this trace: `traceparent`, …."""
    here = parent_now() if LINK.on else None
    return {} if here is None else written(here.trace, here.id, here.flags, here.state)


class Continued:
    """A `with` block in which spans are parts of a trace that came with a request."""

    __slots__ = ("_entered", "_headers")

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._entered: Entered | None = None

    def __enter__(self) -> Self:
        try:
            remote = parsed(self._headers) if LINK.on else None
        except Exception:  # noqa: BLE001 - headers of whatever kind must not stop the program
            remote = None
        if remote is not None:
            self._entered = enter(remote)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._entered is not None:
            leave(self._entered)


def continued(headers: Headers) -> Continued:
    """Go on with the trace that the headers of a request name: `with rowen.continued(request.headers): …`.

    Takes a mapping, pairs of texts or bytes, a WSGI environment or `os.environ`. Headers that name no trace, or break the
    W3C specification, change nothing.
    """
    return Continued(headers)
