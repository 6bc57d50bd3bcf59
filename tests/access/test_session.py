"""Sign-in: sessions, forged forms, the one-time link."""

import pytest

from rowen.access import COOKIE, SYSTEM, Session, Sessions
from rowen.values import Refused, Secret

HOME = "192.0.2.7"
HERE = "127.0.0.1"


async def signed_in(house, **wanted):
    made = await house.key(**{"scopes": ("read",), **wanted})
    session = await house.sessions.sign_in(made.secret, HOME)
    return made, session, cookie_of(house, session)


def cookie_of(house, session) -> str:
    return house.sessions.cookie(session, secure=False).split(";")[0].removeprefix(f"{COOKIE}=")


async def refusal(act) -> str:
    with pytest.raises(Refused) as refused:
        await act
    return refused.value.code


async def test_a_cookie_brings_its_reader_back(house):
    made, _, cookie = await signed_in(house)

    visit = await house.sessions.visit(cookie, HOME)

    assert visit.caller.key == made.key.id
    assert house.shelf.lines[-1].act == "sign_in"


async def test_every_worker_with_the_same_signing_key_knows_the_session(house):
    _, _, cookie = await signed_in(house)
    other = house.another()
    await other.directory.load()

    visit = await other.sessions.visit(cookie, HOME)

    assert visit.csrf == (await house.sessions.visit(cookie, HOME)).csrf


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house):
    plain = house.sessions.cookie(session_of(house), secure=False)
    secure = house.sessions.cookie(session_of(house), secure=True)

    assert plain.endswith("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax")
    assert secure == f"{plain}; Secure"
    assert "Max-Age=0" in Sessions.no_cookie(secure=True)


def session_of(house):
    return Session(key="k", issued_ns=house.clock.ns, expires_ns=house.clock.ns + 43_200 * 10**9, nonce="00")


async def test_a_key_that_only_calls_does_not_sign_in(house):
    made = await house.key(scopes=("call",))

    assert await refusal(house.sessions.sign_in(made.secret, HOME)) == "key_scope"


@pytest.mark.parametrize("end", ["revoke", "disable", "expire", "network"])
async def test_a_session_ends_with_its_key(house, end):
    made, _, cookie = await signed_in(house, tenant="acme", expires_ns=house.clock.ns + 10**12)
    address = HOME

    match end:
        case "revoke":
            await house.register.revoke(SYSTEM, made.key.id)
        case "disable":
            await house.people.change_tenant(SYSTEM, "acme", name="", limits=(), disabled=True)
        case "expire":
            house.clock.ns += 10**12
        case _:
            await house.shelf.put(made.key.but(networks=("10.0.0.0/8",)))
            await house.directory.refresh()

    assert await refusal(house.sessions.visit(cookie, address)) == "sign_in_needed"


async def test_a_session_ends_after_twelve_hours(house):
    _, _, cookie = await signed_in(house)
    house.clock.on(12 * 3600)

    assert await refusal(house.sessions.visit(cookie, HOME)) == "sign_in_needed"


async def test_signing_out_holds_in_every_worker_though_the_cookie_was_copied(house):
    _, session, cookie = await signed_in(house)
    _, _, another = await signed_in(house)
    other = house.another()
    await other.directory.load()

    await house.sessions.sign_out(session, HOME)

    assert await refusal(other.sessions.visit(cookie, HOME)) == "sign_in_needed"
    assert (await other.sessions.visit(another, HOME)).csrf
    assert house.shelf.lines[-1].act == "sign_out"


async def test_no_changed_character_of_a_cookie_passes(house):
    _, _, cookie = await signed_in(house)

    for place in range(len(cookie)):
        changed = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
        assert await refusal(house.sessions.visit(changed, HOME)) == "sign_in_needed"


@pytest.mark.parametrize("cookie", ["", ".", "x", "x.y", "é.ü", "a.b.c", "\0"])
async def test_nonsense_is_no_session(house, cookie):
    assert await refusal(house.sessions.visit(cookie, HOME)) == "sign_in_needed"


