"""Access over real stores, as two processes over one of them see it."""

import pytest

from rowen.access import SYSTEM, Directory, Register, Sessions, Throttle, Wanted
from rowen.store.catalog import CATALOG, open_store
from rowen.values import Mistaken, Refused

HOME = "192.0.2.7"


@pytest.fixture(params=sorted(CATALOG))
async def store(request, tmp_path, clock):
    match request.param:
        case "memory":
            address = "memory:"
        case "sqlite":
            address = f"sqlite:{tmp_path}"
        case scheme:
            address = f"{scheme}:{request.getfixturevalue('emptied').partition(':')[2]}"
    opened = await open_store(address, clock=clock)
    yield opened
    await opened.close()


async def directory(store, clock) -> Directory:
    made = Directory(keys=store.keys, tenants=store.tenants, revisions=store.revisions, clock=clock)
    await made.load()
    return made


async def test_a_revocation_in_one_process_holds_in_the_other_at_its_next_look(store, clock):
    ours, theirs = await directory(store, clock), await directory(store, clock)
    register = Register(keys=store.keys, tenants=store.tenants, audit=store.audit, directory=ours, clock=clock)
    await register.first_admin()
    made = await register.create(SYSTEM, Wanted(name="ours"))
    await theirs.refresh()
    caller = await theirs.check(made.key.digest, HOME, "openai.chat", "handbook", "fast")

    await register.revoke(SYSTEM, made.key.id)
    await theirs.refresh()

    assert caller.key == made.key.id
    for each in (ours, theirs):
        with pytest.raises(Refused) as refused:
            await each.check(made.key.digest, HOME, "openai.chat", "handbook", "fast")
        assert refused.value.code == "key_revoked"
    assert await store.audit.broken_at() is None
    assert [line.act for line in await store.audit.entries("default")] == [
        "key.revoke",
        "key.create",
        "key.create",
        "tenant.create",
    ]


async def test_noting_the_last_use_makes_nobody_read_all_keys_again(store, clock):
    ours = await directory(store, clock)
    register = Register(keys=store.keys, tenants=store.tenants, audit=store.audit, directory=ours, clock=clock)
    made = await register.first_admin()
    await ours.check(made.key.digest, HOME, "openai.chat", "handbook", "fast")

    await ours.flush()

    assert (await store.keys.get(made.key.id)).last_used_ns == clock.ns
    assert not await ours.refresh()


async def test_sessions_links_and_the_throttle_are_shared(store, clock):
    ours, theirs = await directory(store, clock), await directory(store, clock)
    register = Register(keys=store.keys, tenants=store.tenants, audit=store.audit, directory=ours, clock=clock)
    made = await register.first_admin()
    await theirs.refresh()
    here, there = (
        Sessions(
            directory=each,
            recorder=register.recorder,
            counters=store.counters,
            throttle=Throttle(store.counters, clock, per_address=2),
            signing=b"s" * 32,
            clock=clock,
        )
        for each in (ours, theirs)
    )
    token = here.link(made.key.id).reveal()

    session = await there.redeem(token, "127.0.0.1")
    cookie = there.cookie(session, secure=False).split(";")[0].partition("=")[2]
    visit = await here.visit(cookie, HOME)
    await here.sign_out(session, HOME)

    assert visit.caller.key == made.key.id
    for act in (here.redeem(token, "127.0.0.1"), there.visit(cookie, HOME)):
        with pytest.raises(Refused) as refused:
            await act
        assert refused.value.code == "sign_in_needed"
    with pytest.raises(Refused) as second:
        await here.redeem("wrong", "127.0.0.1")
    with pytest.raises(Refused) as third:
        await there.redeem("wrong", "127.0.0.1")
    assert (second.value.code, third.value.code) == ("sign_in_needed", "sign_in_throttled")


async def test_users_of_one_tenant_do_not_show_in_another(store, clock):
    ours = await directory(store, clock)
    people = Register(keys=store.keys, tenants=store.tenants, audit=store.audit, directory=ours, clock=clock).people
    for tenant in ("acme", "globex"):
        await people.create_tenant(SYSTEM, tenant)
        await people.create_user(SYSTEM, tenant=tenant, name="Ada")

    found = await people.users(SYSTEM, tenant="acme")

    assert [user.tenant for user in found] == ["acme"]
    with pytest.raises(Mistaken):
        await people.user(SYSTEM, found[0].id, tenant="globex")
