"""The record's place in the chain: after everything else, hands the finished call to the buffer."""

from collections.abc import Awaitable, Callable

from rowen.trace.base import TraceSettings
from rowen.trace.buffer import Buffer
from rowen.trace.mask import mask_of
from rowen.trace.spans import trace_of
from rowen.values import Call, Trace


def record(buffer: Buffer, settings: TraceSettings) -> Callable[[Call], Awaitable[Call]]:
    """Return a step that records the call. It does no I/O and never fails the call."""
    mask = mask_of(settings)

    def make(call: Call) -> Trace:
        return trace_of(call, settings, mask)

    async def step(call: Call) -> Call:
        buffer.add(call, make)
        return call

    return step
