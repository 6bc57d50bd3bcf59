"""Could something smaller do this? A classifier that learns from what a model answered, held against the model itself."""

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from rowen.evaluate.compare.differ import interval, mean
from rowen.evaluate.compare.pairs import Column
from rowen.evaluate.smaller.cascade import FEWEST, Cascade, Tries, cascade
from rowen.evaluate.smaller.head import learn
from rowen.evaluate.statistics import linear, standing
from rowen.evaluate.statistics.arrays import Floats, Whole, np
from rowen.values import Mistaken, Value
from rowen.values.interval import Interval

MOST_LABELS = 200
LEAST_EXAMPLES = 50
FOLDS = 5
_RARE = 2
"""Examples of a label, below which it cannot be learnt."""
_COVERED = 0.9
"""The share of answers that must be one of the labels, for this to be a classification at all."""

Advice = Literal["yes", "partly", "no", "unknown"]


class Example(Value, frozen=True, kw_only=True):
    """One text with what a model said of it."""

    text: str
    said: str
    """The label that the model gave."""
    right: str = ""
    """The label that is right; empty where nobody knows."""
    group: str = ""
    """The user, session or document that it belongs to; examples of one are never on both sides."""
    cost: float | None = None
    """US dollars that the model took."""
    ms: float | None = None


class Advised(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Whether a small classifier would do."""

    advice: Advice
    why: str
    features: str
    n: int
    labels: int
    against: Literal["truth", "model"]
    """What accuracy is held against: what is right, or where nobody knows that, what the model said."""
    model: Interval
    small: Interval
    difference: Interval
    """The small one's accuracy less the model's, on the same texts; each was answered by a head that had not seen its group."""
    margin: float
    cost: Interval
    """Of an answer of the model, US dollars."""
    ms: Interval
    """That an answer of the model takes, milliseconds."""
    small_ms: float
    """That the small one takes for a text, milliseconds."""
    cascade: Cascade | None
    """What letting the small one answer only where it is sure would save; None with too few examples or without costs."""


def advise(
    examples: Sequence[Example],
    rows: Floats,
    *,
    features: str,
    small_ms: float = 0.0,
    margin: float = 0.02,
    folds: int = FOLDS,
) -> Advised:
    """Return whether a classifier on these rows would do as well as the model.

    Args:
        examples: what was asked and said.
        rows: a row of features for each.
        features: what these are, for people.
        small_ms: what making and judging one row takes.
        margin: how much accuracy may be lost.
        folds: parts that are left out in turn, by group.

    Raises:
        Mistaken: `conflict` where the answers are no labels, or too few.

    """
    wanted = [each.right or each.said for each in examples]
    truth = all(each.right for each in examples)
    _check([each.said for each in examples])
    answers = _answered(examples, rows, wanted, folds)
    groups = _groups(examples)
    small = np.array([float(label == right) for (label, _), right in zip(answers, wanted, strict=True)])
    model = np.array([float(each.said == right) for each, right in zip(examples, wanted, strict=True)])
    column = Column.of(model, small, groups)
    gap = interval(column)
    replayed = _replayed(examples, answers, (small, model), margin)
    stands = standing(gap, margin)
    advice: Advice = (
        "yes" if stands in {"better", "not worse"}
        else "partly" if replayed is not None and replayed.holds
        else "no" if stands == "worse" or gap.high < 0 else "unknown"
    )  # fmt: skip
    clusters = None if column.alone else groups
    return Advised(
        advice=advice,
        why=_why(advice, gap, margin, replayed),
        features=features,
        n=len(examples),
        labels=len(set(wanted)),
        against="truth" if truth else "model",
        model=mean(column, model),
        small=mean(column, small),
        difference=gap,
        margin=margin,
        cost=_known([each.cost for each in examples], clusters),
        ms=_known([each.ms for each in examples], clusters),
        small_ms=small_ms,
        cascade=replayed,
    )


def normal(label: str) -> str:
    """Return an answer as it is told from others: small letters, no full stop or quotes around it."""
    return " ".join(label.strip().strip("\"'`.*").split()).casefold()


def _check(said: Sequence[str]) -> None:
    counts = Counter(said)
    usual = {label: count for label, count in counts.items() if count >= _RARE}
    covered = sum(usual.values())
    if len(said) < LEAST_EXAMPLES:
        raise Mistaken("conflict", f"{len(said)} examples are too few; {LEAST_EXAMPLES} are needed", place="examples")
    if not 2 <= len(usual) <= MOST_LABELS or covered < _COVERED * len(said):
        message = (
            f"{len(counts)} different answers to {len(said)} texts are no labels, so no classifier could give them"
        )
        raise Mistaken("conflict", message, place="examples")


def _answered(examples: Sequence[Example], rows: Floats, wanted: Sequence[str], folds: int) -> list[tuple[str, float]]:
    """Return for each text the label of a head that has not seen its group, and how sure it is."""
    parts: Whole = np.array(
        [blake2b((each.group or each.text).encode(), digest_size=4).digest()[0] % folds for each in examples]
    )
    found: list[tuple[str, float]] = [("", 0.0)] * len(examples)
    for part in range(folds):
        inside, outside = np.flatnonzero(parts == part), np.flatnonzero(parts != part)
        labels = [wanted[at] for at in outside.tolist()]
        if not len(inside) or len(set(labels)) < 2:
            continue
        head = learn(rows[outside], labels)
        chances = head.chances(rows[inside])
        for at, place, chance in zip(
            inside.tolist(), chances.argmax(axis=1).tolist(), chances.max(axis=1).tolist(), strict=True
        ):
            found[at] = (head.labels[place], chance)
    return found


def _groups(examples: Sequence[Example]) -> Whole:
    known: dict[str, int] = {}
    return np.array([known.setdefault(each.group or f"\x00{at}", len(known)) for at, each in enumerate(examples)])


def _replayed(
    examples: Sequence[Example], answers: Sequence[tuple[str, float]], scores: tuple[Floats, Floats], margin: float
) -> Cascade | None:
    if len(examples) < 4 * FEWEST or any(each.cost is None for each in examples):
        return None
    small, model = scores
    tries = [
        Tries(
            group=each.group or f"{at}",
            sure=sure,
            small=float(small[at]),
            large=float(model[at]),
            small_cost=0.0,
            large_cost=each.cost or 0.0,
        )
        for at, (each, (_, sure)) in enumerate(zip(examples, answers, strict=True))
    ]
    try:
        return cascade(tries, margin=margin)
    except Mistaken:
        return None


def _known(values: Sequence[float | None], clusters: Whole | None) -> Interval:
    places = [at for at, value in enumerate(values) if value is not None]
    found = np.array([values[at] for at in places], dtype=float)
    return linear(found, clusters=None if clusters is None else clusters[places])


def _why(advice: Advice, gap: Interval, margin: float, replayed: Cascade | None) -> str:
    said = f"its accuracy is {(gap.value or 0.0) * 100:+.1f} points against the model's ({gap.low * 100:+.1f} to {gap.high * 100:+.1f})"
    match advice:
        case "yes":
            return f"{said}, so not more than {margin * 100:g} points can have been lost"
        case "partly":
            assert replayed is not None
            return (
                f"{said}; where it is sure it may answer, which saves {(replayed.saved.value or 0.0):.0%} of the cost"
            )
        case "no":
            return f"{said}: that is worse"
        case "unknown":
            return f"{said}: more examples are needed to tell"
