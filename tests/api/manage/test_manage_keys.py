"""Keys over the API: made, shown once, rotated, revoked."""

import pytest


async def test_a_key_is_made_used_rotated_and_revoked(api):
    made = (await api.ask("POST", "/api/keys", "acme.manage", json={"name": "ours", "scopes": ["read"]})).json()["data"]
    api.secrets["new"] = made["secret"]
    mine = (await api.ask("GET", "/api/me", "new")).json()["data"]
    rotated = (
        await api.ask("POST", f"/api/keys/{made['key']['id']}/rotate", "acme.manage", json={"overlap": 0})
    ).json()["data"]
    api.secrets["newer"] = rotated["secret"]
    expired = await api.ask("GET", "/api/me", "new")
    await api.ask("POST", f"/api/keys/{rotated['key']['id']}/revoke", "acme.manage")
    revoked = await api.ask("GET", "/api/me", "newer")

    assert (mine["name"], mine["tenant"], mine["scopes"]) == ("ours", "acme", ["read"])
    assert rotated["key"]["replaces"] == made["key"]["id"]
    assert [answer.json()["error"]["code"] for answer in (expired, revoked)] == ["key_expired", "key_revoked"]


async def test_neither_secret_nor_digest_is_ever_shown_again(api):
    made = (await api.ask("POST", "/api/keys", "acme.manage", json={"name": "ours"})).json()["data"]

    texts = [
        (await api.ask("GET", path, "acme.admin")).text
        for path in ("/api/keys", f"/api/keys/{made['key']['id']}", "/api/audit")
    ]

    digests = [key.digest for key in api.keys.kept.values()]
    for text in texts:
        assert made["key"]["id"] in text
        assert not any(secret in text for secret in [made["secret"], *api.secrets.values(), *digests])


async def test_every_field_of_a_key_can_be_set(api):
    body = {
        "name": "ours",
        "user": api.ids["acme.user"],
        "scopes": ["call", "read"],
        "apps": ["handbook"],
        "models": ["fast"],
        "endpoints": ["openai.chat"],
        "networks": ["10.0.0.0/8", "2001:db8::/32"],
        "limits": [
            {"measure": "money", "amount": "4.50", "per": "key", "window": "day", "currency": "EUR"},
            {"measure": "concurrency", "amount": "4", "per": "key"},
        ],
        "priority": "low",
        "expires_in": 60,
    }

    answer = await api.ask("POST", "/api/keys", "acme.manage", json=body)

    key = answer.json()["data"]["key"]
    assert answer.status_code == 201
    assert {name: key[name] for name in body if name not in {"limits", "expires_in"}} == {
        name: value for name, value in body.items() if name not in {"limits", "expires_in"}
    }
    assert key["expires_ns"] == api.clock.ns + 60 * 10**9
    assert key["limits"] == [
        {"measure": "money", "amount": "4.50", "window": "day", "per": "key", "currency": "EUR"},
        {"measure": "concurrency", "amount": "4", "window": "now", "per": "key"},
    ]


async def test_a_manager_makes_no_admin_key(api):
    answer = await api.ask("POST", "/api/keys", "acme.manage", json={"name": "n", "scopes": ["admin"]})

    assert (answer.status_code, answer.json()["error"]["place"]) == (403, "scopes")


async def test_lists_come_page_by_page(api):
    seen, before = [], ""

    while True:
        page = (await api.ask("GET", f"/api/keys?limit=3&before={before}", "acme.read")).json()
        seen += [key["id"] for key in page["data"]]
        before = page["next"]
        if not before:
            break

    mine = sorted((key.id for key in api.keys.kept.values() if key.tenant == "acme"), reverse=True)
    assert seen == mine


