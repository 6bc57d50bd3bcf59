"""Reads originals: tells what each is, lets its parser at it where it can do no harm, and completes what it found."""

import asyncio
from pathlib import PurePosixPath

from rowen.retrieve.parse.apart import Apart
from rowen.retrieve.parse.base import Limits, Parsed
from rowen.retrieve.parse.catalog import HERE, parser
from rowen.retrieve.parse.kinds import Kind, kind_of
from rowen.values import Mistaken
from rowen.values.language import language

_LOOKED_AT = 20_000


class Reading:
    """Turns originals into texts. Parsers of formats with native or nested parts run in a process of their own.

    Args:
        limits: what one original may take.
        apart: the process apart; left out, one of ours.

    """

    def __init__(self, limits: Limits | None = None, apart: Apart | None = None) -> None:
        self.limits = limits or Limits()
        self._apart = apart or Apart(self.limits)

    async def __call__(self, data: bytes, name: str) -> Parsed:
        """Return the text of an original.

        Args:
            data: its bytes.
            name: what it is called, such as a path; decides only among kinds of plain text.

        Raises:
            Mistaken: `document_…` or `extra_missing`, why it cannot be read.

        """
        if len(data) > self.limits.size:
            message = f"it has {len(data):,} bytes; {self.limits.size:,} are read at most"
            raise Mistaken("document_too_large", message, place=name)
        try:
            kind = await asyncio.to_thread(kind_of, data, name)
            if kind.name in HERE:
                parsed = await asyncio.to_thread(parser(kind.name), data, name, self.limits)
            else:
                parsed = await self._apart.parse(kind.name, data, name)
            return completed(parsed, kind, name, self.limits)
        except Mistaken as mistake:
            mistake.place = mistake.place or name
            raise

    async def close(self) -> None:
        """End the process apart."""
        await self._apart.close()


def completed(parsed: Parsed, kind: Kind, name: str, limits: Limits) -> Parsed:
    """Return what a parser gave with title, language and flags.

    Raises:
        Mistaken: `document_empty`, `document_too_large`.

    """
    if not parsed.text.strip():
        raise Mistaken("document_empty", "there is no text in it", place=name)
    if len(parsed.text) > limits.text:
        message = f"the text has {len(parsed.text):,} characters; {limits.text:,} are kept at most"
        raise Mistaken("document_too_large", message, place=name)
    return parsed.but(
        title=parsed.title.strip()[:300] or PurePosixPath(name).stem,
        language=parsed.language or language(parsed.text[:_LOOKED_AT]),
        flags=(*parsed.flags, "mislabelled") if kind.mislabelled else parsed.flags,
    )
