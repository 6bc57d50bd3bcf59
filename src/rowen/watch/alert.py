"""Alerts: opened when an objective burns, closed when it does not; each opens or joins an incident. All of it is kept.

What somebody found that is no objective is an alert too; `rounds` opens and closes it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Literal

from rowen.store.base import Cell, Record, Records, Store
from rowen.store.shelf import Shelf
from rowen.values import Clock, Value, new_id
from rowen.watch.base import Class, Objectives, WatchTable
from rowen.watch.budget import Standing
from rowen.watch.burn import Burning, Severity
from rowen.watch.contact import OncallTable
from rowen.watch.fill import NOTED_NS, Seen
from rowen.watch.finding import FindingKind
from rowen.watch.incident import Incident, IncidentSeverity, Suspect
from rowen.watch.window import DAY_NS, MINUTE_NS

OPERATOR = "default"
"""The tenant of alerts and incidents: they concern a whole app, so they belong to whoever runs the server."""

LOOKBACK_NS = 7 * DAY_NS
"""A release that has answered for longer is no suspect."""


class Firing(Value, frozen=True, kw_only=True):
    """What an alert saw when it fired."""

    rate: float = 1.0
    """How many times faster than allowed errors came."""
    said: str
    bad: int = 0
    total: int = 0
    began_ns: int = 0
    """When bad events began to come faster; 0 where that is not known."""
    part: str = ""
    """The class of most of the errors."""

    @staticmethod
    def of_burning(found: Burning, cells: Sequence[Cell], until_ns: int) -> "Firing":
        """Return what a rule saw."""
        rule = found.rule
        bad = [cell for cell in cells if cell.total > cell.good and until_ns - rule.long_ns <= cell.start_ns < until_ns]
        parts: dict[str, int] = {}
        for cell in bad:
            parts[cell.part] = parts.get(cell.part, 0) + cell.total - cell.good
        window = f"{rule.long_ns // (60 * MINUTE_NS)} h"
        return Firing(
            rate=found.rate,
            said=f"{found.bad} of {found.total} in {window} were bad: {found.rate:.1f} times what the target allows",
            bad=found.bad,
            total=found.total,
            began_ns=_began(
                [cell for cell in cells if until_ns - rule.long_ns <= cell.start_ns < until_ns],
                found.bad / found.total / 2,
            ),
            part=max(sorted(parts), key=parts.__getitem__, default=""),
        )

    @staticmethod
    def of_standing(stands: Standing) -> "Firing":
        """Return what an objective without an error budget saw."""
        return Firing(said=f"{stands.figure:g} is not {stands.stated} (n = {stands.total})", total=stands.total)


class Alert(Value, frozen=True, kw_only=True):
    """One alert, from when it fired until it is over, and who was told of it."""

    id: str
    tenant: str = OPERATOR
    app: str
    objective: str = ""
    """Which objective burns; empty for what somebody found."""
    kind: FindingKind | Literal[""] = ""
    """What was found; empty for an objective."""
    key: str = ""
    """The key of what was found."""
    severity: Severity
    state: Literal["firing", "resolved"] = "firing"
    fired_ns: int
    last_ns: int = 0
    resolved_ns: int | None = None
    ends_ns: int | None = None
    """When what was found is over whatever happens."""
    firing: Firing
    facts: dict[str, str] = {}
    examples: tuple[str, ...] = ()
    """Trace ids of what was found."""
    acknowledged_ns: int | None = None
    acknowledged_by: str = ""
    noise: bool = False
    """Whether whoever was on call said that it needed nobody."""
    incident: str = ""
    told: dict[str, int] = {}
    """When each contact was last told."""
    told_over: tuple[str, ...] = ()
    """The contacts that were told that it is over."""

    def acknowledged(self, at_ns: int, by: str, *, noise: bool = False) -> "Alert":
        """Return it with somebody looking after it; the first who said so is kept."""
        return self.but(
            acknowledged_ns=self.acknowledged_ns or at_ns,
            acknowledged_by=self.acknowledged_by or by,
            noise=noise or self.noise,
        )

    @property
    def name(self) -> str:
        """What it is about, in a word: the objective, or the kind of what was found."""
        return self.objective or self.kind

    @staticmethod
    def shelf(records: Records) -> "Shelf[Alert]":
        """Return where alerts stand."""
        return Shelf(
            records,
            "alert",
            Alert,
            lambda one: Record(
                kind="alert",
                id=one.id,
                tenant=one.tenant,
                app=one.app,
                group=f"found/{one.kind}" if one.kind else f"{one.objective}/{one.severity}",
                state=one.state,
                at_ns=one.resolved_ns or one.fired_ns,  # what burned for weeks and is over now is told of now
            ),
        )


class Alerting:
    """Keeps one open alert for each objective and severity that burns."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._alerts = Alert.shelf(store.records)
        self._incidents = Incident.shelf(store.records)
        self._seen = Seen.shelf(store.records)
        self._store = store
        self._clock = clock

    async def fired(self, app: str) -> dict[tuple[str, str], Alert]:
        """Return the alerts of an app's objectives that are open, by objective and severity."""
        found = await self._alerts.find(app=app, state="firing", limit=100_000)
        return {(one.objective, one.severity): one for one in reversed(found)}

    async def update(
        self,
        objectives: Objectives,
        slo: str,
        firing: dict[str, Firing],
        oncall: OncallTable,
        fired: Mapping[tuple[str, str], Alert],
    ) -> list[Alert]:
        """Open what fires and is not open, close what is open and fires no more; return what changed.

        Args:
            objectives: of one app.
            slo: which of them.
            firing: what fires now, by severity.
            oncall: who looks after it.
            fired: what was open before, as `fired` gives it.

        """
        now, app, changed = self._clock.now_ns(), objectives.app, list[Alert]()
        for severity in ("page", "ticket"):
            open_ = fired.get((slo, severity))
            found = firing.get(severity)
            if open_ is not None and found is not None:
                await self._alerts.amend(open_.id, partial(_still, now=now, firing=found))
            elif found is not None:
                alert = Alert(
                    id=new_id(now),
                    app=app,
                    objective=slo,
                    severity="page" if severity == "page" else "ticket",
                    fired_ns=now,
                    last_ns=now,
                    firing=found,
                )
                if severity == "page":
                    alert = alert.but(incident=await self._incident(objectives, alert, oncall))
                await self._alerts.put(alert)
                changed.append(alert)
            elif open_ is not None:
                over = await resolve(self._store, open_.id, now)
                if over is not None:
                    changed.append(over)
        return changed

    async def _incident(self, objectives: Objectives, alert: Alert, oncall: OncallTable) -> str:
        """Return the incident that an alert belongs to: one of its objective that is open, else a new one."""
        table = objectives.watch[alert.objective]
        for open_ in await self._incidents.find(app=alert.app, state="open"):
            if open_.objective == alert.objective:
                joined = open_.noted(alert.fired_ns, f"alert {alert.severity}: {alert.firing.said}")
                await self._incidents.put(joined.but(alerts=(*open_.alerts, alert.id)))
                return open_.id
        error_class = table.error_class or _class_of(alert.firing.part)
        suspect = await suspect_of(self._store, alert.app, alert.objective, alert.firing.began_ns or alert.fired_ns)
        incident = Incident(
            id=new_id(alert.fired_ns),
            app=alert.app,
            title=f"{alert.objective}: {table.about or 'the objective is missed'}",
            severity=_severity(table, alert),
            error_class=error_class,
            outage=table.sli in {"uptime", "availability", "errors", "interactions"},
            began_ns=alert.firing.began_ns or alert.fired_ns,
            detected_ns=alert.fired_ns,
            commander=on_call(oncall, alert.fired_ns),
            owner=table.owner,
            alerts=(alert.id,),
            objective=alert.objective,
            runbook=table.runbook or oncall.runbooks.get(error_class, ""),
            suspect=suspect,
        ).noted(alert.fired_ns, f"alert {alert.severity}: {alert.firing.said}")
        if suspect is not None:
            incident = incident.noted(suspect.first_ns, f"{suspect.release or suspect.definition[:12]} first answered")
        await self._incidents.put(incident)
        return incident.id


