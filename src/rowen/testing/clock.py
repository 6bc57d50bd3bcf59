"""A clock that moves only when told."""


class FakeClock:
    """Both the wall and the stopwatch, in one number of nanoseconds."""

    def __init__(self, ns: int = 1_790_000_000_000_000_000) -> None:
        self.ns = ns
        self._start = ns

    def now_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return (self.ns - self._start) / 1e9

    def move(self, seconds: float) -> None:
        """Let so many seconds go by."""
        self.ns += round(seconds * 1e9)
