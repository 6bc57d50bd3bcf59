"""How two texts differ, line by line, and word by word within lines that changed."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from rowen.values import Value

_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

What = Literal["same", "changed", "added", "removed"]


class Piece(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A part of a line; `new` where the other side has it not."""

    text: str
    new: bool = False


class DiffLine(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One line of both sides; a side that has none has no number."""

    what: What
    left: int | None = None
    right: int | None = None
    before: tuple[Piece, ...] = ()
    after: tuple[Piece, ...] = ()


def differ(before: str, after: str) -> list[DiffLine]:
    """Return two texts side by side."""
    return list(_lines(before.splitlines(), after.splitlines()))


def unified(lines: Sequence[DiffLine], around: int = 3) -> Iterator[str]:
    """Yield what differs, as lines that begin with ` `, `-` or `+`; a stretch that is left out is a line `…`."""
    changed = [place for place, line in enumerate(lines) if line.what != "same"]
    shown = {near for place in changed for near in range(place - around, place + around + 1)}
    gap = False
    for place, line in enumerate(lines):
        if place not in shown:
            gap = True
            continue
        if gap:
            yield "…"
            gap = False
        if line.what == "same":
            yield f" {_text(line.before)}"
            continue
        if line.left is not None:
            yield f"-{_text(line.before)}"
        if line.right is not None:
            yield f"+{_text(line.after)}"


def _lines(before: list[str], after: list[str]) -> Iterator[DiffLine]:
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            for left, right in zip(range(i, j), range(k, m), strict=True):
                same = (Piece(text=before[left]),)
                yield DiffLine(what="same", left=left + 1, right=right + 1, before=same, after=same)
            continue
        for left_, right_ in zip_longest(range(i, j), range(k, m)):
            if left_ is None:
                yield DiffLine(what="added", right=right_ + 1, after=(Piece(text=after[right_], new=True),))
            elif right_ is None:
                yield DiffLine(what="removed", left=left_ + 1, before=(Piece(text=before[left_], new=True),))
            else:
                old, new = _pieces(before[left_], after[right_])
                yield DiffLine(what="changed", left=left_ + 1, right=right_ + 1, before=old, after=new)


def _pieces(before: str, after: str) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    one, other = _WORDS.findall(before), _WORDS.findall(after)
    old: list[Piece] = []
    new: list[Piece] = []
    for tag, i, j, k, m in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        for pieces, words in ((old, one[i:j]), (new, other[k:m])):
            if words:
                pieces.append(Piece(text="".join(words), new=tag != "equal"))
    return tuple(old), tuple(new)


def _text(pieces: tuple[Piece, ...]) -> str:
    return "".join(piece.text for piece in pieces)
