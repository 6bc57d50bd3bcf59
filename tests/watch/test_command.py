import asyncio
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.store.catalog import open_store
from rowen.values import SystemClock
from rowen.watch.incident import Incident

from .conftest import HOUR, MINUTE, cell, trace

BOOK = Path(__file__).parents[2] / "examples/objectives/tables.toml"


def run(*words: str):
    return CliRunner().invoke(rowen, list(words))


def test_lint_prints_every_finding_and_fails_on_errors():
    done = run("slo", "lint", str(BOOK), "--json")

    found = json.loads(done.stdout)
    assert done.exit_code == 2
    assert len(found) == 46
    assert any(each["where"] == "sla.recovery" and each["rule"] == "sla-stricter" for each in found)


def test_a_sound_app_passes_whatever_else_is_in_it(tmp_path):
    file = tmp_path / "app.toml"
    file.write_text(
        '[models.main]\nprovider = "echo"\n[watch.a]\nsli = "availability"\ntarget = 0.99\ngoal = "reliability"\n'
    )

    done = run("slo", "lint", str(file))

    assert (done.exit_code, "nothing is wrong" in done.stdout) == (0, True)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    done = run("slo", "lint", str(tmp_path / "no.toml"))

    assert done.exception.code == "config_missing"


APP = """
[models.main]
provider = "echo"
[watch.up]
sli = "availability"
target = 0.99
goal = "reliability"
runbook = "up.md"
[sla.acme]
customer = "Acme"
owner = "ann@example.org"
slo = "up"
target = ">= 99%"
[[sla.acme.remedy]]
below = 0.99
credit = "10%"
[alerts.pager]
kind = "webhook"
address = "http://127.0.0.1:9/"
"""


@pytest.fixture
def place(tmp_path):
    """An app with a bad hour behind it, and an incident."""
    (tmp_path / "shop").mkdir()
    app = tmp_path / "shop/app.toml"
    app.write_text(APP)

    async def fill() -> None:
        store = await open_store(f"sqlite:{tmp_path}/data", clock=SystemClock())
        now = time.time_ns()
        for objective in ("slo/up", "sla/acme"):
            minute = (now - HOUR) // MINUTE * MINUTE
            await store.measures.add(cell(minute, 90, 100, objective=objective))
        await Incident.shelf(store.records).put(
            Incident(id="i1", app="shop", title="Slow answers", began_ns=now - HOUR)
        )
        await store.traces.write([trace(n, now - HOUR, status="failed", code="upstream_timeout") for n in range(3)])
        await store.close()

    asyncio.run(fill())
    return str(app), f"--store=sqlite:{tmp_path}/data"


def test_a_missed_objective_is_listed_and_ends_with_1(place):
    done = run("watch", "list", *place, "--json")

    (row,) = json.loads(done.stdout)
    assert (done.exit_code, row["objective"], row["state"], row["n"]) == (1, "up", "breached", 100)


def test_a_used_up_budget_stops_releases(place):
    done = run("watch", "freeze", *place)

    assert (done.exit_code, "up: the error budget is used up" in done.stdout) == (1, True)


def test_an_agreement_shows_its_credit(place):
    done = run("watch", "agreements", *place, "--bill", "1234.5", "--json")

    (row,) = json.loads(done.stdout)
    assert (row["state"], row["credit"], row["amount"]) == ("breached", "0.10", "123.450")


def test_the_digest_names_the_incident_and_the_errors(place):
    done = run("watch", "digest", *place, "--since", "6h")

    assert "sev3 open: Slow answers" in done.stdout
    assert "upstream_timeout: 3 times, not seen in the week before" in done.stdout


def test_a_stretch_that_is_none_is_a_sentence(place):
    assert run("watch", "digest", *place, "--since", "soon").exception.place == "--since"


def test_what_would_go_wrong_at_night_is_listed(place):
    done = run("oncall", "check", *place, "--json")

    faults = {(each["where"], each["what"]) for each in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert {("alerts.pager", "cannot be reached"), ("watch.up", "the runbook up.md is not there")} < faults


def test_weeks_on_call_are_listed(place):
    assert len(json.loads(run("oncall", "toil", *place, "--weeks", "2", "--json").stdout)) == 2


def test_incidents_are_listed_shown_and_exported(place):
    listed = run("incidents", "list", place[1], "--json")
    shown = run("incidents", "show", "i1", place[1])
    exported = run("incidents", "export", "i1", place[1])
    missing = run("incidents", "show", "i2", place[1])

    assert [each["id"] for each in json.loads(listed.stdout)] == ["i1"]
    assert json.loads(shown.stdout)["title"] == "Slow answers"
    assert exported.stdout.startswith("# Slow answers\n")
    assert missing.exception.code == "not_found"


@pytest.mark.parametrize("kind", ["prometheus", "openslo", "grafana", "toml"])
def test_objectives_are_exported(kind):
    done = run("slo", "export", kind, str(BOOK))

    assert done.exit_code == 0
    assert "availability" in done.stdout


def test_openslo_comes_in_as_tables(tmp_path):
    file = tmp_path / "slos.yaml"
    file.write_text(run("slo", "export", "openslo", str(BOOK)).stdout)

    done = run("slo", "import", str(file))

    assert "[watch.recovery]" in done.stdout
