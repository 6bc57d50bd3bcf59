"""The release log can be read by everybody and changed by nobody."""

import msgspec
import pytest

from rowen.release import Reason, Releases
from rowen.store.base import Record
from rowen.store.memory.store import MemoryStore
from rowen.testing.clock import FakeClock
from rowen.values import ReleaseLine

from .conftest import ANN, KEY, a_canary, hash_of


@pytest.fixture
async def told(releases: Releases) -> Releases:
    """A desk with five lines in its log."""
    await releases.propose("shop", hash_of("a"), ANN)
    await releases.release("shop", hash_of("a"), ANN)
    await releases.approve("shop", hash_of("a"), Reason(by="ben", note="read it"))
    begun = await releases.begin(a_canary(), ANN)
    await releases.promote(begun.id, ANN)
    return releases


async def _line(store: MemoryStore, number: int) -> tuple[Record, ReleaseLine]:
    record = await store.records.get("release_line", f"shop/{number}")
    assert record is not None
    return record, msgspec.json.decode(record.body, type=ReleaseLine)


async def test_a_log_that_nobody_touched_holds(told: Releases):
    assert await told.verify("shop") is None
    assert await told.verify("another") is None


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
async def test_a_line_that_was_changed_is_found(store: MemoryStore, told: Releases, number: int):
    record, line = await _line(store, number)
    await store.records.put(record.but(body=msgspec.json.encode(line.but(note="something else"))))

    fault = await told.verify("shop")

    assert fault is not None
    assert (fault.number, fault.kind) == (number, "chain")


async def test_a_line_that_was_taken_out_is_found(store: MemoryStore, told: Releases):
    await store.records.delete("release_line", "shop/3")

    fault = await told.verify("shop")

    assert fault is not None
    assert (fault.number, fault.kind) == (3, "number")


async def test_lines_taken_off_the_end_are_missed_by_what_is_live(store: MemoryStore, told: Releases):
    await store.records.delete("release_line", "shop/5")

    fault = await told.verify("shop")

    assert fault is not None
    assert (fault.number, fault.kind) == (5, "missing")


async def test_a_log_that_was_emptied_is_missed_by_what_is_live(store: MemoryStore, releases: Releases):
    await releases.release("shop", hash_of("a"), ANN)
    await store.records.delete("release_line", "shop/1")

    fault = await releases.verify("shop")

    assert fault is not None
    assert (fault.number, fault.kind) == (1, "missing")


async def test_a_log_that_was_rewritten_from_a_line_on_lacks_the_servers_signature(store: MemoryStore, told: Releases):
    """Whoever may write the database can make a chain that fits, and not sign it."""
    forger = Releases(store.records, store.definitions, FakeClock(), signing=b"another key".ljust(32))
    record, line = await _line(store, 5)
    await store.records.delete("release_line", "shop/5")
    await forger.approve("shop", hash_of("a"), Reason(by="eve"))
    made, forged = await _line(store, 5)
    await store.records.put(made.but(body=msgspec.json.encode(forged.but(signer=line.signer))))

    fault = await told.verify("shop")

    assert fault is not None
    assert (fault.number, fault.kind) == (5, "signature")
    assert record.kind == made.kind


async def test_lines_that_another_machine_signed_are_held_by_the_chain(store: MemoryStore, told: Releases):
    elsewhere = Releases(store.records, store.definitions, FakeClock(), signing=b"another machine".ljust(32))
    await elsewhere.approve("shop", hash_of("a"), Reason(by="cas"))
    await told.approve("shop", hash_of("a"), Reason(by="dan"))

    lines = await told.log("shop")

    assert await told.verify("shop") is None
    assert len({line.signer for line in lines}) == 2


async def test_without_a_key_lines_are_chained_and_not_signed(store: MemoryStore):
    desk = Releases(store.records, store.definitions, FakeClock())

    await desk.release("shop", hash_of("a"), ANN)

    line = (await desk.log("shop"))[0]
    assert (line.signature, line.signer) == ("", "")
    assert len(line.chain) == 64
    assert await desk.verify("shop") is None


async def test_the_key_of_sessions_is_not_the_one_that_signs(told: Releases):
    lines = await told.log("shop")

    assert all(line.signature and KEY.hex() not in line.signature for line in lines)
    assert len({line.signature for line in lines}) == len(lines)
