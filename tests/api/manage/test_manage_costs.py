"""Costs and insight through the management API, over a store in memory."""

import json
from decimal import Decimal

import pytest

from rowen.values import Score, Span, Trace, TraceRow

START = 1_800_000_000_000_000_000
DAY, HOUR = 86_400_000_000_000, 3_600_000_000_000


def failed(number: int, tenant: str = "acme", app: str = "handbook") -> Trace:
    at_ns = START - 60_000_000_000 * number
    row = TraceRow(
        id=f"{tenant}{app}err{number:03}", started_ns=at_ns, duration_ns=9, app=app, definition="h", tenant=tenant,
        status="failed", code="upstream_cut",
    )  # fmt: skip
    span = Span(
        trace=row.id, id=f"{number:016x}", name="retrieve.ground", started_ns=at_ns, ended_ns=at_ns + 5, status="error",
        message=f"connection {number} was cut",
    )  # fmt: skip
    return Trace(row=row, spans=(span,))


async def test_costs_are_those_of_the_callers_tenant(api):
    answer = await api.ask("GET", f"/api/costs?by=purpose&every=all&until_ns={START + 1}", "acme.read")

    (entry,) = answer.json()["data"]
    assert (entry["group"], entry["calls"], entry["unpriced"]) == ("inference", 2, 2)


async def test_an_admin_sees_what_each_tenant_spent(api):
    answer = await api.ask("GET", "/api/costs?by=tenant&every=all", "acme.admin")

    assert {entry["group"]: Decimal(entry["cost"]) for entry in answer.json()["data"]} == {
        "acme": Decimal("0.5"),
        "globex": Decimal("0.5"),
    }
    mine = await api.ask("GET", "/api/costs?by=tenant&every=all", "acme.read")
    assert [entry["group"] for entry in mine.json()["data"]] == ["acme"]


async def test_a_key_of_one_app_sees_that_apps_costs_only(api):
    await api.key("acme.narrow", scopes=("manage",), apps=("shop",))

    book = await api.ask("GET", f"/api/costs?by=definition&every=all&until_ns={START + 1}", "acme.narrow")
    tenants = await api.ask("GET", "/api/costs?by=tenant", "acme.narrow")
    other = await api.ask("GET", "/api/costs?app=handbook", "acme.narrow")
    budget = await api.ask("POST", "/api/costs/budgets", "acme.narrow", json={"amount": "5"})
    digest = await api.ask("GET", "/api/insight/digest", "acme.narrow")

    assert [entry["calls"] for entry in book.json()["data"]] == [1]
    assert tenants.status_code == 400
    assert (other.status_code, budget.status_code, digest.status_code) == (404, 404, 404)


async def test_budgets_are_made_listed_and_removed(api):
    made = await api.ask("POST", "/api/costs/budgets", "acme.manage", json={"amount": "0.60", "name": "all of it"})
    id = made.json()["data"]["id"]
    standing = (await api.ask("GET", "/api/costs/budgets", "acme.read")).json()["data"][0]
    others = (await api.ask("GET", "/api/costs/budgets", "globex.read")).json()["data"]
    theirs = await api.ask("DELETE", f"/api/costs/budgets/{id}", "globex.manage")
    mine = await api.ask("DELETE", f"/api/costs/budgets/{id}", "acme.manage")

    assert made.status_code == 201
    assert (standing["budget"]["name"], standing["budget"]["amount"], standing["spent"]) == ("all of it", "0.60", "0")
    assert [one["budget"]["tenant"] for one in others] == ["globex"]
    assert (theirs.status_code, mine.status_code) == (404, 200)


