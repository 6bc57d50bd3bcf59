"""Synthetic calls of real shape: made as the chain makes them, with the noise that real latency has."""

import random
from decimal import Decimal

from rowen.trace import TraceSettings
from rowen.trace.spans import trace_of
from rowen.values import (
    Answer,
    Attempt,
    Call,
    Caller,
    Choice,
    Door,
    Money,
    Request,
    Span,
    Stepped,
    Trace,
    Usage,
    new_id,
    says,
)

START = 1_790_000_000_000_000_000
MS = 1_000_000
HOUR = 3_600_000 * MS


class Life:
    """How an app behaves. Times are medians in milliseconds; noise is lognormal, and one call in a hundred is stuck."""

    def __init__(self, **changes: float) -> None:
        self.queue = 2.0
        self.guard = 25.0
        self.retrieval = 60.0
        self.tool = 120.0
        self.tool_share = 0.3
        self.connect = 8.0
        self.fresh = 0.3
        """Share of the attempts that need a new connection."""
        self.wire = 0.0
        """Added to the first token of every provider."""
        self.late = 0.0
        """Added to the first token of the first provider."""
        self.first = 180.0
        self.per_read = 0.12
        """Milliseconds for each prompt token that is not cached."""
        self.per_token = 12.0
        self.prompt = 1_200.0
        self.answer = 80.0
        self.provider_cached = 0.4
        """Share of the prompt that the provider's cache holds."""
        self.hits = 0.25
        """Share of calls that Rowen's cache answers."""
        self.unreached = 0.005
        """Share of calls whose first attempt finds no connection."""
        self.streamed = 1.0
        for name, value in changes.items():
            assert hasattr(self, name), name
            setattr(self, name, value)


def noisy(rand: random.Random, median: float, sigma: float = 0.35) -> int:
    stuck = rand.random() < 0.01
    return round(median * rand.lognormvariate(0, sigma) * (6 if stuck else 1) * MS)


def call_of(life: Life, rand: random.Random, started: int = START) -> Trace:
    now = started
    steps = []

    def step(name: str, length: int) -> None:
        nonlocal now
        steps.append(Stepped(name=name, started_ns=now, ended_ns=now + length))
        now += length

    step("access.identify", 20_000)
    step("limits.admit", noisy(rand, life.queue, 0.6))
    step("guard.screen", noisy(rand, life.guard))
    hit = rand.random() < life.hits
    tokens = max(20, round(life.prompt * rand.lognormvariate(0, 0.6)))
    reused = round(tokens * min(1.0, max(0.0, rand.gauss(life.provider_cached, 0.1)))) if life.provider_cached else 0
    written = max(1, round(life.answer * rand.lognormvariate(0, 0.5)))
    attempts = []
    first = now
    deployment, provider = ("fast/0", "openai") if rand.random() < 0.6 else ("fast/1", "mistral")
    if not hit:
        step("retrieve.ground", noisy(rand, life.retrieval))
        step("prompt.render", 50_000)
        step("route.choose", 30_000)
        if rand.random() < life.unreached:
            ended = now + noisy(rand, 800)
            attempts.append(
                Attempt(
                    deployment=deployment, provider=provider, model="m", started_ns=now, ended_ns=ended,
                    status="failed", code="upstream_connect", waste=True, cost=Money(),
                )
            )  # fmt: skip
            now = ended + 200 * MS
        late = life.late if provider == "openai" else 0.0
        reached = noisy(rand, life.connect) if rand.random() < life.fresh else 0
        wait = (
            reached + noisy(rand, life.first + late + life.wire) + noisy(rand, life.per_read * (tokens - reused), 0.1)
        )
        write = noisy(rand, life.per_token * written, 0.2)
        streamed = rand.random() < life.streamed
        first = now + wait if streamed else now + wait + write
        attempts.append(
            Attempt(
                deployment=deployment, provider=provider, model="m", started_ns=now, first_event_ns=first,
                connected_ns=now + reached if reached else 0,
                ended_ns=now + wait + write, cost=Money(amount=Decimal(tokens) / 1_000_000),
                usage=Usage(input_tokens=tokens, output_tokens=written, cache_read_tokens=reused),
            )
        )  # fmt: skip
        now += wait + write
    else:
        streamed = True
    call = Call(
        id=new_id(started, rand.randbytes),
        app="handbook",
        definition="d" * 64,
        request=Request(model="fast", messages=(says("user", "Where is my parcel?"),), stream=streamed),
        door=Door(shape="openai.chat"),
        started_ns=started,
        caller=Caller(key="k1", shown="rk-abcd", tenant="acme", user="ann"),
        answer=Answer(id="x", model="m", choices=(Choice(message=says("assistant", "On its way."), reason="stop"),)),
        source="cache" if hit else "model",
        cost=Money(amount=sum((one.cost.amount for one in attempts if one.cost), Decimal(0))),
        attempts=tuple(attempts),
        first_ns=first,
        ended_ns=now,
        steps=tuple(steps),
    )
    trace = trace_of(call, TraceSettings())
    return _with_tool(trace, life, rand) if not hit and rand.random() < life.tool_share else trace


def _with_tool(trace: Trace, life: Life, rand: random.Random) -> Trace:
    root, ended = trace.spans[0], trace.spans[0].ended_ns
    used = noisy(rand, life.tool)
    tool = Span(
        trace=root.trace,
        id=f"{rand.getrandbits(64):016x}",
        parent=root.id,
        name="execute_tool search_orders",
        started_ns=ended,
        ended_ns=ended + used,
        attributes={"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search_orders"},
    )
    row = trace.row.but(duration_ns=trace.row.duration_ns + used)
    return trace.but(row=row, spans=(root.but(ended_ns=ended + used), *trace.spans[1:], tool))


def calls_of(
    life: Life, rand: random.Random, count: int = 200, *, since: int = START, until: int = START + HOUR
) -> list[Trace]:
    return [call_of(life, rand, rand.randrange(since, until)) for _ in range(count)]
