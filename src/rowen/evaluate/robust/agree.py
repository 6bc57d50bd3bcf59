"""Whether two answers say the same, and whether one is the opposite of the other. By words; what a text means it cannot see."""

import re
from typing import Literal

from rowen.route.differ import differ
from rowen.values.words import content, words

_SHORT = 6
"""Words of an answer up to which it is compared as a whole."""

_ALIKE = 0.5
"""The overlap (F1) of content words from which on two longer answers say the same, unless a figure or denial differs."""

_YES = re.compile(r"^\W*(yes|yeah|true|correct|right|ja|oui|sí|wahr)\b", re.IGNORECASE)
_NO = re.compile(r"^\W*(no|nope|false|incorrect|wrong|nein|non|falsch)\b", re.IGNORECASE)
_LEADING = re.compile(r"\b(yes|no|true|false)\b", re.IGNORECASE)

Polarity = Literal["yes", "no", ""]


def polarity(answer: str) -> Polarity:
    """Return whether an answer says yes or no: by how it begins, or by the only such word in it."""
    if _YES.match(answer):
        return "yes"
    if _NO.match(answer):
        return "no"
    found = {each.lower() for each in _LEADING.findall(answer)}
    if found and found <= {"yes", "true"}:
        return "yes"
    return "no" if found and found <= {"no", "false"} else ""


def same(one: str, other: str) -> bool:
    """Whether two answers say the same."""
    ours, theirs = words(one), words(other)
    if ours == theirs:
        return True
    if not ours or not theirs:
        return False
    if polarity(one) != polarity(other):
        return False
    if polarity(one) and min(len(ours), len(theirs)) <= _SHORT:
        return True
    if min(len(ours), len(theirs)) <= _SHORT:
        short, long = sorted((ours, theirs), key=len)
        return f" {' '.join(short)} " in f" {' '.join(long)} "
    if differ(one, other) in {"figures", "negation", "opposites"}:
        return False
    mine, yours = set(content(one)), set(content(other))
    both = len(mine & yours)
    return bool(both) and 2 * both / (len(mine) + len(yours)) >= _ALIKE


def opposite(one: str, other: str) -> bool | None:
    """Whether one answer says yes and the other no; None where one of them says neither."""
    mine, yours = polarity(one), polarity(other)
    return None if not mine or not yours else mine != yours


def named(answer: str, name: str) -> bool:
    """Whether an answer names something: all words of the name, in their order."""
    wanted = words(name)
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(words(answer))} "
