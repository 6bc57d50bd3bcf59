"""Where we are: the current span, ours and OpenTelemetry's, and what holds for all of a stretch of work."""

from contextvars import ContextVar, Token
from typing import Any, Protocol

from rowen.sdk import beside, wire


class Place(Protocol):
    """A span that others may be a part of: one of ours, or one elsewhere."""

    @property
    def trace(self) -> int: ...
    @property
    def id(self) -> int: ...
    @property
    def flags(self) -> int: ...
    @property
    def state(self) -> str: ...


class Scope:
    """What holds for all spans of a stretch of work, written down once."""

    __slots__ = ("encoded", "session", "tags", "user")

    def __init__(self, session: str = "", user: str = "", tags: tuple[str, ...] = ()) -> None:
        self.session, self.user, self.tags = session, user, tags
        found: list[tuple[str, wire.Plain]] = []
        if session:
            found += [("session.id", session), ("gen_ai.conversation.id", session)]
        if user:
            found.append(("user.id", user))
        if tags:
            found.append(("tag.tags", list(tags)))
        self.encoded = wire.attributes(found)


HERE: ContextVar[Place | None] = ContextVar("rowen.here", default=None)
SCOPE: ContextVar[Scope | None] = ContextVar("rowen.scope", default=None)


class Entered:
    """What `leave` wants back."""

    __slots__ = ("ours", "theirs")

    def __init__(self, ours: Token[Place | None], theirs: Any) -> None:
        self.ours, self.theirs = ours, theirs


def parent_now() -> Place | None:
    """Return what a span that begins now is a part of.

    Where OpenTelemetry is used too, its current span counts, for ours is made its current one whenever it is entered: if
    they differ, theirs was begun within ours.
    """
    here = HERE.get()
    if beside.present():
        theirs = beside.current()
        if theirs is not None and (here is None or theirs.id != here.id):
            return theirs
    return here


def enter(place: Place) -> Entered:
    """Make a span the current one."""
    ours = HERE.set(place)
    theirs = beside.attach(place.trace, place.id, place.flags, place.state) if beside.present() else None
    return Entered(ours, theirs)


def leave(entered: Entered) -> bool:
    """Make the one before the current one again.

    Returns whether that could be: a generator may be ended in another context than it was begun in, where there is
    nothing to give back.
    """
    try:
        HERE.reset(entered.ours)
    except ValueError:
        return False
    if entered.theirs is not None:
        beside.detach(entered.theirs)
    return True
