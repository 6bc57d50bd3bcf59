"""Why answers became worse: the marks in which the bad ones differ from the good ones.

Every mark that enough traces have is held against the bad ones by Fisher's exact test. Where there is a baseline, a mark
that was as bad before is no reason for a drop: then either its disadvantage must have grown, or its share. Pairs of marks
are held against the bad ones too, as a second family; a pair counts only where each mark makes the other worse. Each
family is corrected by Benjamini and Hochberg at half of `q`. What the strongest suspect marks is then set aside and the
rest is looked at again, so a mark that only goes along with the first is not named.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import sqrt

from rowen.evaluate.statistics import benjamini_hochberg
from rowen.insight import figures
from rowen.insight.marks import Mark
from rowen.values import Value
from rowen.values.interval import Interval, newcombe, wilson

_FEWEST = 5
_RAREST = 0.005
"""Share of the traces that must have a mark."""
_MOST_MARKS = 400
_ROUNDS = 5
_SAME = 0.97
"""Overlap from which two marks cannot be told apart."""


class Judged(Value, frozen=True, kw_only=True):
    """A trace that was judged, with its marks."""

    trace: str
    bad: bool
    marks: frozenset[Mark]


class Suspect(Value, frozen=True, kw_only=True):
    """A mark, or a pair of marks, that bad answers have more often than good ones."""

    marks: tuple[Mark, ...]
    bad: int
    n: int
    """Traces with the marks, and how many of them are bad."""
    others_bad: int
    others: int
    effect: Interval
    """Share of bad answers with the marks, less that without."""
    p: float
    """Corrected for all marks and pairs that were looked at."""
    explains: float
    """Share of all bad answers that would not be there if those with the marks were as good as the others."""
    same: tuple[Mark, ...] = ()
    """Marks of nearly the same traces, which cannot be told from these."""
    examples: tuple[str, ...] = ()


class Regression(Value, frozen=True, kw_only=True):
    """How bad it is, whether it got worse, and what bad answers have in common."""

    now: Interval
    """Share of bad answers."""
    before: Interval | None = None
    worse_p: float | None = None
    """That the share did not rise."""
    suspects: tuple[Suspect, ...] = ()
    """By p-value, the least first."""
    looked_at: int = 0
    """Marks and pairs."""
    note: str = ""


def suspects(judged: Sequence[Judged], baseline: Sequence[Judged] = (), *, q: float = 0.05) -> Regression:
    """Return what bad answers have in common that good ones have not.

    Args:
        judged: the answers of the period that is looked at.
        baseline: those of a period in which all was well, if there is one.
        q: the share of false suspects that is borne, in the mean over many such questions.

    """
    bad = sum(one.bad for one in judged)
    found = Regression(now=wilson(bad, len(judged)))
    if baseline:
        bad_before = sum(one.bad for one in baseline)
        found = found.but(
            before=wilson(bad_before, len(baseline)),
            worse_p=figures.overrepresented(bad, len(judged), bad + bad_before, len(judged) + len(baseline)),
        )
    if bad < _FEWEST or len(judged) - bad < _FEWEST:
        return found.but(note=f"Too few to compare: {bad} bad and {len(judged) - bad} good answers.")
    table = _Table(judged, baseline)
    return found.but(suspects=tuple(_cover(table, q)), looked_at=table.looked_at)


def _cover(table: "_Table", q: float) -> Iterable[Suspect]:
    """Yield the strongest suspect, set aside what it marks, and go on with the rest."""
    left, left_before = table.all, table.all_before
    for _ in range(_ROUNDS):
        best = table.best(left, left_before, q)
        if best is None:
            return
        marks, p = best
        mask, mask_before = table.mask(marks), table.mask_before(marks)
        yield table.suspect(marks, p, left)
        left &= ~mask
        left_before &= ~mask_before


class _Table:
    """Which traces have which mark, as the bits of one number: counting a pair is one `and`."""

    def __init__(self, judged: Sequence[Judged], baseline: Sequence[Judged]) -> None:
        self._judged = judged
        self.all, self.all_before = (1 << len(judged)) - 1, (1 << len(baseline)) - 1
        self._bad, self._bad_before = _bits(one.bad for one in judged), _bits(one.bad for one in baseline)
        every = _masks(judged)
        before = _masks(baseline)
        least = max(_FEWEST, round(_RAREST * len(judged)))
        kept = [mark for mark, mask in every.items() if least <= mask.bit_count() <= len(judged) - _FEWEST]
        kept.sort(key=lambda mark: (-every[mark].bit_count(), mark))
        self._aliases: dict[Mark, list[Mark]] = {}
        by_mask: dict[int, Mark] = {}
        for mark in sorted(kept[:_MOST_MARKS]):
            first = by_mask.setdefault(every[mark], mark)
            if first != mark and before.get(first, 0) == before.get(mark, 0):
                self._aliases.setdefault(first, []).append(mark)
            elif first != mark:
                self._aliases.setdefault(mark, [])
        self._single = list(by_mask.values())
        self._least = least
        self._masks, self._masks_before = every, before
        self.looked_at = 0

    def mask(self, marks: tuple[Mark, ...]) -> int:
        """Return the traces that have all of the marks."""
        return _both(self._masks, marks, self.all)

    def mask_before(self, marks: tuple[Mark, ...]) -> int:
        """Return the same of the baseline."""
        return _both(self._masks_before, marks, self.all_before)

    def best(self, left: int, left_before: int, q: float) -> tuple[tuple[Mark, ...], float] | None:
        """Return the strongest suspect among the traces left, None when there is no significant one."""
        singles = [(self._chance((mark,), left, left_before), (mark,)) for mark in self._single]
        pairs, tried = self._pairs(left, left_before)
        self.looked_at = max(self.looked_at, len(singles) + tried)
        found: list[tuple[float, float, tuple[Mark, ...]]] = []
        for family, tests in ((singles, len(singles)), (pairs, tried)):
            chances = benjamini_hochberg([p for p, _ in family], tests)
            # The pairs' correction is the heavier one, so they are ranked among the marks by what was measured.
            found += [
                (p, 2 * corrected, marks)
                for (p, marks), corrected in zip(family, chances, strict=True)
                if 2 * corrected <= q
            ]
        if not found:
            return None
        _, corrected, marks = min(found, key=lambda one: (one[0], len(one[2]), one[2]))
        return marks, min(1.0, corrected)

    def suspect(self, marks: tuple[Mark, ...], p: float, left: int) -> Suspect:
        """Return what is to be told of a suspect, compared with the traces left."""
        mask = self.mask(marks) & left
        n, others = mask.bit_count(), (left & ~mask).bit_count()
        bad, others_bad = (mask & self._bad).bit_count(), (left & ~mask & self._bad).bit_count()
        excess = bad - n * others_bad / others if others else bad
        return Suspect(
            marks=marks,
            bad=bad,
            n=n,
            others_bad=others_bad,
            others=others,
            effect=newcombe(bad, n, others_bad, others),
            p=p,
            explains=max(0.0, excess / self._bad.bit_count()),
            same=tuple(self._same(marks, mask, left)),
            examples=tuple(one.trace for index, one in enumerate(self._judged) if (mask & self._bad) >> index & 1)[-3:],
        )

    def _pairs(self, left: int, left_before: int) -> tuple[list[tuple[float, tuple[Mark, ...]]], int]:
        found: list[tuple[float, tuple[Mark, ...]]] = []
        tried = 0
        masks = [(mark, self._masks[mark] & left) for mark in self._single]
        bad, total = (left & self._bad).bit_count(), left.bit_count()
        for (one, mask), (other, other_mask) in combinations(masks, 2):
            if one[0] == other[0]:
                continue
            both = mask & other_mask
            n = both.bit_count()
            if n < self._least or both in (mask, other_mask):
                continue
            tried += 1
            hits = (both & self._bad).bit_count()
            expected = n * bad / total
            # Exact tests are made only of what may be small: three standard deviations above what chance gives.
            if hits - expected < 3 * sqrt(expected * (1 - bad / total)) + 0.5:
                continue
            p = self._chance((one, other), left, left_before)
            if self._each_matters(both, mask, other_mask):
                found.append((p, (one, other)))
        return found, tried

    def _each_matters(self, both: int, mask: int, other: int) -> bool:
        """Whether either mark makes the other one worse, by more than the best of all marks would by chance."""
        hits, n = (both & self._bad).bit_count(), both.bit_count()
        return all(
            figures.overrepresented(hits, n, (whole & self._bad).bit_count(), whole.bit_count())
            < 0.05 / max(1, len(self._single))
            for whole in (mask, other)
        )

    def _chance(self, marks: tuple[Mark, ...], left: int, left_before: int) -> float:
        mask = self.mask(marks) & left
        n, total = mask.bit_count(), left.bit_count()
        hits, bad = (mask & self._bad).bit_count(), (left & self._bad).bit_count()
        if n < self._least or total - n < _FEWEST:
            return 1.0
        p = figures.overrepresented(hits, n, bad, total)
        mask_before = self.mask_before(marks) & left_before
        n_before, total_before = mask_before.bit_count(), left_before.bit_count()
        if p == 1.0 or min(n_before, total_before - n_before) < _FEWEST:
            return p
        hits_before = (mask_before & self._bad_before).bit_count()
        bad_before = (left_before & self._bad_before).bit_count()
        grown = figures.upper_tail(
            _gap(
                hits, n, bad - hits, total - n, hits_before, n_before, bad_before - hits_before, total_before - n_before
            )
        )
        more = figures.overrepresented(n, total, n + n_before, total + total_before)
        return min(1.0, 2 * min(max(p, grown), max(p, more)))

    def _same(self, marks: tuple[Mark, ...], mask: int, left: int) -> Iterable[Mark]:
        for mark in marks:
            yield from self._aliases.get(mark, ())
        for mark in self._single:
            other = self._masks[mark] & left
            if mark not in marks and (mask & other).bit_count() > _SAME * (mask | other).bit_count():
                yield mark


def _gap(*counts: int) -> float:
    """Return how much a disadvantage grew, in standard errors; each share with one more of each kind (Agresti, Caffo)."""
    shares = [(hits + 1) / (n + 2) for hits, n in zip(counts[::2], counts[1::2], strict=True)]
    error = sum(p * (1 - p) / (n + 2) for p, n in zip(shares, counts[1::2], strict=True))
    with_, without, with_before, without_before = shares
    return ((with_ - without) - (with_before - without_before)) / sqrt(error)


def _masks(judged: Sequence[Judged]) -> dict[Mark, int]:
    having: dict[Mark, list[int]] = {}
    for index, one in enumerate(judged):
        for mark in one.marks:
            having.setdefault(mark, []).append(index)
    size = len(judged) // 8 + 1
    found = {}
    for mark, indices in having.items():
        bits = bytearray(size)
        for index in indices:
            bits[index >> 3] |= 1 << (index & 7)
        found[mark] = int.from_bytes(bits, "little")
    return found


def _bits(claims: Iterable[bool]) -> int:
    found = 0
    for index, claim in enumerate(claims):
        found |= claim << index
    return found


def _both(masks: dict[Mark, int], marks: tuple[Mark, ...], every: int) -> int:
    for mark in marks:
        every &= masks.get(mark, 0)
    return every
