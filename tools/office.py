"""A made-up day in an office that asks models things: for pictures of the pages, and for measuring them."""

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import cos, pi
from typing import Any, Literal

from rowen.values import (
    CODES,
    Answer,
    Choice,
    Message,
    Request,
    Span,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Trace,
    TraceRow,
    new_id,
    says,
    span_id,
)

MS = 1_000_000
HOUR = 3600 * 1000 * MS

APP = """
[app]
name = "handbook"
about = "Answers questions from our handbook."

[models.fast]
provider = "echo"
model = "gpt-4.1-mini"
fallback = ["spare"]
price = { input = "0.40", output = "1.60" }

[models.spare]
provider = "echo"
model = "mistral-small"

[models.careful]
provider = "echo"
model = "claude-sonnet-4-5"
price = { input = "3", output = "15" }

[models.shaky]
provider = "echo"
model = "llama-3.3-70b"
retries = 0
options = { fail = "upstream_connect" }
"""

MODELS = (
    # asked for, provider, upstream, weight, median ms, dollars per million tokens in and out (None: unknown)
    ("fast", "openai", "gpt-4.1-mini", 60, 640, ("0.40", "1.60")),
    ("careful", "anthropic", "claude-sonnet-4-5", 22, 2400, ("3", "15")),
    ("local", "local", "smollm2", 12, 900, None),
    ("vectors", "openai", "text-embedding-3-small", 6, 90, ("0.02", "0")),
)
TALK = (
    (
        "How many days of leave do I have left this year?",
        "You have 11 of 28 days left. Three more carry over if you ask before March.",
    ),
    (
        "Summarise the travel policy in three lines.",
        "Book through the desk. Second class under six hours. Receipts within thirty days.",
    ),
    ("Who signs off a purchase above 5,000 €?", "Your head of department and the controller, in that order."),
    ("Kann ich mein Fahrrad über die Firma leasen?", "Ja, über das Programm JobRad, bis zu zwei Räder je Person."),
    ("كم عدد أيام الإجازة المتبقية لي هذا العام؟", "لديك 11 يومًا متبقيًا من أصل 28."),
    (
        "Draft a polite reply to a supplier who asks for payment twenty days before the invoice is due, mentions our long partnership, and hints that prices may rise next quarter unless we agree to shorter terms",
        "Dear Ms Lindqvist, thank you for your note. We value the partnership and keep to the agreed thirty days.",
    ),
    ("Translate “second-growth hay” into French.", "« Regain » is the word you want."),
    (
        "Is https://intranet.example.org/finance/2026/quarter-four/reimbursement-of-remote-office-furniture-and-equipment/form the right form?",
        "Yes, that is the current form.",
    ),
)
KEYS = tuple(random.Random(number).randbytes(16).hex() for number in range(3))
CODES_SEEN = ("upstream_timeout", "upstream_limited", "upstream_error", "upstream_cut")


def made_up(count: int, until_ns: int, hours: float = 24, seed: int = 7, tenant: str = "default") -> Iterator[Trace]:
    """Yield traces of a day in an office: quiet at night, a bad half hour, a model without a price."""
    rand = random.Random(seed)
    times = sorted(until_ns - int(_when(rand, hours) * HOUR) for _ in range(count))
    return (_one(rand, ns, until_ns, tenant) for ns in times)


def _when(rand: random.Random, hours: float) -> float:
    """Hours before now, most in the working day."""
    while True:
        ago = rand.uniform(0.002, hours)
        if rand.random() < 0.08 + 0.92 * (0.5 + 0.5 * cos((ago - 3) / 24 * 2 * pi)) ** 2:
            return ago


