"""The list of models, as each vendor's client wants it."""

import pytest


async def test_the_list_has_every_name_that_the_key_may_use(doorway):
    seen = await doorway.plain().ask("/v1/models", method="GET")

    assert seen.json["object"] == "list"
    assert [model["id"] for model in seen.json["data"]] == ["fast", "org/slashed", "handbook", "other/fast", "other"]
    assert {model["object"] for model in seen.json["data"]} == {"model"}


async def test_a_limited_key_sees_less(doorway):
    gateway = doorway.plain()
    gateway.allowed = lambda app, model: app == "handbook" and model == "fast"

    seen = await gateway.ask("/v1/models", method="GET")

    assert [model["id"] for model in seen.json["data"]] == ["fast", "handbook"]


async def test_a_header_narrows_the_list_to_one_app(doorway):
    seen = await doorway.plain().ask("/v1/models", method="GET", headers={"x-rowen-app": "other"})

    assert [model["id"] for model in seen.json["data"]] == ["fast", "other"]


@pytest.mark.parametrize("name", ["fast", "org/slashed", "other/fast"])
async def test_one_model_is_found_by_name(doorway, name):
    seen = await doorway.plain().ask(f"/v1/models/{name}", method="GET")

    assert seen.json["id"] == name


async def test_a_model_that_is_not_there_or_not_allowed_is_unknown(doorway):
    gateway = doorway.plain()
    gateway.allowed = lambda app, model: model != "fast"

    for name in ("ghost", "fast"):
        seen = await gateway.ask(f"/v1/models/{name}", method="GET")

        assert seen.status == 404
        assert seen.json["error"]["code"] == "model_unknown"


async def test_a_bad_key_gets_no_list(doorway):
    seen = await doorway.plain().ask("/v1/models", method="GET", key="rk-no")

    assert seen.status == 401


async def test_anthropics_clients_get_their_own_shape(doorway):
    gateway = doorway.plain()

    seen = await gateway.ask(
        "/v1/models", method="GET", headers={"anthropic-version": "2023-06-01", "x-api-key": "rk-test"}
    )
    bad = await gateway.ask("/v1/models", method="GET", headers={"anthropic-version": "2023-06-01"}, key=None)

    assert seen.json["first_id"] == "fast"
    assert not seen.json["has_more"]
    assert seen.json["data"][0]["type"] == "model"
    assert seen.json["data"][0]["max_input_tokens"] == 8192
    assert bad.json["type"] == "error"
