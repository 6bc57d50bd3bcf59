"""What this process counts, in Prometheus' text format. Histograms bear the OpenTelemetry GenAI names.

Labels come from the definition, never from callers: a model name that nothing defines is counted as `other`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from rowen.values import Call, Usage

Labels = tuple[str, ...]
Read = Callable[[], Mapping[Labels, float]]

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_FIRST = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
_TOKENS = tuple(float(4**power) for power in range(14))


class Counter:
    """Sums that only grow, by label values."""

    kind = "counter"

    def __init__(self, name: str, about: str, labels: Labels) -> None:
        self.name, self.about, self.labels = name, about, labels
        self.sums: dict[Labels, float | Decimal] = {}

    def add(self, labels: Labels, amount: float | Decimal = 1) -> None:
        """Add to one sum."""
        self.sums[labels] = self.sums.get(labels, 0) + amount  # type: ignore[operator]  # one counter, one type

    def lines(self) -> Iterable[str]:
        """Yield the samples."""
        for labels, amount in list(self.sums.items()):
            yield _sample(self.name, self.labels, labels, amount)


class Histogram:
    """How often a measurement fell below each bound, by label values."""

    kind = "histogram"

    def __init__(self, name: str, about: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self.name, self.about, self.labels, self.bounds = name, about, labels, bounds
        self._rows: dict[Labels, list[float]] = {}

    def see(self, labels: Labels, amount: float) -> None:
        """Count one measurement."""
        row = self._rows.get(labels)
        if row is None:
            # A count for each bound, one for what is above, and the sum.
            row = self._rows[labels] = [0.0] * (len(self.bounds) + 2)
        row[bisect_left(self.bounds, amount)] += 1
        row[-1] += amount

    def lines(self) -> Iterable[str]:
        """Yield the samples."""
        for labels, row in list(self._rows.items()):
            below = 0.0
            for bound, count in zip((*map(str, self.bounds), "+Inf"), row, strict=False):
                below += count
                yield _sample(f"{self.name}_bucket", (*self.labels, "le"), (*labels, bound), below)
            yield _sample(f"{self.name}_sum", self.labels, labels, row[-1])
            yield _sample(f"{self.name}_count", self.labels, labels, below)


class Gauge:
    """Numbers that somebody else keeps, read when they are asked for."""

    def __init__(self, name: str, about: str, labels: Labels, read: Read, kind: str = "gauge") -> None:
        self.name, self.about, self.labels, self._read, self.kind = name, about, labels, read, kind

    def lines(self) -> Iterable[str]:
        """Yield the samples."""
        for labels, amount in self._read().items():
            yield _sample(self.name, self.labels, labels, amount)


class Metrics:
    """All that is counted at the doors, and the gauges that others bring."""

    def __init__(self) -> None:
        self.requests = Counter("rowen_requests_total", "Calls answered.", ("door", "model", "status", "code"))
        self.tokens = Counter("rowen_tokens_total", "Tokens used.", ("model", "type"))
        self.cost = Counter("rowen_cost_total", "Money spent on calls whose price is known.", ("model", "currency"))
        self.unpriced = Counter("rowen_unpriced_calls_total", "Calls whose cost is unknown.", ("model",))
        self.cached = Counter("rowen_cache_hits_total", "Calls answered from the cache.", ("model",))
        labels = ("gen_ai_operation_name", "gen_ai_request_model", "rowen_door")
        self.duration = Histogram(
            "gen_ai_server_request_duration_seconds", "Time from request to the end of its answer.", labels, _SECONDS
        )
        self.first = Histogram(
            "gen_ai_server_time_to_first_token_seconds", "Time from request to the first of its answer.", labels, _FIRST
        )
        self.per_token = Histogram(
            "gen_ai_server_time_per_output_token_seconds", "Time for each token after the first.", labels, _PER_TOKEN
        )
        self.usage = Histogram(
            "gen_ai_client_token_usage", "Tokens of a call.", (*labels[:2], "gen_ai_token_type"), _TOKENS
        )
        self._flying: dict[Labels, float] = {}
        self._all: list[Counter | Histogram | Gauge] = [
            self.requests,
            self.tokens,
            self.cost,
            self.unpriced,
            self.cached,
            self.duration,
            self.first,
            self.per_token,
            self.usage,
            Gauge("rowen_in_flight", "Calls under way.", ("door",), lambda: self._flying),
        ]

    def bring(self, name: str, about: str, labels: Labels, read: Read, *, kind: str = "gauge") -> None:
        """Add a gauge (or a counter) that is kept elsewhere: breakers, buffers, queues."""
        self._all.append(Gauge(name, about, labels, read, kind))

    def begin(self, door: str) -> None:
        """Count a call as under way."""
        labels = (door,)
        self._flying[labels] = self._flying.get(labels, 0) + 1

    def end(self, door: str) -> None:
        """Count a call as no longer under way."""
        self._flying[(door,)] -= 1

    def refused(self, door: str, status: int, code: str) -> None:
        """Count a request that did not become a call."""
        self.requests.add((door, "", str(status), code))

    def called(self, call: Call, *, model: str, status: int, usage: Usage) -> None:
        """Count a call that has ended."""
        door = call.door.shape
        self.requests.add((door, model, str(status), call.problem.code if call.problem else ""))
        if not call.ended_ns:
            return  # cancelled before its first step: there is nothing to measure
        labels = ("embeddings" if call.request.kind == "embeddings" else "chat", model, door)
        seconds = (call.ended_ns - call.started_ns) / 1e9
        self.duration.see(labels, seconds)
        if call.first_ns:
            first = (call.first_ns - call.started_ns) / 1e9
            self.first.see(labels, first)
            if usage.output_tokens > 1:
                self.per_token.see(labels, (seconds - first) / (usage.output_tokens - 1))
        if call.source == "cache":
            self.cached.add((model,))
            return
        if usage.total:
            self.tokens.add((model, "input"), usage.input_tokens)
            self.tokens.add((model, "output"), usage.output_tokens)
            self.usage.see((*labels[:2], "input"), usage.input_tokens)
            self.usage.see((*labels[:2], "output"), usage.output_tokens)
        if call.cost is not None:
            self.cost.add((model, call.cost.currency), call.cost.amount)
        elif call.attempts:
            self.unpriced.add((model,))

    def text(self) -> str:
        """Return everything in Prometheus' text format."""
        lines: list[str] = []
        for one in self._all:
            lines.append(f"# HELP {one.name} {one.about}")
            lines.append(f"# TYPE {one.name} {one.kind}")
            lines.extend(one.lines())
        return "\n".join(lines) + "\n"


def _sample(name: str, names: Labels, labels: Labels, amount: float | Decimal) -> str:
    pairs = ",".join(f'{key}="{_escaped(value)}"' for key, value in zip(names, labels, strict=True))
    shown = int(amount) if amount == int(amount) else amount
    return f"{name}{{{pairs}}} {shown}" if pairs else f"{name} {shown}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