def _one(rand: random.Random, started: int, until: int, tenant: str) -> Trace:
    name, provider, upstream, _, median, price = rand.choices(MODELS, [each[3] for each in MODELS])[0]
    asked, said = rand.choice(TALK)
    outage = 5.2 * HOUR < until - started < 5.8 * HOUR and provider == "openai"
    luck = rand.random()
    took = int(rand.lognormvariate(0, 0.45) * median * MS) * (3 if outage else 1)
    status: Literal["ok", "refused", "failed", "cancelled"] = "ok"
    source, code = "model", ""
    if luck < 0.17 and name == "fast":
        source, took = "cache", int(rand.uniform(0.6, 2.4) * MS)
    elif luck < 0.2:
        status, source, code, took = (
            "refused",
            "",
            rand.choice(("limit_requests", "limit_budget")),
            int(rand.uniform(0.3, 0.9) * MS),
        )
    elif luck < (0.62 if outage else 0.207):
        status, code = "failed", "upstream_timeout" if outage else rand.choice(CODES_SEEN)
    elif luck < 0.212:
        status, code = "cancelled", "cancelled"
    tries = 0 if source != "model" else 3 if status == "failed" else 2 if rand.random() < 0.03 else 1
    tokens_in, tokens_out = rand.randint(120, 2600), rand.randint(20, 480)
    once = None if price is None else (Decimal(price[0]) * tokens_in + Decimal(price[1]) * tokens_out) / 1_000_000
    cost = Decimal(0) if source != "model" else once
    waste = (
        Decimal(0) if not cost else cost if status == "failed" else cost * (tries - 1) if status == "ok" else Decimal(0)
    )
    row = TraceRow(
        id=new_id(started, rand.randbytes), started_ns=started, duration_ns=took, app="handbook", definition="9c1f" * 16, tenant=tenant,
        first_ns=int(took * rand.uniform(0.2, 0.5)) if status == "ok" and source == "model" and name != "vectors" else took if source == "cache" else None,
        key=KEYS[rand.randint(0, 2)], user=rand.choice(("ines", "tomas", "aiko", "")), session="", feature=rand.choice(("chat", "search", "")),
        door="openai.chat" if name != "careful" else "anthropic", model=name, deployment=name if source == "model" else "", provider=provider if source == "model" else "",
        answered_by=upstream if status == "ok" else "", source=source, status=status, code=code, streamed=name != "vectors", attempts=tries,
        input_tokens=tokens_in if source == "model" else 0, output_tokens=tokens_out if source == "model" and status == "ok" else 0,
        estimated=provider == "local", cost=None if cost is None else cost + waste, waste=waste, asked=asked, said=said if status == "ok" else "",
    )  # fmt: skip
    request = Request(
        model=name,
        dialect=row.door,
        messages=(says("system", "You answer from the handbook."), says("user", asked)),
        max_tokens=500,
        temperature=0.2,
        stream=row.streamed,
    )
    return Trace(
        row=row,
        spans=_spans(rand, row, upstream),
        request=request,
        answer=_answered(upstream, said) if status == "ok" else None,
    )


def _answered(model: str, said: str) -> Answer:
    return Answer(model=model, choices=(Choice(message=says("assistant", said), reason="stop"),))


