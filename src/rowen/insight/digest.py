"""What happened since a moment, for whoever looks in the morning: costs, errors, and what became worse or slow."""

from collections.abc import Iterable, Sequence

from rowen.insight.errors import Group, trend
from rowen.insight.latency import Diagnosis
from rowen.insight.regression import Regression
from rowen.values import Value
from rowen.watch.finding import Finding

_SURE = 0.01
_SHOWN = 5


class ErrorLine(Value, frozen=True, kw_only=True):
    """One group of errors in a digest."""

    id: str
    tenant: str
    app: str
    title: str
    place: str = ""
    """The step, attempt or span that failed."""
    state: str
    count: int
    """Since the moment, in whole hours."""
    trend: float | None = None
    """Times the mean day of the week before; None when it is new."""
    examples: tuple[str, ...] = ()


class Digest(Value, frozen=True, kw_only=True):
    """The parts of this stage; alerts are the watch stage's."""

    since_ns: int
    until_ns: int
    costs: tuple[Finding, ...] = ()
    """Budgets, forecasts and anomalies, the gravest first."""
    errors: tuple[ErrorLine, ...] = ()
    """The most frequent first."""
    regressions: tuple[Finding, ...] = ()
    latency: tuple[Finding, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.costs or self.errors or self.regressions or self.latency)


_GRAVITY = {"critical": 0, "warning": 1, "info": 2}


def costs(findings: Iterable[Finding], since_ns: int) -> tuple[Finding, ...]:
    """Return what there is to tell of costs since a moment, each key once, the gravest first."""
    found: dict[str, Finding] = {}
    for one in findings:
        if one.kind in {"budget", "forecast", "anomaly"} and one.at_ns >= since_ns:
            found.setdefault(one.key, one)
    return tuple(sorted(found.values(), key=lambda one: (_GRAVITY[one.severity], one.at_ns, one.key)))


def errors(groups: Iterable[Group], since_ns: int, now_ns: int, *, most: int = _SHOWN) -> tuple[ErrorLine, ...]:
    """Return the errors that came most often since a moment. What is ignored is left out."""
    hour = since_ns // 3_600_000_000_000
    lines = [
        ErrorLine(
            id=group.id,
            tenant=group.tenant,
            app=group.app,
            title=group.title,
            place=group.place,
            state=group.state,
            count=sum(count for begins, count in group.hours.items() if begins >= hour),
            trend=trend(group, now_ns),
            examples=group.examples[:3],
        )
        for group in groups
        if group.state != "ignored" and group.last_ns >= since_ns
    ]
    return tuple(sorted(lines, key=lambda line: (-line.count, line.id))[:most])


def regression(name: str, app: str, tenant: str, found: Regression, at_ns: int) -> Finding | None:
    """Return what there is to tell of a score; None when it did not drop by more than chance."""
    if found.worse_p is None or found.worse_p >= _SURE or found.before is None:
        return None
    facts = {"p": f"{found.worse_p:.2g}"}
    if found.suspects:
        first = found.suspects[0]
        facts["suspect"] = " and ".join(f"{key} = {value}" for key, value in first.marks)
        facts["explains"] = f"{first.explains:.0%}"
    return Finding(
        kind="regression",
        key=f"regression:{tenant}:{app}:{name}:{facts.get('suspect', '')}",
        tenant=tenant,
        app=app,
        title=f"{name} is bad in {found.now.value or 0:.1%} of {found.now.n} answers, {found.before.value or 0:.1%} before"
        + (f": look at {facts['suspect']}" if found.suspects else ""),
        at_ns=at_ns,
        facts=facts,
        examples=found.suspects[0].examples if found.suspects else (),
    )


def latency(app: str, tenant: str, found: Diagnosis, at_ns: int) -> Finding | None:
    """Return what there is to tell of latency; None when it is as it was."""
    if not found.slower:
        return None
    lead: Sequence[str] = [one.evidence for one in found.causes if one.cause == found.cause]
    return Finding(
        kind="latency",
        key=f"latency:{tenant}:{app}:{found.cause}",
        tenant=tenant,
        app=app,
        title=f"Calls take {found.after_ms:.0f} ms, {found.before_ms:.0f} ms before: {found.cause or 'no single cause'}",
        at_ns=at_ns,
        facts={"evidence": lead[0]} if lead else {},
        examples=next((one.examples for one in found.causes if one.cause == found.cause), ()),
    )
