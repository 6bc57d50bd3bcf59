"""Scores by the management API: who may send what, and what is told of them."""

import pytest

from rowen.values import Secret


async def send(api, who: str, *scores, **more):
    body = scores[0] if len(scores) == 1 else list(scores)
    return await api.ask("POST", "/api/scores", who, json=body, **more)


def thumb(**fields):
    return {"name": "thumbs", "value": True, "trace": "acme1", **fields}


async def test_a_score_sent_by_a_calling_key_is_kept_beside_its_trace(api):
    answer = await send(api, "acme.call", thumb(reason="Just what I needed."))

    (kept,) = answer.json()["data"]
    found = (await api.ask("GET", f"/api/scores/{kept['id']}", "acme.read")).json()["data"]
    assert answer.status_code == 201
    assert found == kept
    assert (kept["app"], kept["type"], kept["number"], kept["source"]) == ("shop", "boolean", 1.0, "user")


async def test_a_list_is_kept_whole_or_not_at_all(api):
    wrong = await send(api, "acme.call", thumb(), {"name": "stars", "value": 7, "trace": "acme1"})
    listed = (await api.ask("GET", "/api/scores?trace=acme1&source=user", "acme.read")).json()["data"]
    good = await send(api, "acme.call", thumb(), {"name": "stars", "value": 4, "trace": "acme1"})

    error = wrong.json()["error"]
    assert (wrong.status_code, error["code"], error["place"]) == (400, "field_invalid", "[1].value")
    assert "a whole number from 1 to 5, not 7" in error["message"]
    assert listed == []
    assert [score["name"] for score in good.json()["data"]] == ["thumbs", "stars"]


async def test_a_reading_key_sends_no_scores_and_a_managing_one_does(api):
    refused = await send(api, "acme.read", thumb())
    taken = await send(api, "acme.manage", thumb())

    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "key_scope")
    assert taken.status_code == 201


async def test_a_persons_score_needs_somebody_who_manages_or_is_signed_in(api):
    refused = await send(api, "acme.call", thumb(source="person"))
    taken = await send(api, "acme.manage", thumb(source="person"))

    assert (refused.status_code, refused.json()["error"]["place"]) == (403, "source")
    assert taken.json()["data"][0]["by"] == api.ids["acme.manage"]


async def test_whoever_is_signed_in_and_reads_judges_as_a_person_and_as_nothing_else(api):
    session = await api.sessions.sign_in(Secret(api.secrets["acme.read"]), "192.0.2.7")
    headers = {"cookie": api.sessions.cookie(session, secure=False).split(";")[0]}
    headers["x-csrf-token"] = (await api.ask("GET", "/api/me", headers=headers)).json()["data"]["csrf"]

    taken = await send(api, "", thumb(source="person"), headers=headers)
    refused = await send(api, "", thumb(source="rule"), headers=headers)
    forged = await send(api, "", thumb(source="person"), headers={"cookie": headers["cookie"]})

    assert taken.json()["data"][0]["by"] == api.ids["acme.read"]
    assert (refused.status_code, refused.json()["error"]["place"]) == (403, "source")
    assert (forged.status_code, forged.json()["error"]["code"]) == (403, "csrf_failed")


@pytest.mark.parametrize("path", ["/api/feedback", "/api/feedback/segments", "/api/feedback/interactions"])
async def test_what_another_tenants_users_say_is_not_told(api, path):
    answer = await api.ask("GET", f"{path}?tenant=acme", "globex.manage")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


async def test_another_tenants_score_is_neither_seen_nor_summed_nor_deleted(api):
    for path in ("/api/scores?trace=acme0", "/api/scores/stats?name=stars&since_ns=1&every_ns=31622400000000000"):
        assert (await api.ask("GET", path, "globex.read")).json()["data"] == []
    for method in ("GET", "DELETE"):
        answer = await api.ask(method, "/api/scores/score-acme", "globex.manage")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")

    assert (await api.ask("GET", "/api/scores/score-acme", "acme.read")).status_code == 200


