"""Spans as OpenTelemetry's own classes write them."""

from typing import Any

import pytest

from rowen.testing.otlp import NOW, PARENT, SPAN, TRACE, any_of, pairs, request
from rowen.trace.intake.observe import observed
from rowen.values import Happening, Observed, Span


def seen(
    attributes: dict[str, Any] | None = None,
    *,
    resource: dict[str, Any] | None = None,
    events: tuple[Happening, ...] = (),
    pricing: Any = None,
    app: str = "",
    limits: Any = None,
    **span: Any,
) -> Observed:
    """What is kept of a span with these attributes."""
    made = Span(
        **{
            "trace": TRACE, "id": SPAN, "name": "work", "started_ns": NOW - 2_000_000_000,
            "ended_ns": NOW - 1_000_000_000, "attributes": attributes or {}, "events": events, **span,
        }
    )  # fmt: skip
    more = {"limits": limits} if limits else {}
    return observed(made, resource or {}, tenant="acme", now_ns=NOW, pricing=pricing, app=app, **more)


class Made:
    """What the tests reach for."""

    now, trace, span, parent = NOW, TRACE, SPAN, PARENT
    any_of, pairs, request, seen = staticmethod(any_of), staticmethod(pairs), staticmethod(request), staticmethod(seen)


@pytest.fixture(scope="session")
def made() -> type[Made]:
    return Made
