"""What a process may spend without asking: a part of a shared counter, leased ahead in blocks.

The shared sum never passes the limit, because every block is taken from the store under the limit before any of it is
spent here. A killed process loses its remainders; they count as spent until the window ends, so a crash can only make
the limit hold earlier, never later.
"""

import asyncio
from abc import ABC, abstractmethod

from rowen.limits.rules import Rule
from rowen.limits.window import SECOND, window_at
from rowen.store.base import Counters
from rowen.values import Problem

_FULL_FOR = SECOND // 10  # a counter found full is not asked again so soon: refusing a flood must be cheap
_LASTS = SECOND  # a block that is used up sooner is doubled, one that lasts longer made smaller
_SLACK = 60 * SECOND  # the store keeps a counter a little longer than its window, for other machines' clocks
_SHARE_FOR = 10 * SECOND  # a killed process gives its share of concurrency up after this


class Spendable(ABC):
    """A part of one shared counter in this process. `free` can be spent at once; `get` asks the store for more."""

    __slots__ = (
        "_asking",
        "_counters",
        "_full_need",
        "_full_until_ns",
        "_near",
        "currency",
        "ends_ns",
        "free",
        "limit",
        "name",
        "open",
        "stem",
        "sum",
        "taken",
        "touched",
        "waiting",
        "window",
    )

    def __init__(self, rule: Rule, counters: Counters) -> None:
        self._counters = counters
        self._asking = asyncio.Lock()
        self._near = False
        self._full_need = 0
        self._full_until_ns = 0
        self.stem = rule.stem
        self.window = rule.window
        self.currency = rule.currency
        self.limit = rule.amount
        self.name = ""
        self.ends_ns = 0
        self.free = 0
        self.open = 0
        """Reservations of this window that are not settled."""
        self.touched = True
        """Whether it was used since the last flush."""
        self.waiting = 0
        """Calls that wait for the store."""
        self.sum = 0
        """The counter's sum when it was last read."""
        self.taken = 0
        """What this process added since then; for a share, all it holds."""

    @abstractmethod
    def roll(self, now_ns: int) -> None:
        """Begin a new window, or note that the share lapsed: nothing is free any more."""

    @abstractmethod
    async def ask(self, amount: int, now_ns: int) -> bool:
        """Ask the store for enough; False when the limit does not allow it. True means: look again."""

    @abstractmethod
    async def flush(self, now_ns: int) -> None:
        """Give back what lies idle, and keep alive what is in use."""

    @property
    def used(self) -> int:
        """What counts as used, as far as this process knows without asking."""
        return max(0, self.sum + self.taken - self.free)

    def full(self, amount: int, now_ns: int) -> bool:
        """Whether the store lately said that this much does not fit."""
        return now_ns < self._full_until_ns and amount >= self._full_need

    async def get(self, amount: int, now_ns: int) -> bool:
        """Spend an amount, asking the store when too little is free; False when it does not fit.

        Raises:
            Unavailable: the store cannot be asked.

        """
        self.waiting += 1
        try:
            while self.free < amount:
                if amount > self.limit or self.full(amount, now_ns):
                    return False
                # A caller that leaves while the store is asked must not lose the block: the task ends anyway.
                answer = await asyncio.shield(asyncio.ensure_future(self._ask_once(amount, now_ns)))
                if isinstance(answer, Problem):
                    raise answer
                if not answer:
                    return False
            self.free -= amount
            self.open += 1
        finally:
            self.waiting -= 1
        return True

    async def _ask_once(self, amount: int, now_ns: int) -> bool | Problem:
        """Ask, one at a time: those who wait here mostly find enough after the first came back."""
        try:
            async with self._asking:
                if self.free >= amount:
                    return True
                if self.full(amount, now_ns):
                    return False
                return await self.ask(amount, now_ns)
        except Problem as problem:
            return problem

    def _is_full(self, amount: int, now_ns: int) -> None:
        self._full_need, self._full_until_ns = amount, now_ns + _FULL_FOR


