"""Traces, models and definitions over the API."""

from decimal import Decimal

import pytest

from rowen.api.manage.traces import TraceParams
from rowen.store.base import TraceFilter


def test_every_field_of_the_filter_is_a_parameter():
    # `q` is the line of text that `where` is read from; what is sorted has been found by then.
    assert set(TraceParams.__struct_fields__) - {"q", "sort", "order"} == set(TraceFilter.__struct_fields__) - {"where"}


async def test_every_parameter_reaches_the_store(api):
    words = (
        "name",
        "environment",
        "release",
        "tag",
        "within",
        "model",
        "deployment",
        "provider",
        "key",
        "user",
        "session",
        "feature",
        "code",
        "source",
        "text",
        "app",
    )
    query = "&".join(f"{word}={word}-x" for word in words)

    await api.ask(
        "GET",
        f"/api/traces?{query}&status=failed&origin=spans&complete=false&since_ns=1&until_ns=2&slower_ms=3&dearer=0.25&before=z&limit=7",
        "acme.read",
    )

    assert api.told.asked == [
        TraceFilter(
            tenant="acme",
            status="failed",
            origin="spans",
            complete=False,
            since_ns=1,
            until_ns=2,
            slower_ms=3,
            dearer=Decimal("0.25"),
            before="z",
            limit=8,
            **{word: f"{word}-x" for word in words},
        )
    ]


async def test_traces_come_page_by_page(api):
    first = (await api.ask("GET", "/api/traces?limit=1", "acme.read")).json()
    last = (await api.ask("GET", f"/api/traces?limit=1&before={first['next']}", "acme.read")).json()

    assert [row["id"] for row in first["data"] + last["data"]] == ["acme1", "acme0"]
    assert (first["next"], last["next"]) == (api.told.kept[1].row.cursor, "")


async def test_one_trace_comes_whole(api):
    trace = (await api.ask("GET", "/api/traces/acme0", "acme.read")).json()["data"]

    assert trace["row"]["app"] == "handbook"
    assert trace["request"]["messages"][0]["parts"][0]["text"] == "hello from acme"


async def test_a_key_for_one_app_sees_that_app_only(api):
    await api.key("narrow", scopes=("read", "admin"), apps=("shop",))

    rows = (await api.ask("GET", "/api/traces", "narrow")).json()["data"]
    statuses = [
        (await api.ask("GET", path, "narrow")).status_code
        for path in ("/api/traces/acme0", "/api/traces/acme1", "/api/traces?app=handbook", "/api/definitions/hash-shop")
    ]
    hidden = (await api.ask("GET", "/api/definitions/hash-handbook", "narrow")).status_code
    models = (await api.ask("GET", "/api/models", "narrow")).json()["data"]
    apps = (await api.ask("GET", "/api/traces/values?column=app", "narrow")).json()["data"]

    assert {row["app"] for row in rows} == {"shop"}
    assert (statuses, hidden) == ([404, 200, 404, 200], 404)
    assert [model["app"] for model in models] == apps == ["shop"]


async def test_a_key_for_several_apps_lists_them_together_page_by_page(api):
    await api.key("two", scopes=("read",), apps=("shop", "handbook"))
    await api.key("gone", scopes=("read",), apps=("shop", "attic"))

    first = (await api.ask("GET", "/api/traces?limit=1", "two")).json()
    last = (await api.ask("GET", f"/api/traces?limit=1&before={first['next']}", "two")).json()
    fewer = (await api.ask("GET", "/api/traces", "gone")).json()["data"]
    named = await api.ask("GET", "/api/traces?app=attic", "two")

    assert [row["id"] for row in first["data"] + last["data"]] == ["acme1", "acme0"]
    assert (last["next"], [row["app"] for row in fewer], named.status_code) == ("", ["shop"], 404)


_LISTS = (
    "alerts", "cases", "choices", "datasets", "drills", "errors", "incidents", "jobs", "notices", "rules", "runs", "scores",
    "scores/names",
)  # fmt: skip


async def test_a_key_for_several_apps_lists_what_is_theirs_and_nothing_else(api):
    for apps in (("handbook", "attic"), ("attic", "shop")):
        await api.key(apps[0], scopes=("read", "manage"), apps=apps)

    shown, expected = {}, {}
    for path in _LISTS:
        whole = (await api.ask("GET", f"/api/{path}", "acme.manage")).json()["data"]
        for who, app in (("handbook", "handbook"), ("attic", "shop")):
            shown[path, app] = (await api.ask("GET", f"/api/{path}", who)).json().get("data")
            expected[path, app] = [row for row in whole if app_in(row) == app]

    assert shown == expected
    assert sum(map(bool, expected.values())) >= 8


