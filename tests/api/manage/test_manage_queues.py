"""Review by the management API: blind to one another, over HTTP."""


async def test_a_queue_is_made_filled_judged_and_becomes_cases(api):
    made = await api.ask(
        "POST", "/api/queues", "acme.manage", json={"name": "Weekly", "guidelines": "Is it right?", "asked": ["stars"]}
    )
    path = f"/api/queues/{made.json()['data']['id']}"
    filled = await api.ask("POST", f"{path}/fill", "acme.manage", json={"traces": ["acme0"]})
    (listed,) = (await api.ask("GET", f"{path}/items", "acme.manage")).json()["data"]
    item = (await api.ask("POST", f"{path}/next", "acme.read")).json()["data"]
    judged = await api.ask(
        "POST",
        f"{path}/items/{item['id']}/submit",
        "acme.read",
        json={"values": {"stars": 2}, "reason": "Half of it.", "correction": "All of it."},
    )
    case = await api.ask("POST", "/api/cases", "acme.manage", json={"trace": item["trace"], "dataset": "weekly"})
    progress = (await api.ask("GET", path, "acme.read")).json()["data"]

    assert filled.json()["data"] == {"added": 1}
    known = (await api.ask("GET", "/api/traces/acme0", "acme.read")).json()["data"]["row"]
    assert {name: listed.get(name) for name in ("app", "asked", "said", "started_ns")} == {
        name: known.get(name) for name in ("app", "asked", "said", "started_ns")
    }
    assert listed["why"] == f"put there by {api.ids['acme.manage']}"
    assert judged.json()["data"]["settled"] == {"stars": 2.0}
    assert (progress["done"], progress["queue"]["guidelines"]) == (1, "Is it right?")
    assert case.json()["data"]["expected"] == "All of it."
    assert (await api.ask("POST", f"{path}/next", "acme.read")).json() == {"data": None}
    scores = (await api.ask("GET", "/api/scores?trace=acme0&source=person", "acme.read")).json()["data"]
    assert {(score["name"], score["value"], score["by"]) for score in scores} == {
        ("stars", 2.0, api.ids["acme.read"]),
        ("correction", "All of it.", api.ids["acme.read"]),
    }


async def test_a_rater_does_not_see_what_another_said_before_all_have(api):
    path = "/api/queues/queue-acme"
    item = (await api.ask("POST", f"{path}/next", "acme.read")).json()["data"]
    body = {"values": {"thumbs": True}}
    await api.ask("POST", f"{path}/items/{item['id']}/submit", "acme.read", json=body)

    seen = (await api.ask("POST", f"{path}/next", "acme.manage")).json()["data"]
    after = await api.ask("POST", f"{path}/items/{item['id']}/submit", "acme.manage", json=body)

    assert seen["id"] == item["id"]
    assert not {"opinions", "why"} & set(seen)
    assert len(after.json()["data"]["opinions"]) == 2


async def test_only_who_manages_sees_all_items_and_decides(api):
    for method, path in (("GET", "items"), ("POST", f"items/{api.ids['acme.disputed']}/decide")):
        body = {"json": {"values": {"thumbs": True}}} if method == "POST" else {}
        refused = await api.ask(method, f"/api/queues/queue-acme/{path}", "acme.read", **body)
        assert refused.status_code == 403

    listed = (await api.ask("GET", "/api/queues/queue-acme/items?state=disputed", "acme.manage")).json()["data"]
    assert [item["id"] for item in listed] == [api.ids["acme.disputed"]]


async def test_items_are_paged(api):
    first = (await api.ask("GET", "/api/queues/queue-acme/items?limit=1", "acme.manage")).json()
    rest = (await api.ask("GET", f"/api/queues/queue-acme/items?limit=1&before={first['next']}", "acme.manage")).json()

    assert first["data"][0]["id"] != rest["data"][0]["id"]
    assert rest["next"] == ""


async def test_another_tenants_trace_cannot_be_put_into_a_queue(api):
    answer = await api.ask("POST", "/api/queues/queue-globex/fill", "globex.manage", json={"traces": ["acme0"]})

    assert (answer.status_code, answer.json()["error"]["place"]) == (404, "traces")


async def test_a_key_of_some_apps_sees_their_queues_and_cases_only(api):
    await api.key("few", apps=("shop",), scopes=("manage",))

    assert (await api.ask("GET", "/api/queues", "few")).json()["data"] == []
    assert (await api.ask("GET", "/api/queues/queue-acme", "few")).status_code == 404
    assert (await api.ask("GET", "/api/cases", "few")).json()["data"] == []
    assert (await api.ask("GET", "/api/cases/reviewed:acme0", "few")).status_code == 404
    made = await api.ask("POST", "/api/queues", "few", json={"name": "n"})
    assert made.json()["data"]["app"] == "shop"
