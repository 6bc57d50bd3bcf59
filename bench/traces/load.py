"""The load: traces of six spans, as an agent with retrieval makes them, of about 1.46 kB a span."""

import random
from decimal import Decimal

from rowen.values import Observed, Span, SpanRow

SIX = (
    ("answer", "chain", ""),
    ("plan", "llm", "fast"),
    ("search the handbook", "retriever", ""),
    ("look up", "tool", ""),
    ("chat", "llm", "careful"),
    ("check", "guardrail", ""),
)
MODELS = ("gpt-4.1-mini", "gpt-4.1", "claude-sonnet-4", "gemini-2.5-flash", "llama-4-scout")
START = 1_790_000_000_000_000_000
_COMMON = "the of and to in a is that it for was on are as with his they at be this from have or by one had not but"


class Load:
    """Makes traces by number; the same number makes the same trace.

    The words are drawn as in a language (Zipf), from 30,000; every trace has `invoice`, one in 10,000 has `zephyr`.
    """

    def __init__(self, seed: int = 1, apart_ns: int = 500_000_000) -> None:
        self._seed = seed
        self._apart = apart_ns
        dice = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self._words = _COMMON.split() + ["".join(dice.choices(letters, k=dice.randint(3, 9))) for _ in range(30_000)]
        self._weights = [0.0]
        for rank in range(1, len(self._words)):
            self._weights.append(self._weights[-1] + 1 / rank)

    def trace(self, number: int) -> list[Observed]:
        """Return the spans of one trace, the children first, as they end."""
        dice = random.Random(self._seed * 1_000_003 + number)
        id = f"{dice.getrandbits(128):032x}"
        spans = [f"{dice.getrandbits(64):016x}" for _ in SIX]
        started = START + number * self._apart
        failed = dice.random() < 0.03
        model = dice.choices(MODELS, weights=(60, 25, 10, 4, 1))[0]
        found = []
        for at, (name, type_, called) in enumerate(SIX):
            begins = started + at * 40_000_000
            length = 300_000_000 if not at else dice.randint(5_000_000, 60_000_000)
            asked, said = self._text(dice, 50), self._text(dice, 60)
            if not at:
                asked = f"invoice {number} {'zephyr ' if number % 10_000 == 7 else ''}{asked}"
            attributes = {
                "openinference.span.kind": type_.upper(),
                "gen_ai.operation.name": name,
                "gen_ai.request.model": model if called else "",
                "gen_ai.request.temperature": 0.2,
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.conversation.id": f"session-{number // 4}",
                "user.id": f"user-{number % 997}",
                "service.name": "shop",
                "deployment.environment.name": "production",
                "service.version": f"1.{number // 20_000}",
                "custom.order": number,
                "custom.step": at,
            }
            row = SpanRow(
                trace=id,
                id=spans[at],
                parent=spans[0] if at else "",
                name=name,
                type=type_,
                started_ns=begins,
                duration_ns=length,
                first_ns=length // 3 if called else None,
                status="error" if failed and not at else "ok",
                code="timeout" if failed and not at else "",
                tenant="default",
                app="shop",
                environment="production",
                release=f"1.{number // 20_000}",
                session=f"session-{number // 4}",
                user=f"user-{number % 997}",
                model=model if called else "",
                provider="openai" if called else "",
                input_tokens=80 if called else 0,
                output_tokens=90 if called else 0,
                cost=Decimal("0.00021") if called else None,
                input=asked[:200],
                output=said[:200],
            )
            span = Span(
                trace=id,
                id=spans[at],
                parent=row.parent,
                name=name,
                started_ns=begins,
                ended_ns=begins + length,
                status=row.status,
                attributes=attributes,
                scope="bench 1",
            )
            found.append(Observed(row=row, span=span, input=asked, output=said))
        return found[::-1]

    def batch(self, first: int, traces: int) -> list[Observed]:
        """Return the spans of some traces."""
        return [span for number in range(first, first + traces) for span in self.trace(number)]

    def _text(self, dice: random.Random, words: int) -> str:
        return " ".join(dice.choices(self._words, cum_weights=[*self._weights[1:], self._weights[-1] + 1e-09], k=words))
