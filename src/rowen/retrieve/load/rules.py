"""What is said of a document beside it: by rules over paths, and by a file next to it."""

import json
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rowen.values import Fact, Mistaken, Settings


class PathRule(Settings, frozen=True, kw_only=True):
    """What holds for all documents whose path a glob matches."""

    match: str
    """A glob over the path, `**` for any depth: `hr/**`."""
    access: tuple[str, ...] | None = None
    """Groups of which a reader needs one."""
    metadata: dict[str, Fact] = {}
    """Put on each of them."""


class Said(NamedTuple):
    """What is said of one document."""

    title: str = ""
    access: tuple[str, ...] | None = None
    metadata: dict[str, Fact] = {}

    def over(self, nearer: "Said") -> "Said":
        """Return both, with what is said nearer to the document before the rest."""
        return Said(
            nearer.title or self.title,
            self.access if nearer.access is None else nearer.access,
            {**self.metadata, **nearer.metadata},
        )

    def mark(self) -> bytes:
        """Return bytes that change when this does; none where nothing is said."""
        return b"" if self == Said() else msgspec.json.encode(self, order="deterministic")


class _Beside(Settings, frozen=True, kw_only=True):
    title: str = ""
    access: tuple[str, ...] | None = None
    metadata: dict[str, Fact] = {}


class Sidecar:
    """A file beside a document, named as it is with `.meta.toml` or `.meta.json` after it."""

    ENDINGS = (".meta.toml", ".meta.json")

    @classmethod
    def names(cls, path: str) -> bool:
        """Whether a path is that of a sidecar."""
        return path.endswith(cls.ENDINGS)

    @classmethod
    def stamp(cls, path: str) -> int:
        """Return a number that changes with the sidecar of a document; 0 where there is none."""
        for ending in cls.ENDINGS:
            try:
                return Path(path + ending).stat().st_mtime_ns
            except OSError:
                continue
        return 0


def ruled(uri: str, rules: Sequence[PathRule]) -> Said:
    """Return what rules say of a path; later ones before earlier ones."""
    said = Said()
    for rule in rules:
        if matches(uri, (rule.match,)):
            said = said.over(Said(access=rule.access, metadata=rule.metadata))
    return said


def sidecar_of(path: str) -> Said:
    """Return what stands beside a document.

    Raises:
        Mistaken: `document_broken` for a sidecar that cannot be understood: it may hold who must not read the document.

    """
    for ending in Sidecar.ENDINGS:
        try:
            text = Path(path + ending).read_bytes()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Mistaken("document_broken", f"its {ending} cannot be read: {error.strerror}", place=path) from error
        return said_in(text, path + ending)
    return Said()


def said_in(text: bytes, path: str) -> Said:
    """Return what a sidecar says.

    Raises:
        Mistaken: `document_broken` where it cannot be understood: it may hold who must not read the document.

    """
    ending = next((each for each in Sidecar.ENDINGS if path.endswith(each)), "")
    try:
        found: dict[str, Any] = tomllib.loads(text.decode()) if ending.endswith("toml") else json.loads(text)
        told = msgspec.convert(found, _Beside)
    except (ValueError, msgspec.ValidationError) as error:
        place = path.removesuffix(ending)
        raise Mistaken("document_broken", f"its {ending} cannot be understood: {error}", place=place) from error
    return Said(told.title, told.access, told.metadata)


def matches(uri: str, patterns: Sequence[str]) -> bool:
    """Whether a path is one of those that globs name."""
    return any(_compiled(pattern).fullmatch(uri) for pattern in patterns)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    signs = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(signs.get(part, re.escape(part)) for part in parts), re.DOTALL)
