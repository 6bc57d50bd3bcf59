"""What every store must do. Subclass `StoreContract` in a test module and give it a fixture `store`.

    class TestMyStore(StoreContract):
        @pytest.fixture
        async def store(self):
            store = await open_store("mine:…", clock=SystemClock())
            yield store
            await store.close()

The tests need pytest with `pytest-asyncio` in auto mode. A store must be empty when the fixture gives it.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from rowen.store.base import Bucket, Cached, GroupBy, Store, TraceFilter, Traces, Turn
from rowen.testing.contracts.made import HOUR, MINUTE, START, a_trace, an_answer
from rowen.testing.contracts.query import QueryContract
from rowen.testing.contracts.spans import SpansContract, in_memory
from rowen.values import (
    AuditEntry,
    Definition,
    Key,
    Limit,
    Mistaken,
    Request,
    Tenant,
    Trace,
    TraceRow,
    User,
    says,
)

GROUPS: tuple[GroupBy, ...] = (
    "", "origin", "model", "deployment", "provider", "app", "environment", "release", "key", "user", "status", "code",
    "feature",
)  # fmt: skip


def a_key(id: str = "k1", **fields: Any) -> Key:
    """Return a key with a digest of its own."""
    return Key(**{"id": id, "digest": f"digest of {id}", "shown": f"rk-{id}", "name": id, "tenant": "acme", **fields})


def an_entry(id: str, **fields: Any) -> AuditEntry:
    """Return a line for the audit log."""
    return AuditEntry(**{"id": id, "at_ns": START, "actor": "k1", "tenant": "acme", "act": "key.create", **fields})


def some_traces(count: int, seed: int) -> list[Trace]:
    """Return traces of every sort, spread over three hours, out of order, some with an id that came before."""
    dice = random.Random(seed)
    return [
        a_trace(
            dice.randrange(count),
            started_ns=START + dice.randrange(3 * HOUR),
            duration_ns=dice.randrange(10**10),
            first_ns=dice.choice((None, dice.randrange(10**9))),
            tenant=dice.choice(("acme", "umbrella")),
            app=dice.choice(("handbook", "shop")),
            model=dice.choice(("fast", "careful")),
            deployment=dice.choice(("fast/1", "fast/2", "")),
            provider=dice.choice(("echo", "openai")),
            key=dice.choice(("k1", "k2")),
            user=dice.choice(("", "ann", "bob")),
            session=dice.choice(("", "s1")),
            feature=dice.choice(("", "search")),
            status=dice.choice(("ok", "refused", "failed", "cancelled")),
            code=dice.choice(("", "limit_tokens", "upstream_cut")),
            source=dice.choice(("", "model", "cache")),
            streamed=dice.random() < 0.5,
            estimated=dice.random() < 0.5,
            input_tokens=dice.randrange(1000),
            output_tokens=dice.randrange(1000),
            cost=dice.choice((None, Decimal(0), Decimal(dice.randrange(10**9)) / 10**12)),
            waste=dice.choice((Decimal(0), Decimal(dice.randrange(10**9)) / 10**12)),
            asked=dice.choice(("What is hay?", "100% of _it_", "Ärger mit Öl")),
            environment=dice.choice(("", "production")),
            release=dice.choice(("1.0", "1.1")),
            tags=dice.choice(((), ("blue",), ("blue", "green"))),
            within=dice.choice(("", "f0")),
            name=dice.choice(("chat fast", "chat careful")),
        )
        for _ in range(count)
    ]


def numbers(rows: Iterable[TraceRow]) -> list[int]:
    """Return the numbers that traces were made of."""
    return [int(row.id, 16) for row in rows]


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


class TurnsContract:
    """Answers to go on from."""

    async def test_a_turn_is_seen_by_its_own_tenant_only(self, store: Store) -> None:
        turn = Turn(
            id="resp_1",
            tenant="acme",
            app="handbook",
            created_ns=START,
            messages=(says("system", "be brief"), says("user", "hello")),
            answer=an_answer("hi"),
            body='{"id": "resp_1"}',
        )
        await store.turns.put(turn)

        assert await store.turns.get("resp_1", "acme") == turn
        assert await store.turns.get("resp_1", "umbrella") is None
        assert not await store.turns.delete("resp_1", "umbrella")
        assert await store.turns.delete("resp_1", "acme")
        assert not await store.turns.delete("resp_1", "acme")
        assert await store.turns.get("resp_1", "acme") is None

    async def test_old_turns_are_pruned_and_young_ones_stay(self, store: Store) -> None:
        for number in range(3):
            await store.turns.put(
                Turn(
                    id=f"resp_{number}",
                    tenant="acme",
                    app="a",
                    created_ns=START + number,
                    messages=(),
                    answer=an_answer("hi"),
                    body="{}",
                )
            )

        assert await store.turns.prune(START + 2) == 2
        assert await store.turns.get("resp_1", "acme") is None
        assert await store.turns.get("resp_2", "acme") is not None

    async def test_a_turn_that_is_put_again_is_replaced(self, store: Store) -> None:
        turn = Turn(
            id="resp_1", tenant="acme", app="a", created_ns=START, messages=(), answer=an_answer("hi"), body="{}"
        )
        await store.turns.put(turn)

        await store.turns.put(turn.but(body='{"new": true}'))

        found = await store.turns.get("resp_1", "acme")
        assert found is not None
        assert found.body == '{"new": true}'


class CountersContract:
    """Counters with limits."""

    async def test_takes_all_of_an_amount_or_nothing(self, store: Store) -> None:
        taken = [await store.counters.take("c", 4, 10, START) for _ in range(3)]

        assert taken == [4, 4, 0]
        assert await store.counters.sums(["c", "other"]) == [8, 0]

    async def test_takes_what_is_left_when_less_will_do(self, store: Store) -> None:
        await store.counters.take("c", 8, 10, START)

        assert await store.counters.take("c", 5, 10, START, least=3) == 0
        assert await store.counters.take("c", 5, 10, START, least=2) == 2
        assert await store.counters.take("c", 5, 10, START, least=1) == 0
        assert await store.counters.sums(["c"]) == [10]

    async def test_what_is_given_back_can_be_taken_again_and_no_more(self, store: Store) -> None:
        await store.counters.take("c", 10, 10, START)

        await store.counters.give_back("c", 3)
        await store.counters.give_back("unknown", 3)

        assert await store.counters.take("c", 4, 10, START) == 0
        assert await store.counters.take("c", 3, 10, START) == 3
        await store.counters.give_back("c", 99)
        assert await store.counters.sums(["c", "unknown"]) == [0, 0]

    async def test_adds_beyond_any_limit(self, store: Store) -> None:
        await store.counters.add("c", 25, START)

        assert await store.counters.take("c", 1, 10, START) == 0
        assert await store.counters.sums(["c"]) == [25]

    async def test_takes_nothing_of_nothing_and_never_above_a_lowered_limit(self, store: Store) -> None:
        await store.counters.take("c", 10, 10, START)

        assert await store.counters.take("c", 0, 100, START) == 0
        assert await store.counters.take("c", -5, 100, START) == 0
        assert await store.counters.take("c", 3, 5, START, least=1) == 0
        assert await store.counters.sums(["c"]) == [10]

    async def test_many_takes_at_once_reach_the_limit_exactly(self, store: Store) -> None:
        taken = await asyncio.gather(*(store.counters.take("c", 7, 100, START, least=1) for _ in range(30)))

        assert sum(taken) == 100
        assert await store.counters.sums(["c"]) == [100]

    async def test_shares_of_all_owners_fit_the_limit(self, store: Store) -> None:
        assert await store.counters.hold("c", "p1", 6, 10, START + MINUTE, START)
        assert not await store.counters.hold("c", "p2", 5, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 4, 10, START + MINUTE, START)
        assert not await store.counters.hold("c", "p1", 7, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p1", 1, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 9, 10, START + MINUTE, START)

    async def test_a_share_that_was_refused_stays_as_it_was(self, store: Store) -> None:
        await store.counters.hold("c", "p1", 6, 10, START + MINUTE, START)

        await store.counters.hold("c", "p1", 11, 10, START + MINUTE, START)

        assert not await store.counters.hold("c", "p2", 5, 10, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 4, 10, START + MINUTE, START)

    async def test_a_share_lapses_unless_it_is_held_again(self, store: Store) -> None:
        await store.counters.hold("c", "killed", 10, 10, START + MINUTE, START)

        assert not await store.counters.hold("c", "p2", 1, 10, START + HOUR, START + MINUTE - 1)
        assert await store.counters.hold("c", "p2", 10, 10, START + HOUR, START + MINUTE)

    async def test_a_share_of_nothing_always_fits(self, store: Store) -> None:
        await store.counters.hold("c", "p1", 10, 10, START + MINUTE, START)

        assert await store.counters.hold("c", "p1", 0, 5, START + MINUTE, START)
        assert await store.counters.hold("c", "p2", 5, 5, START + MINUTE, START)

    async def test_prune_forgets_only_what_is_over(self, store: Store) -> None:
        await store.counters.take("old", 1, 10, START)
        await store.counters.take("prolonged", 1, 10, START)
        await store.counters.add("prolonged", 1, START + HOUR)
        await store.counters.hold("live", "p1", 10, 10, START + HOUR, START)

        await store.counters.prune(START)

        assert await store.counters.sums(["old", "prolonged"]) == [0, 2]
        assert not await store.counters.hold("live", "p2", 1, 10, START + HOUR, START)


class CacheContract:
    """Cached answers."""

    def cached(self, number: int, *, expires_ns: int = START + HOUR) -> Cached:
        """Return an entry; `number` orders it by age."""
        return Cached(
            answer=an_answer(f"answer {number}"), trace=f"t{number}", stored_ns=START + number, expires_ns=expires_ns
        )

    async def test_an_answer_comes_back_until_it_expires(self, store: Store) -> None:
        await store.cache.put("acme:k", self.cached(1))

        assert await store.cache.get("acme:k", START) == self.cached(1)
        assert await store.cache.get("acme:k", START + HOUR - 1) == self.cached(1)
        assert await store.cache.get("acme:k", START + HOUR) is None
        assert await store.cache.get("umbrella:k", START) is None

    async def test_a_newer_answer_takes_the_place(self, store: Store) -> None:
        await store.cache.put("k", self.cached(1))

        await store.cache.put("k", self.cached(2))

        assert await store.cache.get("k", START) == self.cached(2)

    async def test_prune_removes_the_expired_and_the_oldest(self, store: Store) -> None:
        for number in range(5):
            await store.cache.put(f"k{number}", self.cached(number))
        await store.cache.put("k5", self.cached(5, expires_ns=START))

        await store.cache.prune(START, 2)

        kept = [number for number in range(6) if await store.cache.get(f"k{number}", START - 1)]
        assert kept == [3, 4]

    async def test_clear_removes_by_the_beginning_of_the_key(self, store: Store) -> None:
        for key in ("acme:a", "acme:b", "acme_c", "umbrella:a"):
            await store.cache.put(key, self.cached(1))

        assert await store.cache.clear("acme:") == 2
        assert await store.cache.get("acme_c", START) is not None
        assert await store.cache.clear() == 2


class TracesContract:
    """Traces, and the sums over them."""

    async def test_a_trace_comes_back_as_it_was_written(self, store: Store) -> None:
        whole = a_trace(
            1,
            user="ann",
            session="s",
            feature="f",
            door="anthropic",
            answered_by="m-2026",
            status="failed",
            code="upstream_cut",
            streamed=True,
            attempts=2,
            estimated=True,
            waste=Decimal("0.1"),
        )
        bare = Trace(
            row=TraceRow(id="ff", started_ns=START, duration_ns=0, app="handbook", definition="d1"), masked=True
        )

        await store.traces.write([whole, bare])

        assert await store.traces.get(whole.row.id) == whole
        assert await store.traces.get("ff") == bare
        assert await store.traces.find(TraceFilter()) == [whole.row, bare.row]
        assert await store.traces.get("unknown") is None

    async def test_a_long_trace_comes_back_whole(self, store: Store) -> None:
        long = a_trace(1).but(request=Request(model="fast", messages=(says("user", "häy " * 50_000),)))

        await store.traces.write([long])

        assert await store.traces.get(long.row.id) == long

    async def test_a_trace_is_seen_by_its_own_tenant_only(self, store: Store) -> None:
        await store.traces.write([a_trace(1), a_trace(2, tenant="umbrella")])

        assert await store.traces.get(a_trace(1).row.id, "umbrella") is None
        assert await store.traces.get(a_trace(1).row.id, "acme") is not None
        assert numbers(await store.traces.find(TraceFilter(tenant="umbrella"))) == [2]
        assert await store.traces.find(TraceFilter(tenant="")) == []
        assert await store.traces.values("key", "nobody") == []

    async def test_traces_are_paged_newest_first(self, store: Store) -> None:
        await store.traces.write([a_trace(number) for number in (3, 1, 2, 5, 4)])

        page = await store.traces.find(TraceFilter(limit=2))
        rest = await store.traces.find(TraceFilter(limit=9, before=page[-1].cursor))

        assert (numbers(page), numbers(rest)) == ([5, 4], [3, 2, 1])

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("öl", [2, 1]),
            ("OL", [2, 1]),
            ("mehr Ö", [2]),
            ("meh öl", []),
            ("öl mehr", [2]),
            ('"öl mehr"', []),
            ('"mehr öl', [2]),
            ('"the barn" hay', [4]),
            ("100%", [4, 3]),
            ("a_b", [3]),
            ("?!", []),
            ("words : hay", []),
            ("hay) OR (öl", []),
        ],
    )
    async def test_a_text_means_words_in_any_order_and_phrases(self, store: Store, text: str, found: list[int]) -> None:
        await store.traces.write(
            [
                a_trace(1, asked="Wie viel ÖL?", said=""),
                a_trace(2, asked="", said="mehr öl"),
                a_trace(3, asked="100%", said="a_b"),
                a_trace(4, asked="hay in the barn", said="100 per cent"),
            ]
        )

        assert numbers(await store.traces.find(TraceFilter(text=text))) == found

    async def test_slower_dearer_and_times_bound_what_is_found(self, store: Store) -> None:
        await store.traces.write(
            [
                a_trace(1, duration_ns=100_000_000, cost=Decimal("0.5")),
                a_trace(2, duration_ns=100_000_001, cost=Decimal("0.50001")),
                a_trace(3, duration_ns=1, cost=None),
            ]
        )

        assert numbers(await store.traces.find(TraceFilter(slower_ms=100))) == [2]
        assert numbers(await store.traces.find(TraceFilter(dearer=Decimal("0.5")))) == [2]
        assert numbers(await store.traces.find(TraceFilter(dearer=Decimal(0)))) == [2, 1]
        second = a_trace(2).row.started_ns
        assert numbers(await store.traces.find(TraceFilter(since_ns=second))) == [3, 2]
        assert numbers(await store.traces.find(TraceFilter(until_ns=second))) == [1]

    async def test_every_filter_and_pair_of_filters_finds_just_what_fits(self, store: Store) -> None:
        traces = some_traces(120, seed=1)
        wanted = await in_memory()
        await wanted.write(traces)
        await store.traces.write(traces)
        single: list[dict[str, Any]] = [
            {"tenant": "acme"}, {"app": "shop"}, {"model": "fast"}, {"deployment": "fast/1"}, {"provider": "echo"},
            {"key": "k1"}, {"user": "ann"}, {"session": "s1"}, {"feature": "search"}, {"status": "failed"},
            {"status": "ok"}, {"code": "upstream_cut"}, {"source": "cache"}, {"environment": "production"}, {"release": "1.0"},
            {"tag": "green"}, {"within": "f0"}, {"name": "chat fast"}, {"origin": "spans"}, {"complete": True}, {"text": "HAY"}, {"text": "ÄRGER"},
            {"since_ns": START + HOUR}, {"until_ns": START + HOUR}, {"slower_ms": 5000},
            {"dearer": Decimal("0.0005")}, {"before": traces[60].row.cursor}, {"limit": 3},
        ]  # fmt: skip

        for one in single:
            for other in single:
                filter = TraceFilter(**{"limit": 1000, **one, **other})
                assert await store.traces.find(filter) == await wanted.find(filter), filter

    async def test_a_trace_that_is_written_again_is_replaced_and_counted_once(self, store: Store) -> None:
        await store.traces.write([a_trace(1, status="failed"), a_trace(2)])

        await store.traces.write([a_trace(1, status="failed", cost=Decimal(9)), a_trace(1, user="ann", cost=None)])
        await store.traces.write([])

        assert await store.traces.get(a_trace(1).row.id) == a_trace(1, user="ann", cost=None)
        (bucket,) = await store.traces.buckets(tenant="acme", since_ns=START, until_ns=START + MINUTE, every_ns=MINUTE)
        assert (bucket.calls, bucket.failed, bucket.unpriced) == (2, 0, 1)
        assert bucket.cost == Decimal("0.000012")
        assert sum(bucket.durations.values()) == 2
        assert await store.traces.values("user") == ["ann"]

    async def test_sums_are_those_of_the_traces_whatever_the_stretch_and_the_group(self, store: Store) -> None:
        traces = some_traces(200, seed=2)
        wanted = await in_memory()
        for batch in _batches(traces, 37):
            await wanted.write(batch)
            await store.traces.write(batch)

        await _same_sums(store, wanted)

    async def test_the_sums_follow_a_deletion(self, store: Store) -> None:
        traces = some_traces(200, seed=3)
        wanted = await in_memory()
        await wanted.write(traces)
        await store.traces.write(traces)
        moment = START + HOUR + 17 * MINUTE + 5

        removed = await store.traces.delete(before_ns=moment)

        assert removed == await wanted.delete(before_ns=moment) > 0
        assert await store.traces.delete(before_ns=moment) == 0
        assert await store.traces.find(TraceFilter(limit=999)) == await wanted.find(TraceFilter(limit=999))
        await _same_sums(store, wanted)

    async def test_an_empty_window_has_no_sums(self, store: Store) -> None:
        await store.traces.write([a_trace(1)])

        empty = await store.traces.buckets(
            tenant=None, since_ns=START + HOUR, until_ns=START + 2 * HOUR, every_ns=MINUTE
        )

        assert empty == []

    async def test_values_are_distinct_sorted_and_of_the_tenant(self, store: Store) -> None:
        await store.traces.write(
            [a_trace(1, user="bob"), a_trace(2, user="ann"), a_trace(3, user=""), a_trace(4, user="eve", tenant="u")]
        )

        assert await store.traces.values("user") == ["ann", "bob", "eve"]
        assert await store.traces.values("user", "acme") == ["ann", "bob"]
        assert await store.traces.values("model") == ["fast"]
        assert await store.traces.values("") == []

    async def test_writers_and_readers_do_not_disturb_one_another(self, store: Store) -> None:
        batches = _batches([a_trace(number) for number in range(200)], 20)

        await asyncio.gather(
            *(store.traces.write(batch) for batch in batches),
            *(store.traces.find(TraceFilter(limit=5)) for _ in range(10)),
        )

        (bucket,) = await store.traces.buckets(tenant="acme", since_ns=START, until_ns=START + HOUR, every_ns=HOUR)
        assert bucket.calls == 200


class StoreContract(
    KeysContract,
    TenantsContract,
    RevisionContract,
    AuditContract,
    DefinitionsContract,
    TurnsContract,
    CountersContract,
    CacheContract,
    TracesContract,
    SpansContract,
    QueryContract,
):
    """Everything a store must do."""

    async def test_a_store_in_order_says_so(self, store: Store) -> None:
        health = await store.check()

        assert set(health.values()) == {"ok"}


def _batches(traces: Sequence[Trace], size: int) -> list[Sequence[Trace]]:
    return [traces[first : first + size] for first in range(0, len(traces), size)]


async def _same_sums(store: Store, wanted: Traces) -> None:
    for by in GROUPS:
        for tenant, app in ((None, ""), ("acme", ""), ("acme", "shop")):
            for since, until, every in (
                (START, START + 3 * HOUR, MINUTE),
                (START, START + 24 * HOUR, HOUR),
                (START + 30 * MINUTE, START + 150 * MINUTE + 1, 24 * HOUR),
                (START + 7 * MINUTE + 3, START + 90 * MINUTE, 15 * MINUTE),
            ):
                window: dict[str, Any] = {"since_ns": since, "until_ns": until, "every_ns": every}
                found = await store.traces.buckets(tenant=tenant, by=by, app=app, **window)
                expected = await wanted.buckets(tenant=tenant, by=by, app=app, **window)
                assert _in_order(found) == _in_order(expected), (by, tenant, app, window)


def _in_order(buckets: Iterable[Bucket]) -> list[Bucket]:
    return sorted(buckets, key=lambda bucket: (bucket.start_ns, bucket.group))
