"""What is told, and what is not: a notice to one contact about a group of alerts, and a silence over some of them."""

from typing import Literal

from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Value
from rowen.watch.alert import OPERATOR, Alert
from rowen.watch.finding import FindingKind

_SHOWN = 20
"""Lines of one notice for people; a webhook gets all of its alerts."""


class Silence(Value, frozen=True, kw_only=True):
    """Alerts of its tenant, or of all, that nobody is told of for a time. Empty fields fit every one of them."""

    id: str
    tenant: str = OPERATOR
    app: str = ""
    objective: str = ""
    finding: FindingKind | Literal[""] = ""
    """Only what was found of this kind."""
    severity: str = ""
    everywhere: bool = False
    """Whether it covers the alerts of every tenant: it was made by whoever runs the server."""
    begins_ns: int
    ends_ns: int
    why: str
    by: str = ""

    def covers(self, alert: Alert, at_ns: int) -> bool:
        """Whether an alert is silenced at a moment."""
        return (
            (self.everywhere or self.tenant == alert.tenant)
            and self.begins_ns <= at_ns < self.ends_ns
            and self.app in ("", alert.app)
            and self.objective in ("", alert.objective)
            and self.finding in ("", alert.kind)
            and self.severity in ("", alert.severity)
        )

    @staticmethod
    def shelf(records: Records) -> "Shelf[Silence]":
        """Return where silences stand."""
        return Shelf(
            records,
            "silence",
            Silence,
            lambda one: Record(kind="silence", id=one.id, tenant=one.tenant, app=one.app, at_ns=one.ends_ns),
        )


class Notice(Value, frozen=True, kw_only=True):
    """One message to one contact about a group of alerts."""

    id: str
    tenant: str = OPERATOR
    app: str
    contact: str
    group: str
    what: Literal["firing", "again", "escalated", "resolved", "test", "digest"]
    said: str = ""
    """The text of a digest."""
    alerts: tuple[Alert, ...] = ()
    incident: str = ""
    suspect: str = ""
    made_ns: int
    due_ns: int
    attempts: int = 0
    state: Literal["due", "sent", "failed"] = "due"
    sent_ns: int | None = None
    error: str = ""

    @property
    def subject(self) -> str:
        """One line."""
        if self.what == "test":
            return f"[rowen] {self.app}: test"
        if self.what == "digest":
            return f"[rowen] {self.app}: what happened overnight"
        names = ", ".join(sorted({alert.name for alert in self.alerts}))
        severity = "page" if any(alert.severity == "page" for alert in self.alerts) else "ticket"
        word = {"firing": severity, "again": f"still {severity}", "escalated": f"escalated {severity}"}
        return f"[rowen] {self.about}: {names} ({word.get(self.what, self.what)})"

    @property
    def about(self) -> str:
        """Whose alerts they are: the app's, or those of a tenant, or of all tenants together."""
        apps = sorted(
            {alert.app or (f"tenant {alert.tenant}" if alert.tenant else "all tenants") for alert in self.alerts}
        )
        return ", ".join(apps) or self.app

    @property
    def text(self) -> str:
        """The message for people."""
        if self.what == "test":
            return f"A test of the contact {self.contact}. Nothing is wrong."
        if self.what == "digest":
            return self.said
        lines = [
            f"{alert.severity} {alert.name}: {alert.firing.said}{_examples(alert)}" for alert in self.alerts[:_SHOWN]
        ]
        if len(self.alerts) > _SHOWN:
            lines.append(f"and {len(self.alerts) - _SHOWN} more")
        if self.suspect:
            lines.append(f"suspected release: {self.suspect}")
        if self.incident:
            lines.append(f"incident {self.incident}")
        return "\n".join(lines)

    @staticmethod
    def shelf(records: Records) -> "Shelf[Notice]":
        """Return where notices stand."""
        return Shelf(
            records,
            "notice",
            Notice,
            lambda one: Record(
                kind="notice",
                id=one.id,
                tenant=one.tenant,
                app=one.app,
                group=one.contact,
                state=one.state,
                at_ns=one.made_ns,
            ),
        )


def _examples(alert: Alert) -> str:
    return f" (traces {', '.join(alert.examples[:3])})" if alert.examples else ""