async def test_a_link_does_not_stand_in_for_a_session(house):
    made = await house.key(scopes=("read",))
    token = house.sessions.link(made.key.id).reveal()

    assert await refusal(house.sessions.visit(token, HERE)) == "sign_in_needed"


async def test_only_the_sessions_own_token_lets_a_form_through(house):
    _, _, cookie = await signed_in(house)
    _, _, another = await signed_in(house)
    visit, other = await house.sessions.visit(cookie, HOME), await house.sessions.visit(another, HOME)

    house.sessions.check_csrf(visit, visit.csrf)

    for wrong in ("", "é", other.csrf, visit.csrf[:-1], cookie):
        with pytest.raises(Refused) as refused:
            house.sessions.check_csrf(visit, wrong)
        assert refused.value.code == "csrf_failed"


async def test_a_link_signs_in_once_within_ten_minutes_on_this_machine(house):
    made = await house.key(scopes=("admin",))
    token = house.sessions.link(made.key.id).reveal()

    elsewhere = await refusal(house.sessions.redeem(token, HOME))
    session = await house.sessions.redeem(token, HERE)
    other = house.another()
    await other.directory.load()
    twice = await refusal(other.sessions.redeem(token, HERE))

    assert (elsewhere, session.key, twice) == ("key_network", made.key.id, "sign_in_needed")
    assert house.shelf.lines[-1].act == "sign_in.link"


async def test_a_late_or_forged_link_is_refused(house):
    made = await house.key(scopes=("admin",))
    token = house.sessions.link(made.key.id).reveal()
    house.clock.on(600)

    assert await refusal(house.sessions.redeem(token, HERE)) == "sign_in_needed"
    assert await refusal(house.sessions.redeem(token[:-1] + "x", "::1")) == "sign_in_needed"


async def test_failed_sign_ins_are_counted_by_address_and_recorded(house):
    made = await house.key(scopes=("read",))
    for _ in range(3):
        assert await refusal(house.sessions.sign_in(Secret("rk-wrong"), HOME)) == "key_unknown"

    throttled = await refusal(house.sessions.sign_in(made.secret, HOME))
    elsewhere = await house.sessions.sign_in(made.secret, "192.0.2.8")
    house.clock.on(60)
    later = await house.sessions.sign_in(made.secret, HOME)

    assert throttled == "sign_in_throttled"
    assert elsewhere.key == later.key == made.key.id
    failed = [line for line in house.shelf.lines if line.act == "sign_in.failed"]
    assert [(line.address, line.details) for line in failed] == [(HOME, {"code": "key_unknown"})] * 3


async def test_a_whole_ipv6_network_of_64_bits_counts_as_one_address(house):
    for number in range(3):
        await refusal(house.sessions.sign_in(Secret("rk-wrong"), f"2001:db8::{number}"))

    assert await refusal(house.sessions.sign_in(Secret("rk-wrong"), "2001:db8::ffff")) == "sign_in_throttled"


async def test_all_addresses_together_have_a_limit_too(house):
    for number in range(8):
        await refusal(house.sessions.sign_in(Secret("rk-wrong"), f"192.0.2.{number}"))

    with pytest.raises(Refused) as refused:
        await house.sessions.sign_in(Secret("rk-wrong"), "192.0.2.99")

    assert refused.value.code == "sign_in_throttled"
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 60


async def test_successful_sign_ins_never_use_the_throttle_up(house):
    made = await house.key(scopes=("read",))

    for _ in range(20):
        await house.sessions.sign_in(made.secret, HOME)

    assert set(house.shelf.counts.values()) == {0}


async def test_links_that_sign_in_never_use_the_throttle_up_and_those_that_do_not_do(house):
    made = await house.key(scopes=("admin",))

    for _ in range(20):
        await house.sessions.redeem(house.sessions.link(made.key.id).reveal(), HERE)
    for _ in range(3):
        await refusal(house.sessions.redeem("forged", HERE))

    assert await refusal(house.sessions.redeem(house.sessions.link(made.key.id).reveal(), HERE)) == "sign_in_throttled"
