"""What a trace of sent spans spent, each call of a model counted once however many spans tell of it.

Two instrumentations of one program tell of the same call: LangChain's and the OpenAI client's, say. Their spans are nested
by their ids, or only in time, since not every instrumentation makes its span the parent of what it calls. Of such spans
the innermost counts. A call that went through Rowen is counted where Rowen recorded it, and not once more in the trace
that it was made within.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from rowen.values import SpanRow

SPENDING = frozenset({"llm", "embedding", "reranker"})
"""The types of span whose tokens and cost count: those around them often tell the same tokens again."""

MOST = 1_000
"""Spans of one trace that are held against one another; more of them count as they come."""

Used = tuple[int, int]
"""Tokens in and out."""


class Spend(msgspec.Struct, array_like=True):
    """What one span says that it spent."""

    parent: str
    type: str
    name: str
    started_ns: int
    ended_ns: int
    used: Used
    cost: Decimal | None = None

    @classmethod
    def of(cls, row: SpanRow) -> "Spend | None":
        """Return what a span spent; None for nothing."""
        if row.type not in SPENDING or (row.cost is None and not (row.input_tokens or row.output_tokens)):
            return None
        return cls(
            parent=row.parent,
            type=row.type,
            name=row.name,
            started_ns=row.started_ns,
            ended_ns=row.started_ns + row.duration_ns,
            used=(row.input_tokens, row.output_tokens),
            cost=row.cost,
        )


def once(spends: Mapping[str, Spend], served: Iterable[Used] = ()) -> dict[str, Spend]:
    """Return, by the ids of their spans, what counts.

    A span does not count whose child spent something of the same type, nor one within which, in time, lies a span of
    another name with the very same tokens; where only the outer one knows its cost, the inner one takes it over. Nor
    does one whose tokens are those of a call that Rowen served within the trace, one span for each such call.

    Args:
        spends: what the spans of one trace say, by their ids.
        served: the tokens of the calls through Rowen that were made within the trace.

    """
    if len(spends) == 1 and not served:
        return dict(spends)
    left = dict(spends)
    for spend in spends.values():
        above = spends.get(spend.parent)
        if above is not None and above.type == spend.type:
            left.pop(spend.parent, None)
    _same_calls(left)
    counted = Counter(served)
    for id, spend in sorted(left.items(), key=lambda each: each[0]) if counted else ():
        if counted[spend.used] > 0 and any(spend.used):
            counted[spend.used] -= 1
            del left[id]
    return left


def _same_calls(left: dict[str, Spend]) -> None:
    """Take out the spans around others that tell of the same call."""
    groups: dict[tuple[str, Used], list[str]] = {}
    for id, spend in left.items():
        if any(spend.used):
            groups.setdefault((spend.type, spend.used), []).append(id)
    for ids in groups.values():
        if len(ids) < 2:
            continue
        # The shortest first, so that a span is taken for the outer one of the closest that fits.
        order = sorted(ids, key=lambda each: (left[each].ended_ns - left[each].started_ns, each))
        outer: set[str] = set()
        for at, id in enumerate(order):
            inner = left[id]
            around = next((each for each in order[at + 1 :] if each not in outer and _around(left[each], inner)), None)
            if around is not None:
                outer.add(around)
                if inner.cost is None:
                    left[id] = msgspec.structs.replace(inner, cost=left[around].cost)
        for id in outer:
            del left[id]


def _around(outer: Spend, inner: Spend) -> bool:
    return outer.name != inner.name and outer.started_ns <= inner.started_ns and inner.ended_ns <= outer.ended_ns
