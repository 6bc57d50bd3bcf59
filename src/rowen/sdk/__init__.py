"""What a program uses that keeps its own code: `import rowen`, a decorator, and traces and scores are sent to a Rowen.

It stands alone: it imports nothing else of Rowen, and nothing that is not in the standard library but `msgspec`.
"""

from rowen.sdk.carry import carried, continued, headers
from rowen.sdk.decorate import trace
from rowen.sdk.link import connect, disconnect, flush
from rowen.sdk.scope import session, tag, user
from rowen.sdk.score import score
from rowen.sdk.span import Span, current, span

__all__ = [
    "Span",
    "carried",
    "connect",
    "continued",
    "current",
    "disconnect",
    "flush",
    "headers",
    "score",
    "session",
    "span",
    "tag",
    "trace",
    "user",
]
