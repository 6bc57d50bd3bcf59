"""What is said of a whole trace: its session, its user, its tags."""

from contextvars import Token
from types import TracebackType
from typing import Self

from rowen.sdk.here import SCOPE, Scope
from rowen.sdk.link import LINK
from rowen.sdk.span import current

_NONE = Scope()


class Scoped:
    """A session, user or tag that was set. As a `with` block it ends with the block."""

    __slots__ = ("_token",)

    def __init__(self, token: Token[Scope | None] | None) -> None:
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        if self._token is None:
            return
        try:
            SCOPE.reset(self._token)
        except (ValueError, RuntimeError):  # left in another context, or twice
            return


def session(id: str) -> Scoped:
    """Say which conversation this is, for the current trace and what follows in it; or for a `with` block."""
    return _scoped(session=id)


def user(id: str) -> Scoped:
    """Say who uses the program, for the current trace and what follows in it; or for a `with` block."""
    return _scoped(user=id)


def tag(*tags: str) -> Scoped:
    """Add tags to the current trace and what follows in it; or for a `with` block."""
    return _scoped(tags=tags)


def _scoped(*, session: str = "", user: str = "", tags: tuple[str, ...] = ()) -> Scoped:
    if not LINK.on:
        return Scoped(None)
    before = SCOPE.get() or _NONE
    more = tuple(str(each) for each in tags if each not in before.tags)
    scope = Scope(str(session) or before.session, str(user) or before.user, before.tags + more)
    token = SCOPE.set(scope)
    here = current()
    for each in (here, here.root):
        if each.recorded:
            each.scope = scope
    return Scoped(token)
