"""What stands in the files of a day: three tables of typed columns, and what is text beside them is JSON.

A column of money holds 20 digits before the point and 18 after; a number that does not fit stands whole in `exact`.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

Family = Literal["traces", "spans", "scores"]

TEXT, WHOLE, REAL, FLAG = "VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN"
TEXTS, MONEY, MOMENT = "VARCHAR[]", "DECIMAL(38, 18)", "TIMESTAMP_NS"
JSON = TEXT
"""JSON as text. What is not there is null."""

TABLES: Mapping[Family, Mapping[str, str]] = MappingProxyType(
    {
        "traces": {
            "id": TEXT, "started": MOMENT, "duration_ns": WHOLE, "first_ns": WHOLE, "origin": TEXT, "name": TEXT,
            "app": TEXT, "definition": TEXT, "key": TEXT, "user": TEXT, "session": TEXT, "feature": TEXT, "door": TEXT,
            "model": TEXT, "deployment": TEXT, "provider": TEXT, "answered_by": TEXT, "source": TEXT, "status": TEXT,
            "code": TEXT, "streamed": FLAG, "attempts": WHOLE, "input_tokens": WHOLE, "output_tokens": WHOLE,
            "estimated": FLAG, "cost": MONEY, "waste": MONEY, "environment": TEXT, "release": TEXT, "tags": TEXTS,
            "within": TEXT, "spans": WHOLE, "failed_spans": WHOLE, "complete": FLAG, "asked": TEXT, "said": TEXT,
            "masked": FLAG, "request": JSON, "answer": JSON, "exact": JSON,
        },
        "spans": {
            "trace": TEXT, "id": TEXT, "parent": TEXT, "own": FLAG, "place": WHOLE, "started": MOMENT,
            "duration_ns": WHOLE, "first_ns": WHOLE, "type": TEXT, "kind": TEXT, "name": TEXT, "status": TEXT,
            "code": TEXT, "message": TEXT, "app": TEXT, "environment": TEXT, "release": TEXT, "session": TEXT,
            "user": TEXT, "feature": TEXT, "tags": TEXTS, "model": TEXT, "provider": TEXT, "prompt": TEXT,
            "input_tokens": WHOLE, "output_tokens": WHOLE, "cached_tokens": WHOLE, "reasoning_tokens": WHOLE,
            "cost": MONEY, "input_start": TEXT, "output_start": TEXT, "input": JSON, "output": JSON,
            "attributes": JSON, "events": JSON, "links": JSON, "scope": TEXT, "differs": JSON, "exact": JSON,
        },
        "scores": {
            "id": TEXT, "app": TEXT, "target": TEXT, "trace": TEXT, "span": TEXT, "session": TEXT, "case": TEXT,
            "name": TEXT, "type": TEXT, "value": JSON, "number": REAL, "reason": TEXT, "confidence": REAL,
            "source": TEXT, "by": TEXT, "version": TEXT, "config": TEXT, "environment": TEXT, "release": TEXT,
            "definition": TEXT, "judged": MOMENT, "created": MOMENT, "evidence": TEXT, "cost": MONEY,
            "metadata": JSON, "exact": JSON,
        },
    }
)  # fmt: skip
"""The columns by table. Day and tenant are told by the folder, as `day=2026-11-20/tenant=acme`."""

KEY: Mapping[Family, str] = MappingProxyType({"traces": "id", "spans": "trace", "scores": "id"})
"""By which column a trace, with its spans, or a score is taken out."""

_LARGEST = Decimal(10) ** 20
_DIGITS = 18


def fits(amount: Decimal) -> bool:
    """Whether a column of money holds an amount exactly."""
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -_DIGITS and abs(amount) < _LARGEST


def spooled(table: Family) -> str:
    """Return the columns as a line of the spool has them, as `read_json` is told them."""
    kinds = {MONEY: TEXT, MOMENT: WHOLE}
    return "{" + ", ".join(f"'{name}': '{kinds.get(kind, kind)}'" for name, kind in TABLES[table].items()) + "}"


def typed(table: Family) -> str:
    """Return the columns selected from the spool, each of its own type."""
    return ", ".join(_typed(name, kind) for name, kind in TABLES[table].items())


def plain(table: Family) -> str:
    """Return the columns selected from a file, with moments as nanoseconds since 1970."""
    return ", ".join(
        f'epoch_ns("{name}") AS "{name}"' if kind == MOMENT else f'"{name}"' for name, kind in TABLES[table].items()
    )


def named(table: Family) -> str:
    """Return the names of the columns."""
    return ", ".join(f'"{name}"' for name in TABLES[table])


def empty(table: Family) -> str:
    """Return a query that has the columns and no row."""
    columns = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in TABLES[table].items())
    return f"SELECT {columns}, NULL::DATE AS day, NULL::VARCHAR AS tenant WHERE false"


def _typed(name: str, kind: str) -> str:
    if kind == MOMENT:
        return f'make_timestamp_ns("{name}") AS "{name}"'
    return f'"{name}"::{kind} AS "{name}"' if kind == MONEY else f'"{name}"'


def money(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return fields with amounts as a line of the spool has them, and those that fit no column in `exact`."""
    exact = {}
    for name in names:
        amount = fields[name]
        if amount is not None:
            if not fits(amount):
                exact[name] = str(amount)
            fields[name] = format(amount, "f") if fits(amount) else None
    return {**fields, "exact": exact or None}
