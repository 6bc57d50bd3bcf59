"""Whether a model answers otherwise than it did: a permutation test of this cycle's answers against those before.

While nothing has changed, the answers to a prompt are exchangeable: whichever of them were called this cycle's, they would be
as far from the rest. The distance of both samples is the energy distance (G. Székely & M. Rizzo, "Energy statistics", Journal
of Statistical Planning and Inference 143, 2013), summed over prompts, for four things: the words, the length, whether what is
expected is there, and how likely the tokens were. The four p-values are corrected by Holm, so that the chance of a false
alarm is what the canary's `error` says, however noisy the model is.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from math import log1p
from typing import NamedTuple

from rowen.evaluate.canary.base import Reading, Said
from rowen.evaluate.statistics import holm
from rowen.evaluate.statistics.arrays import Floats, Whole, np, random
from rowen.values.words import words

_DRAWS = 10_000
_FEWEST = 2
_LEAST = 0.5
"""The share of prompts that must have answers on both sides."""

Distance = Callable[[Said, Said], float]


class _Block(NamedTuple):
    ours: list[Said]
    theirs: list[Said]
    expected: str


class Judged(NamedTuple):
    """What a cycle says."""

    changed: bool
    p: float | None
    why: str


def judged(now: Reading, before: Sequence[Reading], *, expect: Sequence[str] = (), error: float) -> Judged:
    """Return whether a reading differs from those before it.

    Args:
        now: the reading.
        before: those of the same prompts at the same deployment since its last change.
        expect: for each prompt a text that the answer should contain.
        error: the chance of a false alarm.

    """
    kept = [each for each in before if each.prompts == now.prompts]
    if not kept:
        return Judged(False, None, "nothing to compare with yet")
    blocks = [_block(now, kept, number, expect) for number in range(len(now.answers))]
    blocks = [each for each in blocks if len(each.ours) >= _FEWEST and len(each.theirs) >= _FEWEST]
    if len(blocks) < _LEAST * len(now.answers):
        return Judged(False, None, f"{now.failed} answers are lacking in this cycle")
    chances = _tested(blocks)
    corrected = dict(zip(chances, holm([*chances.values()]), strict=True))
    differs = [name for name, each in corrected.items() if each <= error]
    said = [renamed] if (renamed := _renamed(now, kept)) else []
    if differs:
        said.append(f"the answers differ in {', '.join(differs)}: {_example(blocks)}")
    return Judged(bool(said), min(corrected.values()), "; ".join(said))


def _block(now: Reading, before: Sequence[Reading], number: int, expect: Sequence[str]) -> _Block:
    """Return the answers to one prompt, on both sides, without those that failed."""
    theirs = [each for reading in before for each in reading.answers[number] if not each.error]
    return _Block([each for each in now.answers[number] if not each.error], theirs, expect[number] if expect else "")


def _renamed(now: Reading, before: Sequence[Reading]) -> str:
    """Return that the provider names another model than it did in every earlier cycle; empty where it does not."""
    served = {each.served for answers in now.answers for each in answers if each.served}
    known = {each.served for reading in before for answers in reading.answers for each in answers if each.served}
    new = sorted(served - known)
    return (
        f"the provider says that {', '.join(new)} answers, no longer {', '.join(sorted(known))}"
        if new and known
        else ""
    )


def _tested(blocks: Sequence[_Block]) -> dict[str, float]:
    """Return for each look how often chance alone would set the answers of this cycle as far apart from the others."""
    rng = random(0)
    seen: dict[str, float] = {}
    dealt: dict[str, Floats] = {}
    for ours, theirs, expected in blocks:
        every = [*ours, *theirs]
        looks: dict[str, Distance] = {"words": _words_apart, "length": _lengths_apart}
        if all(each.likely is not None for each in every):
            looks["chances"] = _chances_apart
        if expected:
            looks["what is expected"] = _expecting(expected)
        # The first row is the deal that was seen.
        deals = np.argsort(rng.random((_DRAWS + 1, len(every))), axis=1)[:, : len(ours)]
        deals[0] = np.arange(len(ours))
        for name, look in looks.items():
            found = _energies(_matrix(every, look), deals)
            seen[name] = seen.get(name, 0.0) + float(found[0])
            dealt[name] = dealt[name] + found[1:] if name in dealt else found[1:]
    return {name: float((int((dealt[name] >= seen[name] - 1e-9).sum()) + 1) / (_DRAWS + 1)) for name in seen}


def _energies(apart: Floats, deals: Whole) -> Floats:
    """Return the energy distance of each deal: twice the mean across less both means within."""
    n, ours = len(apart), deals.shape[1]
    own = apart[deals[:, :, None], deals[:, None, :]].sum(axis=(1, 2))
    across = apart.sum(axis=1)[deals].sum(axis=1) - own
    rest = float(apart.sum()) - own - 2 * across
    found: Floats = 2 * across / (ours * (n - ours)) - own / ours**2 - rest / (n - ours) ** 2
    return found


def _matrix(answers: Sequence[Said], apart: Distance) -> Floats:
    found = np.zeros((len(answers), len(answers)))
    for i, j in combinations(range(len(answers)), 2):
        found[i, j] = found[j, i] = apart(answers[i], answers[j])
    return found


def _words_apart(one: Said, other: Said) -> float:
    """Return 0 for the same text, else how few words are shared; another order or sign alone counts a little."""
    if one.text == other.text:
        return 0.0
    ours, theirs = set(words(one.text)), set(words(other.text))
    every = len(ours | theirs)
    return max(0.1, 1 - len(ours & theirs) / every) if every else 0.1


def _lengths_apart(one: Said, other: Said) -> float:
    return abs(log1p(len(one.text)) - log1p(len(other.text)))


def _chances_apart(one: Said, other: Said) -> float:
    return 0.0 if one.likely is None or other.likely is None else abs(one.likely - other.likely)


def _expecting(text: str) -> Distance:
    def apart(one: Said, other: Said) -> float:
        return float((text.casefold() in one.text.casefold()) != (text.casefold() in other.text.casefold()))

    return apart


def _example(blocks: Sequence[_Block]) -> str:
    """Return the answers to the prompt on which both are furthest apart, shortened."""
    ours, theirs, _ = max(blocks, key=lambda block: _words_apart(block.theirs[-1], block.ours[0]))
    return f"“{_short(theirs[-1].text)}” became “{_short(ours[0].text)}”"


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 80 else f"{flat[:79]}…"
