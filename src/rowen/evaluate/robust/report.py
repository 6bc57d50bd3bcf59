"""How robust something is: how often its answers hold when a case is asked in another way, by way, language and domain.

The measure of each way is what happens when a case is asked again as it was. A model whose answers differ each time anyway
is called unsteady, not unable to read typing errors.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from rowen.evaluate.compare.differ import interval, tested
from rowen.evaluate.compare.pairs import Column
from rowen.evaluate.dataset import asked
from rowen.evaluate.robust.agree import named, opposite, same
from rowen.evaluate.robust.base import Kind, Variant, exchanged, variant_of
from rowen.evaluate.statistics import benjamini_hochberg, holm, linear, permutation_of_two
from rowen.evaluate.statistics.arrays import np
from rowen.values import Case, Mistaken, Value
from rowen.values.evaluation import Outcome
from rowen.values.interval import Interval, wilson
from rowen.values.language import language
from rowen.values.words import words

MARGIN = 0.1
"""How much more often an answer may change than when the case is asked again, for a way to be called harmless."""

LEAST = 10
"""Originals of a slice, below which it is not looked at."""

_NEAR = 0.25
"""How far two numbers of a metric may be apart to be called the same."""

_SHORT = 8
_BROKEN = 100
_VALUES = 50

Stands = Literal["holds", "breaks", "unknown"]


class Way(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What became of the cases that were asked in one way."""

    kind: Kind
    n: int
    """Answers that could be held against the original's."""
    skipped: int
    """Answers that say nothing: the original had failed, was wrong, or says neither yes nor no."""
    held: Interval
    """The share that stood as it must."""
    again: Interval
    """The same of cases asked again as they were."""
    difference: Interval
    """How much more often they held than that, over the same originals."""
    p_holm: float
    """Corrected for all ways."""
    stands: Stands


class Part(Value, frozen=True, kw_only=True, omit_defaults=False):
    """All ways together on the cases of one slice."""

    by: str
    value: str
    n: int
    """Originals."""
    held: Interval
    rest: float
    """The share of all other cases."""
    p: float
    q: float
    """Corrected for all slices (Benjamini & Hochberg)."""
    worse: bool
    """Whether fewer held than elsewhere, with `q` at most the error."""


