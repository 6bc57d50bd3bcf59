"""Looks that are made on a schedule, and the alerts of what they find: each thing is opened once and closed once.

Only the process that leads makes them. How far each look has come is kept once all that are due were made, so that after a
stop it looks at what it missed, and the id of an alert is made of the key of its finding, so that none is opened twice, whatever the order in
which things are found and however often.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from rowen.store.base import Record, Records, Store
from rowen.store.shelf import Shelf
from rowen.values import Mistaken, Problem, Value
from rowen.watch.alert import Alert, Firing, resolve
from rowen.watch.finding import Finding, FindingKind, Round
from rowen.watch.incident import Incident

log = logging.getLogger(__name__)

_AGAIN_NS = 60_000_000_000
"""How long a look that failed waits before it is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way to find something."""

    name: str
    kinds: tuple[FindingKind, ...]
    """What it finds: nobody else does, so that what it finds no more is over."""
    every_ns: int
    """It is made at the begin of each such stretch of time."""
    look: Callable[[int, int], Awaitable[Round]]
    """Looks from a moment until another. The first moment is the time of the last look, or now for the first of all."""


class Looked(Value, frozen=True, kw_only=True):
    """When a look was last made."""

    name: str
    at_ns: int

    @staticmethod
    def shelf(records: Records) -> "Shelf[Looked]":
        """Return where it is kept."""
        return Shelf(records, "watch.look", Looked, lambda one: Record(kind="watch.look", id=one.name))


class Rounds:
    """Makes the looks that are due, and keeps an alert for what they find."""

    def __init__(
        self, store: Store, looks: Sequence[Look], on_call: Callable[[str, int], str] = lambda _, __: ""
    ) -> None:
        """Make it.

        Args:
            store: where alerts stand.
            looks: how things are found.
            on_call: says who is on call for an app at a moment; empty for nobody.

        """
        self._store = store
        self._alerts = Alert.shelf(store.records)
        self._incidents = Incident.shelf(store.records)
        self._looked = Looked.shelf(store.records)
        self._looks = looks
        self._on_call = on_call
        self._next: dict[str, int] = {}

    async def tick(self, now: int, lead: Callable[[], Awaitable[None]]) -> None:
        """Make the looks that are due. One that cannot be made now is made again later, and keeps none of the others.

        Args:
            now: the time.
            lead: is awaited before each look; raises where another process leads by now.

        """
        looks = [look for look in self._looks if now >= self._next.get(look.name, 0)]
        before = {one.name: one for one in await self._looked.find()} if looks else {}
        firing = await self._alerts.find(state="firing", limit=100_000) if looks else []
        made: list[Looked] = []
        for look in looks:
            known = before.get(look.name)
            due = 0 if known is None else (known.at_ns // look.every_ns + 1) * look.every_ns
            if now < due:
                self._next[look.name] = due
                continue
            await lead()
            self._next[look.name] = now + _AGAIN_NS
            try:
                found = await look.look(now if known is None else min(known.at_ns, now), now)
            except Problem as problem:
                log.warning("cannot look for %s now: %s", look.name, problem.message)
                continue
            await self._take(look.kinds, found, now, firing)
            made.append(Looked(name=look.name, at_ns=now))
            self._next[look.name] = (now // look.every_ns + 1) * look.every_ns
        if made:
            await self._store.records.put_all([(self._looked.record(one), None) for one in made])

    async def _take(self, kinds: Sequence[FindingKind], round: Round, now: int, firing: Sequence[Alert]) -> None:
        """Open what was found and never was, close what of it fired and is over.

        What is only worth a note (`info`) is left to digests.
        """
        for finding in round.found:
            if finding.severity != "info":
                await self._open(finding, now)
        stands = None if round.holding is None else round.holding | {one.key for one in round.found}
        for alert in firing:
            ended = alert.ends_ns is not None and alert.ends_ns <= now
            gone = ended or (stands is not None and alert.key not in stands)
            if alert.kind in kinds and gone:
                await resolve(self._store, alert.id, now)

    async def _open(self, finding: Finding, now: int) -> None:
        """Open an alert where it is new. One that fires says the newest figures; one that is over stays so."""
        known = await self._alerts.get(finding.alert)
        if known is not None:
            if known.state == "firing" and known.firing.said != finding.title:
                await self._alerts.amend(known.id, partial(_said, finding=finding, now=now))
            return
        alert = Alert(
            id=finding.alert,
            tenant=finding.tenant,
            app=finding.app,
            kind=finding.kind,
            key=finding.key,
            severity="page" if finding.severity == "critical" else "ticket",
            fired_ns=now,
            last_ns=now,
            ends_ns=finding.ends_ns,
            firing=Firing(said=finding.title, began_ns=finding.at_ns),
            facts=finding.facts,
            examples=finding.examples,
        )
        if alert.severity == "page":
            alert = alert.but(incident=await self._incident(finding, alert))
        try:
            await self._alerts.put(alert, expect=0)
        except Mistaken as problem:
            if problem.code != "conflict":
                raise  # else another process led for a moment, and opened it

    async def _incident(self, finding: Finding, alert: Alert) -> str:
        """Return the incident of something critical; the same one for the same finding."""
        id = f"{finding.alert[:31]}i"
        if await self._incidents.get(id) is None:
            incident = Incident(
                id=id,
                tenant=alert.tenant,
                app=alert.app,
                kind=finding.kind,
                title=finding.title,
                began_ns=finding.at_ns,
                detected_ns=alert.fired_ns,
                commander=self._on_call(alert.app, alert.fired_ns),
                alerts=(alert.id,),
            )
            await self._incidents.put(incident.noted(alert.fired_ns, f"found: {finding.title}"))
        return id


def _said(alert: Alert, *, finding: Finding, now: int) -> Alert:
    return alert.but(last_ns=now, firing=alert.firing.but(said=finding.title), facts=finding.facts)
