"""The record's place in the chain: after everything else, hands the finished call to the buffer."""

from collections.abc import Awaitable, Callable

from rowen.trace.base import NOWHERE, Place, TraceSettings
from rowen.trace.buffer import Buffer
from rowen.trace.mask import mask_of
from rowen.trace.spans import trace_of
from rowen.values import Call, Trace


def record(
    buffer: Buffer, settings: TraceSettings, user: Callable[[str], str] = str, place: Place = NOWHERE
) -> Callable[[Call], Awaitable[Call]]:
    """Return a step that records the call. It does no I/O and never fails the call.

    Args:
        buffer: where finished calls go.
        settings: what of a call is kept.
        user: gives the name under which an end user is kept.
        place: what every call bears.

    """
    mask = mask_of(settings)

    def make(call: Call) -> Trace:
        return trace_of(_renamed(call, user), settings, mask, place=place)

    async def step(call: Call) -> Call:
        buffer.add(call, make)
        return call

    return step


def _renamed(call: Call, user: Callable[[str], str]) -> Call:
    """Return the call with its end user under the name that is kept."""
    end_user, asked = user(call.end_user), user(call.request.user)
    if end_user == call.end_user and asked == call.request.user:
        return call
    return call.but(end_user=end_user, request=call.request.but(user=asked))
