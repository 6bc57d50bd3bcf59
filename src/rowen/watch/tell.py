"""Who is told of what, and when: grouping, silences, escalation, retries. Kept in the store, so a restart tells nobody twice.

A notice is written down before it is sent, and its id is made of what it says: a process that is killed between writing
and sending sends it after its restart under the same id, which goes along as `idempotency-key` or `Message-ID`.
"""

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from rowen.store.base import Store
from rowen.values import Problem
from rowen.watch.alert import OPERATOR, Alert
from rowen.watch.contact import ContactTable
from rowen.watch.incident import Incident
from rowen.watch.notice import Notice, Silence

log = logging.getLogger(__name__)

_FIRST_RETRY_S = 30
_LAST_RETRY_S = 3600
_MOST = 10_000
_RECENT_NS = 7 * 86_400_000_000_000
"""Alerts that were over for longer are not told of any more."""


Send = Callable[[ContactTable, Notice], Awaitable[None]]
"""Sends one notice; raises a `Problem` where it did not arrive."""


@dataclass(frozen=True, slots=True)
class _Ear:
    """Who is to be told."""

    app: str
    name: str
    contact: ContactTable
    mark: str
    """Under which it stands among those who were told."""


class Teller:
    """Makes the notices that are due, and sends them until they arrive or are given up."""

    def __init__(self, store: Store, send: Send) -> None:
        self._alerts = Alert.shelf(store.records)
        self._silences = Silence.shelf(store.records)
        self._notices = Notice.shelf(store.records)
        self._incidents = Incident.shelf(store.records)
        self._send = send

    async def tell(self, app: str, contacts: Mapping[str, ContactTable], now: int) -> list[Notice]:
        """Tell every contact of an app what it should know now; return the notices that were tried."""
        if contacts:
            silences = await self._silences.find(since_ns=now)
            open_ = _heard(await self._alerts.find(app=app, state="firing"), silences, now)
            over = await self._alerts.find(app=app, state="resolved", since_ns=max(0, now - _RECENT_NS))
            for name, contact in contacts.items():
                await self._compose(_Ear(app, name, contact, name), (open_, over), now)
        return await self._deliver(app, contacts, now)

    async def tell_all(self, apps: Mapping[str, Mapping[str, ContactTable]], now: int) -> None:
        """Write down the notices of what was found about no app that is served: for the contacts of every app.

        Two contacts that lead to the same place count as one. `tell` sends them.
        """
        if not any(apps.values()):
            return
        found = [
            one for one in await self._alerts.find(state="firing", limit=_MOST) if one.kind and one.app not in apps
        ]
        silences = await self._silences.find(since_ns=now) if found else []
        open_ = _heard(found, silences, now)
        recent = await self._alerts.find(state="resolved", since_ns=max(0, now - _RECENT_NS), limit=_MOST)
        over = [one for one in recent if one.kind and one.app not in apps]
        for app, contacts in sorted(apps.items()):
            for name, contact in contacts.items():
                told = await self._compose(_Ear(app, name, contact, contact.place), (open_, over), now)
                open_, over = ([told.get(one.id, one) for one in alerts] for alerts in (open_, over))

    async def test(self, app: str, name: str, contact: ContactTable, now: int) -> Notice:
        """Send a test notice to one contact; its state says whether it arrived."""
        notice = Notice(
            id=_id("test", app, name, str(now)), app=app, contact=name, group="", what="test", made_ns=now, due_ns=now
        )
        return await self._try(notice, contact.but(attempts=1), now)

    async def digest(self, app: str, contact: str, said: str, due: int, now: int) -> None:
        """Write down that a contact is to get a digest; the same one written again is the same notice. `tell` sends it."""
        id = _id("digest", app, contact, str(due))
        if await self._notices.get(id) is None:
            await self._notices.put(
                Notice(
                    id=id, app=app, contact=contact, group="digest", what="digest", said=said, made_ns=now, due_ns=now
                )
            )

    async def _compose(self, ear: "_Ear", alerts: tuple[list[Alert], list[Alert]], now: int) -> dict[str, Alert]:
        """Write down what one contact is to be told now; return the alerts it knows of by now that it did not before."""
        contact, mark, known = ear.contact, ear.mark, dict[str, Alert]()
        open_, over = alerts
        groups: dict[str, list[Alert]] = {}
        for alert in open_:
            if _concerns(contact, alert) and _waited(contact, alert, now):
                groups.setdefault(_group(contact, alert), []).append(alert)
        for group, members in sorted(groups.items()):
            new = [alert for alert in members if mark not in alert.told]
            again = [
                alert
                for alert in members
                if mark in alert.told
                and contact.repeat
                and not alert.kind  # what was found is told once: a budget that is used up stays so for weeks
                and alert.acknowledged_ns is None
                and now - alert.told[mark] >= contact.repeat * 1e9
            ]
            if new and now - min(alert.fired_ns for alert in new) >= contact.wait * 1e9:
                known |= await self._note(ear, group, "escalated" if contact.after else "firing", new, now)
            if again:
                await self._note(ear, group, "again", again, now)
        groups = {}
        for alert in over:
            if contact.resolved and mark in alert.told and mark not in alert.told_over:
                groups.setdefault(_group(contact, alert), []).append(alert)
        for group, members in sorted(groups.items()):
            known |= await self._note(ear, group, "resolved", members, now)
        return known

    async def _note(
        self,
        ear: "_Ear",
        group: str,
        what: Literal["firing", "again", "escalated", "resolved"],
        alerts: Sequence[Alert],
        now: int,
    ) -> dict[str, Alert]:
        """Write a notice down, then that the contact was told. Killed in between, the same notice is written again."""
        members = sorted(alerts, key=lambda alert: alert.id)
        incident = next((alert.incident for alert in members if alert.incident), "")
        found = await self._incidents.get(incident) if incident else None
        count = min((alert.told.get(ear.mark, 0) for alert in members), default=0)
        id = _id(ear.mark, group, what, str(count), *(alert.id for alert in members))
        if await self._notices.get(id) is None:
            suspect = found.suspect if found is not None else None
            said = "" if suspect is None else f"{suspect.release or suspect.definition[:12]} — {suspect.why}"
            await self._notices.put(
                Notice(
                    id=id,
                    tenant=members[0].tenant,
                    app=ear.app,
                    contact=ear.name,
                    group=group,
                    what=what,
                    alerts=tuple(members),
                    incident=incident,
                    suspect=said,
                    made_ns=now,
                    due_ns=now,
                )
            )
        told: dict[str, Alert] = {}
        for alert in members:
            changed = await self._alerts.amend(
                alert.id, partial(_told, name=ear.mark, over=what == "resolved", now=now)
            )
            told |= {alert.id: changed} if changed is not None else {}
        return told

    async def _deliver(self, app: str, contacts: Mapping[str, ContactTable], now: int) -> list[Notice]:
        """Send what is due, each contact's notices of one alert in their order: nothing is over before it was told."""
        tried, waiting = [], set[tuple[str, str]]()
        due = await self._notices.find(app=app, state="due")
        for notice in sorted(due, key=lambda one: (one.made_ns, one.what == "resolved")):
            contact = contacts.get(notice.contact)
            if contact is None:
                await self._notices.put(notice.but(state="failed", error="the contact is not configured any more"))
                continue
            concerns = {(notice.contact, alert.id) for alert in notice.alerts}
            left = notice
            if notice.due_ns <= now and not concerns & waiting:
                left = await self._try(notice, contact, now)
                tried.append(left)
            if left.state == "due":
                waiting |= concerns
        return tried

    async def _try(self, notice: Notice, contact: ContactTable, now: int) -> Notice:
        attempts = notice.attempts + 1
        try:
            await self._send(contact, notice)
        except Problem as problem:
            wait = min(_LAST_RETRY_S, _FIRST_RETRY_S * 2 ** (attempts - 1))
            given_up = attempts >= contact.attempts
            tried = notice.but(
                attempts=attempts,
                state="failed" if given_up else "due",
                due_ns=now + wait * 1_000_000_000,
                error=problem.message,
            )
            log.warning("the contact %s was not reached: %s", notice.contact, problem.message)
        else:
            tried = notice.but(attempts=attempts, state="sent", sent_ns=now, error="")
        await self._notices.put(tried)
        return tried


