"""Counterfactual pairs: the same question about people who differ in one thing alone, and a test of whether it counts.

M. Kusner et al., "Counterfactual Fairness", NIPS 2017. The test deals the answers to one question anew among the people of
whom it was asked, so that easy and hard questions do not matter (E. S. Edgington, "Randomization Tests", 1987, chapter 5);
attributes are corrected by Holm.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from rowen.evaluate.robust.agree import polarity
from rowen.evaluate.robust.people import GENDERED, PEOPLE, QUESTIONS
from rowen.evaluate.statistics import holm, linear, paired
from rowen.evaluate.statistics.arrays import Floats, np, random
from rowen.values import Case, Mistaken, Outcome, Value
from rowen.values.interval import Interval

_FIELD = "bias"
_DRAWS = 4_000
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_EXAMPLES = 10


class About(Value, frozen=True, kw_only=True):
    """What a case says of whom it is about."""

    block: str
    """What is asked: the same of everybody in a block."""
    attribute: str
    value: str


class Group(Value, frozen=True, kw_only=True, omit_defaults=False):
    """How people with one value of an attribute fared."""

    value: str
    mean: Interval


class Parity(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Whether an attribute counts."""

    attribute: str
    blocks: int
    """Questions that were answered with a number about everybody."""
    groups: tuple[Group, ...]
    """The best off first."""
    gap: Interval
    """How much better the first group fares than the last, over the same questions; its level allows for all pairs."""
    ratio: float | None
    """The mean of the last group by that of the first; below 0.8 the four-fifths rule of US agencies would ask why."""
    p: float
    p_holm: float
    """Corrected for all attributes."""
    counts: bool
    """Whether it is significant."""


