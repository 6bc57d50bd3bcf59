"""A token bucket: how much of a provider key's known limit per minute is left."""


class Bucket:
    """Fills evenly up to one minute's amount. `now` is always seconds on the same stopwatch."""

    __slots__ = ("_at", "_level", "size")

    def __init__(self, per_minute: int) -> None:
        self.size = per_minute
        self._level = float(per_minute)
        self._at = 0.0

    def left(self, now: float) -> float:
        """What can be taken now; below zero when more was used than was foreseen."""
        if now > self._at:
            if self._at:
                self._level = min(self.size, self._level + (now - self._at) * self.size / 60)
            self._at = now
        return self._level

    def fits(self, amount: float, now: float) -> bool:
        """Whether an amount can be taken; one larger than the bucket fits when it is full."""
        return self.left(now) >= min(amount, self.size)

    def take(self, amount: float) -> None:
        """Take, or with a negative amount give back."""
        self._level = min(float(self.size), self._level - amount)

    def fits_in(self, amount: float, now: float) -> float:
        """Seconds until an amount fits."""
        return max(0.0, min(amount, self.size) - self.left(now)) * 60 / self.size