@pytest.mark.parametrize(
    ("body", "code", "place"),
    [
        ({}, "field_invalid", "body"),
        ({"name": ""}, "field_invalid", "name"),
        ({"name": " x"}, "field_invalid", "name"),
        ({"name": "a\nb"}, "field_invalid", "name"),
        ({"name": 5}, "field_invalid", "name"),
        ({"name": "n", "nmae": 1}, "field_unknown", "body.nmae"),
        ({"name": "n", "scopes": ["root"]}, "field_invalid", "scopes[0]"),
        ({"name": "n", "networks": ["10.0.0.1/8"]}, "field_invalid", "networks[0]"),
        (
            {"name": "n", "limits": [{"measure": "tokens", "amount": 5, "per": "key"}]},
            "field_invalid",
            "limits[0].amount",
        ),
        ([], "field_invalid", "body"),
    ],
)
async def test_a_wrong_body_is_told_its_place(api, body, code, place):
    answer = await api.ask("POST", "/api/keys", "acme.manage", json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["place"]) == (400, code, place)


async def test_a_near_name_is_offered(api):
    body = await api.ask("POST", "/api/keys", "acme.manage", json={"name": "n", "scope": []})
    query = await api.ask("GET", "/api/keys?tennant=acme", "acme.read")

    assert "did you mean 'scopes'" in body.json()["error"]["message"]
    assert "did you mean 'tenant'" in query.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "json_malformed"),
        (b'{"name": "\xff"}', "application/json", 400, "utf8_invalid"),
        (b'{"name": "\\ud800"}', "application/json", 400, "json_malformed"),
        (b'{"name": ' + b"[" * 100_000, "application/json", 400, "field_invalid"),
        (b'{"zzz": ' + b"[" * 100_000, "application/json", 400, "field_unknown"),
        (b" " * 300_000, "application/json", 413, "body_too_large"),
        (b'{"name": "n"}', "text/plain", 415, "content_type"),
        (b"", "application/json", 400, "json_malformed"),
        (b'{"name": "n"}', "", 415, "content_type"),
    ],
)
async def test_a_body_that_cannot_be_read_is_never_our_mistake(api, content, kind, status, code):
    answer = await api.ask("POST", "/api/keys", "acme.manage", content=content, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "field_invalid"),
        ("limit=x", "field_invalid"),
        ("limit=501", "field_invalid"),
        ("limit=1&limit=2", "field_invalid"),
        ("tenant=%ff", "utf8_invalid"),
        ("tenant=%00", "field_invalid"),
        ("nothing=1", "field_unknown"),
        ("&".join("limit=1" for _ in range(200)), "field_invalid"),
    ],
)
async def test_a_wrong_query_is_refused(api, query, code):
    answer = await api.ask("GET", f"/api/keys?{query}", "acme.read")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_key_sent_twice_is_refused(api):
    key = f"Bearer {api.secrets['acme.read']}".encode()

    async def send(message):
        told.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    told: list[dict] = []
    headers = [(b"authorization", key), (b"authorization", key)]
    scope = {"type": "http", "method": "GET", "path": "/api/me", "query_string": b"", "headers": headers}
    await api.app({**scope, "root_path": "", "scheme": "http", "client": ("192.0.2.1", 1)}, receive, send)

    assert told[0]["status"] == 400
    assert b"header_repeated" in told[1]["body"]


async def test_what_breaks_inside_is_told_without_what_broke(api, caplog):
    async def fall(*_):
        raise RuntimeError("at rk-secret")

    api.keys.get = fall

    answer = await api.ask("GET", "/api/keys/x", "acme.read")

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "broken")
    assert "rk-secret" not in answer.text
    assert answer.json()["error"]["trace_id"] in caplog.text


async def test_a_key_works_only_from_its_networks(api):
    await api.key("near", scopes=("read",), networks=("10.0.0.0/8",))

    inside = await api.ask("GET", "/api/me", "near", address="10.1.1.1")
    outside = await api.ask("GET", "/api/me", "near", address="192.0.2.1")

    assert (inside.status_code, outside.json()["error"]["code"]) == (200, "key_network")


async def test_a_tenant_is_not_replaced_by_nothing(api):
    before = api.homes.homes["acme"]

    answer = await api.ask("PUT", "/api/tenants/acme", "globex.admin")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "json_malformed")
    assert api.homes.homes["acme"] == before


async def test_a_rotation_needs_no_body(api):
    answer = await api.ask("POST", f"/api/keys/{api.ids['acme.call']}/rotate", "acme.manage")

    assert answer.status_code == 201
    assert api.keys.kept[api.ids["acme.call"]].expires_ns == api.clock.ns + 86_400 * 10**9
