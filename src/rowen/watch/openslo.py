"""OpenSLO v1, out and in: every objective as one document with its indicator, its window and its alert conditions.

Out and in again nothing is lost: what OpenSLO has no word for travels in the `spec` of the metric source, whose type is
`Rowen`. What comes from other tools is read as `reported`, and what could not be carried over is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

import msgspec

from rowen.values import Mistaken, Value
from rowen.watch.base import Objectives, WatchTable
from rowen.watch.burn import rules_of
from rowen.watch.window import Window

VERSION = "openslo/v1"
_SOURCE = "Rowen"
_BREAKS = frozenset("\x85\u2028\u2029")
_CALENDARS = {"day": "1d", "week": "1w", "month": "1M", "quarter": "1Q", "year": "1Y"}


class Imported(Value, frozen=True, kw_only=True):
    """What was read, and what could not be carried over."""

    objectives: Objectives
    notes: tuple[str, ...] = ()


def documents(objectives: Objectives) -> list[dict[str, Any]]:
    """Return the documents of an app: its service, then each objective."""
    service = {"apiVersion": VERSION, "kind": "Service", "metadata": {"name": objectives.app}, "spec": {}}
    return [service, *(_document(objectives.app, name, table) for name, table in sorted(objectives.watch.items()))]


def read_documents(found: Iterable[Any], app: str = "") -> Imported:
    """Return the objectives of documents; other kinds than SLO and SLI are noted.

    Raises:
        Mistaken: `config_invalid` for a document that OpenSLO v1 does not allow.

    """
    slos: dict[str, WatchTable] = {}
    notes: list[str] = []
    every = [each for each in found if each is not None]
    for number, document in enumerate(every):
        where = f"document {number + 1}"
        if not isinstance(document, Mapping) or document.get("apiVersion") != VERSION:
            raise Mistaken("config_invalid", f"{where} is not of {VERSION}", place=where)
    indicators = {
        _of(document, "metadata").get("name"): _of(document, "spec")
        for document in every
        if document.get("kind") == "SLI"
    }
    for number, document in enumerate(every):
        where = f"document {number + 1}"
        kind = document.get("kind")
        if kind == "SLO":
            name, table, said = _read(document, where, indicators)
            if name in slos:
                raise Mistaken("config_invalid", f'two SLOs are named "{name}"', place=where)
            slos[name] = table
            app = app or str(_of(document, "spec").get("service", ""))
            notes += said
        elif kind not in {"Service", "SLI"}:
            notes.append(f"{where}: {kind} is not read; alerts follow from the objective itself")
    return Imported(objectives=Objectives(app=app, watch=slos), notes=tuple(notes))


def to_yaml(found: Sequence[Mapping[str, Any]]) -> str:
    """Return documents as YAML, the same text every time."""
    yaml = _yaml()

    class Dumper(yaml.SafeDumper):  # type: ignore[name-defined,misc]
        """Quotes texts with the line breaks of Unicode, which other styles give back as spaces."""

    def text(dumper: Any, value: str) -> Any:
        quoted = '"' if _BREAKS.intersection(value) else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=quoted)

    Dumper.add_representer(str, text)
    return str(yaml.dump_all(list(found), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120))


def from_yaml(text: str) -> list[Any]:
    """Return the documents of a YAML text. Only plain data is read, never objects.

    Raises:
        Mistaken: `config_syntax` with the line.

    """
    yaml = _yaml()
    try:
        return list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}" if mark is not None else ""
        raise Mistaken("config_syntax", "the file is not valid YAML", place=where) from error


def _yaml() -> Any:
    try:
        return import_module("yaml")
    except ImportError:
        raise Mistaken("extra_missing", "OpenSLO needs `pip install rowen[openslo]`") from None


def _document(app: str, name: str, table: WatchTable) -> dict[str, Any]:
    spec = msgspec.to_builtins(table)
    source = {"metricSource": {"type": _SOURCE, "spec": spec}}
    labels = {"goal": table.goal} if table.goal else {}
    stated = table.bound
    objective: dict[str, Any] = {"displayName": "" if stated is None else str(stated)}
    allowed = table.allowed
    if allowed is not None:
        indicator: dict[str, Any] = {"ratioMetric": {"counter": True, "good": source, "total": source}}
        # OpenSLO's target lies below 1: what allows nothing is written as near as it can be.
        objective["target"] = min(float(1 - allowed[0]), 0.999999999)
    else:
        indicator = {"thresholdMetric": source}
        if stated is not None:
            op = {">=": "gte", ">": "gt", "<=": "lte", "<": "lt"}[stated.op]
            objective |= {"op": op, "value": float(stated.value)}
        objective["target"] = 0.999999999
    slices = table.method == "slices"
    if slices:
        objective |= {"timeSliceTarget": table.slice_target, "timeSliceWindow": str(Window(seconds=table.slice))}
    made: dict[str, Any] = {
        "apiVersion": VERSION,
        "kind": "SLO",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "spec": {
            "description": table.about or name,
            "service": app,
            "indicator": {"metadata": {"name": f"{name}-{table.sli}"}, "spec": indicator},
            "timeWindow": [_window(table.over)],
            "budgetingMethod": "Timeslices" if slices else "Occurrences",
            "objectives": [objective],
        },
    }
    policies = _policies(name, table)
    if policies:
        made["spec"]["alertPolicies"] = policies
    return made


def _policies(name: str, table: WatchTable) -> list[dict[str, Any]]:
    if not table.alert:
        return []
    return [
        {
            "kind": "AlertPolicy",
            "metadata": {"name": f"{name}-{rule.severity}-{number}"},
            "spec": {
                "alertWhenBreaching": True,
                "alertWhenResolved": True,
                "alertWhenNoData": False,
                "conditions": [
                    {
                        "kind": "AlertCondition",
                        "metadata": {"name": f"{name}-{rule.severity}-{number}"},
                        "spec": {
                            "severity": rule.severity,
                            "condition": {
                                "kind": "burnrate",
                                "op": "gt",
                                "threshold": rule.factor,
                                "lookbackWindow": str(Window(seconds=rule.long_ns / 1e9)),
                                "alertAfter": "0m",
                            },
                        },
                    }
                ],
                "notificationTargets": [],
            },
        }
        for number, rule in enumerate(rules_of(table), 1)
    ]


def _window(over: Window) -> dict[str, Any]:
    if not over.calendar:
        return {"duration": str(over), "isRolling": True}
    return {
        "duration": _CALENDARS[over.calendar],
        "isRolling": False,
        "calendar": {"startTime": "2026-01-01 00:00:00", "timeZone": "UTC"},
    }


def _read(
    document: Mapping[str, Any], where: str, indicators: Mapping[Any, Mapping[str, Any]]
) -> tuple[str, WatchTable, list[str]]:
    name, spec = _of(document, "metadata").get("name"), _of(document, "spec")
    if not isinstance(name, str) or not name:
        raise Mistaken("config_invalid", "an SLO needs `metadata.name`", place=where)
    inline = spec.get("indicator")
    found = _of(inline, "spec") if isinstance(inline, Mapping) else indicators.get(spec.get("indicatorRef"))
    if not found:
        raise Mistaken("config_invalid", f'the SLO "{name}" has no indicator', place=where)
    objectives = spec.get("objectives")
    if not isinstance(objectives, Sequence) or len(objectives) != 1 or not isinstance(objectives[0], Mapping):
        raise Mistaken("config_invalid", f'the SLO "{name}" must have exactly one objective here', place=where)
    own = _own(found)
    try:
        if own is not None:
            return name, msgspec.convert(own, WatchTable), []
        return _foreign(name, spec, found, objectives[0])
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise Mistaken("config_invalid", f'the SLO "{name}": {error}', place=where) from error


def _own(indicator: Mapping[str, Any]) -> Mapping[str, Any] | None:
    ratio = indicator.get("ratioMetric")
    metric = _of(ratio, "good") if isinstance(ratio, Mapping) else indicator.get("thresholdMetric")
    source = _of(metric, "metricSource")
    return _of(source, "spec") if source.get("type") == _SOURCE else None


def _foreign(
    name: str, spec: Mapping[str, Any], indicator: Mapping[str, Any], objective: Mapping[str, Any]
) -> tuple[str, WatchTable, list[str]]:
    notes = [f"{name}: its queries are those of another system; hand figures in under `measure = {name!r}`"]
    target: float | str
    fields: dict[str, Any] = {"sli": "reported", "measure": name, "about": str(spec.get("description", ""))}
    if "ratioMetric" in indicator:
        target = float(objective["target"]) if "target" in objective else f">= {objective.get('targetPercent', '')}%"
    else:
        op = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}[str(objective.get("op", "gte"))]
        target, fields["aggregate"] = f"{op} {objective.get('value')}", "mean"
    if spec.get("budgetingMethod") == "Timeslices":
        fields |= {"method": "slices", "slice_target": float(objective.get("timeSliceTarget", 0.999))}
        fields["slice"] = _seconds(objective.get("timeSliceWindow", "1m"))
    elif spec.get("budgetingMethod") not in {None, "Occurrences"}:
        notes.append(f"{name}: {spec['budgetingMethod']} is read as Occurrences")
    (window,) = spec.get("timeWindow") or ({"duration": "30d"},)
    length = str(window["duration"])
    calendars = {short: word for word, short in _CALENDARS.items()}
    if window.get("isRolling") is False and length in calendars:
        fields["window"] = calendars[length]
    else:
        fields["window"] = f"{_seconds(length) / 86_400:g}d"
    return name, WatchTable(**fields, target=target), notes


def _seconds(written: float | str) -> float:
    """Return a duration shorthand in seconds; a bare number is minutes."""
    units = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": 2_592_000, "Q": 7_862_400, "Y": 31_536_000}
    if isinstance(written, int | float):
        return written * 60.0
    if written[-1:] not in units:
        raise ValueError(f"{written!r} is no duration")
    return float(written[:-1]) * units[written[-1]]


def _of(value: Any, key: str) -> Mapping[str, Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
