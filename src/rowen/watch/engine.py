"""The worker of this stage: every minute it counts, weighs, alerts and tells. One leader for a deployment."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from rowen.store.base import Cell, Record, Records, Store
from rowen.store.shelf import Shelf
from rowen.values import Clock, Value
from rowen.watch.alert import Alerting, Firing, on_call
from rowen.watch.base import Objectives, WatchTable
from rowen.watch.budget import Correct, standing
from rowen.watch.burn import LONGEST_NS, Tail, burning
from rowen.watch.contact import ContactTable, DigestTable, OncallTable
from rowen.watch.fill import Filler
from rowen.watch.judge import Corrects
from rowen.watch.rounds import Look, Rounds
from rowen.watch.tell import Teller
from rowen.watch.window import DAY_NS, MINUTE_NS

HOUR_NS = 60 * MINUTE_NS
LATE_NS = 5 * MINUTE_NS
"""Minutes that are counted again at every tick: traces are written some time after they began."""
LATE_TRACES_NS = 2 * HOUR_NS
LATE_SCORES_NS = 2 * DAY_NS
"""What is counted again every hour: long calls, and scores that people give a day later to what they concern."""
LEASE_NS = 150_000_000_000
"""After so long without a tick another process leads."""
MOST_HOURS = 8
"""Hours that are counted at once at most, as long as fewer than `FEW` traces and scores came in those before."""
FEW = 5_000
BACKFILL_NS = 35 * DAY_NS
"""How far back a new objective is counted at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the engine knows of one app."""

    objectives: Objectives
    contacts: Mapping[str, ContactTable] = field(default_factory=dict)
    oncall: OncallTable = field(default_factory=OncallTable)
    digest: DigestTable = field(default_factory=DigestTable)
    folder: str = ""
    """Where the paths of runbooks begin."""


Probe = Callable[[str, WatchTable], Awaitable[bool]]
"""Says whether an app is there and ready now."""


class _Lost(Exception):
    """Another process leads now."""


class Mark(Value, frozen=True, kw_only=True):
    """How far the minutes of an app are counted."""

    app: str
    upto_ns: int
    again_ns: int = 0
    """When what comes late was last counted again."""
    known: dict[str, str] = {}
    """The objectives that were counted, each with a hash of what is counted."""

    @staticmethod
    def shelf(records: Records) -> "Shelf[Mark]":
        """Return where marks stand."""
        return Shelf(records, "watch.mark", Mark, lambda one: Record(kind="watch.mark", id=one.app, app=one.app))


class Engine:
    """Counts what happened, and alerts.

    Args:
        store: where everything stands.
        apps: gives the apps with their objectives as they are now.
        clock: the time.
        owner: names this process among those that could lead.
        teller: sends notices.
        probe: says whether an app is ready, for objectives of uptime.
        correct: gives what corrects the figures of an erring judge.
        looks: how what is no objective is found.

    """

    def __init__(
        self,
        store: Store,
        apps: Callable[[], Sequence[Watched]],
        clock: Clock,
        *,
        owner: str,
        teller: Teller,
        probe: Probe | None = None,
        correct: Corrects | None = None,
        looks: Sequence[Look] = (),
    ) -> None:
        self._store = store
        self._rounds = Rounds(store, looks, self._on_call)
        self._apps = apps
        self._clock = clock
        self._owner = owner
        self._filler = Filler(store)
        self._alerting = Alerting(store, clock)
        self._teller = teller
        self._probe = probe
        self._correct = correct
        self._lock = asyncio.Lock()
        self._led_until = 0
        self.counted: dict[tuple[str, str], tuple[int, int]] = {}
        """Events and bad ones that this process counted, by app and objective: they only grow."""
        self._since: dict[str, int] = {}
        self._told: dict[tuple[str, str, int], tuple[int, int]] = {}

    async def tick(self) -> bool:
        """Do what is due; return whether this process leads. May be called as often as one likes.

        Raises:
            Unavailable: the store cannot be read or written now; the next tick catches up.

        """
        async with self._lock:  # two ticks at once would each open the same alert
            try:
                return await self._tick()
            except _Lost:
                return False

    async def _tick(self) -> bool:
        await self._lead()
        now, apps = self._clock.now_ns(), self._apps()
        await self._teller.tell_all({app.objectives.app: app.contacts for app in apps}, now)
        for app in apps:
            if app.objectives.counted() and await self._count(app, now):
                await self._weigh(app, now // MINUTE_NS * MINUTE_NS)
            await self._teller.tell(app.objectives.app, app.contacts, now)
        # Last, and told of at the next tick: what an earlier tick found is told before a look says that it is over.
        await self._rounds.tick(now, self._lead)
        return True

    def _on_call(self, app: str, at_ns: int) -> str:
        """Return who is on call for an app; where it is none that is served, for the first that has a rota."""
        rotas = {one.objectives.app: one.oncall for one in self._apps() if one.oncall.rota}
        oncall = rotas.get(app) or next(iter(rotas.values()), OncallTable())
        return on_call(oncall, at_ns)

    async def _lead(self) -> None:
        """Lead, or go on leading.

        Raises:
            _Lost: another process leads.

        """
        now = self._clock.now_ns()
        if now < self._led_until - LEASE_NS // 2:
            return
        if not await self._store.counters.hold("watch:leader", self._owner, 1, 1, now + LEASE_NS, now):
            self._led_until = 0
            raise _Lost
        self._led_until = now + LEASE_NS

    async def stop(self) -> None:
        """Let another process lead at once."""
        self._led_until = 0
        await self._store.counters.hold("watch:leader", self._owner, 0, 1, 0, self._clock.now_ns())

    async def _count(self, app: Watched, now: int) -> bool:
        """Count up to the last whole minute; return whether there was a new one."""
        objectives, shelf = app.objectives, Mark.shelf(self._store.records)
        until = now // MINUTE_NS * MINUTE_NS
        known = await shelf.get(objectives.app)
        mark = known or Mark(app=objectives.app, upto_ns=until, again_ns=until)
        hashes = {id: _hash(table) for id, table in objectives.counted().items()}
        self._since.setdefault(objectives.app, mark.upto_ns)
        for id in hashes:
            self.counted.setdefault((objectives.app, id), (0, 0))  # so that Prometheus sees the first event grow from 0
        fresh = [id for id, hash_ in hashes.items() if mark.known.get(id) != hash_]
        if known is not None and until <= mark.upto_ns and not fresh:
            return False
        if fresh:
            counted = objectives.counted()
            reach = max(min(BACKFILL_NS, round(counted[id].over.usual_seconds * 1e9)) for id in fresh)
            await self._fill(objectives, until - reach, until, fresh)
        old = [id for id in hashes if id not in fresh]
        await self._fill(objectives, min(mark.upto_ns, until) - LATE_NS, until, old)
        again = mark.again_ns
        if until - again >= HOUR_NS:
            await self._late(objectives, until, old)
            again = until
        await self._uptime(app, mark.upto_ns if known else until - MINUTE_NS, until)
        await shelf.put(Mark(app=objectives.app, upto_ns=until, again_ns=again, known=hashes))
        return True

    async def _late(self, objectives: Objectives, until: int, ids: Sequence[str]) -> None:
        counted = objectives.counted()
        scored = [id for id in ids if counted[id].kind.source in {"score", "both"}]
        others = [id for id in ids if counted[id].kind.source == "trace"]
        await self._fill(objectives, until - LATE_TRACES_NS, until, others)
        await self._fill(objectives, until - LATE_SCORES_NS, until, scored)

    async def _fill(self, objectives: Objectives, since: int, until: int, ids: Sequence[str]) -> None:
        """Fill an hour after another, several at once where little came, so that weeks are never in memory at once."""
        since, hours = max(0, since // MINUTE_NS * MINUTE_NS), 1
        lately = (until // HOUR_NS - 1) * HOUR_NS
        while ids and since < until:
            await self._lead()  # counting weeks takes longer than the lead lasts
            end = min(until, (since // HOUR_NS + hours) * HOUR_NS)
            filled = await self._filler.fill(objectives, since, end, only=ids)
            self._note([cell for cell in filled.cells if cell.start_ns >= lately])
            hours = min(2 * hours, MOST_HOURS) if filled.read < FEW else 1
            since = end

    async def _uptime(self, app: Watched, since: int, until: int) -> None:
        """Probe for the last whole minute. Minutes in which no process was there to probe were down."""
        tables = {
            id: table
            for id, table in app.objectives.counted().items()
            if table.kind.source == "probe" and isinstance(table, WatchTable)
        }
        if not tables or since >= until:
            return
        for id, table in tables.items():
            up = self._probe is None or await self._probe(app.objectives.app, table)
            missed = range(since, until - MINUTE_NS, MINUTE_NS)
            cells = [
                Cell(app=app.objectives.app, objective=id, start_ns=start, good=0, total=1, part="software")
                for start in missed
            ]
            cells.append(
                Cell(
                    app=app.objectives.app,
                    objective=id,
                    start_ns=until - MINUTE_NS,
                    good=int(up),
                    total=1,
                    part="" if up else "software",
                )
            )
            await self._store.measures.replace(app.objectives.app, [id], since_ns=since, until_ns=until, cells=cells)
            self._note(cells)

    async def _weigh(self, app: Watched, until: int) -> None:
        """Hold every objective against its target, and hand what burns to the alerts."""
        name = app.objectives.app
        fired = await self._alerting.fired(name)
        for slo, table in app.objectives.watch.items():
            if not table.alert:
                continue
            judge = None if self._correct is None else await self._correct(name, table)
            firing = await self._firing(name, slo, table, until, judge)
            await self._alerting.update(app.objectives, slo, firing, app.oncall, fired)

    async def _firing(
        self, app: str, slo: str, table: WatchTable, until: int, judge: Correct | None
    ) -> dict[str, Firing]:
        """Return what fires now, the strongest by severity."""
        if table.how == "share":
            cells = await self._store.measures.find(app, f"slo/{slo}", since_ns=until - LONGEST_NS, until_ns=until)
            found: dict[str, Firing] = {}
            for each in burning(table, Tail(cells), until, judge):
                severity = each.rule.severity
                firing = Firing.of_burning(each, cells, until)
                if severity not in found or firing.rate > found[severity].rate:
                    found[severity] = firing
            return found
        span = table.over.span(until)
        cells = await self._store.measures.find(app, f"slo/{slo}", since_ns=span[0], until_ns=until)
        stands = standing(table, cells, span)
        return {"ticket": Firing.of_standing(stands)} if stands.state == "breached" else {}

    def _note(self, cells: Sequence[Cell]) -> None:
        """Keep the counters that Prometheus reads. What is counted again adds only what is new in it."""
        sums: dict[tuple[str, str, int], tuple[int, int]] = {}
        for cell in cells:
            place = (cell.app, cell.objective, cell.start_ns)
            total, bad = sums.get(place, (0, 0))
            sums[place] = (total + cell.total, bad + cell.total - cell.good)
        for place, (total, bad) in sums.items():
            # What another process counted before this one is known to Prometheus already.
            first = (total, bad) if place[2] < self._since.get(place[0], 0) else (0, 0)
            told = self._told.get(place, first)
            events, failed = self.counted.get(place[:2], (0, 0))
            self.counted[place[:2]] = (events + max(0, total - told[0]), failed + max(0, bad - told[1]))
            self._told[place] = (max(total, told[0]), max(bad, told[1]))
        if len(self._told) > 20_000:
            for place in sorted(self._told, key=lambda each: each[2])[:10_000]:
                del self._told[place]


def _hash(table: object) -> str:
    return hashlib.sha256(msgspec.json.encode(table, order="deterministic")).hexdigest()[:16]