@pytest.mark.parametrize(
    "body",
    [
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "much"},
        {"amount": "5", "thresholds": []},
        {"amount": "5", "by": "app"},
        {"amount": "5", "window": "year"},
        {"amount": "5", "extra": 1},
    ],
)
async def test_a_budget_that_is_none_is_refused(api, body):
    answer = await api.ask("POST", "/api/costs/budgets", "acme.manage", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in {"field_invalid", "field_unknown"}


async def test_an_export_is_held_against_the_ledger(api):
    export = {
        "data": [
            {
                "start_time": START // 10**9,
                "results": [{"model": "gpt-x", "num_model_requests": 1, "input_tokens": 5, "output_tokens": 1}],
            }
        ]
    }

    answer = await api.ask("POST", "/api/costs/reconcile", "acme.read", json={"text": json.dumps(export)})
    wrong = await api.ask("POST", "/api/costs/reconcile", "acme.read", json={"text": "a,b\n1,2"})

    (model,) = answer.json()["data"]["models"]
    assert (model["model"], model["elsewhere"], model["verdict"]) == ("gpt-x", 6, "explained")
    assert (wrong.status_code, wrong.json()["error"]["place"]) == (400, "text")
    assert "line 1" in wrong.json()["error"]["message"]


async def test_outcomes_for_each_dollar_are_told(api):
    rows = [
        TraceRow(
            id=f"w{n:03}",
            started_ns=START,
            duration_ns=1,
            app="handbook",
            definition="h",
            tenant="acme",
            cost=Decimal("0.1"),
        )
        for n in range(40)
    ]
    api.told.kept += [Trace(row=row) for row in rows]
    await api.scores.put(
        [
            Score(id=row.id, tenant="acme", app="handbook", trace=row.id, name="resolved", value=n < 30, number=float(n < 30),
                  source="user", judged_ns=START - 1, created_ns=START)
            for n, row in enumerate(rows)
        ]
    )  # fmt: skip

    answer = await api.ask("GET", f"/api/costs/worth?score=resolved&until_ns={START + 1}", "acme.read")

    (found,) = answer.json()["data"]
    assert (found["good"], found["judged"]) == (30, 40)
    assert found["per_dollar"]["value"] == pytest.approx(7.5)


async def test_errors_are_grouped_and_their_state_is_kept(api):
    api.told.kept += [failed(number) for number in range(1, 4)] + [failed(9, "globex")]

    group, _ = (await api.ask("GET", "/api/errors", "acme.read")).json()["data"]
    theirs = await api.ask("GET", f"/api/errors/{group['id']}", "globex.read")
    changed = await api.ask(
        "PATCH", f"/api/errors/{group['id']}", "acme.manage", json={"state": "solved", "note": "a bad cable"}
    )
    solved = (await api.ask("GET", "/api/errors?state=solved", "acme.read")).json()["data"]

    assert (group["title"], group["place"], sum(group["hours"].values())) == (
        "connection <n> was cut",
        "retrieve.ground",
        3,
    )
    assert theirs.json()["data"]["hours"] != group["hours"]
    assert changed.json()["data"]["note"] == "a bad cable"
    assert [one["id"] for one in solved] == [group["id"]]


async def test_an_error_is_explained_with_evidence_when_a_model_is_set(api):
    id = api.ids["acme.error"]

    told = await api.ask("POST", f"/api/errors/{id}/explain", "acme.manage")
    kept = await api.ask("GET", f"/api/errors/{id}", "acme.read")

    assert told.json()["data"]["explanation"] == f"The line of acme was cut [span {'c' * 16}]."
    assert kept.json()["data"]["explanation"] == told.json()["data"]["explanation"]


async def test_a_key_of_one_app_sees_that_apps_errors_only(api):
    api.told.kept += [failed(1), failed(2, app="shop")]
    await api.key("acme.narrow", scopes=("manage",), apps=("shop",))
    groups = (await api.ask("GET", "/api/errors", "acme.read")).json()["data"]
    hidden = next(group for group in groups if group["app"] == "handbook")

    seen = (await api.ask("GET", "/api/errors", "acme.narrow")).json()["data"]
    direct = await api.ask("GET", f"/api/errors/{hidden['id']}", "acme.narrow")
    change = await api.ask("PATCH", f"/api/errors/{hidden['id']}", "acme.narrow", json={"state": "ignored"})

    assert {group["app"] for group in seen} == {"shop"}
    assert (direct.status_code, change.status_code) == (404, 404)


@pytest.mark.parametrize(
    "path",
    [
        "/api/insight/latency",
        "/api/insight/regression?score=stars",
        "/api/insight/users?steps=search,ask",
        "/api/insight/digest",
        "/api/costs/forecast?days=7",
        "/api/costs/review",
        "/api/costs/anomalies",
    ],
)
async def test_each_question_is_answered_though_there_is_little_to_tell(api, path):
    answer = await api.ask("GET", path, "acme.read")

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/api/insight/latency?tenant=acme",
        "/api/insight/regression?score=stars&tenant=acme",
        "/api/insight/users?tenant=acme",
        "/api/insight/digest?tenant=acme",
        "/api/costs/forecast?tenant=acme",
        "/api/costs/review?tenant=acme",
    ],
)
async def test_another_tenants_answers_do_not_exist(api, path):
    answer = await api.ask("GET", path, "globex.manage")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/api/insight/latency?since_ns=1",
        "/api/insight/latency?baseline_since_ns=5",
        "/api/insight/digest?since_ns=1",
        "/api/costs?every=hour&since_ns=1",
        "/api/costs?by=colour",
        "/api/costs/forecast?days=0",
        "/api/insight/regression",
        "/api/insight/users?every_ns=1",
    ],
)
async def test_a_wrong_question_is_a_clear_mistake(api, path):
    answer = await api.ask("GET", path, "acme.read")

    assert answer.status_code == 400
    assert answer.json()["error"]["place"]
