"""Whether one environment mirrors another: what differs as it must, and what differs though nobody said that it should."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

from rowen.release.differ import bits, flat, secret
from rowen.values import Definition, Value

_OWN = frozenset(
    [
        "base_url",
        "key",
        "keys",
        "headers",
        "environment",
        "release",
        "url",
        "address",
        "endpoint",
        "store",
        "host",
        "port",
        "at",
        "oncall",
        "alerts",
    ]
)
"""Names of settings that say where something is or who may, which no two environments share."""


class Difference(Value, frozen=True, kw_only=True):
    """One setting or file that two environments do not share."""

    place: str
    left: Any = None
    right: Any = None
    intended: bool = False
    why: str = ""
    """Why it is taken as intended; empty where it is not."""


def mirror(left: Definition, right: Definition, intended: Sequence[str] = ()) -> list[Difference]:
    """Return what two environments do not share, that which nobody intended first.

    Addresses, references to secrets, and what is named in `intended` may differ; everything else should not.

    Args:
        left: what is live in the one.
        right: what is live in the other.
        intended: places that may differ, such as `limits.*`; `*` stands for anything.

    """
    return sorted(_differences(left, right, intended), key=lambda each: (each.intended, each.place))


def _differences(left: Definition, right: Definition, intended: Sequence[str]) -> Iterator[Difference]:
    ours, theirs = dict(flat(left.source)), dict(flat(right.source))
    for place in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(place), theirs.get(place)
        if one != other:
            why = _why(place, one, other, intended)
            yield Difference(place=place, left=one, right=other, intended=bool(why), why=why)
    for name in sorted(left.files.keys() | right.files.keys()):
        first, second = left.files.get(name), right.files.get(name)
        if first != second:
            named = next((pattern for pattern in intended if fnmatchcase(name, pattern)), "")
            changed = [bit for bit in bits(first or "", second or "") if bit.kind in ("left", "right")]
            words = {
                side: sum(len(bit.text.split()) for bit in changed if bit.kind == side) for side in ("left", "right")
            }
            yield Difference(
                place=name,
                left=None if first is None else f"{words['left']} words of its own",
                right=None if second is None else f"{words['right']} words of its own",
                intended=bool(named),
                why=f"`{named}` may differ" if named else "",
            )


def _why(place: str, one: Any, other: Any, intended: Sequence[str]) -> str:
    for pattern in intended:
        if fnmatchcase(place, pattern):
            return f"`{pattern}` may differ"
    names = [part.partition("[")[0] for part in place.split(".")]
    if secret(one) or secret(other):
        return "a reference to a secret"
    if own := next((name for name in names if name in _OWN), ""):
        return f"`{own}` says where or who"
    return ""