def app_in(row) -> str:
    return row.get("app") or row.get("rule", {}).get("app", "")


async def test_a_key_for_several_apps_gets_their_sums_together_and_names_one_for_costs(api):
    await api.key("two", scopes=("read",), apps=("shop", "handbook"))

    stats = (await api.ask("GET", "/api/traces/stats", "two")).json()["data"]
    scores = (await api.ask("GET", "/api/scores/stats?name=stars", "two")).status_code
    costs = await api.ask("GET", "/api/costs", "two")

    assert [asked["app"] for asked in api.told.asked] == ["handbook", "shop"]
    assert [(row["calls"], row["durations"]) for row in stats] == [(4, {"7": 4})]  # what the store told of each
    assert (scores, costs.json()["error"]["place"]) == (200, "app")


async def test_sums_are_of_the_last_day_by_the_hour(api):
    answer = await api.ask("GET", "/api/traces/stats?by=model", "acme.read")

    day, hour = 86_400 * 10**9, 3_600 * 10**9
    now = api.clock.ns
    asked = {"tenant": "acme", "since_ns": now - day, "until_ns": now, "every_ns": hour, "by": "model", "app": ""}
    assert api.told.asked == [asked]
    assert answer.json()["data"] == [
        {"start_ns": now - day, "calls": 2, "cost": "0.5", "durations": {"7": 2}},
    ]


@pytest.mark.parametrize(
    ("query", "status"),
    [("since_ns=1&until_ns=9000000000000000000", 400), ("since_ns=9&until_ns=5", 200), ("every_ns=1", 400)],
)
async def test_no_question_makes_endless_sums(api, query, status):
    answer = await api.ask("GET", f"/api/traces/stats?{query}", "acme.read")

    assert answer.status_code == status
    assert api.told.asked == [] or status == 200


async def test_models_show_their_health(api):
    (first, *_) = (await api.ask("GET", "/api/models", "acme.read")).json()["data"]

    assert (first["healthy"], first["state"]) == (True, "closed")
    assert first["deployment"]["provider"] == "echo"


async def test_an_admin_reads_what_ran_here(api):
    rows = (await api.ask("GET", "/api/definitions?app=shop", "acme.admin")).json()["data"]
    whole = (await api.ask("GET", "/api/definitions/hash-shop", "acme.admin")).json()["data"]

    assert [row["hash"] for row in rows] == ["hash-shop"]
    assert whole["source"] == {"app": {"name": "shop"}}


async def test_the_audit_shows_a_tenant_its_own_lines(api):
    lines = (await api.ask("GET", "/api/audit?limit=2", "acme.manage")).json()
    sound = (await api.ask("GET", "/api/audit/check", "acme.admin")).json()["data"]

    assert {line["tenant"] for line in lines["data"]} == {"acme"}
    assert lines["next"]
    assert sound == {"sound": True, "broken_at": ""}


@pytest.mark.parametrize(("order", "took"), [("desc", [9, 5, 5, 2]), ("asc", [2, 5, 5, 9])])
async def test_what_was_found_is_sorted(api, order: str, took: list[int]):
    for at, each in ((0, 9), (1, 2)):
        api.told.kept[at] = api.told.kept[at].but(row=api.told.kept[at].row.but(duration_ns=each))

    answer = (await api.ask("GET", f"/api/traces?sort=took&order={order}", "acme.admin")).json()

    assert ([row["duration_ns"] for row in answer["data"]], answer["next"]) == (took, "")
    assert api.told.asked[-1].limit == 500


@pytest.mark.parametrize("path", ["/api/sessions", "/api/end-users"])
async def test_sessions_and_users_are_paged_and_every_parameter_reaches_the_store(api, path: str):
    more = "&user=ann" if path == "/api/sessions" else ""

    page = (await api.ask("GET", f"{path}?app=shop&since_ns=5&until_ns=9&limit=1&before=c{more}", "acme.admin")).json()

    asked = api.told.asked[-1]
    assert len(page["data"]) == 1
    assert page["next"]
    assert {**asked, "user": "ann"} == {
        "tenant": None, "app": "shop", "since_ns": 5, "until_ns": 9, "before": "c", "limit": 2, "user": "ann",
    }  # fmt: skip
    assert ("user" in asked) == (path == "/api/sessions")