class Broken(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One answer that did not stand as it must."""

    case: str
    kind: Kind
    asked: str
    before: str
    """What the original was answered."""
    after: str
    want: str
    """How it should have stood."""
    trace: str


class Robustness(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What a robustness run shows."""

    run: str
    originals: int
    answers: int
    repeatability: Interval | None
    """How often the same question got the same answer; None where none was asked again."""
    ways: tuple[Way, ...]
    slices: tuple[Part, ...]
    broken: tuple[Broken, ...]
    warnings: tuple[str, ...]

    @property
    def breaks(self) -> tuple[Kind, ...]:
        """The ways in which it breaks."""
        return tuple(each.kind for each in self.ways if each.stands == "breaks")


Same = Callable[[str, str], bool]


class _Held(NamedTuple):
    original: Case
    case: Case
    variant: Variant
    outcome: Outcome
    first: Outcome
    held: bool | None


def report(
    cases: Iterable[Case],
    outcomes: Sequence[Outcome],
    *,
    run: str = "",
    metric: str = "",
    alike: Same = same,
    error: float = 0.05,
    margin: float = MARGIN,
) -> Robustness:
    """Return how robust the answers are.

    Args:
        cases: originals and variants, as `variants` made them.
        outcomes: what became of them.
        run: what they are called.
        metric: a score that must stay the same; default: what is said. Where a short answer is expected, what is said must
            name it, and only originals that did so count.
        alike: whether two answers say the same, where nothing is expected.
        error: the chance that anything is called broken that is not.
        margin: how much more often an answer may change than when asked again, for a way to be called harmless.

    Raises:
        Mistaken: `conflict` where no variant was tried with its original.

    """
    known = {case.id: case for case in cases}
    firsts = {
        (variant.of, outcome.trial): (known[outcome.case], outcome)
        for outcome in outcomes
        if outcome.case in known and (variant := variant_of(known[outcome.case])) and variant.kind == "original"
    }
    tried: list[_Held] = []
    for outcome in outcomes:
        case = known.get(outcome.case)
        variant = variant_of(case) if case else None
        if case is None or variant is None or variant.kind == "original" or (variant.of, outcome.trial) not in firsts:
            continue
        original, first = firsts[variant.of, outcome.trial]
        held = _held(variant, (original, first), (case, outcome), metric=metric, alike=alike)
        tried.append(_Held(original, case, variant, outcome, first, held))
    if not tried:
        message = "no case was tried both as it is and in another way; make such cases with `rowen robust make`"
        raise Mistaken("conflict", message, place="run")
    floors = _means(one for one in tried if one.variant.kind == "repeat")
    ways = _ways(tried, floors, error=error, margin=margin)
    again = next((each.held for each in ways if each.kind == "repeat"), None)
    warnings = [] if floors else ["No case was asked again as it was, so answers are taken to be the same each time."]
    return Robustness(
        run=run,
        originals=len({one.variant.of for one in tried}),
        answers=len(tried),
        repeatability=again,
        ways=tuple(each for each in ways if each.kind != "repeat"),
        slices=tuple(_slices(tried, error)),
        broken=tuple(_broken(one) for one in tried if one.held is False)[:_BROKEN],
        warnings=tuple(warnings),
    )


def _held(
    variant: Variant, first: tuple[Case, Outcome], later: tuple[Case, Outcome], *, metric: str, alike: Same
) -> bool | None:
    """Return whether an answer stands as it must to the original's; None where nothing can be said."""
    original, before = first
    case, after = later
    if before.state == "failed":
        return None
    if after.state == "failed":
        return False
    if variant.kind == "negation":
        turned = opposite(before.answer, after.answer)
        return turned if turned is not None else None if opposite(before.answer, "yes") is None else False
    expected = original.expected if isinstance(original.expected, str) and _short(original.expected) else ""
    if variant.kind == "inversion":
        if not named(before.answer, expected):
            return None
        return any(named(after.answer, name) for name in variant.names)
    if metric:
        one, other = before.numbers.get(metric), after.numbers.get(metric)
        return None if one is None or other is None else abs(one - other) <= _NEAR
    if expected:
        return named(after.answer, str(case.expected)) if named(before.answer, expected) else None
    return alike(exchanged(before.answer, variant.swapped), after.answer)


def _short(text: str) -> bool:
    return 0 < len(words(text)) <= _SHORT


def _means(tried: Iterable[_Held]) -> dict[str, float]:
    """Return of each original the share that held."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for one in tried:
        if one.held is not None:
            found[one.variant.of].append(one.held)
    return {id: sum(each) / len(each) for id, each in found.items()}


def _ways(tried: Sequence[_Held], floors: Mapping[str, float], *, error: float, margin: float) -> list[Way]:
    kinds: defaultdict[Kind, list[_Held]] = defaultdict(list)
    for one in tried:
        kinds[one.variant.kind].append(one)
    groups = {one.variant.of: one.first.group or one.variant.of for one in tried}
    numbers = {group: place for place, group in enumerate(dict.fromkeys(groups.values()))}
    columns: dict[Kind, Column] = {}
    for kind, ones in kinds.items():
        means = _means(ones)
        ids = [id for id in means if not floors or id in floors]
        columns[kind] = Column.of(
            np.array([floors.get(id, 1.0) for id in ids]),
            np.array([means[id] for id in ids]),
            np.array([numbers[groups[id]] for id in ids], dtype=np.int64),
        )
    asked_again: list[Kind] = [kind for kind in kinds if kind != "repeat"]
    chances: dict[Kind, float] = dict(
        zip(asked_again, holm([tested(columns[kind]).p for kind in asked_again]), strict=True)
    )
    found = []
    for kind, ones in kinds.items():
        column, judged = columns[kind], [one for one in ones if one.held is not None]
        gap = interval(column, 1 - error)
        p = chances.get(kind, 1.0)
        found.append(
            Way(
                kind=kind,
                n=len(judged),
                skipped=len(ones) - len(judged),
                held=_share(column, candidate=True),
                again=_share(column, candidate=False),
                difference=gap,
                p_holm=p,
                stands=_stands(gap, p, error, margin),
            )
        )
    return found


def _stands(gap: Interval, p: float, error: float, margin: float) -> Stands:
    if gap.value is None:
        return "unknown"
    if p <= error and gap.value < 0:
        return "breaks"
    return "holds" if gap.low > -margin else "unknown"


def _share(column: Column, *, candidate: bool) -> Interval:
    side = column.candidate if candidate else column.baseline
    if column.alone and column.binary:
        return wilson(float(side.sum()), len(side))
    return linear(side, clusters=None if column.alone else column.clusters)


def _slices(tried: Sequence[_Held], error: float) -> list[Part]:
    """Return how the cases of each slice hold, against all others."""
    ways = [one for one in tried if one.variant.kind != "repeat"]
    means = _means(ways)
    cut: dict[str, dict[str, str]] = {}
    for one in ways:
        spoken = language(asked(one.original.input))
        cut.setdefault(one.variant.of, {"language": spoken or "unknown", **one.first.slices})
    members: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for id in means:
        for by, value in cut[id].items():
            members[by, value].append(id)
    kinds = {by: sum(1 for each, _ in members if each == by) for by, _ in members}
    large = {
        place: ids
        for place, ids in sorted(members.items())
        if 2 <= kinds[place[0]] <= _VALUES and len(ids) >= LEAST and len(means) - len(ids) >= LEAST
    }
    others = {place: [means[id] for id in means if id not in set(ids)] for place, ids in large.items()}
    chances = [
        permutation_of_two([means[id] for id in ids], others[place], draws=2_000).p for place, ids in large.items()
    ]
    found = []
    for (place, ids), p, q in zip(large.items(), chances, benjamini_hochberg(chances), strict=True):
        values = [means[id] for id in ids]
        rest = sum(others[place]) / len(others[place])
        found.append(
            Part(
                by=place[0],
                value=place[1],
                n=len(ids),
                held=linear(values),
                rest=rest,
                p=p,
                q=q,
                worse=q <= error and sum(values) / len(values) < rest,
            )
        )
    return sorted(found, key=lambda one: (not one.worse, one.held.value or 0.0))


def _broken(one: _Held) -> Broken:
    match one.variant.kind:
        case "negation":
            want = "the opposite"
        case "inversion":
            want = f"to name {', '.join(one.variant.names)}"
        case _:
            want = "the same"
    return Broken(
        case=one.case.id,
        kind=one.variant.kind,
        asked=asked(one.case.input),
        before=one.first.answer,
        after=one.outcome.answer if one.outcome.state == "answered" else one.outcome.reasons.get("error", "it failed"),
        want=want,
        trace=one.outcome.trace,
    )
