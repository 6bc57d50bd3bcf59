"""The load: a month of calls and of traces that were sent, with scores, as one app in production has them."""

import random
from collections.abc import Iterator
from decimal import Decimal

from rowen.values import Answer, Choice, Observed, Request, Score, Span, SpanRow, Trace, TraceRow, new_id, says

DAY = 86_400_000_000_000
MODELS = ("gpt-4.1-mini", "gpt-4.1", "claude-sonnet-4", "gemini-2.5-flash", "llama-4-scout")
FEATURES = ("chat", "search", "summary", "translate", "")
APP = """
[app]
name = "shop"

[models.main]
provider = "echo"

[watch.available]
sli = "availability"
target = ">= 95%"
window = "30d"
goal = "reliability"

[watch.answered]
sli = "answered"
target = ">= 95%"
window = "month"
goal = "reliability"

[watch.first-token]
sli = "latency"
latency = "first_token"
within = "800ms"
target = ">= 95%"
goal = "scalability"

[watch.total]
sli = "latency"
within = "2s"
target = ">= 90%"
goal = "scalability"

[watch.cheap]
sli = "cost"
at_most = 0.01
target = ">= 99%"
goal = "scalability"

[watch.grounded]
sli = "score"
score = "grounded"
source = "model"
at_least = 0.7
target = ">= 80%"
goal = "robustness"

[watch.liked]
sli = "thumbs"
target = ">= 80%"
goal = "safety"

[watch.busy]
sli = "throughput"
target = ">= 1/s"
goal = "scalability"

[sla.acme]
customer = "Acme"
owner = "desk@example.org"
slo = "available"
target = ">= 94%"
window = "month"
goal = "reliability"

[kpi.liked]
query = "score:thumbs"
slo = ["grounded"]

[kpi.response]
query = "response_time"
direction = "down"

[kpi.users]
query = "active_users"

[kpi.churn]
query = "churn"
direction = "down"
"""


