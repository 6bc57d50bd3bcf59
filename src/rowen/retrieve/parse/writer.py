"""Writes a text block by block while a document with marks is walked through, and knows where each heading fell."""

import re

from rowen.retrieve.parse.base import Heading, sections_of
from rowen.values import Section

_BLANK = re.compile(r"\s+")


class Writer:
    """A text that grows. Blocks are parted by line ends, however many marks the source had between them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0  # line ends that stand before the next words
        self._space = False
        self._mark = ""
        self._begun: list[tuple[int, str]] = []  # sections that begin with the next words
        self.length = 0
        self.headings: list[Heading] = []

    @property
    def text(self) -> str:
        """What was written."""
        return "".join(self._parts)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The sections of the headings written."""
        return sections_of(self.headings, self.length)

    def words(self, text: str) -> None:
        """Write words on the present line; white space of any length is one space."""
        bare = _BLANK.sub(" ", text)
        if bare == " " or not bare:
            self._space = self._space or bool(bare)
            return
        self._put((" " if self._space or bare[0] == " " else ""), bare.strip())
        self._space = bare[-1] == " "

    def exact(self, text: str) -> None:
        """Write a text as it is, such as code."""
        if text:
            self._put(" " if self._space else "", text)
            self._space = False

    def block(self, breaks: int = 1) -> None:
        """Let what comes begin on a new line: 1 below, 2 with an empty line between."""
        if not self._mark:
            self._breaks = max(self._breaks, breaks)
        self._space = False

    def mark(self, mark: str) -> None:
        """Let the next words begin with a mark, such as that of a list."""
        self._mark = mark

    def heading(self, level: int, title: str) -> None:
        """Write a heading, which begins a section."""
        title = _BLANK.sub(" ", title).strip()
        if title:
            self.here(level, title)
            self.words(title)
            self.block(2)

    def here(self, level: int, title: str) -> None:
        """Begin a section whose title is not part of the text."""
        self.block(2)
        self._begun.append((level, _BLANK.sub(" ", title).strip()))

    def _put(self, space: str, text: str) -> None:
        before = "\n" * self._breaks if self.length else ""
        if self._breaks or not self.length:
            space = ""
        self._parts += [before, space, self._mark, text]
        begins = self.length + len(before) + len(space)
        self.headings += [Heading(begins, level, title) for level, title in self._begun]
        self.length = begins + len(self._mark) + len(text)
        self._breaks, self._mark = 0, ""
        self._begun.clear()
