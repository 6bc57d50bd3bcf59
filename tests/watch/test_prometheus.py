import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from rowen.watch import Objectives, WatchTable
from rowen.watch.burn import Tail, burning, rules_of
from rowen.watch.prometheus import rules
from rowen.watch.written import read_file

from .conftest import HOUR, JUNE, MINUTE, cell

BOOK = Path(__file__).parents[2] / "examples/objectives/tables.toml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not here: install Debian's package `prometheus` to hold the rules against it"
)


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    # It lives for seconds, and no other processor waits for it: to clean up after itself is what takes it longest.
    quick = {**os.environ, "GOMAXPROCS": "1", "GOGC": "800"}
    return subprocess.run(
        [PROMTOOL, *map(str, words)], capture_output=True, text=True, check=False, timeout=300, env=quick
    )


def of(**tables: WatchTable) -> Objectives:
    return Objectives(app="shop", watch=tables)


def up(**fields) -> WatchTable:
    return WatchTable(**{"sli": "availability", "target": 0.999, **fields})


def test_the_same_objectives_give_the_same_bytes_whatever_their_order():
    first, second = up(), up(target=0.99, goal="reliability")

    assert rules(of(a=first, b=second)) == rules(of(b=second, a=first))


def test_names_and_labels_are_sloths():
    groups = yaml.safe_load(rules(of(up=up())))["groups"]

    recorded = {rule["record"]: rule["labels"] for group in groups for rule in group["rules"] if "record" in rule}
    assert recorded["slo:sli_error:ratio_rate5m"] == {
        "sloth_id": "shop-up",
        "sloth_service": "shop",
        "sloth_slo": "up",
        "sloth_window": "5m",
    }
    assert {f"slo:sli_error:ratio_rate{each}" for each in ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")} < set(
        recorded
    )
    assert {
        "slo:objective:ratio",
        "slo:error_budget:ratio",
        "slo:time_period:days",
        "slo:current_burn_rate:ratio",
        "slo:period_burn_rate:ratio",
        "slo:period_error_budget_remaining:ratio",
        "sloth_slo_info",
    } < set(recorded)
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    assert [alert["labels"]["sloth_severity"] for alert in alerts] == ["page", "ticket"]


def test_what_is_left_out_or_decided_otherwise_is_said():
    text = rules(
        of(mean=up(sli="latency", latency="total", aggregate="mean", target="< 1s"), judged=up(sli="grounded"))
    )

    assert "no share to burn: mean" in text
    assert "do not: judged" in text


@needs_promtool
@pytest.mark.parametrize(
    "objectives",
    [
        of(up=up()),
        of(up=up(about='Says "yes" \\ no\nand: {{ x }}', runbook="runbooks/up.md", minimum=20), low=up(target=0.5)),
        of(week=up(window="7d"), month=up(window="month"), quarter=up(window="quarter")),
        of(),
        read_file(BOOK),
    ],
    ids=["one", "awkward", "windows", "none", "book"],
)
def test_promtool_finds_the_rules_sound(tmp_path, objectives):
    file = tmp_path / "rules.yml"
    file.write_text(rules(objectives))

    done = promtool("check", "rules", file)

    assert done.returncode == 0, done.stdout + done.stderr


def history(seed: int, steps: int, calm: float) -> list[tuple[int, int]]:
    """Return (bad, total) step by step: calm stretches, outages of any depth, and hours without anybody."""
    rand = random.Random(seed)
    found: list[tuple[int, int]] = []
    while len(found) < steps:
        kind = rand.choice(["calm", "calm", "outage", "trickle", "nobody", "edge"])
        share = {"calm": calm, "outage": rand.random(), "trickle": calm * rand.choice([3, 6, 14.4]), "nobody": 0.0}.get(
            kind, 0
        )
        for _ in range(rand.randint(3, 90)):
            total = 0 if kind == "nobody" else rand.randint(1, 400)
            bad = min(total, sum(rand.random() < share for _ in range(total)))
            if kind == "edge":
                total, bad = 1000, rand.choice([1, 6, 14, 15, 3])
            found.append((bad, total))
    return found[:steps]


