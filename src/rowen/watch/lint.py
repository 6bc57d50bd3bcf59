"""What is wrong with what was promised, before anybody measures it.

Each rule has an id that does not change. The tables of a book on the subject, as printed, break most of them, and are
the test of this page.
"""

from collections.abc import Iterator
from typing import Literal

from rowen.values import Value
from rowen.watch.base import Measured, Objectives, SlaTable
from rowen.watch.sli import SLIS

Level = Literal["error", "warning", "note"]

RULES: dict[str, tuple[Level, str]] = {
    "sla-stricter": (
        "error",
        "The agreement promises more than the objective aims at: it breaks while all looks well.",
    ),
    "slo-unknown": ("error", "It names an objective that is not there."),
    "measure-missing": ("error", "`reported` needs the `measure` under which figures are handed in."),
    "latency-unnamed": ("error", "It does not say which time it means: first token, whole answer, our own part, …"),
    "latency-implausible": ("warning", "No whole answer of a large model is that quick: another time is meant."),
    "scale-unnamed": (
        "error",
        "The scale is not named, and the number could be of several: NPS goes from -100 to 100.",
    ),
    "scale-impossible": ("error", "The target is not on the scale."),
    "target-missing": ("warning", "No figure is stated, so it can neither be met nor missed."),
    "target-perfect": ("warning", "Nothing may ever go wrong: there is no budget to spend and no early warning."),
    "window-mismatch": ("warning", "The agreement is counted over another window than its objective."),
    "sli-mismatch": (
        "warning",
        "The agreement counts something else than its objective, which gives no warning of it.",
    ),
    "remedy-missing": ("note", "The agreement does not say what the customer gets when it is missed."),
    "kpi-unlinked": ("warning", "No objective stands behind the indicator."),
    "goal-missing": ("note", "It does not say what it serves."),
    "minimum-missing": ("note", "A share of judged answers needs a `minimum`, or a quiet night decides it."),
}


class Flaw(Value, frozen=True, kw_only=True, order=True):
    """One thing that is wrong."""

    where: str
    """The table: `sla.latency`."""
    rule: str
    level: Level
    message: str


def lint(objectives: Objectives) -> list[Flaw]:
    """Return what is wrong, by table and rule."""
    found = [
        Flaw(where=where, rule=rule, level=RULES[rule][0], message=said or RULES[rule][1])
        for where, rule, said in _all(objectives)
    ]
    return sorted(found)


_Said = tuple[str, str, str]


def _all(objectives: Objectives) -> Iterator[_Said]:
    for name, slo in objectives.watch.items():
        yield from _measured(f"watch.{name}", slo)
    for name, sla in objectives.sla.items():
        yield from _measured(f"sla.{name}", objectives.whole(sla))
        yield from _agreement(f"sla.{name}", sla, objectives)
    for name, kpi in objectives.kpi.items():
        where = f"kpi.{name}"
        if not kpi.slo:
            yield where, "kpi-unlinked", ""
        for linked in kpi.slo:
            if linked not in objectives.watch:
                yield where, "slo-unknown", f'there is no objective "{linked}" in [watch]'
        if not kpi.goal:
            yield where, "goal-missing", ""


def _measured(where: str, table: Measured) -> Iterator[_Said]:
    kind, stated = table.kind, table.bound
    if table.sli == "reported" and not table.measure:
        yield where, "measure-missing", ""
    if kind.latency and not table.latency:
        yield where, "latency-unnamed", ""
    time = _time(table)
    if table.latency == "total" and time is not None and time < 1:
        yield where, "latency-implausible", ""
    if table.how == "nps" or table.sli == "nps":
        if not table.scale:
            yield where, "scale-unnamed", ""
        elif (table.scale == "rating_0_10" and stated is not None and not 0 <= stated.value <= 10) or (
            table.scale == "nps" and stated is not None and abs(stated.value) > 100
        ):
            yield where, "scale-impossible", ""
    if table.how == "share" and stated is not None and not 0 <= stated.value <= 1:
        yield where, "scale-impossible", "a share lies between 0 and 1: write it in percent, or as a part"
    if stated is None:
        yield where, "target-missing", ""
    else:
        allowed = table.allowed
        nothing = allowed is not None and allowed[0] == 0 and not allowed[1]
        if nothing or (table.how in {"value", "mean"} and not stated.floor and stated.value <= 0):
            yield where, "target-perfect", ""
    if not table.goal:
        yield where, "goal-missing", ""
    if kind.source == "score" and table.how == "share" and not table.minimum:
        yield where, "minimum-missing", ""


def _agreement(where: str, sla: SlaTable, objectives: Objectives) -> Iterator[_Said]:
    if not sla.remedy:
        yield where, "remedy-missing", ""
    if not sla.slo:
        return
    slo = objectives.watch.get(sla.slo)
    if slo is None:
        yield where, "slo-unknown", f'there is no objective "{sla.slo}" in [watch]'
        return
    whole = objectives.whole(sla)
    if _stricter(whole, slo):
        yield where, "sla-stricter", f'"{sla.slo}" aims at {_promise(slo)}, the agreement promises {_promise(whole)}'
    if str(sla.over) != str(slo.over):
        yield where, "window-mismatch", f"{sla.over} here, {slo.over} there"
    if _counted(whole) != _counted(slo):
        yield where, "sli-mismatch", ""


_FAMILIES = ({"availability", "uptime", "errors"},)
"""SLIs whose targets can be held against each other, though they count different things."""


def _stricter(sla: Measured, slo: Measured) -> bool:
    """Whether a promise leaves less room than the target behind it, where the two can be compared at all."""
    same = _counted(sla) == _counted(slo) or any({sla.sli, slo.sli} <= family for family in _FAMILIES)
    if not same:
        return False
    ours, theirs = _time(slo), _time(sla)
    if ours is not None and theirs is not None and ours != theirs:
        return theirs < ours
    if sla.how != slo.how:
        return False
    if (promised := sla.allowed) is not None and (aimed := slo.allowed) is not None:
        return promised[0] < aimed[0]
    if sla.bound is None or slo.bound is None or sla.bound.floor != slo.bound.floor:
        return False
    return (sla.bound.value > slo.bound.value) if sla.bound.floor else (sla.bound.value < slo.bound.value)


def _time(table: Measured) -> float | None:
    """Return the seconds that a promise is about, whether for a share of events or for their mean."""
    if table.within is not None:
        return table.within
    stated = table.bound
    if stated is not None and not stated.floor and stated.unit in {"ms", "s", "min", "h", "d"}:
        return float(stated.value)
    return None


def _counted(table: Measured) -> tuple[str, ...]:
    name = table.sli if table.sli in SLIS else "score"
    return (name, table.latency, table.measure, table.score_name if table.kind.source == "score" else "", table.service)


def _promise(table: Measured) -> str:
    words = [str(table.bound) if table.bound is not None else "no figure"]
    if table.within is not None:
        words.append(f"within {table.within:g}s")
    return " ".join(words)
