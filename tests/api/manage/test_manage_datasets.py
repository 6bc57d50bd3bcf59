"""Data sets by the management API."""

import pytest

CASES = {"cases": [{"input": "When?", "expected": "In May."}, {"id": "b", "input": "Why?", "user": "ann"}]}


async def test_cases_are_brought_kept_compared_and_split(api):
    added = (await api.ask("POST", "/api/datasets/golden/cases", "acme.manage", json=CASES)).json()["data"]
    again = (await api.ask("POST", "/api/datasets/golden/cases", "acme.manage", json=CASES)).json()["data"]
    kept = await api.ask("POST", "/api/datasets/golden/versions", "acme.manage", json={"note": "first"})
    version = kept.json()["data"]["hash"]
    changed = {"cases": [{"id": "b", "input": "Why not?"}], "synthetic": True}
    await api.ask("POST", "/api/datasets/golden/cases", "acme.manage", json=changed)

    changes = (await api.ask("GET", f"/api/datasets/golden/changes?earlier={version[:8]}", "acme.read")).json()["data"]
    now = (await api.ask("GET", "/api/datasets/golden", "acme.read")).json()["data"]
    old = (await api.ask("GET", f"/api/datasets/golden/cases?version={version[:8]}", "acme.read")).json()["data"]
    parts = (await api.ask("POST", "/api/datasets/golden/split", "acme.read", json={})).json()["data"]["parts"]

    assert (added, again) == ({"new": 2, "changed": 0, "same": 0}, {"new": 0, "changed": 0, "same": 2})
    assert changes == {"changed": ["golden:b"]}
    assert (now["made_of"]["n"], now["made_of"]["synthetic"], now["age"]) == (2, 1, "fresh")
    assert {case["input"] for case in old} == {"When?", "Why?"}
    assert sorted(id for ids in parts.values() for id in ids) == sorted(case["id"] for case in old)
    listed = (await api.ask("GET", "/api/datasets/golden/versions", "acme.read")).json()["data"]
    assert [(each["note"], each["n"]) for each in listed] == [("first", 2)]


async def test_a_data_set_past_its_day_says_so(api):
    body = {"about": "Of the barn.", "owner": "ann", "expires": "2020-01-01"}
    await api.ask("PUT", "/api/datasets/set.acme", "acme.manage", json=body)

    found = (await api.ask("GET", "/api/datasets/set.acme", "acme.read")).json()["data"]

    assert (found["age"], found["dataset"]["owner"]) == ("expired", "ann")
    assert any("expired on 2020-01-01" in warning for warning in found["made_of"]["warnings"])


async def test_cases_are_paged(api):
    await api.ask("POST", "/api/datasets/golden/cases", "acme.manage", json=CASES)

    first = (await api.ask("GET", "/api/datasets/golden/cases?limit=1", "acme.read")).json()
    rest = (await api.ask("GET", f"/api/datasets/golden/cases?limit=1&before={first['next']}", "acme.read")).json()

    assert (len(first["data"]), len(rest["data"]), rest["next"]) == (1, 1, "")
    assert first["data"][0]["id"] != rest["data"][0]["id"]


async def test_a_key_of_one_app_sees_and_makes_only_that_apps_data_sets(api):
    await api.key("acme.shop", scopes=("read", "manage"), apps=("shop",))
    await api.ask("PUT", "/api/datasets/mine", "acme.shop", json={})
    made = await api.ask("POST", "/api/datasets/mine/cases", "acme.shop", json=CASES)

    listed = (await api.ask("GET", "/api/datasets", "acme.shop")).json()["data"]
    hidden = [
        await api.ask("GET", "/api/datasets/set.acme", "acme.shop"),
        await api.ask("POST", "/api/datasets/set.acme/cases", "acme.shop", json=CASES),
        await api.ask("PUT", "/api/datasets/set.acme", "acme.shop", json={}),
        await api.ask("DELETE", "/api/datasets/set.acme", "acme.shop"),
    ]

    assert made.status_code == 200
    assert [(each["name"], each["app"]) for each in listed] == [("mine", "shop")]
    assert [each.status_code for each in hidden] == [404] * 4


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("golden/cases", {"cases": [{"input": ""}]}, "cases[0].input"),
        ("golden/cases", {"cases": []}, "cases"),
        ("gol%20den/cases", CASES, "name"),
        ("set.acme/split", {"parts": {"train": 1}}, "parts"),
        ("set.acme/split", {"parts": {"train": 1, "test": -1}}, "parts[...]"),
        ("set.acme/split", {"alike": 0.2}, "alike"),
    ],
)
async def test_what_is_wrong_is_told_with_its_place(api, path, body, place):
    answer = await api.ask("POST", f"/api/datasets/{path}", "acme.manage", json=body)

    assert (answer.status_code, answer.json()["error"]["place"]) == (400, place)


async def test_what_is_done_to_a_data_set_stands_in_the_audit(api):
    await api.ask("POST", "/api/datasets/golden/cases", "acme.manage", json=CASES)
    await api.ask("DELETE", "/api/datasets/golden", "acme.manage")

    acts = [(line.act, line.target) for line in api.log.lines if line.target == "golden"]
    assert acts == [("dataset.cases", "golden"), ("dataset.delete", "golden")]
