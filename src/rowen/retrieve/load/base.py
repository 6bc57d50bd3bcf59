"""What a source is: it tells what is there now, and hands out what has changed."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from rowen.values import Clock, Fact, SystemClock, Table, Unavailable, Value

LARGEST = 100_000_000
"""Bytes of one original that a source hands out, unless its settings say otherwise."""


class Listed(Value, frozen=True, kw_only=True):
    """One original that is there now."""

    uri: str
    raw: str = ""
    """What tells a changed original from the one that was read; empty where only reading it tells."""
    still: bool = False
    """It has not changed since the last look; nothing else is known of it."""


class Original(Value, frozen=True, kw_only=True):
    """One original, as it is to be parsed."""

    uri: str
    data: bytes
    raw: str
    name: str = ""
    """What it is called where that is not its `uri`; its ending may tell its kind."""
    title: str = ""
    modified_ns: int = 0
    metadata: dict[str, Fact] = {}
    access: tuple[str, ...] | None = None
    """Groups that whoever runs the source has set for it; None where nothing is said."""
    kind: str = ""
    """The kind of text where the source knows it; otherwise the content tells."""
    tables: tuple[Table, ...] = ()
    """What it is part of, where the source knows that: a row of a database is one of a table."""


class Source(Protocol):
    """A place that documents come from. Kept for as long as its app is served, so that it may remember what it saw."""

    def listed(self, since: str) -> AsyncIterator[Listed]:
        """Yield everything that is there now.

        Args:
            since: what `reached` was after the last look that went well; empty to look at everything.

        Raises:
            Unavailable: `source_unreadable`; nothing that is known is to be removed for it.

        """
        ...

    async def fetch(self, listed: Listed, known: str) -> Original | None:
        """Return an original; None when it is as it was.

        Args:
            listed: what the last look gave.
            known: the `raw` of the version that was read before; empty for a new one.

        Raises:
            Mistaken: `document_…`, why this one cannot be had; the others go on.
            Unavailable: `source_unreadable`; to be tried again.

        """
        ...

    @property
    def reached(self) -> str:
        """How far the last look came, for sources that are asked what is new."""
        ...


class Page(NamedTuple):
    """What a web server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Get(Protocol):
    """Gets one address, without following it elsewhere."""

    async def __call__(
        self, url: str, headers: Mapping[str, str], *, limit: int, seconds: float, private: bool
    ) -> Page:
        """Return what is there.

        Args:
            url: `http` or `https`.
            headers: to be sent.
            limit: bytes of the body at most.
            seconds: for all of it.
            private: whether addresses that are not of the public internet may be asked.

        Raises:
            Refused: `address_refused` for one that may not be.
            Unavailable: `upstream_…`.
            Mistaken: `document_too_large`.

        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What sources may need of others."""

    folder: Path = Path()
    """That of the `app.toml`; relative places start there."""
    get: Get | None = None
    clock: Clock = field(default_factory=SystemClock)
    """For what is signed with the time."""


def unreadable(what: str, why: str) -> Unavailable:
    """Return the error for a source that cannot be read; what is known of it stays."""
    return Unavailable("source_unreadable", f"{what} cannot be read: {why}", who=what)
