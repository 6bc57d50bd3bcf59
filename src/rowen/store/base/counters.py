"""Shared counters with limits."""

from collections.abc import Sequence
from typing import Protocol


class Counters(Protocol):
    """Shared integer counters with limits: what keeps budgets exact over processes and crashes.

    A counter is a name that includes its window (`tokens:tenant:acme:2026-11-23`). Amounts are integers in the
    measure's unit (money: 1e-9 of the currency). Each call is one atomic decision.
    """

    async def take(self, counter: str, amount: int, limit: int, expires_ns: int, *, least: int = 0) -> int:
        """Add up to `amount` so that the sum stays within `limit`; return what was added.

        Adds nothing and returns 0 when not even `least` (default: all of `amount`) fits.
        """
        ...

    async def give_back(self, counter: str, amount: int) -> None:
        """Subtract what was taken and not used; a sum never falls below 0."""
        ...

    async def add(self, counter: str, amount: int, expires_ns: int) -> None:
        """Add without a limit: what was used above the reservation."""
        ...

    async def sums(self, counters: Sequence[str]) -> list[int]: ...

    async def hold(self, counter: str, owner: str, amount: int, limit: int, until_ns: int, now_ns: int) -> bool:
        """Set the owner's share of a live counter (concurrency) to `amount`, if the shares of all live owners fit.

        A share lapses at `until_ns` unless held again: a killed process leaks nothing. An amount of 0 ends the share.
        """
        ...

    async def prune(self, now_ns: int) -> None:
        """Forget counters whose window is over and shares that lapsed."""
        ...