async def resolve(store: Store, id: str, now: int) -> Alert | None:
    """Close an alert, and its incident where no other alert of it fires; return it closed, None when it is gone."""
    alerts, incidents = Alert.shelf(store.records), Incident.shelf(store.records)
    alert = await alerts.amend(id, partial(_resolved, now=now))
    found = await incidents.get(alert.incident) if alert is not None and alert.incident else None
    if alert is None or found is None or found.state != "open":
        return alert
    noted = found.noted(now, f"alert {alert.severity} is over")
    others = [await alerts.get(each) for each in found.alerts if each != alert.id]
    if not any(each is not None and each.state == "firing" for each in others):
        noted = noted.ended(now)
    await incidents.put(noted)
    return alert


def _began(cells: Sequence[Cell], usual: float) -> int:
    """Return when bad events began to come faster than the share `usual`; 0 without any.

    It is the last moment at which the sum of bad events beyond that share was at its least: Page's estimate of a change
    (E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954). A few bad events long before do not count, as
    the first one of the window would.
    """
    excess, least, began = 0.0, 0.0, 0
    for cell in sorted(cells, key=lambda each: each.start_ns):
        bad = cell.total - cell.good
        if bad and excess <= least:
            least, began = excess, cell.start_ns
        excess += bad - usual * cell.total
    return began


