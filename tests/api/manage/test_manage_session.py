"""The management API by the cookie of the pages."""

import pytest

from rowen.access import COOKIE, SYSTEM
from rowen.values import Secret

HOME = "192.0.2.7"


async def cookie_of(api, who) -> str:
    session = await api.sessions.sign_in(Secret(api.secrets[who]), HOME)
    return api.sessions.cookie(session, secure=False).split(";")[0]


async def test_a_session_reads_and_is_told_its_token(api):
    cookie = await cookie_of(api, "acme.read")

    answer = await api.ask("GET", "/api/me", headers={"cookie": f"other=1; {cookie}"})

    assert answer.json()["data"]["key"] == api.ids["acme.read"]
    assert answer.json()["data"]["csrf"]


async def test_a_session_writes_only_with_its_token(api):
    cookie = await cookie_of(api, "acme.manage")
    csrf = (await api.ask("GET", "/api/me", headers={"cookie": cookie})).json()["data"]["csrf"]

    without = await api.ask("POST", "/api/users", headers={"cookie": cookie}, json={"name": "Ada"})
    wrong = await api.ask("POST", "/api/users", headers={"cookie": cookie, "x-csrf-token": "x"}, json={"name": "Ada"})
    right = await api.ask("POST", "/api/users", headers={"cookie": cookie, "x-csrf-token": csrf}, json={"name": "Ada"})

    assert [answer.status_code for answer in (without, wrong, right)] == [403, 403, 201]
    assert without.json()["error"]["code"] == "csrf_failed"


async def test_a_session_has_no_more_than_its_key(api):
    cookie = await cookie_of(api, "acme.read")
    csrf = (await api.ask("GET", "/api/me", headers={"cookie": cookie})).json()["data"]["csrf"]

    answer = await api.ask("POST", "/api/users", headers={"cookie": cookie, "x-csrf-token": csrf}, json={"name": "A"})

    assert answer.json()["error"]["code"] == "key_scope"


async def test_a_session_ends_with_its_key(api):
    cookie = await cookie_of(api, "acme.read")
    await api.register.revoke(SYSTEM, api.ids["acme.read"])

    answer = await api.ask("GET", "/api/me", headers={"cookie": cookie})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in_needed")


async def test_a_key_that_is_sent_wins_over_the_cookie(api):
    cookie = await cookie_of(api, "acme.read")

    answer = await api.ask("GET", "/api/me", "globex.read", headers={"cookie": cookie})

    assert (answer.json()["data"]["tenant"], answer.json()["data"]["csrf"]) == ("globex", "")


@pytest.mark.parametrize(
    "cookie", ["", "x", "rowen_session", f"{COOKIE}=", f"{COOKIE}=x.y", "a=\x7f; b", f'{COOKIE}="']
)
async def test_nonsense_in_the_cookie_is_no_sign_in(api, cookie):
    answer = await api.ask("GET", "/api/me", headers={"cookie": cookie})

    assert answer.status_code == 401
