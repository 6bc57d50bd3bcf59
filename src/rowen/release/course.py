"""How a rollout goes, as the last look found it: what a page shows, and what the next look begins with."""

from rowen.release.bandit import WhatIf
from rowen.release.verdict import Looks, Verdict
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Value
from rowen.values.interval import Interval

POINTS = 240
"""Points of a line at most; the older half is thinned when there are more."""


class Point(Value, frozen=True, kw_only=True):
    """The primary metric of an arm less that of the baseline, as a look found it."""

    at_ns: int
    step: int
    arm: str
    n: int
    value: float | None
    low: float
    high: float


class Course(Value, frozen=True, kw_only=True):
    """How one rollout goes."""

    id: str
    app: str
    looked_ns: int = 0
    looks: Looks = Looks()
    verdict: Verdict = Verdict(action="wait", why="nobody has looked yet")
    primary: str = ""
    points: tuple[Point, ...] = ()
    means: dict[str, dict[str, Interval]] = {}
    """By arm and metric, over units, since the step began; those that are known of no more than one unit are left out."""
    units: dict[str, int] = {}
    calls: dict[str, int] = {}
    chances: dict[str, float] = {}
    """Of a bandit, how likely each arm is the best one."""
    what_if: tuple[WhatIf, ...] = ()


def courses(records: Records) -> Shelf[Course]:
    """Return where courses stand."""
    return Shelf(
        records,
        "rollout_course",
        Course,
        lambda one: Record(kind="", id=one.id, app=one.app, group=one.app, at_ns=one.looked_ns),
    )


def longer(points: tuple[Point, ...], more: list[Point]) -> tuple[Point, ...]:
    """Return a line with further points, thinned where it is old."""
    found = [*points, *more]
    if len(found) > POINTS:
        moments = sorted({point.at_ns for point in found})
        old = set(moments[: len(moments) // 2 : 2])
        found = [point for point in found if point.at_ns not in old]
    return tuple(found)
