"""Records that contract suites write: made up, and ordered by a number."""

import random
from decimal import Decimal
from typing import Any

from rowen.values import (
    Answer,
    Assigned,
    Attempt,
    AuditEntry,
    Choice,
    Key,
    Noted,
    Request,
    Span,
    Stepped,
    Told,
    Trace,
    TraceRow,
    Usage,
    says,
    span_id,
    usd,
)

MINUTE = 60_000_000_000
HOUR = 60 * MINUTE
START = 1_790_000_000_000_000_000 // (24 * HOUR) * (24 * HOUR)
"""A midnight, UTC."""


def an_answer(text: str) -> Answer:
    """Return an answer of one text."""
    return Answer(id="a", model="m", choices=(Choice(message=says("assistant", text), reason="stop"),))


def a_trace(number: int, **fields: Any) -> Trace:
    """Return a trace with content; `number` makes its id and orders it by time, one a second."""
    row = TraceRow(
        **{
            "id": f"{number:032x}",
            "started_ns": START + number * 1_000_000_000,
            "duration_ns": 250_000_000,
            "first_ns": 90_000_000,
            "app": "handbook",
            "definition": "d1",
            "tenant": "acme",
            "key": "k1",
            "model": "fast",
            "deployment": "fast",
            "provider": "echo",
            "source": "model",
            "input_tokens": 12,
            "output_tokens": 30,
            "cost": Decimal("0.000012"),
            "asked": f"question {number}",
            "said": f"answer {number}",
            **fields,
        }
    )
    span = Span(
        trace=row.id,
        id=f"{number:016x}",
        name="chat fast",
        kind="server",
        started_ns=row.started_ns,
        ended_ns=row.started_ns + row.duration_ns,
        status="ok",
        attributes={"gen_ai.request.model": "fast", "rowen.tags": ["a", "b"], "rowen.share": 0.5},
    )
    return Trace(
        row=row,
        spans=(span,),
        request=Request(model="fast", messages=(says("user", row.asked),), extra={"seed": 1}),
        answer=an_answer(row.said),
    )


def a_walk(number: int, **fields: Any) -> Trace:
    """Return a call as it comes from a walk that noted everything there is to note."""
    bare = a_trace(number, **fields)
    began = bare.row.started_ns
    tried = Attempt(
        deployment="fast/1", provider="azure", model="f-1", started_ns=began, ended_ns=began + 2, connected_ns=began + 1
    )
    first = number * 100 + 1
    search = Span(
        trace=bare.row.id,
        id=span_id(first + 3),
        parent=span_id(first + 2),
        name="retrieval handbook",
        started_ns=began,
        ended_ns=began + 1,
    )
    noted = Noted(
        first=first,
        parent="b" * 16,
        address="127.0.0.1",
        path="/v1/chat/completions",
        user="ann",
        asked={"gen_ai.request.max_tokens": 20, "gen_ai.request.stop_sequences": ["."]},
        prompt=("greeting", "3"),
        tags=("blue",),
        assigned=(Assigned(rollout="r1", arm="new", probability=0.25, unit="u1"),),
        answered=("x1", "f-1-2026", ("stop", "length")),
        steps=(
            Stepped(name="limits.admit", started_ns=began, ended_ns=began + 1, changed=("hold",)),
            Stepped(name="retrieve.ground", started_ns=began + 1, ended_ns=began + 2, changed=("request",)),
            Stepped(name="limits.settle", started_ns=began + 2, ended_ns=began + 3, code="store_unavailable"),
        ),
        notes={"retrieve": {"passages": 1}, "limits": {"queued_ms": 0.5}},
        checked=(("10 requests per minute for key rk-abcd", 1, 10), ("1 USD per day for key rk-abcd", 0.1, 1.0)),
        searches=(search,),
        attempts=(
            tried.but(status="failed", code="upstream_cut", message="cut", waste=True, cost=usd("0.000002")),
            tried.but(usage=Usage(input_tokens=12, output_tokens=30, cache_read_tokens=4), cost=usd("0.00001")),
        ),
    )
    row = bare.row.but(attempts=2, spans=noted.count, failed_spans=noted.failed)
    return bare.but(row=row, spans=Told(row, noted))


def some_traces(count: int, seed: int) -> list[Trace]:
    """Return traces of every sort, spread over three hours, out of order, some with an id that came before."""
    dice = random.Random(seed)
    return [
        a_trace(
            dice.randrange(count),
            started_ns=START + dice.randrange(3 * HOUR),
            duration_ns=dice.randrange(10**10),
            first_ns=dice.choice((None, dice.randrange(10**9))),
            tenant=dice.choice(("acme", "umbrella")),
            app=dice.choice(("handbook", "shop")),
            model=dice.choice(("fast", "careful")),
            deployment=dice.choice(("fast/1", "fast/2", "")),
            provider=dice.choice(("echo", "openai")),
            key=dice.choice(("k1", "k2")),
            user=dice.choice(("", "ann", "bob")),
            session=dice.choice(("", "s1")),
            feature=dice.choice(("", "search")),
            status=dice.choice(("ok", "refused", "failed", "cancelled")),
            code=dice.choice(("", "limit_tokens", "upstream_cut")),
            source=dice.choice(("", "model", "cache")),
            streamed=dice.random() < 0.5,
            estimated=dice.random() < 0.5,
            input_tokens=dice.randrange(1000),
            output_tokens=dice.randrange(1000),
            cost=dice.choice((None, Decimal(0), Decimal(dice.randrange(10**9)) / 10**12)),
            waste=dice.choice((Decimal(0), Decimal(dice.randrange(10**9)) / 10**12)),
            asked=dice.choice(("What is hay?", "100% of _it_", "Ärger mit Öl")),
            environment=dice.choice(("", "production")),
            release=dice.choice(("1.0", "1.1")),
            tags=dice.choice(((), ("blue",), ("blue", "green"))),
            within=dice.choice(("", "f0")),
            name=dice.choice(("chat fast", "chat careful")),
        )
        for _ in range(count)
    ]


def a_key(id: str = "k1", **fields: Any) -> Key:
    """Return a key with a digest of its own."""
    return Key(**{"id": id, "digest": f"digest of {id}", "shown": f"rk-{id}", "name": id, "tenant": "acme", **fields})


def an_entry(id: str, **fields: Any) -> AuditEntry:
    """Return a line for the audit log."""
    return AuditEntry(**{"id": id, "at_ns": START, "actor": "k1", "tenant": "acme", "act": "key.create", **fields})
