"""How much answers depend on how a prompt or a question is written, beyond what they differ anyway.

The same question asked again tells how often a model agrees with itself. How much less often it does so when the words
change, and what is asked does not, is its sensitivity: 0 for one that does not mind, 1 for one that always agrees with itself and
never with another phrasing. M. Sclar et al., "Quantifying Language Models' Sensitivity to Spurious Features in Prompt
Design" (2024), https://arxiv.org/abs/2310.11324, shows how large it can be.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

from rowen.evaluate.robust.agree import same
from rowen.evaluate.robust.phrasing import Phrasing
from rowen.evaluate.statistics import bootstrap
from rowen.values import Mistaken, Problem, Value
from rowen.values.interval import Interval
from rowen.values.words import words

Of = Literal["prompt", "question"]
Ask = Callable[[str | None, str], Awaitable[str]]
"""Answers a question under a prompt; None is the prompt as it is. Raises `Problem`."""

_AT_ONCE = 4
_SHOWN = 20


class Ways(NamedTuple):
    """A question with what else it could be asked by."""

    question: str
    prompts: tuple[Phrasing, ...] = ()
    questions: tuple[Phrasing, ...] = ()


class Shift(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What one way of writing does."""

    of: Of
    how: str
    n: int
    """Answers that could be compared."""
    agreed: Interval
    """How often they say the same as those to the words as they are."""
    sensitivity: Interval
    """How much less often than these agree among themselves, over the same questions."""


class Other(Value, frozen=True, kw_only=True, omit_defaults=False):
    """An answer that says something else than the one to the words as they are."""

    of: Of
    how: str
    question: str
    written: str
    """The phrasing that was asked."""
    before: str
    after: str


class Sensitivity(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What the answers to all phrasings show."""

    questions: int
    answers: int
    failed: int
    """Calls that were not answered, and count for nothing."""
    repeatability: Interval
    """How often two answers to the very same words say the same."""
    identical: Interval
    """How often they are the same word by word."""
    sensitivity: Interval
    """How much less often answers to other words say the same: over all ways."""
    shifts: tuple[Shift, ...]
    others: tuple[Other, ...]
    """Some of the answers that differ."""
    warnings: tuple[str, ...] = ()


class _Got(NamedTuple):
    question: int
    of: Of
    phrasing: Phrasing
    text: str | None


async def measured(
    asked: Sequence[Ways], ask: Ask, *, repeats: int = 3, told: Callable[[], object] = lambda: None
) -> Sensitivity:
    """Ask every question as it is, several times, and in every other way once; return how the answers stand.

    Args:
        asked: the questions with their phrasings.
        ask: answers one; it must not answer from a cache.
        repeats: how often each is asked as it is, at least 2.
        told: called after each answer.

    Raises:
        Mistaken: `field_invalid` without questions, or with too few repeats; `extra_missing` without NumPy.

    """
    if not asked or repeats < 2:
        raise Mistaken("field_invalid", "a question must be there, and be asked twice at least", place="repeats")
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(prompt: str | None, question: str) -> str | None:
        async with gate:
            try:
                return await ask(prompt, question)
            except Problem:
                return None
            finally:
                told()

    as_is = await asyncio.gather(*(one(None, each.question) for each in asked for _ in range(repeats)))
    again = [
        [text for text in as_is[at * repeats : (at + 1) * repeats] if text is not None] for at in range(len(asked))
    ]
    plans: list[tuple[int, Of, Phrasing]] = [
        *((at, "prompt", phrasing) for at, each in enumerate(asked) for phrasing in each.prompts),
        *((at, "question", phrasing) for at, each in enumerate(asked) for phrasing in each.questions),
    ]
    texts = await asyncio.gather(
        *(
            one(phrasing.text, asked[at].question) if of == "prompt" else one(None, phrasing.text)
            for at, of, phrasing in plans
        )
    )
    got = [_Got(at, of, phrasing, text) for (at, of, phrasing), text in zip(plans, texts, strict=True)]
    failed = sum(text is None for text in (*as_is, *texts))
    return _report([each.question for each in asked], again, got, failed)


def _report(questions: Sequence[str], again: Sequence[Sequence[str]], got: Sequence[_Got], failed: int) -> Sensitivity:
    pairs = {at: list(itertools.combinations(texts, 2)) for at, texts in enumerate(again) if len(texts) > 1}
    alike = {at: fmean(same(*pair) for pair in each) for at, each in pairs.items()}
    equal = {at: fmean(words(one) == words(other) for one, other in each) for at, each in pairs.items()}
    kept = [each for each in got if each.text is not None and each.question in alike]
    agreed = {id(each): fmean(same(one, each.text or "") for one in again[each.question]) for each in kept}
    shifts = []
    for of, how in dict.fromkeys((each.of, each.phrasing.how) for each in kept):
        those = [each for each in kept if (each.of, each.phrasing.how) == (of, how)]
        shifts.append(
            Shift(
                of=of,
                how=how,
                n=len(those),
                agreed=_mean([agreed[id(each)] for each in those], [each.question for each in those], (0, 1)),
                sensitivity=_lost(those, alike, agreed),
            )
        )
    others = [
        Other(
            of=each.of,
            how=each.phrasing.how,
            question=questions[each.question],
            written=each.phrasing.text,
            before=again[each.question][0],
            after=each.text or "",
        )
        for each in sorted(kept, key=lambda each: agreed[id(each)])
        if agreed[id(each)] < 0.5
    ]
    return Sensitivity(
        questions=len(questions),
        answers=sum(map(len, again)) + sum(each.text is not None for each in got),
        failed=failed,
        repeatability=_mean(list(alike.values()), list(alike), (0, 1)),
        identical=_mean(list(equal.values()), list(equal), (0, 1)),
        sensitivity=_lost(kept, alike, agreed),
        shifts=tuple(shifts),
        others=tuple(others[:_SHOWN]),
        warnings=tuple(_warnings(len(alike), len(questions), failed, len(others))),
    )


def _lost(those: Sequence[_Got], alike: dict[int, float], agreed: dict[int, float]) -> Interval:
    """Return how much less often answers agree with those to the words as they are than these among themselves."""
    return _mean(
        [alike[each.question] - agreed[id(each)] for each in those], [each.question for each in those], (-1, 1)
    )


def _mean(values: list[float], questions: list[int], bounds: tuple[float, float]) -> Interval:
    """Return a mean with its interval. Answers to one question are alike, so whole questions are drawn, where there are several."""
    several = len(set(questions)) > 1
    return bootstrap(values, clusters=questions if several else None, bounds=bounds)


def _warnings(usable: int, questions: int, failed: int, others: int) -> list[str]:
    said = []
    if usable == 1:
        said.append("There is one question: the intervals hold for phrasings of it, and say nothing of others.")
    elif usable < 10:
        said.append(f"There are {usable} questions: the intervals rest on few.")
    if usable < questions:
        said.append(f"{questions - usable} questions were not answered twice, and count for nothing.")
    if failed:
        said.append(f"{failed} calls were not answered.")
    if others > _SHOWN:
        said.append(f"{others} answers differ, of which {_SHOWN} are shown.")
    return said
