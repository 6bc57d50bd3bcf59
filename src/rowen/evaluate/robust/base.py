"""Metamorphic tests: a case asked in another way, and how its answer must then stand to the first one.

Nobody need know the right answer: what must not change, must not change; what must be turned round, must be.
T. Y. Chen et al., "Metamorphic Testing: A Review of Challenges and Opportunities", ACM Computing Surveys 51 (2018).
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from rowen.values import Case, Value

Kind = Literal["original", "repeat", "case", "space", "typo", "paraphrase", "model", "negation", "inversion", "swap"]

KINDS: tuple[Kind, ...] = ("repeat", "case", "space", "typo", "paraphrase", "negation", "inversion", "swap")
"""What is made by rule. `model` are paraphrases that a model wrote."""

Relation = Literal["same", "opposite", "names"]
"""How the answer stands to that of the original: the same, yes for no, or one that `names` what the original asked about."""

RELATIONS: Mapping[Kind, Relation] = {
    "repeat": "same",
    "case": "same",
    "space": "same",
    "typo": "same",
    "paraphrase": "same",
    "model": "same",
    "swap": "same",
    "negation": "opposite",
    "inversion": "names",
}

_FIELD = "robust"


class Variant(Value, frozen=True, kw_only=True):
    """What a case says of where it comes from."""

    of: str
    """The id of the case that it is another way to ask."""
    kind: Kind
    names: tuple[str, ...] = ()
    """Of an inversion: what the answer must name."""
    swapped: tuple[tuple[str, str], ...] = ()
    """Of a swap: each name with the one that stands in its place, in question and answer."""
    by: Literal["rule", "model"] = "rule"


def varied(case: Case, variant: Variant, input: Any, *, number: int = 0) -> Case:
    """Return a case asked in another way. It is marked as made up, and grouped with the case that it comes from."""
    said = msgspec.to_builtins(variant)
    return case.but(
        id=f"{case.id}~{variant.kind}{number or ''}",
        input=input,
        output=None,
        expected=_expected(case.expected, variant),
        metadata={**case.metadata, _FIELD: said, "kind": variant.kind},
        source=case.source if variant.kind in {"original", "repeat"} else "generator",
        document=case.document or case.id,
    )


def variant_of(case: Case) -> Variant | None:
    """Return where a case comes from; None of one that is no variant."""
    found = case.metadata.get(_FIELD)
    if found is None:
        return None
    try:
        return msgspec.convert(found, Variant)
    except msgspec.ValidationError:
        return None


def _expected(expected: Any, variant: Variant) -> Any:
    if variant.kind == "inversion":
        return variant.names[0] if variant.names else None
    if variant.kind == "negation":
        return {"yes": "no", "no": "yes", "true": "false", "false": "true"}.get(
            str(expected).strip().lower().rstrip(".")
        )
    if variant.kind == "swap" and isinstance(expected, str):
        return exchanged(expected, variant.swapped)
    return expected


def exchanged(text: str, swapped: tuple[tuple[str, str], ...]) -> str:
    """Return a text with names in the place of others."""
    for name, other in swapped:
        text = text.replace(name, other)
    return text