@needs_promtool
@pytest.mark.parametrize(
    ("seed", "step", "steps", "table"),
    [
        *((seed, 60, 420, up()) for seed in (1, 2)),
        (3, 60, 420, up(target=0.99)),
        (4, 60, 420, up(target=0.95, minimum=300)),
        (5, 60, 300, up(window="7d")),
        (6, 300, 1300, up()),
        (7, 300, 1300, up(target=0.9, window="quarter")),
    ],
)
def test_the_engine_and_prometheus_alert_in_the_same_minutes(tmp_path, seed, step, steps, table):
    drawn = history(seed, steps, float(1 - table.allowed[0]) and float(table.allowed[0]) / 2)
    cells = [cell(JUNE + n * step * 10**9, total - bad, total) for n, (bad, total) in enumerate(drawn)]
    tail = Tail(cells)
    ours = {"page": [], "ticket": []}
    for n in range(steps + 1):
        firing = {each.rule.severity for each in burning(table, tail, JUNE + n * step * 10**9)}
        for severity, line in ours.items():
            line.append(int(severity in firing))
    (tmp_path / "rules.yml").write_text(rules(of(up=table)))
    (tmp_path / "test.yml").write_text(unit_test(drawn, step, ours))

    done = promtool("test", "rules", tmp_path / "test.yml")

    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    assert sum(ours["page"]) + sum(ours["ticket"]) > 0, "a history in which nothing burns proves nothing"


@needs_promtool
def test_a_wrong_minute_would_be_found(tmp_path):
    """The test above can fail: one minute moved, and promtool says so."""
    drawn = [(0, 10)] * 30 + [(5, 10)] * 30
    ours = {"page": [0] * 61, "ticket": [0] * 61}
    (tmp_path / "rules.yml").write_text(rules(of(up=up())))
    (tmp_path / "test.yml").write_text(unit_test(drawn, 60, ours))

    assert promtool("test", "rules", tmp_path / "test.yml").returncode == 1


def unit_test(drawn: list[tuple[int, int]], step: int, ours: dict[str, list[int]]) -> str:
    """Return promtool's own format: two counters that grow, and whether an alert fires at each step."""
    bad = total = 0
    bads, totals = ["0"], ["0"]
    for more_bad, more in drawn:
        bad, total = bad + more_bad, total + more
        bads.append(str(bad))
        totals.append(str(total))
    series = [
        {"series": f'rowen_sli_{name}_total{{app="shop", slo="up"}}', "values": " ".join(values)}
        for name, values in (("bad", bads), ("events", totals))
    ]
    tests = [
        {
            "expr": 'count by (sloth_severity) (ALERTS{alertstate="firing"})',
            "eval_time": f"{n * step}s",
            "exp_samples": [
                {"labels": f'{{sloth_severity="{severity}"}}', "value": 1} for severity in ours if ours[severity][n]
            ],
        }
        for n in range(len(drawn) + 1)
    ]
    groups = [f"sloth-slo-{kind}-shop-up" for kind in ("sli-recordings", "meta-recordings", "alerts")]
    whole = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{step}s",
        "group_eval_order": groups,
        "tests": [{"interval": f"{step}s", "input_series": series, "promql_expr_test": tests}],
    }
    return json.dumps(whole)  # which is YAML, too, and written in no time


def test_the_rules_of_thirty_days_are_the_workbooks():
    found = [(rule.severity, rule.factor, rule.long_ns // HOUR, rule.short_ns // MINUTE) for rule in rules_of(up())]

    assert found == [("page", 14.4, 1, 5), ("page", 6.0, 6, 30), ("ticket", 3.0, 24, 120), ("ticket", 1.0, 72, 360)]


def test_a_rule_that_can_never_fire_is_none():
    assert rules_of(up(target=0.5)) == tuple(each for each in rules_of(up()) if each.factor < 2)
