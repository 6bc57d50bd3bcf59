"""A store whose traces live elsewhere."""

from rowen.store.base import Home, Store


class Joined:
    """All families of one deployment, with the traces of another home in place of the store's own.

    Args:
        store: has all that is not a trace.
        home: has the traces.

    """

    def __init__(self, store: Store, home: Home) -> None:
        self._store = store
        self._home = home
        self.keys = store.keys
        self.tenants = store.tenants
        self.audit = store.audit
        self.revisions = store.revisions
        self.definitions = store.definitions
        self.turns = store.turns
        self.counters = store.counters
        self.cache = store.cache
        self.scores = store.scores
        self.records = store.records
        self.measures = store.measures
        self.runs = store.runs
        self.knowledge = store.knowledge
        self.traces = home.traces

    async def check(self) -> dict[str, str]:
        """Return the homes of the families, each with its health."""
        return {
            **{_others(home): health for home, health in (await self._store.check()).items()},
            **await self._home.check(),
        }

    async def close(self) -> None:
        """Close the traces, then all else."""
        try:
            await self._home.close()
        finally:
            await self._store.close()


def _others(home: str) -> str:
    """Return what a home holds beside traces."""
    families, opened, place = home.partition(" (")
    others = [family for family in families.split(", ") if family != "traces"]
    return f"{', '.join(others) or 'no more traces'}{opened}{place}"
