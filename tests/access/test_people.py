"""Tenants and users: who may make and change them."""

import pytest

from rowen.access import SYSTEM, Actor
from rowen.values import Limit, Mistaken, Refused

FEW = (Limit(measure="requests", amount=5, window="minute", per="tenant"),)
ADMIN = Actor(key="k", tenant="default", scopes=("admin",))
MANAGER = Actor(key="k", tenant="acme", scopes=("manage",))
READER = Actor(key="k", tenant="acme", scopes=("read",))


async def test_an_admin_makes_and_changes_a_tenant(house):
    await house.people.create_tenant(ADMIN, "acme", name="Acme")

    changed = await house.people.change_tenant(ADMIN, "acme", name="Acme Inc", limits=FEW, disabled=True)

    assert await house.people.tenants(ADMIN) == [changed]
    assert [line.act for line in house.shelf.lines] == ["tenant.create", "tenant.change"]
    assert "disabled" not in house.shelf.lines[1].details["before"]
    assert "disabled" in house.shelf.lines[1].details["after"]


@pytest.mark.parametrize("id", ["", "Acme", "a b", "../x", "-x", "x" * 64, "acme\n"])
async def test_a_tenants_id_is_a_short_plain_name(house, id):
    with pytest.raises(Mistaken) as mistaken:
        await house.people.create_tenant(ADMIN, id)

    assert (mistaken.value.code, mistaken.value.place) == ("field_invalid", "id")


async def test_a_tenants_id_is_taken_once(house):
    await house.people.create_tenant(ADMIN, "acme")

    with pytest.raises(Mistaken) as mistaken:
        await house.people.create_tenant(ADMIN, "acme")

    assert mistaken.value.code == "conflict"


async def test_only_an_admin_changes_tenants_and_only_a_manager_users(house):
    await house.people.create_tenant(SYSTEM, "acme")
    user = await house.people.create_user(MANAGER, tenant="acme", name="Ada")

    for act in (
        house.people.create_tenant(MANAGER, "globex"),
        house.people.change_tenant(MANAGER, "acme", name="", limits=(), disabled=False),
        house.people.create_user(READER, tenant="acme", name="Bob"),
        house.people.change_user(READER, user.id, name="Bob", limits=(), disabled=False),
    ):
        with pytest.raises(Refused) as refused:
            await act
        assert refused.value.code == "key_scope"


async def test_nobody_disables_the_tenant_they_stand_on(house):
    await house.people.create_tenant(SYSTEM, "default")

    with pytest.raises(Mistaken, match="its own tenant"):
        await house.people.change_tenant(ADMIN, "default", name="", limits=(), disabled=True)


async def test_the_users_of_another_tenant_do_not_exist(house):
    await house.people.create_tenant(SYSTEM, "globex")
    theirs = await house.people.create_user(SYSTEM, tenant="globex", name="Eve")

    with pytest.raises(Mistaken) as gone:
        await house.people.change_user(MANAGER, theirs.id, name="Mallory", limits=(), disabled=True)

    assert gone.value.code == "not_found"
    assert house.shelf.people[theirs.id] == theirs


@pytest.mark.parametrize("name", ["", "  "])
async def test_a_user_needs_a_name(house, name):
    await house.people.create_tenant(SYSTEM, "acme")

    with pytest.raises(Mistaken) as mistaken:
        await house.people.create_user(MANAGER, tenant="acme", name=name)

    assert mistaken.value.place == "name"
