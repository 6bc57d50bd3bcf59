"""Which traces of spans stay: those that failed, were slow or were scored low, and a share of the others.

Everything is stored at first, so that nothing waits in memory and what was acknowledged is on the disk. A while later,
when the trace has ended and been judged, the unlucky ones among the ordinary are erased.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from rowen.store.base import ScoreFilter, TraceFilter
from rowen.values import Clock, Score, Settings, TraceRow

RATIO: Final = "rowen.sample.ratio"
"""Attribute of the root span: of how many traces such as this one how many were to stay."""
LUCKY: Final = "rowen.sample.lucky"
"""Attribute of the root span: whether it stays in any case; false for one that stays since it is worth it."""

_AT_ONCE = 200
_SECOND = 1_000_000_000


class SampleSettings(Settings, frozen=True, kw_only=True):
    """Which traces stay."""

    ratio: float = 1.0
    """The share of ordinary traces that stays; 1 keeps all and looks at none."""
    slow: float = 10.0
    """Seconds from which on a trace is slow."""
    low: float = 0.5
    """Scores whose number is below this are low."""
    wait: float = 600.0
    """Seconds from the start of a trace until it is decided."""
    patience: float = 3600.0
    """Seconds more for a trace whose root has not come."""


class Erase(Protocol):
    """What is needed of the trace store."""

    async def find(self, filter: TraceFilter) -> list[TraceRow]: ...
    async def erase(self, tenant: str, *, traces: Sequence[str] = (), user: str = "", session: str = "") -> int: ...


class Judged(Protocol):
    """What is needed of the score store."""

    async def find(self, filter: ScoreFilter) -> list[Score]: ...


def lucky(trace: str, ratio: float) -> bool:
    """Return whether a trace is in the share that stays. The same in every process, and in OpenTelemetry's own samplers.

    The last 56 bits of the id are its randomness: https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
    """
    return int(trace[-14:], 16) >= (1.0 - ratio) * 2**56


def told(trace: str, settings: SampleSettings) -> dict[str, Any]:
    """Return the attributes by which a root span says how it was sampled."""
    return {} if settings.ratio >= 1 else {RATIO: settings.ratio, LUCKY: lucky(trace, settings.ratio)}


class Sampler:
    """Erases what was not to stay.

    Args:
        traces: the store's traces.
        scores: the store's scores.
        settings: which stay.
        clock: the time.
        behind: seconds that the first look goes back, for traces that came before a restart.

    """

    def __init__(
        self, traces: Erase, scores: Judged, settings: SampleSettings, clock: Clock, *, behind: float = 86_400.0
    ) -> None:
        self._traces = traces
        self._scores = scores
        self._settings = settings
        self._clock = clock
        start = clock.now_ns() - int((settings.wait + settings.patience + behind) * _SECOND)
        self._seen = [start, start]
        self.erased = 0

    async def sweep(self) -> int:
        """Look at the traces whose time has come, each once, and once more an hour later; return how many were erased."""
        settings = self._settings
        if settings.ratio >= 1:
            return 0
        now = self._clock.now_ns()
        erased = 0
        for place, (wait, whole) in enumerate(((settings.wait, True), (settings.wait + settings.patience, False))):
            until = now - int(wait * _SECOND)
            erased += await self._between(self._seen[place], until, whole=whole)
            self._seen[place] = max(until, self._seen[place])
        self.erased += erased
        return erased

    async def _between(self, since: int, until: int, *, whole: bool) -> int:
        """Decide what began in a window. The first time only traces whose root has come, then those without one."""
        erased = 0
        before = ""
        while since < until:
            rows = await self._traces.find(
                TraceFilter(origin="spans", since_ns=since, until_ns=until, before=before, limit=_AT_ONCE)
            )
            if not rows:
                break
            before = rows[-1].cursor
            erased += await self._decide([row for row in rows if row.complete == whole])
            if len(rows) < _AT_ONCE:
                break
        return erased

    async def _decide(self, rows: Sequence[TraceRow]) -> int:
        slow = self._settings.slow * _SECOND
        unlucky = [
            row
            for row in rows
            if not row.failed_spans
            and row.status == "ok"
            and row.duration_ns < slow
            and not lucky(row.id, self._settings.ratio)
        ]
        erased = 0
        for tenant in dict.fromkeys(row.tenant for row in unlucky):
            ids = [row.id for row in unlucky if row.tenant == tenant]
            low = await self._scores.find(
                ScoreFilter(tenant=tenant, traces=tuple(ids), below=self._settings.low, limit=10_000)
            )
            worth = {score.trace for score in low}
            gone = [id for id in ids if id not in worth]
            if gone:
                erased += await self._traces.erase(tenant, traces=gone)
        return erased
