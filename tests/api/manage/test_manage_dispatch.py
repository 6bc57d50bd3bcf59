"""An alert has the suites of an app run: the body of any webhook will do, and a repeated alert begins nothing twice."""

import pytest

from rowen.watch.alert import Alert, Firing
from rowen.watch.notice import Notice
from rowen.watch.send import body_of

ALERTMANAGER = {
    "version": "4",
    "status": "firing",
    "commonLabels": {"app": "handbook", "slo": "answers"},
    "alerts": [{"status": "firing", "labels": {}}],
}


async def sent(api, body, query="", who="acme.manage"):
    return await api.ask("POST", f"/api/runs/dispatch{query}", who, json=body)


async def test_rowens_own_webhook_begins_a_run_that_asks_everything_anew(api):
    firing = Firing(said="9 of 10 bad")
    alert = Alert(id="a", app="handbook", objective="up", severity="page", fired_ns=1, firing=firing)
    notice = Notice(
        id="n1", app="handbook", contact="ci", what="firing", group="g", alerts=(alert,), made_ns=1, due_ns=1
    )

    answer = await sent(api, body_of(notice))

    (run,) = answer.json()["data"]
    assert answer.status_code == 202
    assert (run["app"], run["suite"], run["target"]["definition"]) == ("handbook", "smoke", "hash-handbook")
    assert run["note"] == f"for an alert: {notice.subject}"
    assert "up" in notice.subject
    assert [job.kind for job in await api.jobs.find(app="handbook") if job.input.get("run") == run["id"]]


async def test_an_alert_that_repeats_begins_nothing_twice_within_the_hour(api):
    first = (await sent(api, ALERTMANAGER)).json()["data"]
    again = (await sent(api, ALERTMANAGER)).json()["data"]
    api.clock.ns += 3_600_000_000_001
    waiting = (await sent(api, ALERTMANAGER)).json()["data"]

    assert [one["id"] for one in first] == [one["id"] for one in again] == [one["id"] for one in waiting]


async def test_what_is_over_begins_nothing(api):
    answer = await sent(api, {**ALERTMANAGER, "status": "resolved"})

    assert answer.json()["data"] == []


async def test_the_address_says_what_a_strange_body_does_not(api):
    answer = await sent(api, {"event_type": "deploy"}, "?app=handbook&suite=smoke")

    (run,) = answer.json()["data"]
    assert run["note"] == "for an alert: deploy"


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        ({}, "", "not_found"),
        ({"app": 7}, "", "not_found"),
        ({"app": "nothing"}, "", "not_found"),
        ({"app": "handbook"}, "?suite=nothing", "not_found"),
        ([1], "", "field_invalid"),
    ],
)
async def test_what_means_no_suite_is_told_so(api, body, query, code):
    answer = await sent(api, body, query)

    assert answer.json()["error"]["code"] == code


async def test_a_key_of_another_app_begins_nothing(api):
    await api.key("shop", scopes=("manage",), apps=("shop",))

    answer = await sent(api, ALERTMANAGER, who="shop")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
