"""Which door a path leads to."""

import pytest


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v1/nothing", "/v1/responses/", "/v1/responses/a/input_items", "/v1/chat"]
)
async def test_an_unknown_path_is_an_error_of_openais_shape(doorway, path):
    seen = await doorway.plain().ask(path, method="GET")

    assert seen.status == 404
    assert seen.json["error"]["code"] == "not_found"
    assert seen.json["trace_id"] == seen.headers["x-rowen-trace"]


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/v1/messages", "/embeddings"])
async def test_an_address_without_or_with_twice_the_version_is_told_the_door_that_is_meant(doorway, path):
    gateway = doorway.plain()

    seen = await gateway.ask(path, {})

    assert gateway.doors.takes(path)
    assert seen.status == 404
    assert f"The door is /v1/{path.rpartition('v1/')[2].lstrip('/')}" in seen.json["error"]["message"]


async def test_anthropics_clients_get_it_in_theirs(doorway):
    seen = await doorway.plain().ask("/v1/nothing", {}, headers={"anthropic-version": "2023-06-01"})

    assert seen.json["error"]["type"] == "not_found_error"


async def test_a_door_knows_its_paths(doorway):
    doors = doorway.plain().doors

    assert all(doors.takes(path) for path in ("/v1/chat/completions", "/v1/x", "/healthz", "/metrics", "/readyz"))
    assert not any(doors.takes(path) for path in ("/", "/api/keys", "/v1beta", "/traces", "/models"))


@pytest.mark.parametrize(
    ("path", "allow"), [("/v1/models", "GET, HEAD, OPTIONS"), ("/v1/responses/x", "GET, DELETE, HEAD, OPTIONS")]
)
async def test_another_method_is_refused_and_the_right_one_named(doorway, path, allow):
    gateway = doorway.plain()

    refused = await gateway.ask(path, {})
    options = await gateway.ask(path, method="OPTIONS", key=None)

    assert refused.status == 405
    assert refused.headers["allow"] == options.headers["allow"] == allow
