"""Splits without leakage: what belongs together by user, session, document or wording stays on one side.

Where a case lands depends on a hash of what it belongs to, not on what else is there: a case that is added moves no other
one. Where it joins two groups that were on different sides, all of them go to the side named first (to train on), since
who was trained on can test nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

from rowen.evaluate.dataset import asked
from rowen.evaluate.near import Groups, near
from rowen.values import Case, Mistaken, Value

By = Literal["user", "session", "document", "near"]

EVERY: tuple[By, ...] = ("user", "session", "document", "near")


class Split(Value, frozen=True, kw_only=True):
    """The cases of each part, and what they were held together by."""

    parts: dict[str, tuple[str, ...]]
    """The ids of the cases of each part, in the order of the data set."""
    wanted: dict[str, float]
    """The share that each part should have."""
    groups: int
    """How many things were dealt: cases that belong together are one."""
    largest: int
    """Cases of the largest group. A large one is all of a split's luck."""
    by: tuple[By, ...]
    seed: str = ""
    moved: tuple[str, ...] = ()
    """Cases that had another part before, since they now belong to others."""

    @property
    def shares(self) -> dict[str, float]:
        """The share of the cases that each part has."""
        total = sum(map(len, self.parts.values())) or 1
        return {name: len(ids) / total for name, ids in self.parts.items()}


def split(
    cases: Sequence[Case],
    shares: Mapping[str, float],
    *,
    by: Sequence[By] = EVERY,
    alike: float = 0.8,
    seed: str = "",
    before: Mapping[str, Sequence[str]] | None = None,
) -> Split:
    """Return the cases dealt into parts.

    Args:
        cases: the cases.
        shares: the parts with their weights; the first is the one to train on. Real shares come near to them with many
            groups, and are told.
        by: what keeps cases together: all that is named holds at once, also by way of a third case.
        alike: how alike the wording of near duplicates is.
        seed: another one deals anew.
        before: the parts of an earlier split, by ids: whatever still can stays where it was.

    Raises:
        Mistaken: `field_invalid` without two parts of a weight above 0, or for a likeness that cannot be found.

    """
    total = sum(shares.values())
    if len(shares) < 2 or not all(share > 0 for share in shares.values()):
        raise Mistaken("field_invalid", "a split needs two parts or more, each with a share above 0", place="shares")
    groups = _together(cases, by, alike)
    members: dict[int, list[int]] = {}
    for place in range(len(cases)):
        members.setdefault(groups.of(place), []).append(place)
    order = list(shares)
    earlier = {id: part for part, ids in (before or {}).items() if part in shares for id in ids}
    parts: dict[str, list[int]] = {name: [] for name in order}
    moved: list[str] = []
    for places in members.values():
        known = [earlier[cases[place].id] for place in places if cases[place].id in earlier]
        if known:
            part = min(known, key=order.index)
        else:
            part = _dealt(_unit(_anchor([cases[place] for place in places], by), seed) * total, shares)
        parts[part].extend(places)
        moved.extend(cases[place].id for place in places if earlier.get(cases[place].id, part) != part)
    return Split(
        parts={name: tuple(cases[place].id for place in sorted(places)) for name, places in parts.items()},
        wanted={name: share / total for name, share in shares.items()},
        groups=len(members),
        largest=max(map(len, members.values()), default=0),
        by=tuple(by),
        seed=seed,
        moved=tuple(sorted(moved)),
    )


def leaks(
    cases: Sequence[Case], parts: Mapping[str, Sequence[str]], *, by: Sequence[By] = EVERY, alike: float = 0.8
) -> list[tuple[str, str]]:
    """Return pairs of cases that belong together and are in different parts, of any split, also of one from elsewhere.

    Raises:
        Mistaken: `field_invalid` for a likeness that cannot be found.

    """
    of = {id: part for part, ids in parts.items() for id in ids}
    groups = _together(cases, by, alike)
    first: dict[int, dict[str, str]] = {}
    found: list[tuple[str, str]] = []
    for place, case in enumerate(cases):
        if case.id not in of:
            continue
        seen = first.setdefault(groups.of(place), {})
        found.extend((other, case.id) for part, other in seen.items() if part != of[case.id])
        seen.setdefault(of[case.id], case.id)
    return found


def _together(cases: Sequence[Case], by: Sequence[By], alike: float) -> Groups:
    groups = Groups(len(cases))
    for name in by:
        if name == "near":
            continue
        first: dict[str, int] = {}
        for place, case in enumerate(cases):
            if value := str(getattr(case, name)):
                groups.join(first.setdefault(value, place), place)
    if "near" in by:
        try:
            found = near([asked(case.input) for case in cases], alike=alike)
        except ValueError as error:
            raise Mistaken("field_invalid", str(error), place="alike") from None
        for place, other in enumerate(found):
            groups.join(other, place)
    return groups


def _anchor(cases: Sequence[Case], by: Sequence[By]) -> str:
    """Return what a group is dealt by: whom it belongs to where that is one, else its oldest case."""
    for name in by:
        if name != "near":
            values = {str(getattr(case, name)) for case in cases}
            if len(values) == 1 and "" not in values:
                return f"{name}:{values.pop()}"
    return f"case:{min(cases, key=lambda case: (case.created_ns, case.id)).id}"


def _unit(anchor: str, seed: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{seed}\x1f{anchor}".encode()).digest()[:8], "big") / 2**64


def _dealt(at: float, shares: Mapping[str, float]) -> str:
    passed = 0.0
    for name, share in shares.items():
        passed += share
        if at < passed:
            return name
    return next(reversed(list(shares)))
