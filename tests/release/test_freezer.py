"""A spent error budget freezes releases, a recovered one thaws them, and people have the last word for a day."""

from rowen.release import Reason, Releases
from rowen.release.freezer import Freezer
from rowen.testing.clock import FakeClock

from .conftest import ANN, hash_of

SPENT = ("answers: the error budget is used up",)


async def _frozen(releases: Releases, environment: str = "production") -> str:
    live = await releases.live("shop", environment)
    return "" if live is None else live.frozen


async def test_what_is_spent_freezes_and_what_has_recovered_thaws_once_each(releases: Releases, clock: FakeClock):
    freezer = Freezer(releases, clock)
    await releases.release("shop", hash_of("a"), ANN)

    for _ in range(3):
        await freezer.settle("shop", SPENT)
    frozen = await _frozen(releases)
    for _ in range(3):
        await freezer.settle("shop", ())

    assert frozen == SPENT[0]
    assert not await _frozen(releases)
    lines = await releases.log("shop")
    assert [(line.act, line.by) for line in lines] == [("thaw", "rowen"), ("freeze", "rowen"), ("release", "ann")]
    assert lines[1].evidence == {"budgets": list(SPENT)}


async def test_what_a_person_froze_stays_frozen(releases: Releases, clock: FakeClock):
    await releases.freeze("shop", Reason(by="ann", note="the fair is on"))

    await Freezer(releases, clock).settle("shop", ())

    assert await _frozen(releases) == "the fair is on"


async def test_what_a_person_thawed_stays_so_for_a_day(releases: Releases, clock: FakeClock):
    freezer = Freezer(releases, clock)
    await freezer.settle("shop", SPENT)
    await releases.thaw("shop", Reason(by="ann", note="the fix must go out"))

    await freezer.settle("shop", SPENT)
    held = await _frozen(releases)
    clock.move(24 * 3600 + 1)
    await freezer.settle("shop", SPENT)

    assert held == ""
    assert await _frozen(releases) == SPENT[0]


async def test_a_budget_that_is_spent_again_freezes_again_at_once(releases: Releases, clock: FakeClock):
    freezer = Freezer(releases, clock)

    for reasons in (SPENT, (), SPENT):
        clock.move(60)
        await freezer.settle("shop", reasons)

    assert await _frozen(releases) == SPENT[0]
    assert [line.act for line in await releases.log("shop")] == ["freeze", "thaw", "freeze"]


async def test_the_last_word_is_found_below_any_number_of_other_lines(releases: Releases, clock: FakeClock):
    freezer = Freezer(releases, clock)
    await freezer.settle("shop", SPENT)
    for _ in range(120):
        await releases.refuse("shop", hash_of("a"), ANN)

    await freezer.settle("shop", ())

    assert not await _frozen(releases)


async def test_environments_are_frozen_each_by_itself(releases: Releases, clock: FakeClock):
    await Freezer(releases, clock).settle("shop", SPENT, environment="staging")

    assert await _frozen(releases, "staging")
    assert not await _frozen(releases)
