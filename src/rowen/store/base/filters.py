"""Which traces and which spans to list."""

from decimal import Decimal
from typing import Literal

from rowen.values import Value
from rowen.values.query import Query


class TraceFilter(Value, frozen=True, kw_only=True):
    """Which traces to list. Empty fields do not filter. `before` is the `cursor` of a row to page from.

    `text` is looked for in all that went in and out of calls and spans, as `SpanFilter` says. `slower_ms` and `dearer`
    (US dollars) mean more than that; `until_ns` itself is outside. A user or session is that of the whole trace.
    """

    tenant: str | None = None
    origin: Literal["", "call", "spans"] = ""
    name: str = ""
    app: str = ""
    environment: str = ""
    release: str = ""
    model: str = ""
    deployment: str = ""
    provider: str = ""
    key: str = ""
    user: str = ""
    session: str = ""
    feature: str = ""
    tag: str = ""
    within: str = ""
    status: str = ""
    code: str = ""
    source: str = ""
    complete: bool | None = None
    text: str = ""
    since_ns: int = 0
    until_ns: int = 0
    slower_ms: int = 0
    dearer: Decimal | None = None
    where: Query | None = None
    """Further conditions, without any on scores (`trace.query.narrowed` asks those first)."""
    before: str = ""
    limit: int = 50


class SpanFilter(Value, frozen=True, kw_only=True):
    """Which spans to list. Empty fields do not filter. `before` is the `cursor` of a row to page from.

    `text` is words that must all occur in the input or output of one span, in any order; the last one may go on. What
    stands in double quotes is a phrase. Case, accents and punctuation do not matter; a text without a letter or digit
    finds nothing. `attribute` is `key=value` of a span that was sent to us, as JSON says the value where it is no text; of one span
    the first 100 attributes that have no more than 200 characters are found. Session, user and feature are
    those of the whole trace.
    """

    tenant: str | None = None
    trace: str = ""
    type: str = ""
    name: str = ""
    model: str = ""
    provider: str = ""
    status: str = ""
    code: str = ""
    app: str = ""
    environment: str = ""
    release: str = ""
    session: str = ""
    user: str = ""
    feature: str = ""
    tag: str = ""
    prompt: str = ""
    attribute: str = ""
    text: str = ""
    since_ns: int = 0
    until_ns: int = 0
    slower_ms: int = 0
    dearer: Decimal | None = None
    before: str = ""
    limit: int = 50
