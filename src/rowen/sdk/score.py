"""Judgements from within the program."""

import logging
from collections.abc import Mapping
from typing import Any

from rowen.sdk.judge import Judgement
from rowen.sdk.link import LINK
from rowen.sdk.span import current

log = logging.getLogger("rowen.sdk")


def score(
    name: str,
    value: float | bool | str,
    *,
    reason: str = "",
    confidence: float | None = None,
    trace: str = "",
    span: str = "",
    session: str = "",
    source: str = "",
    by: str = "",
    metadata: Mapping[str, Any] | None = None,
    id: str = "",
) -> str:
    """Judge something: the current span, unless a trace, a span of it, or a session is named.

    Args:
        name: what is judged: `helpful`, `correct`.
        value: a number, true or false, a category or a text.
        reason: why.
        confidence: 0 to 1, the judge's own.
        trace: the id of the trace that is judged, as `Span.trace_id` gives it.
        span: the id of the span of that trace.
        session: the session that is judged.
        source: who judges: `rule`, `model`, `person`, `user` or `guard`.
        by: which rule, model or person.
        metadata: whatever else is to be kept with it.
        id: writes an earlier score anew.

    Returns:
        The id of the score, empty where nothing was sent.

    """
    outbox = LINK.outbox
    if outbox is None:
        return ""
    if not (trace or session):
        here = current()
        if not here.trace:
            log.debug("rowen: the score %r is about nothing: there is no current span", name)
            return ""
        trace, span = here.trace_id, span or here.span_id
    judgement = Judgement(
        id=id,
        trace=trace,
        span=span,
        session=session,
        name=name,
        value=value,
        reason=reason,
        confidence=confidence,
        source=source,
        by=by,
        metadata=metadata,
    )
    outbox.put(judgement)
    return str(judgement.told["id"])
