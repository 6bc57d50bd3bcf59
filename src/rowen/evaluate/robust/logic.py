"""What turns an answer round: a question denied, asked from its other end, or asked about somebody else. English.

Asked from the other end: L. Berglund et al., "The Reversal Curse: LLMs trained on 'A is B' fail to learn 'B is A'" (2023),
https://arxiv.org/abs/2309.12288. Names are our own choice of common ones.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_YES_NO = re.compile(
    r"^(?:is|are|was|were|do|does|did|can|could|will|would|has|have|had|should|may|must)\b.*\?\s*$",
    re.IGNORECASE | re.DOTALL,
)
_VERB = re.compile(r"\b(is|are|was|were|can|will|has|must|should)\b(?! not\b)(?!n't)")
_DENIED = re.compile(r"\b(is|are|was|were|can|will|has|must|should) not\b")

_OF = re.compile(
    r"^(?P<who>who|what|which)\s+(?P<be>is|was)\s+the\s+(?P<role>[a-z][\w -]{1,40}?)\s+of\s+(?P<about>[^?]{2,80})\?$",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(
    r"^(?P<who>who|what|which)\s+(?P<be>is|was)\s+(?P<about>[^?]{2,60}?)['’]s?\s+(?P<role>[a-z][\w -]{1,40})\?$",
    re.IGNORECASE,
)
_OTHER_END: Mapping[str, str] = {
    "mother": "child",
    "father": "child",
    "parent": "child",
    "son": "parent",
    "daughter": "parent",
    "child": "parent",
    "wife": "husband",
    "husband": "wife",
    "spouse": "spouse",
    "teacher": "student",
    "student": "teacher",
    "employer": "employee",
    "employee": "employer",
    "successor": "predecessor",
    "predecessor": "successor",
    "aunt": "niece or nephew",
    "uncle": "niece or nephew",
    "grandmother": "grandchild",
    "grandfather": "grandchild",
    "sister": "sibling",
    "brother": "sibling",
}
_LAST = re.compile(r"(?:^|(?<=[.!?\n]))\s*([^.!?\n]+\?)\s*$")

NAMES: tuple[tuple[str, ...], ...] = (
    ("Anna", "Maria", "Laura", "Sophie", "Emma", "Julia", "Sarah", "Alice", "Mary", "Jane", "Susan", "Olivia"),
    ("Peter", "Thomas", "Paul", "Daniel", "David", "John", "Michael", "Robert", "James", "Martin", "Tom", "Bob"),
    ("Berlin", "Paris", "London", "Madrid", "Rome", "Vienna", "Lisbon", "Warsaw", "Prague", "Oslo", "Dublin"),
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
)  # fmt: skip
"""Names of a kind, of which one may stand in another's place."""


class Inverted(NamedTuple):
    """A question from its other end, and what its answer must name."""

    text: str
    names: str


def deny(text: str) -> str:
    """Return a question or statement whose right answer is the opposite; empty where no rule knows how."""
    bare = text.strip()
    if _YES_NO.match(bare):
        return f'Is the right answer to the following question "no"? {bare}'
    if bare.endswith("?") or "\n" in bare:
        return ""
    if _DENIED.search(text):
        return _DENIED.sub(r"\1", text, count=1)
    if _VERB.search(text):
        return _VERB.sub(r"\1 not", text, count=1)
    return ""


def invert(text: str, answer: str) -> Inverted | None:
    """Return a question from its other end: of `Who is Ann's mother?` and `Eve` it is `Who is Eve's child?`.

    What stands before the question stays. None where no rule knows how.
    """
    answer = answer.strip().rstrip(".")
    asked = _LAST.search(text)
    if asked is None or not answer or len(answer) > 80 or "\n" in answer:
        return None
    found = _OF.match(asked[1]) or _POSSESSIVE.match(asked[1])
    if found is None:
        return None
    role, about = found["role"].strip().lower(), re.sub(r"^the\s+", "", found["about"].strip())
    be = found["be"].lower()
    other = _OTHER_END.get(role)
    turned = f"Who {be} {answer}'s {other}?" if other else f"Of whom or what {be} {answer} the {role}?"
    return Inverted(text[: asked.start(1)] + turned, about)


def swaps(text: str, shift: int) -> tuple[tuple[str, str], ...]:
    """Return which names could be others, each with one of its kind that is not in the text.

    Only names of which the text itself tells something, before it asks: of others the answer may well depend on who it is.
    """
    asked = _LAST.search(text)
    told = text[: asked.start(1)] if asked else text
    found: list[tuple[str, str]] = []
    for names in NAMES:
        there = [name for name in names if re.search(rf"\b{name}\b", told)]
        free = [name for name in names if not re.search(rf"\b{name}\b", text)]
        if free:
            found += [(name, free[(shift + place) % len(free)]) for place, name in enumerate(there[: len(free)])]
    return tuple(found)
