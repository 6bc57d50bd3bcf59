"""What users do: how far they come, whether they come back, and how often they have to ask again."""

import re
from collections.abc import Iterable, Sequence

from rowen.values import TraceRow, Value
from rowen.values.interval import Interval, wilson

_WORD = re.compile(r"\w+")
_SOON_NS = 5 * 60 * 1_000_000_000
_ALIKE = 0.5


class Step(Value, frozen=True, kw_only=True):
    """One step of a funnel: which calls are it."""

    name: str
    feature: str = ""
    app: str = ""
    tag: str = ""
    status: str = ""

    def takes(self, row: TraceRow) -> bool:
        """Whether a call is this step."""
        return (
            self.feature in ("", row.feature)
            and self.app in ("", row.app)
            and self.status in ("", row.status)
            and (not self.tag or self.tag in row.tags)
        )


class Reached(Value, frozen=True, kw_only=True):
    """How many sessions came as far as a step."""

    name: str
    sessions: int
    of_before: Interval
    """Share of those that came as far as the step before."""
    of_all: Interval


class Activity(Value, frozen=True, kw_only=True):
    """The users of one period, against the period before. Users are as the traces name them: hashed, if policy says so."""

    start_ns: int
    active: int
    new: int
    """Never seen before in what was looked at."""
    returning: int
    """Active in the period before too."""
    revived: int
    """Seen earlier, but not in the period before."""
    churned: int
    """Active in the period before and not in this one."""
    churn: Interval
    """Churned, as a share of those active in the period before."""


class Cohort(Value, frozen=True, kw_only=True):
    """Users who came first in the same period, and how many of them were active in each period from then on."""

    start_ns: int
    users: int
    active: tuple[int, ...]


class Rephrased(Value, frozen=True, kw_only=True):
    """How often a question is asked again in other words, or the same: a sign that the answer was none."""

    rate: Interval
    """Share of the questions that another question of the session followed within five minutes and was much like."""
    again: int
    """Of them, those in the very same words."""
    examples: tuple[tuple[str, str], ...] = ()
    """Trace ids of the two."""


def funnel(rows: Iterable[TraceRow], steps: Sequence[Step]) -> list[Reached]:
    """Return how many sessions took the steps in this order, others in between allowed."""
    reached = [0] * len(steps)
    for session in by_session(rows).values():
        at = 0
        for row in session:
            if at < len(steps) and steps[at].takes(row):
                reached[at] += 1
                at += 1
    first = reached[0] if reached else 0
    return [
        Reached(
            name=step.name,
            sessions=count,
            of_before=wilson(count, reached[at - 1] if at else count),
            of_all=wilson(count, first),
        )
        for at, (step, count) in enumerate(zip(steps, reached, strict=True))
    ]


def activity(rows: Iterable[TraceRow], *, since_ns: int, until_ns: int, every_ns: int) -> list[Activity]:
    """Return the users of each period, oldest first. Only whole periods after the first can tell who is gone."""
    periods = _users(rows, since_ns, until_ns, every_ns)
    seen: set[str] = set()
    before: set[str] = set()
    found = []
    for number, users in enumerate(periods):
        gone = before - users
        found.append(
            Activity(
                start_ns=since_ns + number * every_ns,
                active=len(users),
                new=len(users - seen),
                returning=len(users & before),
                revived=len((users & seen) - before),
                churned=len(gone),
                churn=wilson(len(gone), len(before)),
            )
        )
        seen |= users
        before = users
    return found


def retention(rows: Iterable[TraceRow], *, since_ns: int, until_ns: int, every_ns: int) -> list[Cohort]:
    """Return the cohorts by the period in which their users came first."""
    periods = _users(rows, since_ns, until_ns, every_ns)
    seen: set[str] = set()
    found = []
    for number, users in enumerate(periods):
        fresh = users - seen
        seen |= users
        active = tuple(len(fresh & later) for later in periods[number:])
        found.append(Cohort(start_ns=since_ns + number * every_ns, users=len(fresh), active=active))
    return found


def rephrased(rows: Iterable[TraceRow]) -> Rephrased:
    """Return how often users ask again."""
    asked = again = 0
    pairs = []
    for session in by_session(rows).values():
        for row, after in zip(session, [*session[1:], None], strict=True):
            if not row.asked:
                continue
            asked += 1
            if after is None or not after.asked or after.started_ns - row.started_ns > _SOON_NS:
                continue
            if likeness(row.asked, after.asked) >= _ALIKE:
                pairs.append((row.id, after.id))
                again += row.asked == after.asked
    return Rephrased(rate=wilson(len(pairs), asked), again=again, examples=tuple(pairs[-3:]))


def likeness(one: str, other: str) -> float:
    """Return how many words two questions share, of all their words (Jaccard)."""
    words, others = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    return len(words & others) / len(words | others) if words | others else 0.0


def by_session(rows: Iterable[TraceRow]) -> dict[tuple[str, str], list[TraceRow]]:
    """Return the calls of each session in the order of time. Calls without a session are in none."""
    found: dict[tuple[str, str], list[TraceRow]] = {}
    for row in rows:
        if row.session:
            found.setdefault((row.tenant, row.session), []).append(row)
    for session in found.values():
        session.sort(key=lambda row: (row.started_ns, row.id))
    return found


def _users(rows: Iterable[TraceRow], since_ns: int, until_ns: int, every_ns: int) -> list[set[str]]:
    periods: list[set[str]] = [set() for _ in range(since_ns, until_ns, every_ns)]
    for row in rows:
        if row.user and since_ns <= row.started_ns < until_ns:
            periods[(row.started_ns - since_ns) // every_ns].add(f"{row.tenant} {row.user}")
    return periods
