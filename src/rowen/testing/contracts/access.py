"""What every store must do with keys, tenants, users, definitions and the log. `StoreContract` holds these tests."""

import asyncio
from decimal import Decimal

import pytest

from rowen.store.base import Store
from rowen.testing.contracts.made import HOUR, START, a_key, an_entry
from rowen.values import (
    Definition,
    Limit,
    Mistaken,
    Tenant,
    User,
)


class KeysContract:
    """API keys."""

    async def test_a_key_comes_back_as_it_was_put(self, store: Store) -> None:
        key = a_key(
            scopes=("call", "read"),
            apps=("handbook",),
            networks=("10.0.0.0/8",),
            limits=(Limit(measure="money", amount=Decimal("0.10"), window="day", per="key", currency="EUR"),),
            priority="high",
            created_ns=START,
            expires_ns=START + HOUR,
            last_used_ns=START,
        )

        await store.keys.put(key)

        assert await store.keys.get("k1") == key
        assert await store.keys.get("k2") is None

    async def test_a_key_that_is_put_again_is_replaced(self, store: Store) -> None:
        await store.keys.put(a_key())

        await store.keys.put(a_key(revoked_ns=START))

        assert [key.revoked_ns for key in await store.keys.all()] == [START]

    async def test_keys_are_listed_by_id_and_tenant(self, store: Store) -> None:
        for id, tenant in (("k3", "acme"), ("k1", "umbrella"), ("k2", "acme")):
            await store.keys.put(a_key(id, tenant=tenant))

        assert [key.id for key in await store.keys.all()] == ["k1", "k2", "k3"]
        assert [key.id for key in await store.keys.all("acme")] == ["k2", "k3"]
        assert await store.keys.all("nobody") == []

    async def test_two_keys_never_have_one_digest(self, store: Store) -> None:
        await store.keys.put(a_key("k1"))

        with pytest.raises(Mistaken, match="same digest"):
            await store.keys.put(a_key("k2", digest="digest of k1"))

        assert [key.id for key in await store.keys.all()] == ["k1"]

    async def test_last_use_moves_forward_only(self, store: Store) -> None:
        await store.keys.put(a_key())

        await store.keys.touch({"k1": START + 5, "unknown": START})
        await store.keys.touch({"k1": START + 3})
        await store.keys.put(a_key(name="new name", last_used_ns=START))
        await store.keys.touch({})

        key = await store.keys.get("k1")
        assert key is not None
        assert (key.name, key.last_used_ns) == ("new name", START + 5)


class TenantsContract:
    """Tenants and users."""

    async def test_tenants_come_back_and_are_replaced(self, store: Store) -> None:
        await store.tenants.put(Tenant(id="umbrella"))
        await store.tenants.put(Tenant(id="acme", name="Acme", created_ns=START))

        await store.tenants.put(Tenant(id="umbrella", disabled=True))

        assert await store.tenants.all() == [
            Tenant(id="acme", name="Acme", created_ns=START),
            Tenant(id="umbrella", disabled=True),
        ]

    async def test_users_belong_to_their_tenant(self, store: Store) -> None:
        limit = Limit(measure="tokens", amount=Decimal(1000), window="day", per="user")
        await store.tenants.put_user(User(id="ann", tenant="umbrella"))
        await store.tenants.put_user(User(id="ann", tenant="acme", limits=(limit,)))

        await store.tenants.put_user(User(id="ann", tenant="umbrella", disabled=True))

        assert await store.tenants.users("acme") == [User(id="ann", tenant="acme", limits=(limit,))]
        assert await store.tenants.users("umbrella") == [User(id="ann", tenant="umbrella", disabled=True)]
        assert len(await store.tenants.users()) == 2


class RevisionContract:
    """The number that tells of changes."""

    async def test_the_revision_grows_with_each_change(self, store: Store) -> None:
        definition = Definition(app="handbook", hash="h1", source={})
        seen = [await store.revisions.revision()]

        for change in (
            store.keys.put(a_key()),
            store.tenants.put(Tenant(id="acme")),
            store.tenants.put_user(User(id="ann", tenant="acme")),
            store.definitions.put(definition),
        ):
            await change
            seen.append(await store.revisions.revision())

        assert seen == sorted(set(seen))

    async def test_the_revision_stays_when_nothing_that_decides_has_changed(self, store: Store) -> None:
        await store.keys.put(a_key())
        await store.definitions.put(Definition(app="handbook", hash="h1", source={}))
        before = await store.revisions.revision()

        await store.keys.touch({"k1": START})
        await store.definitions.put(Definition(app="handbook", hash="h1", source={}))
        await store.audit.append(an_entry("e1"))

        assert await store.revisions.revision() == before


class AuditContract:
    """The hash-chained log."""

    async def test_each_line_is_chained_to_the_one_before(self, store: Store) -> None:
        first = await store.audit.append(an_entry("e1", details={"name": "new"}))
        second = await store.audit.append(an_entry("e2"))

        assert len(first.chain) == len(second.chain) == 64
        assert first.chain != second.chain
        assert first.but(chain="") == an_entry("e1", details={"name": "new"})
        assert await store.audit.entries() == [second, first]
        assert await store.audit.broken_at() is None

    async def test_an_empty_log_is_unbroken(self, store: Store) -> None:
        assert await store.audit.entries() == []
        assert await store.audit.broken_at() is None

    async def test_lines_are_paged_newest_first_within_a_tenant(self, store: Store) -> None:
        for number in range(6):
            await store.audit.append(an_entry(f"e{number}", tenant="acme" if number % 2 else "umbrella"))

        page = await store.audit.entries("acme", limit=2)
        rest = await store.audit.entries("acme", before=page[-1].id, limit=2)

        assert [line.id for line in page] == ["e5", "e3"]
        assert [line.id for line in rest] == ["e1"]

    async def test_lines_that_come_at_once_make_one_chain(self, store: Store) -> None:
        await asyncio.gather(*(store.audit.append(an_entry(f"e{number}")) for number in range(20)))

        assert len(await store.audit.entries()) == 20
        assert await store.audit.broken_at() is None


class DefinitionsContract:
    """Definitions that ran."""

    async def test_definitions_come_back_in_the_order_they_were_first_seen(self, store: Store) -> None:
        first = Definition(app="shop", hash="h2", source={"app": {"name": "shop"}, "n": [1, 2.5]}, files={"a.md": "ä"})
        second = Definition(app="handbook", hash="h1", source={}, about="hay", owner="x@example.org")
        await store.definitions.put(first)
        await store.definitions.put(second)

        await store.definitions.put(first.but(about="the same hash again"))

        assert await store.definitions.all() == [first, second]
        assert await store.definitions.all("handbook") == [second]
        assert await store.definitions.get("h2") == first
        assert await store.definitions.get("h3") is None


class AccessContract(KeysContract, TenantsContract, RevisionContract, AuditContract, DefinitionsContract):
    """What decides who may call."""