async def test_scores_are_paged(api):
    for number in range(3):
        api.clock.ns += 1
        await send(api, "acme.call", thumb(id=f"s{number}", source="rule"))

    first = (await api.ask("GET", "/api/scores?limit=2&source=rule", "acme.read")).json()
    rest = (await api.ask("GET", f"/api/scores?limit=2&source=rule&before={first['next']}", "acme.read")).json()

    assert [score["id"] for score in (*first["data"], *rest["data"])] == ["s2", "s1", "s0"]
    assert rest["next"] == ""


async def test_a_deleted_score_is_gone_also_from_the_sums_and_the_act_is_on_record(api):
    window = f"since_ns={api.clock.ns - 1}&until_ns={api.clock.ns + 10**12}"
    before = (await api.ask("GET", f"/api/scores/stats?name=stars&{window}", "acme.read")).json()["data"]

    answer = await api.ask("DELETE", "/api/scores/score-acme", "acme.manage")

    after = (await api.ask("GET", f"/api/scores/stats?name=stars&{window}", "acme.read")).json()["data"]
    assert answer.status_code == 200
    assert (before[0]["count"], before[0]["labels"], after) == (1, {"5": 1}, [])
    assert ("score.delete", "score-acme") in [(line.act, line.target) for line in api.log.lines]


async def test_a_mean_has_its_interval_and_one_number_alone_has_none(api):
    window = f"name=grounded&since_ns={api.clock.ns - 1}&until_ns={api.clock.ns + 10**12}"

    async def stat():
        return (await api.ask("GET", f"/api/scores/stats?{window}", "acme.read")).json()["data"][0]

    await send(api, "acme.call", thumb(name="grounded", value=0.5, source="model"))
    alone = await stat()
    await send(api, "acme.call", *(thumb(name="grounded", value=value, source="model") for value in (0.25, 0.75)))
    several = await stat()

    assert (alone["mean"], alone.get("low"), alone.get("high")) == (0.5, None, None)
    # Student's t with 2 degrees of freedom: 0.5 ± 4.302653 · 0.25 / √3
    assert several["mean"] == 0.5
    assert several["low"] == pytest.approx(0.5 - 4.302652729911275 * 0.25 / 3**0.5)
    assert several["high"] == pytest.approx(0.5 + 4.302652729911275 * 0.25 / 3**0.5)


async def test_a_config_is_made_used_and_removed(api):
    body = {"type": "category", "categories": {"kind": 1, "rude": 0}}
    made = await api.ask("PUT", "/api/score-configs/tone", "acme.manage", json=body)
    label = await send(api, "acme.call", thumb(name="tone", value="kind"))
    wrong = await send(api, "acme.call", thumb(name="tone", value="loud"))
    elsewhere = await send(api, "globex.call", thumb(name="tone", value="loud"))
    removed = await api.ask("DELETE", "/api/score-configs/tone", "acme.manage")
    afterwards = await send(api, "acme.call", thumb(name="tone", value="loud"))

    assert made.json()["data"]["tenant"] == "acme"
    assert label.json()["data"][0]["number"] == 1.0
    assert wrong.status_code == 400
    assert "one of 'kind', 'rude'" in wrong.json()["error"]["message"]
    assert {elsewhere.status_code, afterwards.status_code} == {201}
    assert removed.status_code == 200


async def test_built_in_configs_are_shown_and_stay(api):
    listed = (await api.ask("GET", "/api/score-configs", "acme.read")).json()["data"]
    changed = await api.ask("PUT", "/api/score-configs/nps", "acme.manage", json={})
    removed = await api.ask("DELETE", "/api/score-configs/nps", "acme.manage")

    assert {"thumbs", "stars", "csat", "nps", "tone.acme"} <= {config["name"] for config in listed}
    assert "tone.globex" not in {config["name"] for config in listed}
    assert {changed.status_code, removed.status_code} == {409}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"name": "thumbs", "trace": "t"}, "body"),
        ({"name": "thumbs", "value": True, "trace": "t", "vaule": 1}, "body.vaule"),
        ({"name": "thumbs", "value": None, "trace": "t"}, "value"),
        ({"name": "thumbs", "value": True, "trace": "t", "source": "guard"}, "source"),
        ([], "body"),
        ([{"name": "x"}], "[0]"),
    ],
)
async def test_bad_input_is_named(api, body, place):
    answer = await api.ask("POST", "/api/scores", "acme.call", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["place"] == place
