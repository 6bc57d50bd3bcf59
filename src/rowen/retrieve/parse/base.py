"""What a parser gives, and what it may not exceed."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rowen.values import Fact, Section, Table, Value

VERSION = "1"
"""Of the texts that parsers give: grows when one of them changes, so that indexes tell."""


class Limits(Value, frozen=True, kw_only=True):
    """How much one original may take. Beyond that it is put aside with its reason, and the others go on."""

    size: int = 100_000_000
    """Bytes of the original."""
    unpacked: int = 400_000_000
    """Bytes of everything in an archive (DOCX, PPTX, XLSX and EPUB are archives)."""
    text: int = 20_000_000
    """Characters of the text."""
    seconds: float = 60
    """Time for a parser that runs in a process of its own."""
    memory: int = 2_000_000_000
    """Bytes of address space for such a process."""


class Parsed(Value, frozen=True, kw_only=True):
    """The text of an original, with what it says of itself."""

    text: str
    kind: str
    title: str = ""
    language: str = ""
    sections: tuple[Section, ...] = ()
    metadata: dict[str, Fact] = {}
    access: tuple[str, ...] = ()
    """Groups that the original itself names; see front matter."""
    flags: tuple[str, ...] = ()
    """`mislabelled`: the content is not what the name says. `recoded`: it was not UTF-8. `untabled`: a table in it has no
    header, or rows that do not fit it, so that it is text alone."""
    tables: tuple[Table, ...] = ()
    """What questions about numbers can be asked of."""


class Parser(Protocol):
    """Reads bytes of its kind. Pure; blocks.

    Raises:
        Mistaken: `document_…` for one that cannot be read.

    """

    def __call__(self, data: bytes, name: str, limits: Limits) -> Parsed: ...


class Heading(NamedTuple):
    """Where a section begins, how deep it is (1 is highest), and what it is called."""

    start: int
    level: int
    title: str


def sections_of(headings: Sequence[Heading], length: int) -> tuple[Section, ...]:
    """Return sections from headings in reading order: each ends where the next of its level or a higher one begins."""
    found: list[Section] = []
    open_: list[Heading] = []
    ends: dict[Heading, int] = {}
    for heading in headings:
        while open_ and open_[-1].level >= heading.level:
            ends[open_.pop()] = heading.start
        open_.append(heading)
    for heading in headings:
        end = ends.get(heading, length)
        found.append(Section(start=heading.start, end=end, level=heading.level, title=heading.title))
    return tuple(found)
