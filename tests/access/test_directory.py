"""The directory: who may call, from memory, whatever the store does."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.access import SYSTEM, digest_of
from rowen.values import Key, Limit, Problem, Refused, Unavailable

HOME = "192.0.2.7"


async def ask(house, made, *, address=HOME, shape="openai.chat", app="handbook", model="fast"):
    return await house.directory.check(digest_of(made.secret.reveal()), address, shape, app, model)


async def code_of(house, made, **where) -> str:
    try:
        await ask(house, made, **where)
    except Problem as problem:
        return problem.code
    return "passed"


async def code_of_digest(house, digest) -> str:
    try:
        await house.directory.admit(digest, HOME, "call")
    except Problem as problem:
        return problem.code
    return "passed"


async def test_a_known_key_gives_its_caller(house):
    made = await house.key(name="ours", tenant="acme", priority="high")

    caller = await ask(house, made)

    assert (caller.key, caller.shown, caller.tenant, caller.priority) == (made.key.id, made.key.shown, "acme", "high")


async def test_the_limits_of_key_user_and_tenant_are_all_the_callers(house):
    def limit(per, amount):
        return Limit(measure="requests", amount=amount, window="minute", per=per)

    await house.people.create_tenant(SYSTEM, "acme", limits=(limit("tenant", 3),))
    user = await house.people.create_user(SYSTEM, tenant="acme", name="Ada", limits=(limit("user", 2),))
    made = await house.key(tenant="acme", user=user.id, limits=(limit("key", 1),))

    caller = await ask(house, made)

    assert [(found.per, int(found.amount)) for found in caller.limits] == [("key", 1), ("user", 2), ("tenant", 3)]


async def test_no_key_and_an_unknown_key_are_told_apart(house):
    with pytest.raises(Refused) as none:
        await house.directory.check("", HOME, "openai.chat", "handbook", "fast")
    with pytest.raises(Refused) as unknown:
        await house.directory.check(digest_of("rk-nobody"), HOME, "openai.chat", "handbook", "fast")

    assert (none.value.code, unknown.value.code) == ("key_missing", "key_unknown")


async def test_before_the_first_load_a_key_is_not_called_unknown(make_house):
    house = make_house()
    house.shelf.down = True

    with pytest.raises(Unavailable, match="could not be read yet"):
        await house.directory.check(digest_of("rk-x"), HOME, "openai.chat", "handbook", "fast")


async def test_a_key_expires_at_its_nanosecond(house):
    made = await house.key(expires_ns=house.clock.ns + 1_000)

    house.clock.ns += 999
    before = await code_of(house, made)
    house.clock.ns += 1
    at = await code_of(house, made)

    assert (before, at) == ("passed", "key_expired")


async def test_a_revoked_key_stays_revoked_though_the_clock_goes_back(house):
    made = await house.key()
    await house.register.revoke(SYSTEM, made.key.id)

    house.clock.ns -= 10**12

    assert await code_of(house, made) == "key_revoked"


@pytest.mark.parametrize(
    ("wanted", "where"),
    [
        ({"scopes": ("read",)}, {}),
        ({"scopes": ("admin",)}, {}),
        ({"apps": ("other",)}, {}),
        ({"endpoints": ("anthropic",)}, {}),
        ({"models": ("careful",)}, {}),
        ({"models": ("careful",)}, {"model": ""}),
    ],
)
async def test_what_a_key_may_not_do_is_its_scope(house, wanted, where):
    made = await house.key(**wanted)

    assert await code_of(house, made, **where) == "key_scope"


async def test_the_list_of_models_needs_no_model(house):
    made = await house.key(models=("careful",), endpoints=("openai.models",))

    assert await code_of(house, made, shape="openai.models", model=None) == "passed"


async def test_a_disabled_tenant_or_user_closes_their_keys(house):
    await house.people.create_tenant(SYSTEM, "acme")
    user = await house.people.create_user(SYSTEM, tenant="acme", name="Ada")
    of_user, of_tenant = await house.key(tenant="acme", user=user.id), await house.key(tenant="acme")

    await house.people.change_user(SYSTEM, user.id, name="Ada", limits=(), disabled=True)
    first = (await code_of(house, of_user), await code_of(house, of_tenant))
    await house.people.change_tenant(SYSTEM, "acme", name="", limits=(), disabled=True)
    then = (await code_of(house, of_user), await code_of(house, of_tenant))

    assert first == ("key_scope", "passed")
    assert then == ("key_scope", "key_scope")


@pytest.mark.parametrize(
    ("network", "address", "passes"),
    [
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "10.1.2.3", True),
        ("::ffff:10.0.0.0/104", "11.1.2.3", False),
        ("2001:db8::/32", "2001:db8:ff::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:db8::/32", "10.0.0.1", False),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "2001:db8::1", True),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "unix:", False),
    ],
)
async def test_a_key_may_be_used_from_its_networks_only(house, network, address, passes):
    made = await house.key(networks=("198.51.100.0/24", network))

    assert await code_of(house, made, address=address) == ("passed" if passes else "key_network")


async def test_a_network_that_cannot_be_read_lets_nobody_in(house):
    made = await house.key()
    await house.shelf.put(made.key.but(networks=("nonsense",)))
    await house.directory.refresh()

    assert await code_of(house, made) == "key_network"


async def test_another_process_sees_a_revocation_at_its_next_look(house):
    made = await house.key()
    other = house.another()
    await other.directory.load()
    await house.register.revoke(SYSTEM, made.key.id)

    changed = await other.directory.refresh()

    assert changed
    assert await code_of(other, made) == "key_revoked"
    assert not await other.directory.refresh()


async def test_the_task_follows_the_store_and_outlives_its_outage(house, caplog):
    good, bad = await house.key(), await house.key()
    other = house.another()
    await other.directory.load()
    await house.register.revoke(SYSTEM, bad.key.id)
    await other.directory.refresh()
    house.shelf.down = True

    other.directory.start()
    await until(lambda: "cannot be read" in caplog.text)
    while_down = (await code_of(other, good), await code_of(other, bad))
    house.shelf.down = False
    await house.register.revoke(SYSTEM, good.key.id)
    async with asyncio.timeout(5):
        while await code_of(other, good) != "key_revoked":
            await asyncio.sleep(0)
    await other.directory.stop()

    assert while_down == ("passed", "key_revoked")
    assert caplog.text.count("cannot be read") == 1


async def test_a_slow_look_does_not_bring_a_revoked_key_back(house):
    made = await house.key()
    shelf, waiting, go_on = house.directory._keys, asyncio.Event(), asyncio.Event()

    class Slow:
        async def all(self):
            found = await shelf.all()
            waiting.set()
            await go_on.wait()
            return found

    house.directory._keys = Slow()
    slow = asyncio.create_task(house.directory.load())
    await waiting.wait()
    house.directory._keys = shelf
    await house.register.revoke(SYSTEM, made.key.id)

    go_on.set()
    await slow

    assert await code_of(house, made) == "key_revoked"


async def test_last_use_is_written_in_one_batch_and_kept_while_the_store_is_down(house):
    one, two = await house.key(), await house.key()
    await ask(house, one)
    house.shelf.down = True
    with pytest.raises(Unavailable):
        await house.directory.flush()
    house.shelf.down = False
    house.clock.on(1)
    await ask(house, two)

    await house.directory.flush()
    await house.directory.flush()

    assert house.shelf.touched == [{one.key.id: house.clock.ns - 10**9, two.key.id: house.clock.ns}]


async def test_the_task_writes_the_last_use_when_it_is_time_and_not_before(house):
    made = await house.key()
    other = house.another()
    await other.directory.load()
    other.directory.start()
    looked = other.directory._revision
    await ask(other, made)

    await house.key()  # something to be seen, by which the task is known to have come round
    await until(lambda: other.directory._revision != looked)
    before = list(house.shelf.touched)
    house.clock.on(15)
    await until(lambda: house.shelf.touched)
    await other.directory.stop()

    assert before == []
    assert [list(each) for each in house.shelf.touched] == [[made.key.id]]


async def test_stopping_writes_what_is_left(house):
    made = await house.key()
    house.directory.start()
    await ask(house, made)

    await house.directory.stop()

    assert house.shelf.touched == [{made.key.id: house.clock.ns}]


@pytest.mark.parametrize("scope", ["read", "manage", "release", "admin"])
@pytest.mark.parametrize("held", ["call", "read", "manage", "release", "admin"])
async def test_scopes_of_management_include_the_smaller_ones(house, held, scope):
    order = ["call", "read", "manage", "release", "admin"]
    made = await house.key(scopes=(held,))

    try:
        await house.directory.admit(made.key.digest, HOME, scope)
        passed = True
    except Refused as refused:
        assert refused.code == "key_scope"
        passed = False

    assert passed == (held != "call" and order.index(held) >= order.index(scope))


@pytest.mark.parametrize("way", ["check", "admit", "admit_id", "entry"])
async def test_a_key_that_another_process_has_just_made_is_known_to_all_who_use_it_at_once(house, way):
    other = house.another()
    await other.directory.load()
    made = await house.key(scopes=("call", "read"))
    looks = house.shelf.looks

    async def shown():
        match way:
            case "check":
                return (await ask(other, made)).shown
            case "admit":
                return (await other.directory.admit(made.key.digest, HOME, "read")).key.shown
            case "admit_id":
                return (await other.directory.admit_id(made.key.id, HOME, "read")).key.shown
            case _:
                return (await other.directory.entry(made.key.id)).key.shown

    found = await asyncio.gather(*(shown() for _ in range(4)))

    assert found == [made.key.shown] * 4
    assert house.shelf.looks - looks == 2  # one asks whether there is more, one is the number of what was read


async def test_who_tries_keys_makes_no_more_than_twenty_looks_a_second(house):
    began, looks = house.clock.monotonic(), house.shelf.looks

    for number in range(40):
        with pytest.raises(Refused, match="not known"):
            await house.directory.admit(digest_of(f"rk-{number}"), HOME, "call")
        with pytest.raises(Refused, match="not known"):
            await house.directory.check(digest_of(f"rk-{number}"), HOME, "openai.chat", "handbook", "fast")

    assert house.shelf.looks - looks <= 1 + 20 * round(house.clock.monotonic() - began, 3)


async def test_who_sends_no_key_makes_nobody_look(house):
    looks = house.shelf.looks

    with pytest.raises(Refused) as refused:
        await house.directory.admit("", HOME, "call")

    assert (refused.value.code, house.shelf.looks) == ("key_missing", looks)


async def test_a_new_key_is_known_at_once_though_others_try_keys_all_the_time(house):
    other = house.another()
    await other.directory.load()
    looking, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def revision(self):
            found = await house.shelf.revision()
            looking.set()
            await go_on.wait()
            return found

    other.directory._revisions = Slow()
    guess = asyncio.create_task(code_of_digest(other, digest_of("rk-guessed")))
    async with asyncio.timeout(5):
        await looking.wait()
    made = await house.key()  # the look under way does not see it
    asked = asyncio.create_task(code_of(other, made))
    await asyncio.sleep(0)
    go_on.set()

    assert (await guess, await asked) == ("key_unknown", "passed")


async def test_who_leaves_in_the_middle_of_a_look_takes_it_from_nobody(house):
    other = house.another()
    await other.directory.load()
    made = await house.key()
    looking = asyncio.Event()

    class Slow:
        async def revision(self):
            if not looking.is_set():
                looking.set()
                await asyncio.Event().wait()
            return await house.shelf.revision()

    other.directory._revisions = Slow()
    first, second = (asyncio.create_task(code_of(other, made)) for _ in range(2))
    async with asyncio.timeout(5):
        await looking.wait()

    first.cancel()

    assert await second == "passed"


async def test_while_the_store_is_down_an_unknown_key_is_refused_and_a_known_one_passes(house):
    made = await house.key()
    house.shelf.down = True

    assert await code_of(house, made) == "passed"
    assert await code_of_digest(house, digest_of("rk-nobody")) == "key_unknown"


@pytest.mark.parametrize(
    ("scopes", "endpoints", "refusal"),
    [
        (("read",), (), ""),
        (("call",), ("ofrep",), ""),
        (("call",), ("openai.chat",), "endpoints"),
        (("admin",), (), ""),
    ],
)
async def test_one_of_several_scopes_is_enough_and_the_endpoint_counts(house, scopes, endpoints, refusal):
    made = await house.key(scopes=scopes, endpoints=endpoints)

    place = ""
    try:
        await house.directory.admit(made.key.digest, HOME, "call", "read", endpoint="ofrep")
    except Refused as refused:
        place = refused.place

    assert place == refusal


names = st.sampled_from(["a", "b", "c"])
few = st.lists(names, max_size=2, unique=True).map(tuple)


@given(apps=few, models=few, shapes=few, app=names, model=names, shape=names, call=st.booleans())
def test_a_key_passes_exactly_where_every_scope_holds(make_house, apps, models, shapes, app, model, shape, call):
    async def trial():
        house = make_house()
        scopes = ("call",) if call else ("manage",)
        house.shelf.kept["k"] = Key(
            id="k", digest="d", shown="rk-", name="n", scopes=scopes, apps=apps, models=models, endpoints=shapes
        )
        await house.directory.load()
        try:
            await house.directory.check("d", HOME, shape, app, model)
        except Refused:
            return False
        return True

    expected = call and all(
        not held or asked in held for held, asked in ((apps, app), (models, model), (shapes, shape))
    )

    assert asyncio.run(trial()) == expected


async def until(claim) -> None:
    """Give the loop its turns until a claim holds."""
    async with asyncio.timeout(5):
        while not claim():
            await asyncio.sleep(0)
