"""Writes the outcomes of a run, several at a time where several wait for the same moment."""

import asyncio

from rowen.store.base import Runs
from rowen.values import Outcome, Run


class Keep:
    """Where the outcomes of one run are written."""

    def __init__(self, outcomes: Runs, run: Run) -> None:
        self._outcomes = outcomes
        self._run = run
        self._lock = asyncio.Lock()
        self._waiting: list[Outcome] = []
        self._added = self._written = 0

    async def __call__(self, outcome: Outcome) -> None:
        """Return when the outcome is written."""
        self._waiting.append(outcome)
        self._added = number = self._added + 1
        async with self._lock:
            if self._written >= number:
                return
            batch = self._waiting[:]
            await self._outcomes.put(self._run.id, batch, tenant=self._run.tenant)
            del self._waiting[: len(batch)]
            self._written += len(batch)
