"""The load: traces of six spans, as an agent with retrieval makes them, of 1.46 kB a span in OTLP's protobuf.

The attributes are OpenInference's, which Rowen, Phoenix and MLflow all read.
"""

import random
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from string import ascii_lowercase
from typing import Any

from rowen.testing.otlp import request
from rowen.trace.intake import protobuf
from rowen.trace.intake.observe import observed
from rowen.values import Observed

ROOT = Path(__file__).parents[2]
SIX = (
    ("answer", "CHAIN", False),
    ("plan", "LLM", True),
    ("search the handbook", "RETRIEVER", False),
    ("look up", "TOOL", False),
    ("chat", "LLM", True),
    ("check", "GUARDRAIL", False),
)
MODELS = ("gpt-4.1-mini", "gpt-4.1", "claude-sonnet-4", "gemini-2.5-flash", "llama-4-scout")
START = 1_790_000_000_000_000_000
COMMON, RARE, ABSENT = "invoice", "zephyr", "nowhereatall"
"""Words that every trace has, one trace in 10,000, and none."""
_FIRST = "the of and to in a is that it for was on are as with his they at be this from have or by one had not but"
_ASKED, _SAID = 490, 575
"""Characters in and out of a span, so that it is of the size that the goals are set for."""


class Load:
    """Makes traces by number; the same number makes the same trace.

    Args:
        seed: of all that is drawn.
        apart_ns: between the starts of two traces.
        letters: texts of words of any letters, which compress less than a language does, from a vocabulary of 30,000.
            Otherwise they are stretches of this project's own pages, with a number or an id in every twentieth place.

    """

    def __init__(self, seed: int = 1, apart_ns: int = 500_000_000, *, letters: bool = False) -> None:
        self._seed = seed
        self._apart = apart_ns
        self._letters = letters
        if letters:
            dice = random.Random(seed)
            made = ("".join(dice.choices(ascii_lowercase, k=dice.randint(3, 9))) for _ in range(30_000))
            self._words = [*_FIRST.split(), *made]
            self._weights = list(accumulate(1 / rank for rank in range(1, len(self._words) + 1)))
        else:
            pages = sorted((ROOT / "docs").rglob("*.md"))
            self._words = [word for page in pages for word in page.read_text().split() if word.strip("|-#`")]

    def requests(self, first: int, traces: int, size: int = 100) -> Iterator[tuple[bytes, list[str]]]:
        """Yield requests of `size` spans, with the ids of the spans in each."""
        spans: list[dict[str, Any]] = []
        resource: dict[str, Any] = {}
        for number in range(first, first + traces):
            resource = self._resource(number)
            spans += self.trace(number)
            while len(spans) >= size:
                yield _sent(spans[:size], resource)
                del spans[:size]
        if spans:
            yield _sent(spans, resource)

    def trace(self, number: int) -> list[dict[str, Any]]:
        """Return the spans of one trace, the children first, as they end."""
        dice = random.Random(self._seed * 1_000_003 + number)
        trace = dice.randbytes(16)
        ids = [dice.randbytes(8) for _ in SIX]
        started = START + number * self._apart
        failed = dice.random() < 0.03
        model = dice.choices(MODELS, weights=(60, 25, 10, 4, 1))[0]
        found = []
        for at, (name, kind, called) in enumerate(SIX):
            begins = started + at * 40_000_000
            length = 300_000_000 if not at else dice.randint(5_000_000, 60_000_000)
            asked, said = self._text(dice, _ASKED), self._text(dice, _SAID)
            if not at:
                asked = f"{COMMON} {number} {RARE + ' ' if number % 10_000 == 7 else ''}{asked}"
            attributes = {
                "openinference.span.kind": kind,
                "input.value": asked,
                "input.mime_type": "text/plain",
                "output.value": said,
                "output.mime_type": "text/plain",
                "session.id": f"session-{number // 4}",
                "user.id": f"user-{number % 997}",
                "custom.order": number,
                "custom.step": at,
            }
            if called:
                attributes |= {
                    "llm.model_name": model,
                    "llm.provider": "openai",
                    "llm.invocation_parameters": '{"temperature": 0.2}',
                    "llm.token_count.prompt": 80 + number % 50,
                    "llm.token_count.completion": 90,
                    "llm.token_count.total": 170 + number % 50,
                    "llm.cost.total": 0.00021,
                }
            found.append(
                {
                    "trace_id": trace,
                    "span_id": ids[at],
                    "parent_span_id": ids[0] if at else b"",
                    "name": name,
                    "kind": 1,
                    "start_time_unix_nano": begins,
                    "end_time_unix_nano": begins + length,
                    "status": {"code": 2, "message": "timed out"} if failed and not at else {"code": 1},
                    "attributes": attributes,
                }
            )
        return found[::-1]

    def large(self, count: int, size: int = 100) -> tuple[str, Iterator[bytes]]:
        """Return the id of one trace of so many spans, and the requests that bring it, the last span first."""
        number = 10**9
        spans = self.trace(number)
        trace = spans[-1]["trace_id"]

        def made() -> Iterator[bytes]:
            root = (1).to_bytes(8)
            for last in range(count, 0, -size):
                some = [
                    {
                        **spans[place % 6 if place > 1 else -1],
                        "span_id": place.to_bytes(8),
                        "parent_span_id": root if place > 1 else b"",
                        "start_time_unix_nano": START + place * 1_000_000,
                        "end_time_unix_nano": START + (place + 1 if place > 1 else count) * 1_000_000,
                    }
                    for place in range(last, max(last - size, 0), -1)
                ]
                yield _sent(some, self._resource(0))[0]

        return trace.hex(), made()

    def batch(self, first: int, traces: int) -> list[Observed]:
        """Return the spans of some traces as the door hands them to the store."""
        return [
            observed(group.read(raw, group.scope), group.resource, tenant="default", now_ns=2 * START)
            for body, _ in self.requests(first, traces)
            for group in protobuf.sent(body)
            for raw in group.spans
        ]

    def _resource(self, number: int) -> dict[str, Any]:
        return {
            "service.name": "shop",
            "deployment.environment.name": "production",
            "service.version": f"1.{number // 20_000}",
        }

    def _text(self, dice: random.Random, size: int) -> str:
        words = size // 4
        if self._letters:
            return " ".join(dice.choices(self._words, cum_weights=self._weights, k=words))[:size]
        first = dice.randrange(len(self._words) - words)
        said = self._words[first : first + words]
        for place in range(dice.randrange(20), words, 20):
            said[place] = f"{dice.getrandbits(32):08x}" if dice.random() < 0.5 else str(dice.randrange(100_000))
        return " ".join(said)[:size]


def _sent(spans: list[dict[str, Any]], resource: dict[str, Any]) -> tuple[bytes, list[str]]:
    return request(*spans, resource=resource).SerializeToString(), [span["span_id"].hex() for span in spans]
