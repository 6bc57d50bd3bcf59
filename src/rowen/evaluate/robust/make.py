"""Makes the cases of a robustness run: each original, the same again, and the same in other ways."""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from rowen.evaluate.dataset import asked
from rowen.evaluate.robust.base import KINDS, Kind, Variant, exchanged, varied
from rowen.evaluate.robust.logic import deny, invert, swaps
from rowen.evaluate.robust.surface import capitals, paraphrase, spaces, typo
from rowen.route.differ import differ
from rowen.values import AskModel, Case, Mistaken, Request, says
from rowen.values.language import language

_LONGEST = 2_000
"""Characters of a question of which a model is asked for other words."""

_ASK = (
    "Say the following in other words. Keep every name, figure and fact, the language, and whether it asks or states. "
    "Answer with the reworded text alone.\n\n"
)


def variants(cases: Sequence[Case], kinds: Sequence[Kind] = KINDS, *, repeats: int = 1, seed: int = 0) -> list[Case]:
    """Return the cases as they are, and each in every other way that a rule knows. The same seed gives the same ones.

    Paraphrase, negation and inversion know English alone. A negation needs a question that is answered by yes or no, or a
    statement; an inversion needs a question such as `Who is Ann's mother?` whose answer is expected to be a name; a swap
    needs a name of which the text tells something.

    Args:
        cases: the cases.
        kinds: the ways.
        repeats: how often each is asked again as it is: how alike these answers are is what the others are held against.
        seed: another one makes other slips.

    Raises:
        Mistaken: `field_invalid` without a case, or with a way that no rule makes.

    """
    if not cases:
        raise Mistaken("field_invalid", "there are no cases to ask in other ways", place="cases")
    if strange := [kind for kind in kinds if kind not in KINDS]:
        raise Mistaken(
            "field_invalid", f"no rule makes {', '.join(strange)}; there are {', '.join(KINDS)}", place="kinds"
        )
    made: list[Case] = []
    for case in cases:
        made.append(varied(case, Variant(of=case.id, kind="original"), case.input))
        for kind in kinds:
            if kind == "repeat":
                again = [
                    varied(case, Variant(of=case.id, kind="repeat"), case.input, number=n)
                    for n in range(1, repeats + 1)
                ]
                made += again
                continue
            rng = random.Random(f"{seed} {kind} {case.id}")
            changed = _changed(case, kind, rng)
            if changed is not None:
                made.append(changed)
    return made


async def reworded(
    cases: Sequence[Case], ask: AskModel, model: str, *, told: Callable[[], object] = lambda: None
) -> list[Case]:
    """Return each case in the words of a model, marked as made by one.

    What differs from the original in a figure, a name, a denial or an opposite is left out: it asks something else.

    Args:
        cases: the cases.
        ask: asks a model.
        model: which one.
        told: called after each case.

    """
    found = []
    for case in cases:
        text = asked(case.input)
        if len(text) <= _LONGEST:
            request = Request(model=model, messages=(says("user", _ASK + text),), temperature=0.7, max_tokens=len(text))
            words = (await ask(request)).text.strip()
            if words and words != text and not differ(text, words):
                variant = Variant(of=case.id, kind="model", by="model")
                found.append(varied(case, variant, _retold(case.input, partial(_instead, words))))
        told()
    return found


def _changed(case: Case, kind: Kind, rng: random.Random) -> Case | None:
    text = asked(case.input)
    english = language(text) in ("en", "")
    variant = Variant(of=case.id, kind=kind)
    match kind:
        case "case":
            return _if_other(case, variant, lambda said: capitals(said, rng))
        case "space":
            return _if_other(case, variant, lambda said: spaces(said, rng))
        case "typo":
            return _if_other(case, variant, lambda said: typo(said, rng))
        case "paraphrase" if english:
            return _if_other(case, variant, lambda said: paraphrase(said, rng))
        case "negation" if english:
            return _if_other(case, variant, lambda said: deny(said) or said)
        case "inversion" if english and isinstance(case.expected, str):
            found = invert(_last(case.input), case.expected)
            if found is None:
                return None
            return _if_other(case, variant.but(names=(found.names,)), lambda _: found.text)
        case "swap":
            swapped = swaps(text, rng.randrange(100))
            return (
                _if_other(case, variant.but(swapped=swapped), lambda said: exchanged(said, swapped))
                if swapped
                else None
            )
    return None


def _if_other(case: Case, variant: Variant, change: Callable[[str], str]) -> Case | None:
    input = _retold(case.input, change)
    return None if input == case.input else varied(case, variant, input)


def _retold(input: Any, change: Callable[[str], str]) -> Any:
    """Return an input whose last question is changed: of messages the last one of the user."""
    if isinstance(input, str):
        return change(input)
    if not isinstance(input, list):
        return input
    last = max((place for place, each in enumerate(input) if _users(each)), default=None)
    if last is None:
        return input
    return [{**each, "content": change(each["content"])} if place == last else each for place, each in enumerate(input)]


def _instead(words: str, _: str) -> str:
    return words


def _last(input: Any) -> str:
    if isinstance(input, str):
        return input
    said = [each["content"] for each in input if _users(each)] if isinstance(input, list) else []
    return str(said[-1]) if said else ""


def _users(each: Any) -> bool:
    return isinstance(each, dict) and each.get("role") == "user" and isinstance(each.get("content"), str)
