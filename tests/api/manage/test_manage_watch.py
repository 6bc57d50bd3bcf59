"""Objectives, alerts and incidents by the management API: who may do what, and what is refused."""

import pytest

from rowen.watch.alert import Alert
from rowen.watch.incident import Incident
from rowen.watch.notice import Silence

START = 1_800_000_000_000_000_000


async def test_an_incident_goes_from_opened_to_learned_from(api):
    opened = (await api.ask("POST", "/api/incidents", "acme.manage", json={"title": "Slow", "severity": "sev2"})).json()
    id = opened["data"]["id"]
    api.clock.ns += 60 * 10**9
    await api.ask("POST", f"/api/incidents/{id}/notes", "acme.manage", json={"what": "rolled back"})
    api.clock.ns += 60 * 10**9
    change = {"state": "resolved", "cause": "A timeout of zero.", "actions": [{"what": "Refuse zero", "owner": "bo"}]}
    closed = (await api.ask("PATCH", f"/api/incidents/{id}", "acme.manage", json=change)).json()["data"]
    page = (await api.ask("GET", f"/api/incidents/{id}/postmortem", "acme.read")).json()["data"]["markdown"]

    assert [moment["what"] for moment in closed["timeline"]] == ["opened", "rolled back", "resolved"]
    assert closed["ended_ns"] - closed["began_ns"] == 120 * 10**9
    assert "A timeout of zero." in page
    assert "- [ ] Refuse zero — bo" in page
    assert {"incident.open", "incident.change"} <= {line.act for line in api.log.lines}


async def test_an_incident_that_is_opened_again_has_no_end(api):
    for state in ("resolved", "open"):
        answer = await api.ask("PATCH", "/api/incidents/incident-acme", "acme.manage", json={"state": state})

    assert answer.json()["data"].get("ended_ns") is None


async def test_an_alert_is_acknowledged_once_and_by_whom_is_kept(api):
    for minutes in (0, 5):
        api.clock.ns += minutes * 60 * 10**9
        found = (
            await api.ask("POST", "/api/alerts/alert-acme/acknowledge", "acme.manage", json={"noise": True})
        ).json()

    assert (found["data"]["acknowledged_ns"], found["data"]["acknowledged_by"]) == (START, api.ids["acme.manage"])
    assert found["data"]["noise"]


async def test_a_tenant_cannot_silence_the_alerts_of_the_operator(api):
    await api.ask("POST", "/api/silences", "acme.manage", json={"why": "hush", "minutes": 5})
    await api.ask("POST", "/api/silences", "acme.admin", json={"why": "load test", "minutes": 5})
    alert = (await Alert.shelf(api.small).get("alert-acme")).but(tenant="default")

    covering = [each.why for each in await Silence.shelf(api.small).find() if each.covers(alert, START + 1)]

    assert covering == ["load test"]


async def test_a_silence_ends_at_once(api):
    await api.ask("DELETE", "/api/silences/silence-acme", "acme.manage")
    api.clock.ns += 1

    assert (await api.ask("GET", "/api/silences", "acme.read")).json()["data"] == []


async def test_a_contact_is_tested_and_then_on_call_is_readier(api):
    before = (await api.ask("GET", "/api/oncall", "acme.admin")).json()["data"]["faults"]
    sent = (await api.ask("POST", "/api/contacts/test", "acme.admin", json={"contact": "pager"})).json()["data"]
    after = (await api.ask("GET", "/api/oncall", "acme.admin")).json()["data"]["faults"]

    assert (sent["state"], [notice.what for notice in api.notices]) == ("sent", ["test"])
    assert len(before) == len(after) + 1
    assert (await api.ask("POST", "/api/contacts/test", "acme.admin", json={"contact": "nobody"})).status_code == 404


async def test_figures_are_counted_for_the_tenant_that_hands_them_in(api):
    taken = (
        await api.ask("POST", "/api/measures", "acme.manage", json={"measure": "cpu", "values": [0.5, 0.7]})
    ).json()

    assert taken["data"] == {"taken": 2, "objectives": 0}
    (cell,) = await api.store.measures.find("handbook", "reported/cpu", tenant="acme")
    assert (cell.total, round(cell.sum, 9)) == (2, 1.2)
    assert await api.store.measures.find("handbook", "reported/cpu", tenant="globex") == []


async def test_each_tenant_sees_how_things_stand_for_its_own_calls(api):
    for tenant, good in (("acme", 10), ("globex", 1)):
        await api.store.measures.add(api.cell(tenant, good, 10))

    async def figure(who: str):
        (row,) = (await api.ask("GET", "/api/objectives", who)).json()["data"]
        return row["standing"].get("good", 0)

    assert [await figure(who) for who in ("acme.read", "globex.read", "acme.admin")] == [10, 1, 11]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/incidents", {}),
        ("/api/incidents", {"title": ""}),
        ("/api/incidents", {"title": "a", "severity": "sev9"}),
        ("/api/silences", {"why": "x", "minutes": 0}),
        ("/api/silences", {"minutes": 5}),
        ("/api/measures", {"measure": "cpu", "values": []}),
        ("/api/measures", {"measure": "cpu", "values": ["high"]}),
        ("/api/measures", {"measure": "cpu", "values": [1e300]}),
        ("/api/drills", {"what": "x", "seconds": -1}),
        ("/api/incidents/incident-acme/notes", {"what": ""}),
        ("/api/incidents/incident-acme/notes", {"what": "x", "who": "me"}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_kept(api, path, body):
    before = await Incident.shelf(api.small).find()

    answer = await api.ask("POST", path, "acme.manage", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["place"]
    assert await Incident.shelf(api.small).find() == before


@pytest.mark.parametrize(
    "path", ["/api/objectives", "/api/agreements", "/api/indicators", "/api/status", "/api/alerts"]
)
async def test_a_key_for_one_app_sees_no_other(api, path):
    await api.key("narrow", scopes=("read",), apps=("shop",))

    answer = await api.ask("GET", f"{path}?app=handbook", "narrow")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_the_generated_rules_are_those_of_the_command_line(api):
    made = (await api.ask("GET", "/api/objectives/export", "acme.admin")).json()["data"]

    assert "slo:sli_error:ratio_rate5m" in made["prometheus"]
    assert [each["kind"] for each in made["openslo"]] == ["Service", "SLO"]


async def test_a_digest_is_of_a_month_at_most(api):
    answer = await api.ask("GET", "/api/digest?since_ns=1", "acme.admin")

    assert (answer.status_code, answer.json()["error"]["place"]) == (400, "since_ns")
