"""How good it was: one judgement, by a rule, a model or a person; and the shape that judgements of a name must have."""

from decimal import Decimal
from typing import Any, Literal

from rowen.values.base import Value

ScoreType = Literal["number", "boolean", "category", "text", "correction"]
"""`correction` is a text that should have been the answer."""

ScoreSource = Literal["rule", "model", "person", "user", "guard"]
"""Who judged: a rule in code, a model, a person who reviews, the user of the app, or a guard."""

ScoreTarget = Literal["trace", "span", "session", "case"]


class Score(Value, frozen=True, kw_only=True):
    """One judgement of one answer, by a rule, a model or a person.

    Written again under the same `id` it replaces the earlier one. What it is about (`target`) says which of `trace`,
    `span`, `session` and `case` must be there: a span needs its trace too.
    """

    id: str
    tenant: str = "default"
    app: str = ""
    target: ScoreTarget = "trace"
    trace: str = ""
    span: str = ""
    session: str = ""
    case: str = ""
    name: str
    type: ScoreType = "number"
    value: float | bool | str
    """A number, true or false, or the text of a category, a comment or a correction."""
    number: float | None = None
    """What can be averaged: the value of a number, 1 or 0 of a boolean, what a config assigns to a category."""
    reason: str = ""
    confidence: float | None = None
    """0 to 1, the judge's own."""
    source: ScoreSource
    by: str = ""
    """Which judge: the name of a rule or judge, the user id of a person."""
    version: str = ""
    """The version of the judge: a hash of its prompt, model and settings, or the version of the rule."""
    config: str = ""
    """The score config that it was held to."""
    environment: str = ""
    release: str = ""
    definition: str = ""
    """As of the trace that is judged, so that scores can be cut by them."""
    judged_ns: int = 0
    """When what is judged began: the place of the score in time. The same as `created_ns` where that is not known."""
    created_ns: int = 0
    evidence: str = ""
    """The trace of the judgement itself, where a model judged."""
    cost: Decimal | None = None
    """US dollars that the judgement cost."""
    metadata: dict[str, Any] = {}


class ScoreConfig(Value, frozen=True, kw_only=True):
    """What scores of a name may be. A score that does not fit is refused."""

    name: str
    tenant: str = "default"
    type: ScoreType = "number"
    about: str = ""
    least: float | None = None
    most: float | None = None
    scale: str = ""
    """What the numbers mean, by name: `nps` (0 to 10), `csat`, `stars`, `probability`."""
    categories: dict[str, float | None] = {}
    """The labels that may be given, each with the number it stands for."""
    higher_is_better: bool = True
    created_ns: int = 0
    archived: bool = False
