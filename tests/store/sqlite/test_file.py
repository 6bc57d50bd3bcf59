"""Files that are damaged, locked, full, private or unreachable."""

import asyncio
import hashlib
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from rowen.store.base import Cached, Cell, TraceFilter
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.made import HOUR, START, a_key, a_trace, an_answer, an_entry
from rowen.testing.contracts.scores import a_score
from rowen.values import Broken, Outcome, Unavailable

FILES = ("rowen.db", "counters.db", "cache.db", "traces.db", "scores.db", "measures.db", "runs.db")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with something in every file, closed; it stays as it is."""
    folder = tmp_path_factory.mktemp("full") / "data"
    asyncio.run(_fill(folder))
    return folder


@pytest.fixture
def filled(full: Path, folder: Path) -> Path:
    """A copy of it."""
    shutil.copytree(full, folder)
    return folder


async def _fill(folder: Path) -> None:
    store = await open_store(f"sqlite:{folder}", clock=FakeClock())
    for number in range(40):
        await store.keys.put(a_key(f"k{number}"))
        await store.audit.append(an_entry(f"e{number}"))
        await store.counters.add(f"c{number}" * 20, 1, START)
        cached = Cached(answer=an_answer("x" * 500), trace="t", stored_ns=number, expires_ns=START)
        await store.cache.put(f"k{number}", cached)
    await store.traces.write([a_trace(number) for number in range(200)])
    await store.scores.put([a_score(number) for number in range(200)])
    await store.close()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda body: b"this is no database at all" * 200, id="garbage"),
        pytest.param(lambda body: b"\xff" * 100 + body[100:], id="head overwritten"),
        pytest.param(lambda body: body[: len(body) // 2], id="cut in half"),
        pytest.param(lambda body: body[:4096] + b"\x55" * (len(body) - 4096), id="all but the first page overwritten"),
    ],
)
async def test_a_damaged_file_is_named_and_left_as_it_is(filled, open_at, name, damage):
    path = filled / name
    path.write_bytes(damage(path.read_bytes()))
    before = digests(filled)

    with pytest.raises(Broken) as caught:
        await open_at()

    assert caught.value.code == "store_corrupt"
    assert name in str(caught.value)
    assert digests(filled)[name] == before[name]


async def test_files_are_readable_by_their_owner_only(open_at, folder):
    store = await open_at()
    await store.keys.put(a_key())
    await store.traces.write([a_trace(1)])

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "rowen.db-wal" in modes
    assert set(modes.values()) == {0o600}
    await store.close()


async def test_a_file_that_others_could_read_is_made_private(filled, open_at):
    (filled / "rowen.db").chmod(0o644)

    store = await open_at()

    assert stat.S_IMODE((filled / "rowen.db").stat().st_mode) == 0o600
    await store.close()


async def test_a_place_that_cannot_be_a_folder_is_named(tmp_path, clock):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(Unavailable, match="cannot be used for the store") as caught:
        await open_store(f"sqlite:{tmp_path}/file/data", clock=clock)

    assert caught.value.code == "store_unavailable"


async def test_a_folder_that_cannot_be_written_is_named(clock):
    with pytest.raises(Unavailable, match="/proc/rowen") as caught:
        await open_store("sqlite:/proc/rowen", clock=clock)

    assert caught.value.code == "store_unavailable"


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_another_process_holds_locked_is_unavailable_and_later_works(open_at, folder, name):
    store = await open_at("?busy_ms=50")
    act = {
        "rowen.db": lambda: store.keys.put(a_key()),
        "counters.db": lambda: store.counters.add("c", 1, START),
        "cache.db": store.cache.clear,
        "traces.db": lambda: store.traces.write([a_trace(1)]),
        "scores.db": lambda: store.scores.put([a_score(1)]),
        "measures.db": lambda: store.measures.add(Cell(app="a", objective="slo/a", start_ns=START)),
        "runs.db": lambda: store.runs.put("r", [Outcome(case="c")], tenant="acme"),
    }[name]
    other = sqlite3.connect(folder / name, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable, match="locked") as caught:
        await act()
    health = await store.check()
    other.execute("ROLLBACK")
    other.close()

    assert caught.value.code == "store_unavailable"
    assert [said for home, said in health.items() if name in home] == [f"{name}: another process holds it locked"]
    await act()
    assert set((await store.check()).values()) == {"ok"}
    await store.close()


async def test_on_a_full_disk_a_batch_of_traces_is_refused_whole_and_later_ones_are_kept(open_at):
    store = await open_at("?max_pages=60")
    written = 0
    with pytest.raises(Unavailable, match=r"traces\.db: the disk is full") as caught:
        while True:
            await store.traces.write([a_trace(written + number) for number in range(50)])
            written += 50

    rows = await store.traces.find(TraceFilter(limit=10_000))
    buckets = await store.traces.buckets(tenant=None, since_ns=START, until_ns=START + HOUR, every_ns=HOUR)
    assert caught.value.code == "store_unavailable"
    assert len(rows) == written > 0
    assert sum(bucket.calls for bucket in buckets) == written

    await store.traces.delete(before_ns=START + HOUR)
    await store.traces.write([a_trace(number) for number in range(50)])

    assert len(await store.traces.find(TraceFilter(limit=10_000))) == 50
    await store.close()


async def test_on_a_full_disk_keys_and_audit_are_refused_whole_and_come_back_with_space(open_at, folder):
    store = await open_at("?max_pages=40")
    kept = 0
    with pytest.raises(Unavailable, match=r"rowen\.db: the disk is full"):
        while True:
            await store.audit.append(an_entry(f"e{kept}", details={"text": "x" * 1000}))
            kept += 1

    assert len(await store.audit.entries(limit=1000)) == kept > 0
    assert await store.audit.broken_at() is None
    await store.close()

    roomy = await open_at()
    await roomy.audit.append(an_entry("after"))
    assert len(await roomy.audit.entries(limit=1000)) == kept + 1
    assert await roomy.audit.broken_at() is None
    await roomy.close()


async def test_a_disk_that_is_really_full_is_unavailable_until_there_is_space(start):
    process = start("""
        import resource, signal
        from rowen.values import Unavailable
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        await store.traces.write([a_trace(1)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        written = 1
        try:
            while True:
                await store.traces.write([a_trace(written + 1 + number) for number in range(100)])
                written += 100
        except Unavailable as problem:
            print(problem.code, flush=True)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store.traces.write([a_trace(100_000)])
        from rowen.store.base import TraceFilter
        print(len(await store.traces.find(TraceFilter(limit=10**6))) - written, flush=True)
    """)

    said = process.communicate()

    assert said.split() == ["store_unavailable", "1"]
    assert process.returncode == 0


async def test_a_file_of_a_newer_rowen_is_refused_with_the_reason(filled, open_at):
    connection = sqlite3.connect(filled / "traces.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()

    with pytest.raises(Unavailable, match=r"traces\.db was written by a newer Rowen") as refused:
        await open_at()
    assert refused.value.code == "store_newer"


async def test_a_store_that_is_closed_says_so(open_at):
    store = await open_at()
    await store.close()
    await store.close()

    with pytest.raises(Unavailable, match="closed"):
        await store.keys.all()
    with pytest.raises(Unavailable, match="closed"):
        await store.counters.sums(["c"])


async def test_a_folder_can_be_copied_while_it_is_closed_and_opened_elsewhere(filled, tmp_path, clock):
    shutil.copytree(filled, tmp_path / "copy")

    store = await open_store(f"sqlite:{tmp_path}/copy", clock=clock)

    assert len(await store.keys.all()) == 40
    assert await store.audit.broken_at() is None
    await store.close()
