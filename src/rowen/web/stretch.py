"""The stretch of time that a page is about, as its address says: `?range=24h`."""

from dataclasses import dataclass

from starlette.requests import Request

from rowen.values import Clock, at

_MINUTE = 60_000_000_000
RANGES: dict[str, tuple[int, int, str]] = {
    "1h": (60 * _MINUTE, _MINUTE, "%H:%M"),
    "24h": (1440 * _MINUTE, 30 * _MINUTE, "%H:%M"),
    "7d": (7 * 1440 * _MINUTE, 240 * _MINUTE, "%a %H:%M"),
    "30d": (30 * 1440 * _MINUTE, 1440 * _MINUTE, "%d %b"),
}
"""Length and step in nanoseconds, and how a step reads on an axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From when until when, in which steps."""

    range: str
    since_ns: int
    until_ns: int
    every_ns: int
    form: str
    ranges: tuple[str, ...] = tuple(RANGES)

    @property
    def starts(self) -> list[int]:
        """Where each step begins."""
        return list(range(self.since_ns, self.until_ns, self.every_ns))

    @property
    def since(self) -> str:
        """Where it begins, in words."""
        return at(self.since_ns).strftime("%Y-%m-%d %H:%M")

    def said(self, start_ns: int) -> str:
        """A step as an axis says it."""
        return at(start_ns).strftime(self.form)


def covering(since_ns: int, clock: Clock) -> str:
    """Return the name of the shortest stretch that reaches back to a moment; of the longest where none does."""
    age = clock.now_ns() - since_ns
    return next((name for name, (length, _, _) in RANGES.items() if length >= age), "30d")


def stretch_of(request: Request, clock: Clock, usual: str = "24h") -> Stretch:
    """Return the stretch that a page's address names, up to now."""
    chosen = request.query_params.get("range", usual)
    chosen = chosen if chosen in RANGES else usual
    length, every, form = RANGES[chosen]
    until = (clock.now_ns() // every + 1) * every
    return Stretch(range=chosen, since_ns=until - length, until_ns=until, every_ns=every, form=form)
