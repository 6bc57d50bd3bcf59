"""A Grafana dashboard over the generated rules: budget left, burn rate and figure of every objective of an app."""

from typing import Any

import msgspec

from rowen.watch.base import Objectives
from rowen.watch.burn import allowed_of

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def dashboard(objectives: Objectives) -> str:
    """Return the dashboard as JSON, the same bytes for the same objectives."""
    panels: list[dict[str, Any]] = []
    budgeted = {name: table for name, table in sorted(objectives.watch.items()) if allowed_of(table) is not None}
    for number, (name, table) in enumerate(budgeted.items()):
        mine = f'{{sloth_service="{objectives.app}", sloth_slo="{name}"}}'
        top = number * 7
        title = table.about or name
        panels += [
            _panel(3 * number + 1, "stat", f"{name}: budget left", (0, top, 4), "percentunit")
            | {"targets": [_target(f"slo:period_error_budget_remaining:ratio{mine}", "left")], "description": title},
            _panel(3 * number + 2, "timeseries", f"{name}: burn rate", (4, top, 10), "short")
            | {"targets": [_target(f"slo:current_burn_rate:ratio{mine}", "times allowed")]},
            _panel(3 * number + 3, "timeseries", f"{name}: bad events", (14, top, 10), "percentunit")
            | {
                "targets": [
                    _target(f"slo:sli_error:ratio_rate5m{mine}", "5 min"),
                    _target(f"slo:sli_error:ratio_rate1h{mine}", "1 h"),
                    _target(f"slo:error_budget:ratio{mine}", "allowed"),
                ]
            },
        ]
    made = {
        "title": f"{objectives.app}: objectives",
        "uid": f"rowen-{objectives.app}"[:40],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "tags": ["rowen", "slo"],
        "time": {"from": "now-30d", "to": "now"},
        "refresh": "1m",
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "panels": panels,
    }
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"


def _panel(id: int, kind: str, title: str, place: tuple[int, int, int], unit: str) -> dict[str, Any]:
    left, top, width = place
    return {
        "id": id,
        "type": kind,
        "title": title,
        "datasource": _DATASOURCE,
        "gridPos": {"x": left, "y": top, "w": width, "h": 7},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
    }


def _target(expr: str, legend: str) -> dict[str, Any]:
    return {"datasource": _DATASOURCE, "expr": expr, "legendFormat": legend, "refId": legend[:1].upper() + legend[-1:]}