class Lease(Spendable):
    """A part of a window's counter: requests, tokens or money."""

    __slots__ = ("_asked_ns", "_block", "debt")

    def __init__(self, rule: Rule, counters: Counters, now_ns: int) -> None:
        super().__init__(rule, counters)
        self._block = 0
        self._asked_ns = 0
        self.debt: list[tuple[str, int, int]] = []
        """What was used above the reservations and could not be booked yet."""
        self.roll(now_ns)

    def roll(self, now_ns: int) -> None:
        span = window_at(self.window, now_ns)
        self.name, self.ends_ns = f"{self.stem}@{span.label}", span.ends_ns
        self.free = self.open = self.sum = self.taken = self._block = self._full_until_ns = 0
        self._near = False

    async def ask(self, amount: int, now_ns: int) -> bool:
        name, lack, limit = self.name, amount - self.free, self.limit
        expires_ns = self.ends_ns + _SLACK
        got = 0
        if not self._near:
            # Ahead only in the first seven eighths: near the limit each takes just what it needs, so that the last
            # part is not scattered over processes.
            got = await self._counters.take(
                name, self._next_block(lack, now_ns), limit - limit // 8, expires_ns, least=lack
            )
            self._near = self.name == name and not got
        if not got:
            got = await self._counters.take(name, lack, limit, expires_ns)
        if self.name != name:
            return True  # the window ended meanwhile; what was taken there is of no use
        self.free += got
        self.taken += got
        if not got:
            (self.sum,) = await self._counters.sums([name])
            self.taken = 0
            self._is_full(amount, now_ns)
        return got > 0

    async def owe(self, excess: int) -> None:
        """Book what a call used above its reservation: from what is free here, the rest without a limit.

        Raises:
            Unavailable: the store cannot be written; the next flush tries again.

        """
        spare = min(self.free, excess)
        self.free -= spare
        excess -= spare
        if not excess:
            return
        self.taken += excess
        name, expires_ns = self.name, self.ends_ns + _SLACK
        await self._book((name, excess, expires_ns))

    async def flush(self, now_ns: int) -> None:
        while self.debt:
            await self._book(self.debt.pop())
        idle, self.touched = not self.touched, False
        # What was just fetched for a call that waits would go round in circles if it went back at once.
        if self.free <= 0 or self.waiting or now_ns >= self.ends_ns or not (idle or self._near):
            return
        # Out of `free` first: should the store fail half way, the amount counts as spent, never as free twice.
        amount, self.free = self.free, 0
        self.taken -= amount
        await self._counters.give_back(self.name, amount)

    async def _book(self, owed: tuple[str, int, int]) -> None:
        try:
            await self._counters.add(*owed)
        except BaseException:
            # Perhaps it was booked all the same; twice is the safe side of a limit.
            self.debt.append(owed)
            raise

    def read(self, total: int) -> None:
        """Take note of the counter's sum, lately read from the store."""
        self.sum, self.taken = total, 0
        if self._near and total < self.limit - self.limit // 4:
            self._near = False

    def _next_block(self, lack: int, now_ns: int) -> int:
        """Return how much to lease: for about a second, as far as the last block tells, and at most 1/64 of the limit.

        A small limit (20 a minute) would then be asked for every single call; up to 1/16 may be leased if that is no
        more than 32 calls' worth.
        """
        most = max(self.limit // 64, min(self.limit // 16, 32 * lack))
        lasted = now_ns - self._asked_ns
        self._asked_ns = now_ns
        wanted = max(self._block, lack) * 2 if lasted < _LASTS else self._block * _LASTS // lasted
        self._block = max(lack, min(wanted, most))
        return self._block


class Share(Spendable):
    """A part of a live counter: calls under way at once. `free + open` is what the store holds for this process."""

    __slots__ = ("_owner",)

    def __init__(self, rule: Rule, counters: Counters, owner: str) -> None:
        super().__init__(rule, counters)
        self._owner = owner
        self.name = f"{self.stem}@now"

    def roll(self, now_ns: int) -> None:
        if now_ns >= self.ends_ns:
            self.free, self.taken = 0, self.open

    async def ask(self, amount: int, now_ns: int) -> bool:
        held = self.open + self.free
        growth = amount if self._near else max(amount, held // 4)
        for ahead in sorted({held + growth, held + amount}, reverse=True):
            if ahead <= self.limit and await self._hold(ahead, now_ns):
                # `open` alone can have changed while the store was asked; what the store holds is their sum.
                self.free, self.taken = max(0, ahead - self.open), ahead
                return True
            self._near = True
        self._is_full(amount, now_ns)
        return False

    async def flush(self, now_ns: int) -> None:
        idle, self.touched = not self.touched, False
        if now_ns >= self.ends_ns and not self.open:
            self.free = self.taken = 0
            return
        trim = self.free > 0 and not self.waiting and (idle or self._near)
        if not trim and self.ends_ns - now_ns > _SHARE_FOR // 2:
            return
        async with self._asking:
            if trim and not self.waiting:
                self.free = 0
            keep = self.open + self.free
            if await self._hold(keep, now_ns):
                self.taken = keep
            else:
                self.ends_ns = self.free = 0
        self._near = False

    async def _hold(self, amount: int, now_ns: int) -> bool:
        until_ns = now_ns + _SHARE_FOR
        if not await self._counters.hold(self.name, self._owner, amount, self.limit, until_ns, now_ns):
            return False
        self.ends_ns = until_ns
        return True
