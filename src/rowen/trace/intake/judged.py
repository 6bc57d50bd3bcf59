"""Judgements that came with spans: evaluation events of the GenAI conventions, and OpenInference's annotations.

A judgement has an id made of what it is about, so that what is sent twice is kept once. One of a whole trace or session
may stand on each of its spans, and is one judgement all the same.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rowen.trace.intake.content import parsed
from rowen.trace.intake.names import place_of
from rowen.values import Happening, Observed, Score, ScoreSource, ScoreTarget, ScoreType, SpanRow, new_id

EVENT: Final = "gen_ai.evaluation.result"

_GROUPS: Final[dict[str, ScoreTarget]] = {
    "annotations": "span",
    "evaluations": "span",
    "trace.annotations": "trace",
    "trace.evaluations": "trace",
    "session.annotations": "session",
    "session.evaluations": "session",
}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.:-]")

_SOURCES: Final[dict[str, ScoreSource]] = {"HUMAN": "person", "LLM": "model", "CODE": "rule"}


def judgements(seen: Observed, now_ns: int) -> Iterator[Score]:
    """Yield the judgements that a span bears."""
    for event in seen.span.events:
        if event.name == EVENT and (score := of_event(event, seen.row, now_ns)) is not None:
            yield score
    groups: dict[str, dict[int, dict[str, Any]]] = {}
    for name, value in seen.span.attributes.items():
        place = place_of(name)
        if place.group in _GROUPS:
            groups.setdefault(place.group, {}).setdefault(place.number, {})[place.rest.partition(".")[2]] = value
    for group, items in groups.items():
        for number in sorted(items):
            score = _annotated(items[number], _GROUPS[group], seen.row, now_ns)
            if score is not None:
                yield score


def of_event(event: Happening, row: SpanRow, now_ns: int) -> Score | None:
    """Return the judgement in an evaluation event, None when it has no name or says nothing.

    An evaluation that failed (`error.type`) is no judgement.
    """
    found = event.attributes
    if "error.type" in found:
        return None
    name = found.get("gen_ai.evaluation.name")
    value, label = found.get("gen_ai.evaluation.score.value"), found.get("gen_ai.evaluation.score.label")
    source: ScoreSource = "model" if found.get("gen_ai.request.model") else "rule"
    made = _score(name, value, label, "span" if row.id else "trace", row, now_ns, source=source, mark="")
    if made is None:
        return None
    return made.but(
        reason=_text(found.get("gen_ai.evaluation.explanation")),
        by=_text(found.get("gen_ai.request.model"))[:200],
        created_ns=event.at_ns if 0 < event.at_ns <= now_ns else now_ns,
        metadata={"gen_ai.response.id": found["gen_ai.response.id"]} if "gen_ai.response.id" in found else {},
    )


def _annotated(leaves: Mapping[str, Any], target: ScoreTarget, row: SpanRow, now_ns: int) -> Score | None:
    if target == "session" and not row.session:
        return None
    # Both `annotation.score` and `evaluation.score` have come down to `score`.
    source = _SOURCES.get(str(leaves.get("annotator_kind", "")).upper(), "rule")
    mark = _text(leaves.get("identifier"))
    made = _score(
        leaves.get("name"), leaves.get("score"), leaves.get("label"), target, row, now_ns, source=source, mark=mark
    )
    if made is None:
        return None
    metadata = parsed(leaves.get("metadata"))
    return made.but(
        reason=_text(leaves.get("explanation")),
        by=mark[:200],
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _score(
    name: Any,
    value: Any,
    label: Any,
    target: ScoreTarget,
    row: SpanRow,
    now_ns: int,
    *,
    source: ScoreSource,
    mark: str,
) -> Score | None:
    if not isinstance(name, str) or not name.strip():
        return None
    name = named(name)
    number = float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    said = _text(label)
    if number is None and not said:
        return None
    type_: ScoreType = "boolean" if isinstance(value, bool) else "category" if said else "number"
    return Score(
        id=identity(row.tenant, target, row.session if target == "session" else row.trace, row, name, mark),
        tenant=row.tenant,
        app=row.app,
        target=target,
        trace="" if target == "session" else row.trace,
        span=row.id if target == "span" else "",
        session=row.session,
        name=name,
        type=type_,
        value=bool(value) if type_ == "boolean" else said or (number if number is not None else 0.0),
        number=number,
        source=source,
        environment=row.environment,
        release=row.release,
        judged_ns=row.started_ns,
        created_ns=now_ns,
    )


def named(name: str) -> str:
    """Return a name under which scores can be kept: letters, digits, `_.:-`, at most 100."""
    found = _NOT_IN_NAMES.sub("_", name.strip())[:100]
    return found if found[0] not in ".:-" else f"_{found[:99]}"


def identity(tenant: str, target: ScoreTarget, about: str, row: SpanRow, name: str, mark: str) -> str:
    """Return an id that is the same whenever the same is judged by the same, and sorts by time where a span is judged.

    A trace or session has many spans with many beginnings, so its judgements' ids bear no time.
    """
    span = row.id if target == "span" else ""
    said = f"{tenant}\x1f{target}\x1f{about}\x1f{span}\x1f{name}\x1f{mark}"
    digest = hashlib.sha256(said.encode("utf-8", "replace")).digest()
    return new_id(row.started_ns if target == "span" else 0, lambda count: digest[:count])


def once(scores: Iterable[Score]) -> list[Score]:
    """Return judgements with each id once; the last of an id counts."""
    return list({score.id: score for score in scores}.values())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
