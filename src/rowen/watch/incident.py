"""What went wrong: incidents with their timeline, and drills. Small records that any door may write."""

from collections.abc import Mapping
from typing import Any, Literal

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Value
from rowen.watch.base import Class
from rowen.watch.finding import FindingKind

IncidentSeverity = Literal["sev1", "sev2", "sev3", "sev4"]


class Moment(Value, frozen=True, kw_only=True):
    """One line of a timeline."""

    at_ns: int
    what: str
    by: str = ""


class Action(Value, frozen=True, kw_only=True):
    """Something to be done so that it does not happen again."""

    what: str
    owner: str = ""
    due: str = ""
    done: bool = False


class Suspect(Value, frozen=True, kw_only=True):
    """The release that may have caused it: which, and why it is suspected."""

    definition: str = ""
    release: str = ""
    first_ns: int = 0
    """When its first trace began."""
    why: str = ""


class Incident(Value, frozen=True, kw_only=True):
    """One incident, from its beginning to what was learned."""

    id: str
    tenant: str = "default"
    app: str
    title: str
    severity: IncidentSeverity = "sev3"
    state: Literal["open", "resolved", "closed"] = "open"
    error_class: Class = ""
    outage: bool = False
    """Whether users could not work."""
    began_ns: int
    detected_ns: int = 0
    ended_ns: int | None = None
    commander: str = ""
    owner: str = ""
    alerts: tuple[str, ...] = ()
    objective: str = ""
    kind: FindingKind | Literal[""] = ""
    """What was found, where it is not about an objective; empty also for what somebody opened by hand."""
    runbook: str = ""
    suspect: Suspect | None = None
    timeline: tuple[Moment, ...] = ()
    summary: str = ""
    impact: str = ""
    cause: str = ""
    learned: str = ""
    actions: tuple[Action, ...] = ()

    @staticmethod
    def shelf(records: Records) -> "Shelf[Incident]":
        """Return where incidents stand."""
        return Shelf(
            records,
            "incident",
            Incident,
            lambda one: Record(
                kind="incident", id=one.id, tenant=one.tenant, app=one.app, state=one.state, at_ns=one.began_ns
            ),
        )

    def noted(self, at_ns: int, what: str, by: str = "") -> "Incident":
        """Return it with one more line in its timeline, which stays in order of time."""
        timeline = sorted((*self.timeline, Moment(at_ns=at_ns, what=what, by=by)), key=lambda one: one.at_ns)
        return self.but(timeline=tuple(timeline))

    def changed(self, changes: Mapping[str, Any], at_ns: int, by: str = "") -> "Incident":
        """Return it with what is known now; a change of state or severity goes into the timeline."""
        changed = self.but(**changes)
        if changed.severity != self.severity:
            changed = changed.noted(at_ns, f"severity {changed.severity}, was {self.severity}", by)
        if changed.state != self.state:
            changed = changed.noted(at_ns, changed.state, by)
            if changed.state == "open":
                changed = changed.but(ended_ns=None)
            elif changed.ended_ns is None:
                changed = changed.but(ended_ns=at_ns)
        return changed

    def ended(self, at_ns: int, by: str = "") -> "Incident":
        """Return it resolved."""
        return self.noted(at_ns, "resolved", by).but(state="resolved", ended_ns=at_ns)


class Drill(Value, frozen=True, kw_only=True):
    """A recovery that was tried out, with the time it took."""

    id: str
    tenant: str = "default"
    app: str = ""
    at_ns: int
    what: str
    """What was broken on purpose: `gateway killed`, `database restored`."""
    seconds: float
    """From the fault to serving again."""
    target_seconds: float = 1800
    actions: tuple[Action, ...] = ()
    by: str = ""

    @property
    def met(self) -> bool:
        """Whether it was quick enough."""
        return self.seconds < self.target_seconds

    @staticmethod
    def shelf(records: Records) -> "Shelf[Drill]":
        """Return where drills stand."""
        return Shelf(
            records,
            "drill",
            Drill,
            lambda one: Record(kind="drill", id=one.id, tenant=one.tenant, app=one.app, at_ns=one.at_ns),
        )
