"""Kinds of questions that are answered worse than others: found on one half of the cases, and proven on the other.

Clusters of what is asked are made on one half; those that look worse there are tested on the half that had no part in it, so
that having looked for them does not flatter them. Y. Chung et al., "Slice Finder" (2019), https://arxiv.org/abs/1807.06068,
looks for slices by their fields; here there are none but the words.
"""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from rowen.evaluate.statistics import benjamini_hochberg, linear, permutation_of_two
from rowen.evaluate.statistics.arrays import Floats, Whole, np, random
from rowen.values import Mistaken, Value
from rowen.values.interval import Interval
from rowen.values.words import content

LEAST = 8
"""Cases of a kind on the half that proves, below which it is not tested."""

_FEWEST = 60
_ROUNDS = 25
_WORDS = 4


class Scored(Value, frozen=True, kw_only=True):
    """One case: what was asked, and how well it was answered (more is better)."""

    case: str
    text: str
    score: float
    group: str = ""


class Kind(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Cases that ask something alike, and are answered worse."""

    words: tuple[str, ...]
    """The words that tell it from the others."""
    n: int
    """Cases on the half that proves."""
    score: Interval
    rest: float
    """The mean of all other cases on that half."""
    p: float
    q: float
    """Corrected for all kinds that were tested (Benjamini & Hochberg)."""
    cases: tuple[str, ...]
    """All of its cases, of both halves."""

    @property
    def name(self) -> str:
        """What it is called."""
        return " ".join(self.words) or "other words"


class Discovered(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What was found."""

    n: int
    clusters: int
    tested: int
    """Kinds that looked worse on the first half, and were large enough on the second."""
    kinds: tuple[Kind, ...]
    """Those that are significantly worse, the worst first."""


def discover(
    cases: Sequence[Scored], rows: Floats, *, clusters: int = 0, error: float = 0.05, seed: int = 0
) -> Discovered:
    """Return the kinds of questions that are answered significantly worse than the others.

    Args:
        cases: what was asked and how well it was answered.
        rows: what each asks, as a row of length 1.
        clusters: how many kinds there may be; default: as many as half the cases fill with 15 each, up to 25.
        error: the share of false alarms among all alarms.
        seed: another one begins the clusters elsewhere.

    Raises:
        Mistaken: `conflict` for too few cases.

    """
    if len(cases) < _FEWEST:
        raise Mistaken("conflict", f"{len(cases)} cases are too few; {_FEWEST} are needed", place="cases")
    first = np.array([blake2b(f"{seed}{one.group or one.case}".encode()).digest()[0] % 2 == 0 for one in cases])
    scores = np.array([one.score for one in cases])
    k = clusters or min(25, max(2, int(first.sum()) // 15))
    centres = _centres(rows[first], k, seed)
    member: Whole = (rows @ centres.T).argmax(axis=1)
    candidates = []
    for place in range(len(centres)):
        inside = member == place
        looked, proves = inside & first, inside & ~first
        if looked.sum() < 2 or proves.sum() < LEAST or (~inside & ~first).sum() < LEAST:
            continue
        if scores[looked].mean() < scores[first & ~inside].mean():
            candidates.append((place, inside, proves))
    chances = [
        permutation_of_two(
            _by_group(cases, scores, proves), _by_group(cases, scores, ~inside & ~first), side="less", draws=4_000
        ).p
        for _, inside, proves in candidates
    ]
    found = []
    for (_, inside, proves), p, q in zip(candidates, chances, benjamini_hochberg(chances), strict=True):
        if q > error:
            continue
        places = np.flatnonzero(inside).tolist()
        groups = [cases[at].group or cases[at].case for at in np.flatnonzero(proves).tolist()]
        found.append(
            Kind(
                words=_distinct([cases[at].text for at in places], [one.text for one in cases]),
                n=int(proves.sum()),
                score=linear(scores[proves], clusters=groups if len(set(groups)) < len(groups) else None),
                rest=float(scores[~inside & ~first].mean()),
                p=p,
                q=q,
                cases=tuple(cases[at].case for at in places),
            )
        )
    found.sort(key=lambda kind: (kind.score.value or 0.0) - kind.rest)
    return Discovered(n=len(cases), clusters=len(centres), tested=len(candidates), kinds=tuple(found))


def _centres(rows: Floats, k: int, seed: int) -> Floats:
    """Return centres by spherical k-means, begun far apart (D. Arthur & S. Vassilvitskii, "k-means++", 2007)."""
    rng = random(seed)
    chosen = [int(rng.integers(len(rows)))]
    while len(chosen) < min(k, len(rows)):
        away = np.clip(1 - (rows @ rows[chosen].T).max(axis=1), 0, None)
        if not away.sum():
            break
        chosen.append(int(rng.choice(len(rows), p=away / away.sum())))
    centres = rows[chosen]
    for _ in range(_ROUNDS):
        member = (rows @ centres.T).argmax(axis=1)
        sums = np.array([rows[member == place].sum(axis=0) if (member == place).any() else centres[place] for place in range(len(centres))])  # fmt: skip
        lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
        moved = sums / np.where(lengths > 0, lengths, 1.0)
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres


def _by_group(cases: Sequence[Scored], scores: Floats, chosen: Whole) -> list[float]:
    """Return the mean of each group: cases of one user count once."""
    sums: dict[str, list[float]] = {}
    for at in np.flatnonzero(chosen).tolist():
        sums.setdefault(cases[at].group or cases[at].case, []).append(float(scores[at]))
    return [sum(values) / len(values) for values in sums.values()]


def _distinct(texts: Sequence[str], every: Sequence[str]) -> tuple[str, ...]:
    """Return the words that stand in many of these texts and in few of the others."""
    here = Counter(word for text in texts for word in set(content(text)))
    there = Counter(word for text in every for word in set(content(text)))
    worth = {
        word: count / len(texts) - (there[word] - count) / max(1, len(every) - len(texts))
        for word, count in here.items()
        if count > 1
    }
    return tuple(word for word, value in sorted(worth.items(), key=lambda one: (-one[1], one[0]))[:_WORDS] if value > 0)
