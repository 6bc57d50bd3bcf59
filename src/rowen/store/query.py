"""Whether a trace is what a query means, decided in Python: what every store's own way is compared with."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, assert_never

from rowen.values import SpanRow, TraceRow
from rowen.values.query import (
    SESSION_FIELDS,
    SPAN_FIELDS,
    TRACE_FIELDS,
    Among,
    Comparison,
    Either,
    Every,
    Holds,
    Query,
    QueryField,
    Says,
    Spans,
    Unless,
)

_COMPARES: dict[Comparison, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


class Judged:
    """One trace with all that a query may look at.

    Args:
        row: the trace's row.
        spans: rows of its spans.
        has: whether a span, by its id, was sent with an attribute of a value.
        session: sums of its session by field name; empty when it has none.
        says: whether a text stands in what was asked and answered.

    """

    def __init__(
        self,
        row: TraceRow,
        *,
        spans: Sequence[SpanRow],
        has: Callable[[str, str, str], bool],
        session: Mapping[str, Any],
        says: Callable[[str, bool], bool],
    ) -> None:
        self._row = row
        self._spans = spans
        self._has = has
        self._session = session
        self._says = says

    def fits(self, query: Query) -> bool:
        """Return whether the trace is what the query means."""
        match query:
            case Every(parts=parts):
                return all(self.fits(part) for part in parts)
            case Either(parts=parts):
                return any(self.fits(part) for part in parts)
            case Unless(part=part):
                return not self.fits(part)
            case Says(text=text, phrase=phrase):
                return self._says(text, phrase)
            case Spans():
                return self._over(query)
            case Among(traces=ids):
                return self._row.id in ids
            case Holds(level="session"):
                return _field_holds(SESSION_FIELDS[query.field], self._session.get(query.field), query)
            case Holds():
                field = TRACE_FIELDS[query.field]
                return _field_holds(field, getattr(self._row, field.name), query)
            case _:
                assert_never(query)

    def _over(self, query: Spans) -> bool:
        where = query.where
        chosen = [span for span in self._spans if where is None or self._span_fits(span, where)]
        if query.take == "any":
            return bool(chosen)
        if query.take == "all":
            return bool(self._spans) and len(chosen) == len(self._spans)
        if query.take == "len":
            return _compares(len(chosen), query.how, query.value)
        field = SPAN_FIELDS[query.field]
        values = [float(value) for span in chosen if (value := getattr(span, field.name)) is not None]
        match query.take:
            case "sum":
                return _compares(sum(values), query.how, query.value)
            case "max":
                return bool(values) and _compares(max(values), query.how, query.value)
            case "min":
                return bool(values) and _compares(min(values), query.how, query.value)
            case "avg":
                return bool(values) and _compares(sum(values) / len(values), query.how, query.value)
            case _:
                assert_never(query.take)

    def _span_fits(self, span: SpanRow, query: Query) -> bool:
        match query:
            case Every(parts=parts):
                return all(self._span_fits(span, part) for part in parts)
            case Either(parts=parts):
                return any(self._span_fits(span, part) for part in parts)
            case Unless(part=part):
                return not self._span_fits(span, part)
            case Holds(field=name) if name.startswith("attribute."):
                held = self._has(span.id, name.removeprefix("attribute."), str(query.value))
                return held == (query.how == "=")
            case Holds():
                field = SPAN_FIELDS[query.field]
                return _field_holds(field, getattr(span, field.name), query)
            case Says() | Spans() | Among():
                return False  # the reader lets neither stand among spans
            case _:
                assert_never(query)


def _field_holds(field: QueryField, value: Any, query: Holds) -> bool:
    if field.kind == "list":
        wanted = str(query.value)
        held = any(wanted.lower() in each.lower() for each in value) if query.how == "~" else wanted in value
        return not held if query.how == "!=" else held
    if query.how == "~":
        return value is not None and str(query.value).lower() in str(value).lower()
    if isinstance(value, Decimal):
        value = float(value)
    return _compares(value, query.how, query.value)


def _compares(value: Any, how: Comparison, wanted: float | bool | str) -> bool:
    if value is None:
        return how == "!="
    return _COMPARES[how](value, wanted)


def said_as(text: str, *, phrase: bool) -> str:
    """Return a text as a filter's `text` says it: a phrase in quotes."""
    plain = text.replace('"', " ")
    return f'"{plain}"' if phrase else plain
