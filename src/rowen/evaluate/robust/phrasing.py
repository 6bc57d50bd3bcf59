"""Other ways to write a prompt or a question, which should change nothing that is answered."""

import random
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from rowen.evaluate.robust.make import reworded
from rowen.evaluate.robust.surface import paraphrase, spaces, typo
from rowen.values import AskModel, Case

How = Literal["space", "case", "typo", "paraphrase", "polite", "order", "model"]

HOWS: tuple[How, ...] = ("space", "case", "typo", "paraphrase", "polite", "order")
"""What is made by rule. `model` are those that a model wrote."""

_PLACE = re.compile(r"(\\?\{\{[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*\}\})")
_POLITE = ("Please follow what is said here. ", "Thank you for your help. ", "It would be kind of you to do this: ")


class Phrasing(NamedTuple):
    """A text in another way."""

    how: How
    text: str


def rephrased(text: str, hows: Sequence[How] = HOWS, *, each: int = 1, seed: int = 0) -> list[Phrasing]:
    """Return a text in every other way that a rule knows, without copies. The same seed gives the same ones.

    Places such as `{{name}}` stay as they are. `order` exchanges lines that have a place, and knows nothing of a text with
    fewer than two of them. What is meant by the order of two lines it cannot see.

    Args:
        text: a prompt or a question.
        hows: the ways.
        each: how many of each way.
        seed: another one makes other slips.

    """
    found: dict[str, Phrasing] = {}
    for how in hows:
        if how == "model":
            continue
        for number in range(each):
            made = _MAKE[how](text, random.Random(f"{seed} {how} {number} {text}"))
            if made != text:
                found.setdefault(made, Phrasing(how, made))
    return list(found.values())


async def rewritten(text: str, ask: AskModel, model: str, *, each: int = 1) -> list[Phrasing]:
    """Return a text in the words of a model, several times.

    What lost a place, or differs in a figure, a name, a denial or an opposite, is left out.
    """
    cases = [Case(id=str(number), input=text) for number in range(each)]
    made = [str(case.input) for case in await reworded(cases, ask, model)]
    wanted = sorted(_PLACE.findall(text))
    return [Phrasing("model", each) for each in dict.fromkeys(made) if sorted(_PLACE.findall(each)) == wanted]


def _between(change: Callable[[str, random.Random], str]) -> Callable[[str, random.Random], str]:
    """Return a change that leaves places alone."""

    def changed(text: str, rng: random.Random) -> str:
        return "".join(part if _PLACE.fullmatch(part) else change(part, rng) for part in _PLACE.split(text))

    return changed


def _small(text: str, rng: random.Random) -> str:  # noqa: ARG001 - as the other ways are called
    return text.lower()


def _wide(text: str, rng: random.Random) -> str:
    """Return a text with some spaces doubled and lines apart; the blanks at its ends stay what they are."""
    return re.sub(r" +", lambda found: found[0] if rng.random() < 0.7 else f"{found[0]}  ", text).replace("\n", "\n\n")


def _polite(text: str, rng: random.Random) -> str:
    return rng.choice(_POLITE) + text


def _order(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at = [number for number, line in enumerate(lines) if _PLACE.search(line)]
    if len(at) < 2:
        return text
    one, other = sorted(rng.sample(at, 2))
    lines[one], lines[other] = lines[other], lines[one]
    return "\n".join(lines)


def _whole(text: str, rng: random.Random) -> str:
    # Other words are known for whole texts; one that would touch a place is left.
    made = paraphrase(text, rng)
    return made if _PLACE.findall(made) == _PLACE.findall(text) else text


_MAKE: dict[How, Callable[[str, random.Random], str]] = {
    "space": lambda text, rng: _between(_wide)(text, rng) if "{{" in text else spaces(text, rng),
    "case": _between(_small),
    "typo": _between(typo),
    "paraphrase": _whole,
    "polite": _polite,
    "order": _order,
}
