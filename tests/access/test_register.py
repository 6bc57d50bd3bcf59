"""The register: what is made, rotated and revoked, by whom, and what the record says of it."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.access import SYSTEM, Actor, Wanted
from rowen.values import Mistaken, Problem, Refused, Unavailable

HOME = "192.0.2.7"


async def actor(house, **wanted) -> Actor:
    made = await house.key(**{"scopes": ("manage",), **wanted})
    entry = await house.directory.entry(made.key.id)
    return Actor.of(entry, HOME)


async def code_of(house, made) -> str:
    try:
        await house.directory.check(made.key.digest, HOME, "openai.chat", "handbook", "fast")
    except Problem as problem:
        return problem.code
    return "passed"


async def test_the_secret_is_kept_nowhere(house):
    made = await house.key()

    kept = msgspec.json.encode([list(house.shelf.kept.values()), house.shelf.lines]).decode()

    assert made.secret.reveal() not in kept
    assert made.key.digest not in msgspec.json.encode(house.shelf.lines).decode()
    assert made.secret.reveal() not in repr(made)


async def test_every_act_is_on_record_with_before_and_after(house):
    boss = await actor(house)
    house.shelf.lines.clear()

    made = await house.register.create(boss, Wanted(name="ours"))
    await house.register.rotate(boss, made.key.id)
    await house.register.revoke(boss, made.key.id)

    lines = [(line.act, line.actor, line.tenant, line.address, sorted(line.details)) for line in house.shelf.lines]
    both = ["after", "before"]
    assert lines == [
        ("key.create", boss.key, "default", HOME, ["after"]),
        ("key.rotate", boss.key, "default", HOME, both),
        ("key.expire", boss.key, "default", HOME, both),
        ("key.revoke", boss.key, "default", HOME, both),
    ]
    assert '"revoked_ns"' in house.shelf.lines[-1].details["after"]


async def test_nothing_is_done_that_cannot_be_recorded(house):
    class Full:
        async def append(self, entry):
            raise Unavailable("store_unavailable", who="audit")

    made = await house.key()
    house.register.recorder._audit = Full()

    with pytest.raises(Unavailable):
        await house.register.revoke(SYSTEM, made.key.id)

    assert await code_of(house, made) == "passed"


async def test_an_act_that_fails_gets_a_line_that_says_so(house):
    class Stuck:
        async def __call__(self):
            raise Unavailable("store_unavailable", who="store")

    made = await house.key()

    with pytest.raises(Unavailable):
        await house.register.recorder.act(SYSTEM, "key.revoke", Stuck(), tenant="default", target=made.key.id)

    assert [line.act for line in house.shelf.lines[-2:]] == ["key.revoke", "key.revoke.failed"]


async def test_a_rotated_key_lives_through_the_overlap_and_no_longer(house):
    old = await house.key(models=("fast",), name="ours")

    new = await house.register.rotate(SYSTEM, old.key.id, overlap=timedelta(hours=1))

    assert (await code_of(house, old), await code_of(house, new)) == ("passed", "passed")
    assert (new.key.replaces, new.key.models, new.key.name) == (old.key.id, ("fast",), "ours")
    assert new.secret != old.secret
    house.clock.ns += 3600 * 10**9 - 1
    assert await code_of(house, old) == "passed"
    house.clock.ns += 1
    assert (await code_of(house, old), await code_of(house, new)) == ("key_expired", "passed")


async def test_rotation_never_lengthens_a_key(house):
    ends = house.clock.ns + 60 * 10**9
    old = await house.key(expires_ns=ends)

    await house.register.rotate(SYSTEM, old.key.id, overlap=timedelta(hours=1))

    assert house.shelf.kept[old.key.id].expires_ns == ends


async def test_a_key_that_is_over_cannot_be_rotated(house):
    made = await house.key()
    await house.register.revoke(SYSTEM, made.key.id)

    with pytest.raises(Mistaken) as conflict:
        await house.register.rotate(SYSTEM, made.key.id)

    assert conflict.value.code == "conflict"


async def test_revoking_twice_keeps_the_first_time(house):
    made = await house.key()
    first = await house.register.revoke(SYSTEM, made.key.id)
    house.clock.on(5)

    second = await house.register.revoke(SYSTEM, made.key.id)

    assert second == first


async def test_the_first_admin_is_made_once(house):
    made = await house.register.first_admin()
    again = await house.register.first_admin()

    assert made is not None
    assert made.key.scopes == ("call", "admin")
    assert again is None
    assert (await house.register.admin()).id == made.key.id


async def test_the_last_admin_key_is_not_revoked(house):
    made = await house.register.first_admin()

    with pytest.raises(Mistaken, match="last admin key"):
        await house.register.revoke(SYSTEM, made.key.id)

    await house.register.rotate(SYSTEM, made.key.id, overlap=timedelta(0))
    assert await code_of(house, made) == "key_expired"


@pytest.mark.parametrize(
    ("field", "value", "place"),
    [
        ("networks", ("10.0.0.0/8", "10.0.0.1/8"), "networks[1]"),
        ("name", " ", "name"),
        ("scopes", (), "scopes"),
        ("expires_ns", 1, "expires_ns"),
        ("user", "nobody", "user"),
        ("tenant", "nowhere", "tenant"),
    ],
)
async def test_a_wrong_wish_names_its_field(house, field, value, place):
    await house.key()

    with pytest.raises(Mistaken) as mistaken:
        await house.register.create(SYSTEM, Wanted(**{"name": "n", field: value}))

    assert mistaken.value.place == place


@pytest.mark.parametrize(
    ("own", "wanted", "passes"),
    [
        ({}, {"scopes": ("call", "read", "manage")}, True),
        ({}, {"scopes": ("admin",)}, False),
        ({"scopes": ("read",)}, {}, False),
        ({"scopes": ("call",)}, {}, False),
        ({}, {"priority": "high"}, False),
        ({"priority": "high"}, {"priority": "high"}, True),
        ({"apps": ("a", "b")}, {"apps": ("a",)}, True),
        ({"apps": ("a",)}, {}, False),
        ({"models": ("m",)}, {"models": ("m", "n")}, False),
        ({"endpoints": ("anthropic",)}, {"endpoints": ("openai.chat",)}, False),
        ({"networks": ("10.0.0.0/8",)}, {"networks": ("10.1.0.0/16",)}, True),
        ({"networks": ("10.0.0.0/8",)}, {"networks": ("10.0.0.0/7",)}, False),
        ({"networks": ("10.0.0.0/8",)}, {}, False),
        ({"networks": ("10.0.0.0/8",), "scopes": ("admin",)}, {}, True),
        ({"networks": ("10.0.0.0/8", "192.168.0.0/16")}, {"networks": ("10.1.0.0/16", "192.168.1.0/24")}, True),
        ({"networks": ("10.0.0.0/8",)}, {"networks": ("10.1.0.0/16", "192.168.1.0/24")}, False),
        ({"apps": ("a",)}, {"apps": ("a",)}, True),
        ({"models": ("m",)}, {"models": ("m",)}, True),
        ({"groups": ("hr", "it")}, {"groups": ("hr",)}, True),
        ({"groups": ("it",)}, {"groups": ("hr",)}, False),
        ({}, {"groups": ("hr",)}, False),
        ({"scopes": ("admin",)}, {"groups": ("hr",)}, True),
        ({"scopes": ("release",)}, {}, True),
    ],
)
async def test_nobody_hands_on_more_than_they_have(house, own, wanted, passes):
    boss = await actor(house, **own)

    try:
        await house.register.create(boss, Wanted(name="n", **wanted))
        done = True
    except Refused as refused:
        assert refused.code == "key_scope"
        done = False

    assert done == passes


async def test_a_manager_neither_rotates_nor_revokes_an_admin_key(house):
    boss, admin = await actor(house), await house.register.first_admin()

    for act in (house.register.rotate, house.register.revoke):
        with pytest.raises(Refused, match="admin key"):
            await act(boss, admin.key.id)


async def test_the_keys_of_another_tenant_do_not_exist(house):
    boss = await actor(house, tenant="acme")
    theirs = await house.key(tenant="globex")

    for act in (house.register.get, house.register.rotate, house.register.revoke):
        with pytest.raises(Mistaken) as gone:
            await act(boss, theirs.key.id)
        assert gone.value.code == "not_found"
    with pytest.raises(Mistaken) as nowhere:
        await house.register.create(boss, Wanted(name="n", tenant="globex"))

    assert nowhere.value.code == "not_found"
    assert await house.register.keys(boss, tenant="globex") == []


async def test_the_keys_of_other_apps_alone_do_not_exist_for_a_key_of_some(house):
    boss = await actor(house, apps=("handbook", "search"))
    shared, own, theirs = [
        await house.key(name=name, apps=apps) for name, apps in (("a", ()), ("b", ("search", "x")), ("c", ("x",)))
    ]

    listed = {key.id for key in await house.register.keys(boss)}
    with pytest.raises(Mistaken) as gone:
        await house.register.get(boss, theirs.key.id)

    assert gone.value.code == "not_found"
    assert listed == {boss.key, shared.key.id, own.key.id}


tenants = st.sampled_from(["acme", "globex", "initech"])


@settings(max_examples=40)
@given(owner=tenants, scope=st.sampled_from(["read", "manage"]), keys=st.lists(tenants, max_size=6))
def test_no_key_of_one_tenant_sees_anything_of_another(make_house, owner, scope, keys):
    async def trial():
        house = make_house()
        await house.directory.load()
        who = await actor(house, tenant=owner, scopes=(scope,))
        for tenant in keys:
            await house.key(tenant=tenant)
            await house.people.create_user(SYSTEM, tenant=tenant, name="x")
        seen = [*await house.register.keys(who), *await house.people.users(who)]
        for tenant in set(keys):
            seen += [*await house.register.keys(who, tenant=tenant), *await house.people.users(who, tenant=tenant)]
        return {record.tenant for record in seen}, {tenant.id for tenant in await house.people.tenants(who)}

    seen, homes = asyncio.run(trial())

    assert seen == {owner}
    assert homes == {owner}
