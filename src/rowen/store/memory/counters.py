"""Counters in dicts. A decision has no `await` in it, so it is atomic in its event loop."""

from collections.abc import Sequence


class MemoryCounters:
    """Sums of windows, and the shares of live counters."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[int, int]] = {}
        self._shares: dict[str, dict[str, tuple[int, int]]] = {}

    async def take(self, counter: str, amount: int, limit: int, expires_ns: int, *, least: int = 0) -> int:
        """Add up to `amount` within `limit`; return what was added."""
        room = limit - self._sum(counter)
        if amount <= 0 or room < (least or amount):
            return 0
        got = min(amount, room)
        self._grow(counter, got, expires_ns)
        return got

    async def give_back(self, counter: str, amount: int) -> None:
        """Subtract; a sum never falls below 0."""
        if counter in self._sums:
            total, expires_ns = self._sums[counter]
            self._sums[counter] = (max(0, total - amount), expires_ns)

    async def add(self, counter: str, amount: int, expires_ns: int) -> None:
        """Add without a limit."""
        self._grow(counter, amount, expires_ns)

    async def sums(self, counters: Sequence[str]) -> list[int]:
        """Return the sums in the order asked."""
        return [self._sum(counter) for counter in counters]

    async def hold(self, counter: str, owner: str, amount: int, limit: int, until_ns: int, now_ns: int) -> bool:
        """Set the owner's share if the shares of all live owners fit; 0 always fits and ends it."""
        shares = self._shares.setdefault(counter, {})
        if amount <= 0:
            shares.pop(owner, None)
            return True
        others = sum(held for name, (held, until) in shares.items() if name != owner and until > now_ns)
        if others + amount > limit:
            return False
        shares[owner] = (amount, until_ns)
        return True

    async def prune(self, now_ns: int) -> None:
        """Forget what is over."""
        self._sums = {name: kept for name, kept in self._sums.items() if kept[1] > now_ns}
        live = {
            name: {owner: share for owner, share in shares.items() if share[1] > now_ns}
            for name, shares in self._shares.items()
        }
        self._shares = {name: shares for name, shares in live.items() if shares}

    def _sum(self, counter: str) -> int:
        return self._sums.get(counter, (0, 0))[0]

    def _grow(self, counter: str, amount: int, expires_ns: int) -> None:
        total, until = self._sums.get(counter, (0, 0))
        self._sums[counter] = (total + amount, max(until, expires_ns))
