"""Two texts as the words that they share and those that only one of them has."""

import re
from difflib import SequenceMatcher
from typing import Literal

from rowen.values import Value

LONGEST = 4000
"""Words of one text that are compared; comparing takes time that grows with their square."""

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class Piece(Value, frozen=True, kw_only=True):
    """Words that stand in both texts, or in one of them."""

    kind: Literal["same", "left", "right"]
    text: str


def pieces_of(left: str, right: str) -> list[Piece]:
    """Return two texts as the words that they share and those that only one of them has."""
    if left == right:
        return [Piece(kind="same", text=left)] if left else []
    a, b = _WORDS.findall(left)[:LONGEST], _WORDS.findall(right)[:LONGEST]
    pieces: list[Piece] = []
    for kind, a0, a1, b0, b1 in SequenceMatcher(a=a, b=b, autojunk=False).get_opcodes():
        if kind == "equal":
            pieces.append(Piece(kind="same", text="".join(a[a0:a1])))
            continue
        if a1 > a0:
            pieces.append(Piece(kind="left", text="".join(a[a0:a1])))
        if b1 > b0:
            pieces.append(Piece(kind="right", text="".join(b[b0:b1])))
    return pieces