def _spans(
    rand: random.Random, row: TraceRow, upstream: str, tries: Sequence[tuple[str, float, float, str]] = ()
) -> tuple[Span, ...]:
    """Spans as the live half records them; `tries` are (deployment, from, to, code) in shares of the whole."""
    root = span_id(rand.getrandbits(63))
    at, end = row.started_ns, row.started_ns + row.duration_ns
    failed = row.status != "ok"
    message = f"{CODES[row.code].means}" if row.code else ""
    spans = [
        Span(
            trace=row.id,
            id=root,
            name=f"chat {row.model}",
            kind="server",
            started_ns=at,
            ended_ns=end,
            status="error" if failed else "ok",
            message=message,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": row.model,
                "rowen.cost": "unknown" if row.cost is None else str(row.cost),
            },
        )
    ]

    def step(name: str, started: int, length: int, code: str = "", changed: str = "") -> None:
        spans.append(
            Span(
                trace=row.id,
                id=span_id(rand.getrandbits(63)),
                parent=root,
                name=name,
                started_ns=started,
                ended_ns=started + length,
                status="error" if code else "unset",
                message=code,
                attributes={"rowen.changed": [changed]} if changed else {},
            )
        )

    short = min(90_000, row.duration_ns // 10)
    refused = row.status == "refused"
    step("access.identify", at, short // 3, changed="caller")
    step("limits.admit", at + short // 3, short, row.code if refused else "", changed="grants")
    if refused:
        return tuple(spans)
    step("prompt.render", at + short * 4 // 3, short // 2, changed="request")
    step(
        "route.choose",
        at + short * 11 // 6,
        short // 2,
        changed="answer" if row.source == "cache" else "places",
    )
    whole = row.duration_ns - 4 * short
    if not tries:
        edges = [number / max(row.attempts, 1) for number in range(row.attempts + 1)]
        tries = [
            (
                row.deployment,
                edges[i],
                edges[i + 1],
                "upstream_timeout" if i < row.attempts - 1 or row.status == "failed" else "",
            )
            for i in range(row.attempts)
        ]
    for place, begin, until, code in tries:
        started = at + 3 * short + int(whole * begin)
        spans.append(
            Span(
                trace=row.id,
                id=span_id(rand.getrandbits(63)),
                parent=root,
                name=f"chat {upstream if place == row.deployment else place}",
                kind="client",
                started_ns=started,
                ended_ns=at + 3 * short + int(whole * until),
                status="error" if code else "ok",
                message=CODES[code].means if code else "",
                attributes={
                    "gen_ai.provider.name": row.provider,
                    "rowen.deployment": place,
                    "rowen.cost": _share_of(row, code),
                    **(
                        {"error.type": code}
                        if code
                        else {"gen_ai.response.time_to_first_chunk": whole * (until - begin) * 0.35 / 1e9}
                    ),
                },
            )
        )
    step("limits.settle", end - short, short // 2)
    step("trace.record", end - short // 2, short // 3)
    return tuple(spans)


def _share_of(row: TraceRow, code: str) -> str:
    """What one try cost: those that failed share the waste."""
    if row.cost is None:
        return "unknown"
    return str(row.waste / max(row.attempts - 1, 1) if code else row.cost - row.waste)


def special(until: int) -> dict[str, Trace]:
    """Return traces worth a picture of their own."""
    rand = random.Random(3)

    def row(name: str, ago: float, **fields: Any) -> TraceRow:
        started = until - int(ago * 1000 * MS)
        first = {
            "app": "handbook",
            "definition": "9c1f" * 16,
            "tenant": "default",
            "key": KEYS[0],
            "user": "ines",
            "door": "openai.chat",
            "streamed": True,
            "status": "ok",
            "source": "model",
            "attempts": 1,
        }
        return TraceRow(
            **{**first, "id": new_id(started, rand.randbytes), "started_ns": started, "model": name, **fields}
        )

    talk = [
        says("system", "You are the handbook's assistant. Look things up before you answer, and say where it stands.")
    ]
    for asked, said in (*TALK[:5], TALK[6]):
        talk += [says("user", asked), says("assistant", said)]
    talk += [
        says(
            "user",
            "And if I take the Friday after the holiday off, how many days are left, and does anybody else in my team have that day?",
        ),
        Message(
            role="assistant",
            parts=(
                ToolCall(
                    id="c1",
                    name="calendar_lookup",
                    arguments='{"team":"support","from":"2026-12-24","until":"2026-12-31"}',
                ),
            ),
        ),
        Message(
            role="tool", parts=(ToolResult(id="c1", parts=(Text(text='{"away": ["tomas"], "days": ["2026-12-28"]}'),)),)
        ),
    ]
    answer = "Taking Friday, 27 December leaves you 10 days. Tomas is away on the 28th only, so that Friday is free of clashes.\n\nIt stands in the handbook under “Leave”, section 4."
    plain = row(
        "careful",
        40,
        duration_ns=5_840 * MS,
        first_ns=3_790 * MS,
        deployment="spare-region",
        provider="anthropic",
        answered_by="claude-sonnet-4-5",
        attempts=3,
        session="leave-2026-11",
        feature="chat",
        input_tokens=3184,
        output_tokens=211,
        cost=Decimal("0.0142"),
        waste=Decimal("0.0014"),
        asked=talk[-3].text,
        said=answer,
    )
    failed = row(
        "fast",
        50,
        duration_ns=12_400 * MS,
        deployment="fast",
        provider="openai",
        status="failed",
        code="upstream_timeout",
        attempts=3,
        input_tokens=940,
        cost=Decimal("0.0011"),
        waste=Decimal("0.0011"),
        asked=TALK[5][0],
    )
    cached = row(
        "fast",
        60,
        duration_ns=1_240_000,
        first_ns=1_200_000,
        source="cache",
        attempts=0,
        cost=Decimal(0),
        asked=TALK[4][0],
        said=TALK[4][1],
    )
    unpriced = row(
        "local",
        70,
        duration_ns=910 * MS,
        first_ns=140 * MS,
        deployment="local",
        provider="local",
        input_tokens=88,
        output_tokens=40,
        estimated=True,
        cost=None,
        asked=TALK[6][0],
        said=TALK[6][1],
    )
    tool = Tool(name="calendar_lookup", about="Who is away when.", schema={"type": "object"})
    return {
        "ok": Trace(
            row=plain,
            spans=_spans(
                rand,
                plain,
                "claude-sonnet-4-5",
                [
                    ("careful", 0, 0.22, "upstream_limited"),
                    ("careful", 0.27, 0.45, "upstream_cut"),
                    ("spare-region", 0.46, 1, ""),
                ],
            ),
            request=Request(
                model="careful", messages=tuple(talk), tools=(tool,), max_tokens=800, temperature=0.3, stream=True
            ),
            answer=_answered("claude-sonnet-4-5", answer),
        ),
        "failed": Trace(
            row=failed,
            spans=_spans(rand, failed, "gpt-4.1-mini"),
            request=Request(model="fast", messages=(says("user", TALK[5][0]),), stream=True),
        ),
        "cached": Trace(
            row=cached,
            spans=_spans(rand, cached, ""),
            request=Request(model="fast", messages=(says("user", TALK[4][0]),)),
            answer=_answered("gpt-4.1-mini", TALK[4][1]),
        ),
        "unpriced": Trace(
            row=unpriced,
            spans=_spans(rand, unpriced, "smollm2"),
            request=Request(model="local", messages=(says("user", TALK[6][0]),)),
            answer=_answered("smollm2", TALK[6][1]),
        ),
    }
