"""Each version answers by its own index: beside one another while one rolls out, and again after going back."""

from pathlib import Path
from typing import Any

from rowen.config import read
from rowen.serve.tables import TABLES
from rowen.values import Call, Caller, Door, Looked, Request, new_id, says

from .test_releasing import WHY, Place, canary, clock, placed

__all__ = ["clock"]

APP = """
[app]
name = "shop"
[models.main]
provider = "echo"
[retrieve.handbook]
embed = ""
source = "docs/*.md"
chunk = {{ size = {size}, overlap = 50 }}
"""


def write(folder: Path, size: int) -> Path:
    (folder / "docs").mkdir(exist_ok=True)
    for name in ("leave", "travel", "pay"):
        (folder / "docs" / f"{name}.md").write_text(f"About {name}: everybody has 28 days of {name}.")
    (folder / "app.toml").write_text(APP.format(size=size))
    return folder / "app.toml"


async def looked(place: Place, user: str = "u") -> Looked:
    app = place.served.named("shop")
    request = Request(model="main", messages=(says("user", "how many days of leave?"),))
    call = app.walk((await blank(place)).but(request=request, end_user=user))
    return (await call.answer()).looked[0]


async def blank(place: Place) -> Call:
    now = 1
    return Call(
        id=new_id(now),
        app="shop",
        definition=place.known(),
        request=Request(model="main"),
        door=Door(shape="internal"),
        started_ns=now,
        caller=Caller(key="", shown="t", tenant="default"),
    )


async def searched(place: Place, definition: str) -> dict[str, Any]:
    """Return what the trace of a call says of its search."""
    found = (
        await place.server.opened.served.named("shop")
        .walk(
            (await blank(place)).but(
                request=Request(model="main", messages=(says("user", "how many days of leave?"),)),
                definition=definition,
            )
        )
        .answer()
    )
    await place.server.opened.traces_written()
    trace = await place.server.opened.store.traces.get(found.id, "default")
    assert trace is not None
    return next(span.attributes for span in trace.spans if span.name == "retrieval handbook")


async def indexed(place: Place) -> None:
    """Have everything indexed that is to be, by nobody else."""
    await place.server.opened.worker.stop()
    await place.served.refresh()
    await place.server.opened.indexing.queue_written()
    for known in place.server.opened.indexing.all():
        await place.server.opened.indexing.wake(known.collection)
    await place.server.opened.worked()


async def builds(place: Place) -> dict[str, str]:
    indexing = place.server.opened.indexing
    found = await place.server.opened.store.knowledge.builds(indexing.all()[0].collection)
    return {each.id: each.state for each in found}


async def test_going_back_finds_the_index_of_before_at_once(tmp_path, clock):
    async with placed(write(tmp_path, 300), clock) as place:
        await indexed(place)
        old = (await looked(place)).found.build
    async with placed(write(tmp_path, 200), clock) as place:
        await indexed(place)
        new = (await looked(place)).found.build
        await place.releases.rollback("shop", WHY)
        await place.served.refresh()

        back = (await looked(place)).found

        assert old != new
        assert back.build == old
        assert back.passages
        await indexed(place)
        assert (await builds(place))[old] == "live"


async def test_a_trace_tells_which_index_answered_in_which_state_and_whether_it_was_another_versions(tmp_path, clock):
    other = read(write(tmp_path, 200), TABLES).definition
    async with placed(write(tmp_path, 300), clock) as place:
        await indexed(place)
        await place.server.opened.store.definitions.put(other)
        own = await searched(place, place.known())
        (tmp_path / "docs" / "leave.md").write_text("About leave: everybody has 30 days of leave.")
        await indexed(place)
        later = await searched(place, place.known())
        await place.releases.release("shop", other.hash, WHY)
        await place.served.refresh()

        borrowed = await searched(place, other.hash)

        assert own["rowen.index"] == later["rowen.index"] == borrowed["rowen.index"]
        assert own["rowen.index.snapshot"] != later["rowen.index.snapshot"] == borrowed["rowen.index.snapshot"]
        assert [each["rowen.index.borrowed"] for each in (own, later, borrowed)] == [False, False, True]


async def test_two_versions_that_answer_at_once_each_have_their_index_and_it_is_kept_up(tmp_path, clock):
    other = read(write(tmp_path, 200), TABLES).definition
    async with placed(write(tmp_path, 300), clock) as place:
        await indexed(place)
        await place.server.opened.store.definitions.put(other)
        await place.releases.begin(canary(place.known(), other.hash, 0.5), WHY)
        await indexed(place)
        (tmp_path / "docs" / "leave.md").write_text("About leave: everybody has 30 days of leave.")
        await indexed(place)

        found = [(await looked(place, f"user{number}")).found for number in range(16)]

        assert len({each.build for each in found}) == 2
        assert {each.passages[0].text.strip() for each in found} == {"About leave: everybody has 30 days of leave."}
        assert sorted((await builds(place)).values()) == ["live", "ready"]