def _told(alert: Alert, *, name: str, over: bool, now: int) -> Alert:
    """Return an alert with the contact among those who know."""
    if over:
        return alert.but(told_over=tuple(dict.fromkeys((*alert.told_over, name))))
    return alert.but(told={**alert.told, name: now})


def _heard(alerts: Sequence[Alert], silences: Sequence[Silence], now: int) -> list[Alert]:
    return [alert for alert in alerts if not any(each.covers(alert, now) for each in silences)]


def _concerns(contact: ContactTable, alert: Alert) -> bool:
    if alert.severity not in contact.severities:
        return False
    if alert.kind:
        return not contact.objectives if contact.findings is None else alert.kind in contact.findings
    return not contact.objectives or alert.objective in contact.objectives


def _waited(contact: ContactTable, alert: Alert, now: int) -> bool:
    """Whether a step of escalation is reached: nobody acknowledged it for so long."""
    if not contact.after:
        return True
    return alert.acknowledged_ns is None and now - alert.fired_ns >= contact.after * 1e9


def _group(contact: ContactTable, alert: Alert) -> str:
    """Return what a contact's notices are told apart by. Alerts of two tenants never go out as one."""
    parts = {"app": alert.app, "severity": alert.severity, "objective": alert.name}
    own = () if alert.tenant == OPERATOR else (f"tenant {alert.tenant}",)
    return "/".join((*own, *(parts[name] for name in contact.group)))


def _id(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
