"""Runs side by side by the management API."""

import pytest


async def test_runs_are_compared_by_the_plan_of_their_app(api):
    (found,) = (await api.ask("GET", "/api/runs/compare?runs=old-acme,new-acme&cases=2", "acme.read")).json()["data"]

    assert (found["baseline"], found["candidate"], found["pairs"]) == ("old-acme", "new-acme", 40)
    assert found["decision"]["verdict"] == "ship"
    assert found["differences"][0]["difference"]["value"] == 0.5
    assert [each["answers"] for each in found["changes"]] == [["old of acme", "new of acme"]] * 2


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("runs=old-acme", 400, "two to 10 different runs"),
        ("runs=old-acme,gone", 404, "no run 'gone'"),
        ("runs=old-acme,new-globex", 404, "no run 'new-globex'"),
        ("runs=old-acme,new-acme&metric=nothing", 400, "they have right"),
        ("runs=old-acme,new-acme&cases=-1", 400, "cases"),
    ],
)
async def test_what_cannot_be_compared_is_refused_with_the_reason(api, query, status, said):
    answer = await api.ask("GET", f"/api/runs/compare?{query}", "acme.read")

    assert answer.status_code == status
    assert said in answer.text


async def test_a_key_of_one_app_compares_only_that_apps_runs(api):
    await api.key("acme.shop", scopes=("read",), apps=("shop",))

    answer = await api.ask("GET", "/api/runs/compare?runs=old-acme,new-acme", "acme.shop")

    assert answer.status_code == 404


async def test_canaries_are_listed_with_those_that_heard_something(api):
    newest = (await api.ask("GET", "/api/canaries", "acme.admin")).json()["data"]
    changed = (await api.ask("GET", "/api/canaries?changes=true", "acme.admin")).json()["data"]
    of_one = (await api.ask("GET", "/api/canaries?app=handbook", "acme.admin")).json()["data"]

    assert sorted(each["app"] for each in newest) == ["handbook", "shop"]
    assert [each["app"] for each in changed] == ["shop"]
    assert [each["app"] for each in of_one] == ["handbook"]