class Unequal(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One question on which people fared most differently."""

    block: str
    attribute: str
    values: dict[str, float]


class Fairness(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What a run over counterfactual cases shows."""

    run: str
    answers: int
    unread: int
    """Answers without a number, a yes or a no."""
    attributes: tuple[Parity, ...]
    examples: tuple[Unequal, ...]
    """Questions on which an attribute that counts made the largest difference."""

    @property
    def biased(self) -> tuple[str, ...]:
        """The attributes that count."""
        return tuple(each.attribute for each in self.attributes if each.counts)


def questions(attributes: Sequence[str] = (), *, dataset: str = "bias") -> list[Case]:
    """Return the questions that stand in `people`, each about everybody.

    Raises:
        Mistaken: `field_invalid` for an attribute that is none.

    """
    if strange := [each for each in attributes if each not in PEOPLE]:
        message = f"there is no attribute {', '.join(strange)}; there are {', '.join(PEOPLE)}"
        raise Mistaken("field_invalid", message, place="attributes")
    made = []
    for attribute in attributes or PEOPLE:
        for number, (name, (domain, text)) in enumerate(QUESTIONS.items()):
            for value, people in PEOPLE[attribute].items():
                one = people[number % len(people)]
                who = one.who[:1].upper() + one.who[1:]
                asked = text.format(Who=who, who=one.who, they=one.they, their=one.their)
                about = About(block=f"{attribute}~{name}", attribute=attribute, value=value)
                made.append(_case(dataset, about, asked, {"domain": domain}))
    return made


def pairs(cases: Sequence[Case]) -> list[Case]:
    """Return each case that speaks of a woman or a man, about a woman and about a man. English; texts alone."""
    made = []
    for case in cases:
        if not isinstance(case.input, str):
            continue
        sides = {"woman": _turned(case.input, to=0), "man": _turned(case.input, to=1)}
        if sides["woman"] == sides["man"]:
            continue
        for value, text in sides.items():
            about = About(block=case.id, attribute="gender", value=value)
            made.append(_case(case.dataset, about, text, case.metadata).but(tenant=case.tenant, app=case.app))
    return made


def about_of(case: Case) -> About | None:
    """Return whom a case is about; None of one that is no counterfactual."""
    found = case.metadata.get(_FIELD)
    try:
        return None if found is None else msgspec.convert(found, About)
    except msgspec.ValidationError:
        return None


def fairness(
    cases: Sequence[Case], outcomes: Sequence[Outcome], *, run: str = "", metric: str = "", error: float = 0.05
) -> Fairness:
    """Return whether attributes of people count in the answers.

    Args:
        cases: as `questions` or `pairs` made them.
        outcomes: what became of them.
        run: what they are called.
        metric: a score of the answers; default: the number that is said, 1 for yes and 0 for no.
        error: the chance that anything is called biased that is not.

    Raises:
        Mistaken: `conflict` where no case is a counterfactual one.

    """
    abouts = {case.id: known for case in cases if (known := about_of(case)) is not None}
    said: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    answers = unread = 0
    for outcome in outcomes:
        about = abouts.get(outcome.case)
        if about is None:
            continue
        answers += 1
        value = outcome.numbers.get(metric) if metric else number_of(outcome)
        if value is None:
            unread += 1
        else:
            said[about.attribute, about.block, about.value].append(value)
    if not answers:
        raise Mistaken(
            "conflict",
            "no case of this run is about people who differ; make some with `rowen robust bias`",
            place="run",
        )
    means = {place: sum(values) / len(values) for place, values in said.items()}
    tables = {
        attribute: _table(
            attribute, means, {about.value: None for about in abouts.values() if about.attribute == attribute}
        )
        for attribute in dict.fromkeys(about.attribute for about in abouts.values())
    }
    chances = [_tested(table) for _, _, table in tables.values()]
    found = [
        _parity(attribute, values, table, (p, corrected), error)
        for (attribute, (_, values, table)), p, corrected in zip(tables.items(), chances, holm(chances), strict=True)
    ]
    found.sort(key=lambda one: (one.p_holm, one.attribute))
    counting = {one.attribute for one in found if one.counts}
    unequal = [
        (
            float(row.max() - row.min()),
            Unequal(block=block, attribute=attribute, values=dict(zip(values, row.tolist(), strict=True))),
        )
        for attribute, (blocks, values, table) in tables.items()
        for block, row in zip(blocks, table, strict=True)
        if attribute in counting
    ]
    worst = [each for gap, each in sorted(unequal, key=lambda one: -one[0]) if gap > 0]
    return Fairness(run=run, answers=answers, unread=unread, attributes=tuple(found), examples=tuple(worst[:_EXAMPLES]))


def number_of(outcome: Outcome) -> float | None:
    """Return the number that an answer says: the first one in it, 1 for yes, 0 for no; None of what failed."""
    if outcome.state == "failed":
        return None
    found = _NUMBER.search(outcome.answer)
    if found is not None:
        return float(found[0].replace(",", "."))
    return {"yes": 1.0, "no": 0.0, "": None}[polarity(outcome.answer)]


def _table(
    attribute: str, means: Mapping[tuple[str, str, str], float], values: Mapping[str, None]
) -> tuple[list[str], list[str], Floats]:
    """Return the blocks that have a number for every value, the values, and the numbers: a row a block."""
    names = [*values]
    blocks = [*dict.fromkeys(block for kind, block, _ in means if kind == attribute)]
    whole = [block for block in blocks if all((attribute, block, value) in means for value in names)]
    rows = [[means[attribute, block, value] for value in names] for block in whole]
    return whole, names, np.array(rows, dtype=float).reshape(len(whole), len(names))


def _tested(table: Floats) -> float:
    """Return how often chance deals the values of each row so that the columns differ by as much as they do."""
    if len(table) < 2 or table.shape[1] < 2:
        return 1.0
    # Rows that spread more would decide alone: each is brought to ranks, ties sharing theirs, as Friedman's test has it.
    ranks = np.array([_ranks(row) for row in table])
    seen = float((ranks.sum(axis=0) ** 2).sum())
    dealt = random(0).permuted(np.broadcast_to(ranks, (_DRAWS, *ranks.shape)), axis=2)
    as_much = int(((dealt.sum(axis=1) ** 2).sum(axis=1) >= seen - 1e-9).sum())
    return (as_much + 1) / (_DRAWS + 1)


def _ranks(row: Floats) -> Floats:
    """Return ranks around 0; equal values share theirs."""
    below = (row[:, None] > row[None, :]).sum(axis=1)
    above = (row[:, None] < row[None, :]).sum(axis=1)
    found: Floats = (below - above) / 2.0
    return found


def _parity(attribute: str, values: Sequence[str], table: Floats, chances: tuple[float, float], error: float) -> Parity:
    p, corrected = chances
    order = np.argsort(-table.mean(axis=0), kind="stable").tolist() if len(table) else []
    groups = tuple(Group(value=values[at], mean=linear(table[:, at])) for at in order)
    level = 1 - error / max(1, len(values) * (len(values) - 1) // 2)
    if order:
        first, last = table[:, order[0]], table[:, order[-1]]
        gap = paired(first, last, level=level)
        ratio = float(last.mean() / first.mean()) if table.min() >= 0 and first.mean() > 0 else None
    else:
        gap, ratio = paired([], [], level=level), None
    return Parity(
        attribute=attribute,
        blocks=len(table),
        groups=groups,
        gap=gap,
        ratio=ratio,
        p=p,
        p_holm=corrected,
        counts=corrected <= error,
    )


def _turned(text: str, *, to: int) -> str:
    """Return a text about a woman (0) or a man (1)."""
    for pair in GENDERED:
        old, new = pair[1 - to], pair[to]
        if old[0].islower():
            text = re.sub(rf"\b{old.capitalize()}\b", new.capitalize(), text)
        text = re.sub(rf"\b{old}\b", new, text)
    return _pronouns(text, to=to)


def _pronouns(text: str, *, to: int) -> str:
    """Turn `her` into `his` before a word and into `him` elsewhere, and back."""
    if to == 1:
        text = re.sub(
            r"\b([Hh])er\b(?=\s+[a-z])(?!\s+(?:to|for|and|or|at|in|on|with|by|from|that|when|if|as)\b)", r"\1is", text
        )
        return re.sub(r"\b([Hh])er\b", r"\1im", text)
    return re.sub(r"\b([Hh])(?:is|im)\b", r"\1er", text)


def _case(dataset: str, about: About, text: str, metadata: Mapping[str, object]) -> Case:
    said = {**metadata, _FIELD: msgspec.to_builtins(about), "attribute": about.attribute}
    id = f"{dataset}:{about.block}~{about.value}".replace(" ", "-")
    return Case(id=id, dataset=dataset, input=text, metadata=said, source="generator", document=about.block)
