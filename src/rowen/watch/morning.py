"""Sends the digest each morning: a job that comes back, so that neither a restart nor a second process sends it twice."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rowen.jobs import Handler, Queue, Task
from rowen.store.base import Record, Store
from rowen.store.shelf import Shelf
from rowen.values import Clock, Value, at, ns_of
from rowen.watch.contact import DigestTable
from rowen.watch.digest import Look, digest
from rowen.watch.engine import Watched
from rowen.watch.tell import Teller

MORNING = "watch.digest"
_JOB = "watch.digest"
_EVERY_NS = 60_000_000_000
_LATE_NS = 12 * 3_600_000_000_000
"""A digest that could not be sent for so long is of no use any more; the next one is."""


class Made(Value, frozen=True, kw_only=True):
    """The last digest of an app."""

    app: str
    due_ns: int
    told: tuple[str, ...] = ()
    """Whom it was sent to; nobody when there was nothing to tell."""


class Mornings:
    """Makes the digests that are due and hands them to the teller, which sends them as it sends everything.

    Args:
        store: where everything stands.
        apps: gives the apps as they are now.
        teller: writes the notices down.
        queue: where the job is.
        clock: the time.
        costs: says what costs more than usual.
        errors: says which errors came most.

    """

    def __init__(
        self,
        store: Store,
        apps: Callable[[], Sequence[Watched]],
        teller: Teller,
        queue: Queue,
        clock: Clock,
        *,
        costs: Look | None = None,
        errors: Look | None = None,
    ) -> None:
        self._store = store
        self._apps = apps
        self._teller = teller
        self._queue = queue
        self._clock = clock
        self._costs = costs
        self._errors = errors
        self._made = Shelf(store.records, "digest", Made, lambda one: Record(
            kind="digest", id=one.app, app=one.app, at_ns=one.due_ns
        ))  # fmt: skip

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Who does which kind of job."""
        return {MORNING: self.work}

    async def queue(self) -> None:
        """See that the job runs where an app wants a digest."""
        if not any(app.digest.at for app in self._apps()):
            return
        await self._queue.keep(
            MORNING, id=_JOB, every_ns=_EVERY_NS, about="sends the digest of the night when its time has come"
        )

    async def work(self, task: Task) -> dict[str, Any]:
        """Make what is due; the job."""
        wanted = [app for app in self._apps() if app.digest.at]
        if not wanted:
            await self._queue.cancel(task.id, task.tenant)
            return {}
        now, sent = self._clock.now_ns(), 0
        for app in wanted:
            sent += await self._one(app, now)
        return {"sent": sent} if sent else {}

    async def _one(self, app: Watched, now: int) -> int:
        """Tell an app's contacts once of the night that ended last; return how many."""
        name, table = app.objectives.app, app.digest
        due = last_due(table, now)
        before = await self._made.get(name)
        if now - due > _LATE_NS or (before is not None and before.due_ns >= due):
            return 0
        made = await digest(
            self._store, app, due - table.hours * 3_600_000_000_000, due, costs=self._costs, errors=self._errors
        )
        everybody = [each for each, contact in app.contacts.items() if not contact.after]
        told = [each for each in table.contacts or everybody if each in app.contacts]
        if made.quiet and not table.quiet:
            told = []
        for contact in told:
            await self._teller.digest(name, contact, made.text(), due, now)
        # Killed before this line, the same notices are written again under the same ids.
        await self._made.put(Made(app=name, due_ns=due, told=tuple(told)))
        return len(told)


def last_due(table: DigestTable, now: int) -> int:
    """Return when the last digest was due: at that time of the day in its zone, today or yesterday."""
    zone = ZoneInfo(table.zone)
    today = at(now).astimezone(zone).date()
    moment = time.fromisoformat(table.at)
    for day in (today, today - timedelta(days=1)):
        due = ns_of(datetime.combine(day, moment, tzinfo=zone))
        if due <= now:
            return due
    raise AssertionError("yesterday's moment is over")
