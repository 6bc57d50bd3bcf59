"""Recording and alert rules for Prometheus, with the names of Sloth, so that its dashboards read them as they are.

The rules read `rowen_sli_events_total` and `rowen_sli_bad_total` of `/metrics`. The same text comes out every time.
"""

from collections.abc import Iterator

from rowen.watch.base import Objectives, WatchTable
from rowen.watch.burn import BurnRule, allowed_of, rules_of
from rowen.watch.window import DAY_NS, MINUTE_NS

_MINUTE_S = 60


def rules(objectives: Objectives) -> str:
    """Return the rule file of an app, as YAML; what is left out, or decided otherwise than here, is named at its top."""
    lines = ["# Made by `rowen slo export prometheus` from the app's objectives. Change them there.", "groups:"]
    left, doubtful = [], []
    for name, table in sorted(objectives.watch.items()):
        if allowed_of(table) is None:
            left.append(name)
            continue
        lines += _groups(objectives.app, name, table)
        if table.doubtful and table.alert:
            doubtful.append(name)
    if len(lines) == 2:
        lines[-1] = "groups: []"
    if doubtful:
        lines[1:1] = [
            f"# Rowen itself waits for the interval to exclude the target, these rules do not: {', '.join(doubtful)}"
        ]
    if left:
        lines[1:1] = [f"# Not here, since they have no share to burn: {', '.join(left)}"]
    return "\n".join(lines) + "\n"


def _groups(app: str, name: str, table: WatchTable) -> Iterator[str]:
    id = f"{app}-{name}"
    yield f"  - name: {_quoted(f'sloth-slo-sli-recordings-{id}')}"
    yield "    rules:"
    labels = {"sloth_id": id, "sloth_service": app, "sloth_slo": name}
    period = _window(round(table.over.usual_seconds))
    for window in _windows(table):
        yield from _record(
            f"slo:sli_error:ratio_rate{window}",
            f"sum(increase(rowen_sli_bad_total{_selector({'app': app, 'slo': name})}[{window}]))\n"
            f"/\nsum(increase(rowen_sli_events_total{_selector({'app': app, 'slo': name})}[{window}]))",
            {**labels, "sloth_window": window},
        )
    if period not in _windows(table):
        yield from _record(
            f"slo:sli_error:ratio_rate{period}",
            f"sum(increase(rowen_sli_bad_total{_selector({'app': app, 'slo': name})}[{period}]))\n"
            f"/\nsum(increase(rowen_sli_events_total{_selector({'app': app, 'slo': name})}[{period}]))",
            {**labels, "sloth_window": period},
        )
    yield from _meta(table, labels, period)
    yield from _alerts(table, labels)


def _meta(table: WatchTable, labels: dict[str, str], period: str) -> Iterator[str]:
    allowed = allowed_of(table)
    assert allowed is not None
    mine = _selector(labels)
    yield f"  - name: {_quoted('sloth-slo-meta-recordings-' + labels['sloth_id'])}"
    yield "    rules:"
    yield from _record("slo:objective:ratio", f"vector({1 - allowed!r})", labels)
    yield from _record("slo:error_budget:ratio", f"vector({allowed!r})", labels)
    yield from _record("slo:time_period:days", f"vector({table.over.usual_seconds / 86_400:g})", labels)
    for record, window in (("slo:current_burn_rate:ratio", "5m"), ("slo:period_burn_rate:ratio", period)):
        yield from _record(
            record,
            f"slo:sli_error:ratio_rate{window}{mine}\n"
            "/ on(sloth_id, sloth_slo, sloth_service) group_left\n"
            f"slo:error_budget:ratio{mine}",
            labels,
        )
    yield from _record("slo:period_error_budget_remaining:ratio", f"1 - slo:period_burn_rate:ratio{mine}", labels)
    info = {**labels, "goal": table.goal, "sloth_mode": "rowen", "sloth_spec": "prometheus/v1"}
    yield from _record("sloth_slo_info", "vector(1)", {key: value for key, value in info.items() if value})


def _alerts(table: WatchTable, labels: dict[str, str]) -> Iterator[str]:
    found = rules_of(table)
    if not table.alert or not found:
        return
    yield f"  - name: {_quoted('sloth-slo-alerts-' + labels['sloth_id'])}"
    yield "    rules:"
    for severity in ("page", "ticket"):
        mine = [rule for rule in found if rule.severity == severity]
        if not mine:
            continue
        expr = "\nor ignoring (sloth_window)\n".join(_burns(table, labels, rule) for rule in mine)
        yield f"      - alert: {_quoted(_camel(labels['sloth_id']))}"
        yield "        expr: |"
        yield from (f"          {line}" for line in expr.splitlines())
        yield "        labels:"
        yield f"          sloth_severity: {severity}"
        yield "        annotations:"
        yield f"          summary: {_quoted(_literal(table.about or labels['sloth_slo']))}"
        yield (
            f"          title: '({severity}) {{{{$labels.sloth_service}}}} {{{{$labels.sloth_slo}}}} "
            "SLO error budget burn rate is too fast.'"
        )
        if table.runbook:
            yield f"          runbook: {_quoted(_literal(table.runbook))}"


def _burns(table: WatchTable, labels: dict[str, str], rule: BurnRule) -> str:
    allowed = allowed_of(table)
    mine = _selector(labels)
    above = f"> ({rule.factor!r} * {allowed!r})"
    long, short = _window(rule.long_ns // 10**9), _window(rule.short_ns // 10**9)
    few = ""
    if table.minimum:
        total = f"sum(increase(rowen_sli_events_total{_selector({'app': labels['sloth_service'], 'slo': labels['sloth_slo']})}[{long}]))"
        few = f"\n    and on()\n    ({total} >= {table.minimum})"
    return (
        "(\n"
        f"    (slo:sli_error:ratio_rate{short}{mine} {above})\n"
        "    and ignoring (sloth_window)\n"
        f"    (slo:sli_error:ratio_rate{long}{mine} {above}){few}\n"
        ")"
    )


def _windows(table: WatchTable) -> list[str]:
    """Return the windows that rules look at, and the five minutes that a current rate is told by."""
    lengths = {each for rule in rules_of(table) for each in (rule.short_ns, rule.long_ns)}
    return [_window(each // 10**9) for each in sorted({5 * MINUTE_NS, *lengths})]


def _window(seconds: int) -> str:
    for unit, size in (("d", DAY_NS // 10**9), ("h", 3600), ("m", _MINUTE_S)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _record(name: str, expr: str, labels: dict[str, str]) -> Iterator[str]:
    yield f"      - record: {name}"
    yield "        expr: |"
    yield from (f"          {line}" for line in expr.splitlines())
    yield "        labels:"
    yield from (f"          {key}: {_quoted(value)}" for key, value in sorted(labels.items()))


def _selector(labels: dict[str, str]) -> str:
    inside = ", ".join(f"{key}={_quoted(value)}" for key, value in sorted(labels.items()))
    return f"{{{inside}}}"


def _quoted(text: str) -> str:
    """Return a text between double quotes, as YAML and PromQL both read it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _literal(text: str) -> str:
    """Return a text that Prometheus' templates give back as it is."""
    return text.replace("{{", '{{"{{"}}')


def _camel(id: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else " " for letter in id).split()
    return "".join(word[:1].upper() + word[1:] for word in words) + "BurnsItsBudget"