class Load:
    """Makes traces by number over the thirty days before a moment; four of five are calls, the others were sent."""

    def __init__(self, count: int, until_ns: int, seed: int = 1) -> None:
        self._count = count
        self._since = until_ns - 30 * DAY
        self._apart = 30 * DAY // count
        self._dice = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = ["".join(self._dice.choices(letters, k=self._dice.randint(3, 9))) for _ in range(8_000)]

    def batches(self, size: int = 1_000) -> Iterator[tuple[list[Trace], list[Observed], list[Score]]]:
        """Yield calls, spans and scores, so many traces at once."""
        for first in range(0, self._count, size):
            calls: list[Trace] = []
            spans: list[Observed] = []
            scores: list[Score] = []
            for number in range(first, min(first + size, self._count)):
                row = self._row(number)
                if number % 5:
                    calls.append(self._call(row))
                else:
                    spans += self._sent(row)
                scores += self._scores(row)
            yield calls, spans, scores

    def _row(self, number: int) -> TraceRow:
        dice, began = self._dice, self._since + number * self._apart
        model = dice.choices(MODELS, weights=(60, 25, 10, 4, 1))[0]
        failed, length = dice.random() < 0.03, int(dice.lognormvariate(6.6, 0.5) * 1e6)
        release = number * 3 // self._count
        return TraceRow(
            id=f"{dice.getrandbits(128):032x}",
            started_ns=began,
            duration_ns=length,
            first_ns=length // 4,
            name=f"chat {model}",
            app="shop",
            definition=f"{release:064x}",
            tenant="default",
            key=f"rk-{number % 12}",
            user=f"user-{number % 997}",
            session=f"session-{number // 4}",
            feature=dice.choice(FEATURES),
            environment="production",
            release=f"1.{release}",
            door="openai.chat",
            model=model,
            deployment=model,
            provider="openai",
            source="cache" if dice.random() < 0.1 else "model",
            status="failed" if failed else "ok",
            code="upstream_timeout" if failed else "",
            attempts=1,
            input_tokens=dice.randrange(80, 900),
            output_tokens=dice.randrange(20, 400),
            cost=None if dice.random() < 0.01 else Decimal(dice.randrange(10, 9_000)) / 1_000_000,
            waste=Decimal("0.0001") if dice.random() < 0.02 else Decimal(0),
            asked=self._text(30),
            said="" if failed else self._text(30),
        )

    def _call(self, row: TraceRow) -> Trace:
        ended = row.started_ns + row.duration_ns
        status = "error" if row.status == "failed" else "ok"
        root = Span(
            trace=row.id,
            id="a" * 16,
            name=row.name,
            kind="server",
            started_ns=row.started_ns,
            ended_ns=ended,
            status=status,
        )
        attempt = root.but(
            id="b" * 16,
            parent="a" * 16,
            kind="client",
            attributes={"rowen.deployment": row.deployment, "gen_ai.operation.name": "chat"},
        )
        answer = Answer(choices=(Choice(message=says("assistant", row.said), reason="stop"),))
        return Trace(
            row=row,
            spans=(root, attempt),
            request=Request(model=row.model, messages=(says("user", row.asked),)),
            answer=None if row.status == "failed" else answer,
        )

    def _sent(self, row: TraceRow) -> list[Observed]:
        found = []
        for at, (name, type_) in enumerate((("answer", "agent"), ("chat", "llm"), ("look up", "tool"))):
            begins = row.started_ns + at * 1_000_000
            length = row.duration_ns if not at else row.duration_ns // 3
            told = SpanRow(
                trace=row.id,
                id=f"{at + 1:016x}",
                parent="" if not at else f"{1:016x}",
                name=name,
                type=type_,
                started_ns=begins,
                duration_ns=length,
                status="error" if row.status == "failed" and not at else "ok",
                code=row.code if not at else "",
                tenant="default",
                app="shop",
                environment="production",
                release=row.release,
                session=row.session,
                user=row.user,
                feature=row.feature,
                model=row.model if type_ == "llm" else "",
                provider="openai" if type_ == "llm" else "",
                input_tokens=row.input_tokens if type_ == "llm" else 0,
                output_tokens=row.output_tokens if type_ == "llm" else 0,
                cost=row.cost if type_ == "llm" else None,
                input=row.asked,
                output=row.said,
            )
            span = Span(
                trace=row.id,
                id=told.id,
                parent=told.parent,
                name=name,
                started_ns=begins,
                ended_ns=begins + length,
                status=told.status,
                attributes={"custom.order": row.id[:6], "gen_ai.request.temperature": 0.2},
                scope="bench 1",
            )
            found.append(Observed(row=told, span=span, input=row.asked, output=row.said))
        return found

    def _scores(self, row: TraceRow) -> list[Score]:
        dice = self._dice
        common = {
            "app": "shop",
            "trace": row.id,
            "definition": row.definition,
            "release": row.release,
            "judged_ns": row.started_ns,
            "created_ns": row.started_ns + row.duration_ns,
        }
        found = []
        if row.status == "ok" and dice.random() < 0.3:
            value = dice.random() < 0.85
            found.append(
                Score(
                    id=new_id(row.started_ns),
                    name="thumbs",
                    type="boolean",
                    value=value,
                    number=float(value),
                    source="user",
                    by=row.user,
                    **common,
                )
            )
        if row.status == "ok" and dice.random() < 0.4:
            number = min(1.0, max(0.0, dice.gauss(0.82, 0.12)))
            found.append(
                Score(
                    id=new_id(row.started_ns),
                    name="grounded",
                    value=number,
                    number=number,
                    source="model",
                    by="judge",
                    version="3f2a91",
                    **common,
                )
            )
        return found

    def _text(self, words: int) -> str:
        return " ".join(self._dice.choices(self._words, k=words))[:200]
