"""Whether somebody could be woken tonight, and what being on call costs: readiness, and toil."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from rowen.store.base import Store
from rowen.values import Value, at
from rowen.watch.alert import Alert, on_call
from rowen.watch.contact import ContactTable
from rowen.watch.engine import Watched
from rowen.watch.notice import Notice, Silence
from rowen.watch.window import DAY_NS

Reach = Callable[[str, int], Awaitable[bool]]
"""Whether a connection to a host and port can be made."""

LONG_SILENCE_NS = 7 * DAY_NS


class Fault(Value, frozen=True, kw_only=True):
    """One thing that would go wrong at night."""

    where: str
    what: str


class Readiness(Value, frozen=True, kw_only=True):
    """What whoever is on call has, and what is wrong with it."""

    app: str
    on_call: str = ""
    faults: tuple[Fault, ...] = ()
    tested: dict[str, int] = {}
    """When each contact last took a test notice."""
    silences: tuple[str, ...] = ()
    """What is silenced now, until when, and why."""

    @property
    def ready(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


class Week(Value, frozen=True, kw_only=True):
    """What one week on call brought."""

    begins_ns: int
    who: str = ""
    alerts: int = 0
    pages: int = 0
    at_night: int = 0
    """Alerts between 22:00 and 07:00 UTC."""
    noise: int = 0
    """Alerts that needed nobody: marked so, or over before anybody acknowledged them."""

    @property
    def noise_ratio(self) -> float | None:
        """The share of noise; None of nothing."""
        return self.noise / self.alerts if self.alerts else None


async def readiness(store: Store, app: Watched, now: int, reach: Reach | None = None) -> Readiness:
    """Return every fault of an app's alerting. Addresses are only tried where `reach` is handed in."""
    faults: list[Fault] = []
    notices = await Notice.shelf(store.records).find(app=app.objectives.app)
    tested: dict[str, int] = {}
    for name, contact in sorted(app.contacts.items()):
        where = f"alerts.{name}"
        taken = [each.sent_ns for each in notices if each.contact == name and each.what == "test" and each.sent_ns]
        if taken:
            tested[name] = max(taken)
        if not taken or now - max(taken) > app.oncall.test_days * DAY_NS:
            faults.append(Fault(where=where, what=f"took no test notice in the last {app.oncall.test_days} days"))
        last = next((each for each in notices if each.contact == name), None)
        if last is not None and last.state == "failed":
            faults.append(Fault(where=where, what=f"the last notice did not arrive: {last.error}"))
        if reach is not None and not await reach(*_place(contact)):
            faults.append(Fault(where=where, what="cannot be reached"))
    alerting = any(table.alert for table in app.objectives.watch.values())
    if alerting and not any("page" in each.severities and not each.after for each in app.contacts.values()):
        faults.append(Fault(where="alerts", what="no contact takes pages at once"))
    if not alerting:
        faults.append(Fault(where="watch", what="no objective alerts"))
    faults += [
        Fault(where="digest.contacts", what=f"there is no contact {name!r}")
        for name in app.digest.contacts
        if name not in app.contacts
    ]
    if app.digest.at and not app.contacts:
        faults.append(Fault(where="digest", what="there is no contact that it could be sent to"))
    if not app.oncall.rota:
        faults.append(Fault(where="oncall.rota", what="nobody is on call"))
    faults += await _runbooks(app, reach)
    silences = []
    for silence in await Silence.shelf(store.records).find(since_ns=now):
        if silence.app not in ("", app.objectives.app) or silence.begins_ns > now:
            continue
        what = "/".join(filter(None, (silence.app, silence.objective, silence.severity))) or "everything"
        silences.append(f"{what} until {at(silence.ends_ns):%Y-%m-%d %H:%M} UTC: {silence.why}")
        if silence.ends_ns - now > LONG_SILENCE_NS:
            faults.append(Fault(where="silences", what=f"{what} is silenced for more than a week"))
    return Readiness(
        app=app.objectives.app,
        on_call=on_call(app.oncall, now),
        faults=tuple(faults),
        tested=tested,
        silences=tuple(silences),
    )


async def toil(store: Store, app: Watched, now: int, weeks: int = 8) -> list[Week]:
    """Return what the last weeks on call brought, the newest first. Weeks begin on Monday, UTC."""
    # The first of January 1970 was a Thursday.
    this_monday = (now + 3 * DAY_NS) // (7 * DAY_NS) * 7 * DAY_NS - 3 * DAY_NS
    since = this_monday - (weeks - 1) * 7 * DAY_NS
    alerts = await Alert.shelf(store.records).find(app=app.objectives.app, since_ns=max(0, since), limit=10_000)
    found = []
    for number in range(weeks):
        begins = this_monday - number * 7 * DAY_NS
        mine = [alert for alert in alerts if begins <= alert.fired_ns < begins + 7 * DAY_NS]
        found.append(
            Week(
                begins_ns=begins,
                who=on_call(app.oncall, begins),
                alerts=len(mine),
                pages=sum(1 for alert in mine if alert.severity == "page"),
                at_night=sum(1 for alert in mine if not 7 <= at(alert.fired_ns).hour < 22),
                noise=sum(1 for alert in mine if _noise(alert)),
            )
        )
    return found


def _noise(alert: Alert) -> bool:
    quiet = not alert.kind  # a budget ends with its month, whether or not somebody looked after it
    return alert.noise or (quiet and alert.state == "resolved" and alert.acknowledged_ns is None and not alert.incident)


def _place(contact: ContactTable) -> tuple[str, int]:
    """Return where a contact is connected to."""
    if contact.kind == "email":
        host, _, port = contact.smtp.rpartition(":")
        return (host, int(port)) if host and port.isdecimal() else (contact.smtp, 587)
    parts = urlsplit(contact.address or (contact.url.reveal() if contact.url is not None else ""))
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


async def _runbooks(app: Watched, reach: Reach | None) -> list[Fault]:
    faults = [
        Fault(where=f"oncall.runbooks.{error_class}", what=f"there is no runbook for {error_class}")
        for error_class in app.oncall.classes
        if error_class not in app.oncall.runbooks
    ]
    links = {f"oncall.runbooks.{error_class}": link for error_class, link in app.oncall.runbooks.items()}
    links |= {f"watch.{name}": table.runbook for name, table in app.objectives.watch.items() if table.runbook}
    for where, link in sorted(links.items()):
        if not link.startswith(("http://", "https://")):
            if not (Path(app.folder) / link).is_file():
                faults.append(Fault(where=where, what=f"the runbook {link} is not there"))
        elif reach is not None:
            parts = urlsplit(link)
            if not await reach(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)):
                faults.append(Fault(where=where, what=f"the runbook at {parts.hostname} cannot be reached"))
    return faults
