"""All families of one deployment."""

from typing import Protocol

from rowen.store.base.access import Audit, Definitions, Keys, Revision, Tenants
from rowen.store.base.cache import Cache
from rowen.store.base.counters import Counters
from rowen.store.base.measures import Measures
from rowen.store.base.records import Records
from rowen.store.base.runs import Runs
from rowen.store.base.scores import Scores
from rowen.store.base.traces import Traces
from rowen.store.base.turns import Turns
from rowen.store.knowledge import Knowledge


class Store(Protocol):
    """All families of one deployment, opened together and closed together."""

    keys: Keys
    tenants: Tenants
    audit: Audit
    revisions: Revision
    definitions: Definitions
    turns: Turns
    counters: Counters
    cache: Cache
    traces: Traces
    scores: Scores
    records: Records
    measures: Measures
    runs: Runs
    knowledge: Knowledge

    async def check(self) -> dict[str, str]:
        """Return the homes of the families, each with its health (`ok` or a sentence), for `rowen doctor` and `/readyz`."""
        ...

    async def close(self) -> None: ...


class Home(Protocol):
    """Where traces alone live, opened and closed beside a store that has the other families."""

    traces: Traces

    async def check(self) -> dict[str, str]:
        """Return the home with its health, as a store does."""
        ...

    async def close(self) -> None: ...
