"""The rules of a deployment: those that apps write in their files, and those that people keep through the API."""

from collections.abc import Callable, Sequence
from functools import partial

from rowen.jobs import Queue
from rowen.score.rule import Rule, checked
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Clock, Mistaken, Value

LIVE = "score.live"
BACKFILL = "score.backfill"

_EVERY_NS = 15_000_000_000


class Ledger(Value, frozen=True, kw_only=True):
    """How far a rule has come with live traffic, and what came of it."""

    key: str
    tenant: str = "default"
    until_ns: int = 0
    """What began before is judged."""
    judged: int = 0
    failed: int = 0
    """How often a judgement was an error."""
    passed_over: int = 0
    """What lacked what the scorer judges, such as a reference."""
    capped: int = 0
    """What was not judged because the day's budget was used up."""
    capped_ns: int = 0
    """When that was last so."""
    failing: int = 0
    """How many judgements on end were errors, up to now."""
    failing_ns: int = 0
    """When the first of these was."""
    cost: str = "0"
    """US dollars of all judgements whose price is known."""


class Fault(Value, frozen=True, kw_only=True):
    """A judgement that was an error."""

    id: str
    rule: str
    tenant: str
    app: str = ""
    target: str = "trace"
    trace: str = ""
    span: str = ""
    session: str = ""
    at_ns: int
    code: str
    message: str
    cost: str = ""
    evidence: str = ""
    """The trace of the judge's last answer."""


class Rules:
    """Finds and keeps rules, and sees that each has its job.

    Args:
        records: where kept rules are.
        queue: where their jobs are queued.
        clock: what time it is.
        written: gives the rules of the apps' own files.

    """

    def __init__(self, records: Records, queue: Queue, clock: Clock, written: Callable[[], Sequence[Rule]]) -> None:
        self._records = records
        self._queue = queue
        self._clock = clock
        self._written = written
        self._kept = Shelf(records, "rule", Rule, lambda rule: Record(
            kind="rule", id=f"{rule.app}/{rule.name}", tenant=rule.tenant, app=rule.app, at_ns=rule.created_ns
        ))  # fmt: skip
        self.ledgers = Shelf(
            records, "rule.ledger", Ledger, lambda one: Record(kind="rule.ledger", id=one.key, tenant=one.tenant)
        )
        self.faults = Shelf(records, "rule.fault", Fault, lambda one: Record(
            kind="rule.fault", id=one.id, tenant=one.tenant, app=one.app, group=one.rule, at_ns=one.at_ns
        ))  # fmt: skip

    async def all(self, tenant: str | None = None, app: str = "") -> list[Rule]:
        """Return the rules that judge a tenant's traffic, or all: those of the apps' files first."""
        kept = await self._kept.find(tenant=tenant, app=app)
        return [*(rule for rule in self._written() if app in {"", rule.app}), *sorted(kept, key=lambda one: one.name)]

    async def get(self, name: str, tenant: str | None, app: str = "") -> Rule:
        """Return a rule by its name.

        Raises:
            Mistaken: `not_found`; `field_invalid` when several apps have one of that name.

        """
        found = [rule for rule in await self.all(tenant, app) if rule.name == name]
        if not found:
            raise Mistaken("not_found", f"there is no rule {name!r}", place="name")
        if len(found) > 1:
            raise Mistaken("field_invalid", f"several rules are named {name!r}; name the app and tenant", place="app")
        return found[0]

    async def by_key(self, key: str) -> Rule | None:
        """Return a rule by its key; None when it is gone."""
        return next((rule for rule in await self.all() if rule.key == key), None)

    async def put(self, rule: Rule) -> Rule:
        """Keep a rule in place of the earlier one of its name, and see that its job runs.

        Raises:
            Mistaken: `config_invalid`; `conflict` for the name of a rule of the app's own file.

        """
        checked(rule)
        if any(each.name == rule.name and each.app == rule.app for each in self._written()):
            raise Mistaken("conflict", f"the app's own file has a rule {rule.name!r}; change it there", place="name")
        kept = rule.but(created_ns=self._clock.now_ns())
        await self._kept.put(kept)
        await self.queue(kept)
        return kept

    async def delete(self, rule: Rule) -> None:
        """Remove a kept rule; its scores stay.

        Raises:
            Mistaken: `conflict` for a rule of an app's own file.

        """
        if not rule.tenant:
            raise Mistaken("conflict", "the rule stands in the app's own file; remove it there", place="name")
        await self._kept.delete(f"{rule.app}/{rule.name}", rule.tenant)

    async def queue(self, rule: Rule) -> None:
        """See that a rule that is switched on has its job; the job of one that is not ends by itself."""
        if not rule.enabled:
            return
        tenant = rule.tenant or "default"
        await self._queue.keep(
            LIVE, id=rule.key, tenant=tenant, app=rule.app, input={"rule": rule.key}, every_ns=_EVERY_NS,
            about=f"judges what comes by the rule {rule.name}",
            # What came while the rule was switched off or gone is for a backfill.
            anew=partial(self.ledgers.delete, rule.key, tenant),
        )  # fmt: skip

    async def queue_written(self) -> None:
        """See that the rules of the apps' files have their jobs."""
        for rule in self._written():
            await self.queue(rule)