def _still(alert: Alert, *, now: int, firing: Firing) -> Alert:
    return alert.but(last_ns=now, firing=firing)


def _resolved(alert: Alert, *, now: int) -> Alert:
    return alert.but(state="resolved", resolved_ns=now, last_ns=now)


async def suspect_of(store: Store, app: str, objective: str, began_ns: int) -> Suspect | None:
    """Return the release whose first answer came last before something began, and why it is suspected.

    The first release that ever answered is no suspect: there is nothing before it to compare with. Nor is one that was
    taken back by then: it answered no more while another did.
    """
    seen = [each for each in await Seen.shelf(store.records).find(app=app) if each.first_ns <= began_ns + MINUTE_NS]
    lately = max((min(each.last_ns, began_ns) for each in seen), default=0)
    if seen and seen[0].last_ns and seen[0].last_ns < lately - NOTED_NS:
        return None
    if len(seen) < 2 or seen[0].first_ns < began_ns - LOOKBACK_NS:
        return None
    last = seen[0]
    gap = max(0, began_ns - last.first_ns) // MINUTE_NS
    why = f"it first answered {gap} min before the first bad event of this burn, and no other release came in between"
    before = await _bad(store, app, objective, last.first_ns - DAY_NS, last.first_ns)
    after = await _bad(store, app, objective, last.first_ns, last.first_ns + DAY_NS)
    if before is not None and after is not None:
        why += f"; {before:.2%} were bad in the day before it, {after:.2%} since"
    return Suspect(definition=last.definition, release=last.release, first_ns=last.first_ns, why=why)


def on_call(oncall: OncallTable, at_ns: int) -> str:
    """Return who is on call: the rota, week by week from its first Monday on; empty without a rota."""
    weeks = (at_ns - oncall.since_ns) // (7 * DAY_NS)
    return oncall.rota[weeks % len(oncall.rota)] if oncall.rota else ""


async def _bad(store: Store, app: str, objective: str, since: int, until: int) -> float | None:
    cells = await store.measures.find(app, f"slo/{objective}", since_ns=max(0, since), until_ns=until)
    total = sum(cell.total for cell in cells)
    return (total - sum(cell.good for cell in cells)) / total if total else None


_CLASSES: dict[str, Class] = {
    "software": "software",
    "hardware": "hardware",
    "provider": "provider",
    "evaluation": "evaluation",
    "security": "security",
    "capacity": "capacity",
    "user_error": "user_error",
    "slow": "capacity",
    "empty": "data_quality",
}


def _class_of(part: str) -> Class:
    return _CLASSES.get(part, "software")


def _severity(table: WatchTable, alert: Alert) -> IncidentSeverity:
    if table.sli in {"uptime", "availability", "errors", "interactions"}:
        return "sev1" if alert.firing.bad >= alert.firing.total / 2 else "sev2"
    return "sev2" if table.goal in {"safety", "security"} else "sev3"
