"""Files come back as they were sent, whole or not at all."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowen.batch import Holder, Room
from rowen.values import Mistaken, Refused

from .conftest import HOLDER, chunks, requests, standing


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.binary(max_size=60).map(lambda each: each.replace(b"\n", b"") * 9_000), max_size=8),
    ends=st.booleans(),
    size=st.integers(1, 9) | st.integers(10_000, 400_000),
)
async def test_any_bytes_in_any_pieces_come_back_and_no_line_is_cut(lines, ends, size):
    text = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    size = max(size, len(text) // 200 + 1)
    async with standing("memory:") as bench:
        file = await bench.files.keep(HOLDER, "a", chunks(text, size))

        read = await bench.read(file.id)
        numbered = [
            (at, line)
            for number, first in enumerate(file.pieces)
            for at, line in enumerate(await bench.files.piece(file, number), first)
        ]

    assert read == text
    assert file.bytes == len(text)
    whole = text.split(b"\n")
    assert numbered == list(enumerate(whole[:-1] if not whole[-1] else whole, 1))


@pytest.mark.parametrize("room", [Room(file=5_000), Room(tenant=5_000), Room(line=5_000)])
async def test_what_is_too_large_is_refused_and_nothing_of_it_stays(room):
    text = b"x" * 600_000 if room.line == 5_000 else requests(100)
    async with standing("memory:", room) as bench:
        with pytest.raises(Refused, match=r"at most|longer"):
            await bench.files.keep(HOLDER, "a", chunks(text))

        assert await bench.files.find(HOLDER) == []
        assert await bench.store.records.find("file") == []
        assert await bench.store.records.find("file.piece") == []


async def test_the_room_of_a_tenant_is_for_all_its_files_together():
    async with standing("memory:", Room(tenant=25_000)) as bench:
        first = await bench.files.keep(HOLDER, "a", chunks(requests(100)[:15_000]))
        with pytest.raises(Refused):
            await bench.files.keep(Holder(tenant="default", keys=("k2",)), "b", chunks(requests(200)[:15_000]))
        await bench.files.keep(Holder(tenant="other", keys=("k3",)), "c", chunks(requests(200)[:15_000]))

        await bench.files.delete(first)

        assert await bench.files.keep(HOLDER, "b", chunks(requests(200)[:15_000]))


async def test_a_file_is_found_with_the_key_that_made_it_and_those_that_replaced_it(bench):
    file = await bench.files.keep(HOLDER, "../../etc/pass\nwd", chunks(requests(1)))
    rotated = Holder(tenant="default", keys=("k9", "k1"))

    assert (await bench.files.get(file.id, rotated)).name == ".._.._etc_pass_wd"
    assert [each.id for each in await bench.files.find(rotated)] == [file.id]
    for stranger in (Holder(tenant="default", keys=("k2",)), Holder(tenant="other", keys=("k1",))):
        with pytest.raises(Mistaken):
            await bench.files.get(file.id, stranger)


async def test_old_files_and_batches_go_with_their_results_and_work_under_way_stays(bench):
    old = await bench.made(requests(3))
    await bench.worker().once()
    going = await bench.made(requests(3))
    bench.clock.move(40 * 86_400)
    fresh = await bench.files.keep(HOLDER, "f", chunks(b"{}"))
    short = await bench.files.keep(HOLDER, "s", chunks(b"{}"), expires_ns=bench.clock.now_ns() + 1_000_000_000)
    bench.clock.move(5)

    await bench.batches.prune(bench.clock.now_ns() - 30 * 86_400_000_000_000)

    assert [each.id for each in await bench.batches.find(HOLDER)] == [going.id]
    assert fresh.id in {each.id for each in await bench.files.find(HOLDER)}
    with pytest.raises(Mistaken):
        await bench.files.get(short.id, HOLDER)
    assert await bench.store.records.find("batch.line") == []
    assert old.id
