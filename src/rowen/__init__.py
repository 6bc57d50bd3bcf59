"""Rowen runs LLM applications in production and makes them better from what happens there.

`import rowen` costs next to nothing. What a program that keeps its own code uses, `@rowen.trace` and the rest of
`rowen.sdk`, is loaded when it is first asked for.
"""

import sys
from importlib import import_module
from types import ModuleType

TYPE_CHECKING = False  # a type checker takes it for true, as it does typing's own, which would have to be loaded

if TYPE_CHECKING:  # for whoever reads types; at run time `__getattr__` below gives the same names when they are needed
    from rowen.sdk import (
        Span,
        carried,
        connect,
        continued,
        current,
        disconnect,
        flush,
        headers,
        score,
        session,
        span,
        tag,
        trace,
        user,
    )

__version__ = "0.1.0"

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

_SDK = frozenset(__all__)


if not TYPE_CHECKING:  # a type checker that saw it would take every name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _SDK:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module("rowen.sdk"), name)
        return found


class _Package(ModuleType):
    """Keeps `rowen.trace` the decorator and `rowen.score` the function when the stages of the same names are imported.

    Inside Rowen such a stage is reached by `from rowen.trace import …`, which does not look here.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _SDK and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
