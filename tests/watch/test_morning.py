"""The digest is sent in the morning: once, to whom it is for, over restarts and by several processes."""

from datetime import UTC, datetime

import pytest

from rowen.jobs import Queue, Worker
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import ns_of
from rowen.watch import Objectives
from rowen.watch.contact import ContactTable, DigestTable
from rowen.watch.engine import Watched
from rowen.watch.incident import Incident
from rowen.watch.morning import Mornings, last_due
from rowen.watch.notice import Notice
from rowen.watch.tell import Teller

from .conftest import DAY, HOUR, JUNE, MINUTE

TEAM = ContactTable(kind="webhook", address="http://team.example")
LATER = ContactTable(kind="webhook", address="http://boss.example", after=3600)


class Morning:
    """A deployment of one app that wants its digest at seven."""

    def __init__(self, store, clock: FakeClock, **table) -> None:
        self.store, self.clock = store, clock
        self.app = Watched(
            objectives=Objectives(app="shop"),
            contacts={"team": TEAM, "mail": TEAM, "boss": LATER},
            digest=DigestTable(**{"at": "07:00", **table}),
        )
        self.sent: list[Notice] = []
        self.teller = Teller(store, self.send)
        self.queue = Queue(store.records, clock)
        self.mornings = Mornings(store, lambda: [self.app], self.teller, self.queue, clock, errors=self.errors)
        self.worker = Worker(self.queue, self.mornings.handlers, clock)

    async def send(self, contact: ContactTable, notice: Notice) -> None:
        self.sent.append(notice)

    async def errors(self, app: str, since: int, until: int) -> list[str]:
        return [f"upstream_cut: 7 times since {since // HOUR % 24}:00"]

    async def until(self, ns: int) -> list[Notice]:
        """Let the time pass in steps of some minutes, with the worker and the teller at work; return what was sent."""
        before = len(self.sent)
        while self.clock.ns < ns:
            self.clock.ns = min(self.clock.ns + 20 * MINUTE, ns)
            await self.worker.once()
            await self.teller.tell("shop", self.app.contacts, self.clock.ns)
        return self.sent[before:]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(JUNE + 12 * HOUR)


@pytest.fixture
async def store(clock):
    found = await open_store("memory:", clock=clock)
    yield found
    await found.close()


async def test_the_digest_comes_at_its_time_once_to_everybody_who_is_told_at_once(store, clock):
    shop = Morning(store, clock)
    await shop.mornings.queue()
    today = await shop.until(JUNE + DAY + 6 * HOUR)

    sent = await shop.until(JUNE + 2 * DAY + 6 * HOUR)

    assert len(today) == 2  # the one of the morning before it was asked for
    assert sorted(notice.contact for notice in sent) == ["mail", "team"]
    assert {notice.what for notice in sent} == {"digest"}
    assert sent[0].subject == "[rowen] shop: what happened overnight"
    assert "2026-06-01 07:00 to 2026-06-02 07:00 UTC" in sent[0].text
    assert "upstream_cut: 7 times since 7:00" in sent[0].text


async def test_a_second_process_and_a_restart_send_nothing_twice(store, clock):
    shop, other = Morning(store, clock), Morning(store, clock)
    for one in (shop, other):
        await one.mornings.queue()
    await shop.until(JUNE + 13 * HOUR)
    await other.until(JUNE + 14 * HOUR)

    again = Morning(store, clock)
    await again.mornings.queue()
    later = await again.until(JUNE + 20 * HOUR)

    assert (len(shop.sent), len(other.sent), later) == (2, 0, [])


async def test_a_process_that_is_killed_between_two_notices_sends_the_rest_and_none_twice(store, clock):
    shop = Morning(store, clock)
    await shop.teller.digest("shop", "team", "the same", last_due(shop.app.digest, clock.ns), clock.ns)

    await shop.mornings.queue()
    await shop.until(JUNE + 13 * HOUR)

    assert sorted(notice.contact for notice in shop.sent) == ["mail", "team"]


async def test_nothing_is_sent_of_a_quiet_night_unless_it_is_wanted(store, clock):
    for quiet in (False, True):
        shop = Morning(store, clock, quiet=quiet, hours=12, contacts=("boss",))
        shop.mornings._errors = None
        await shop.mornings.queue()
        clock.ns += DAY

        sent = await shop.until(clock.ns + HOUR)

        assert [notice.contact for notice in sent] == (["boss"] if quiet else [])
    assert "Nothing to look at." in sent[0].text


async def test_what_is_late_by_half_a_day_is_left_out(store, clock):
    clock.ns = JUNE + 20 * HOUR
    shop = Morning(store, clock)
    await Incident.shelf(store.records).put(Incident(id="i", app="shop", title="Slow", began_ns=JUNE))
    await shop.mornings.queue()

    assert await shop.until(JUNE + DAY + 6 * HOUR) == []
    assert len(await shop.until(JUNE + DAY + 8 * HOUR)) == 2


async def test_the_job_ends_when_no_app_wants_a_digest_and_begins_again_when_one_does(store, clock):
    shop = Morning(store, clock)
    await shop.mornings.queue()
    await shop.until(clock.ns + HOUR)
    shop.app = Watched(objectives=Objectives(app="shop"), contacts={"team": TEAM})
    await shop.until(clock.ns + HOUR)
    (ended,) = await shop.queue.find()

    shop.app = Morning(store, clock).app
    await shop.mornings.queue()
    (begun,) = await shop.queue.find()

    assert (ended.state, begun.state) == ("cancelled", "queued")


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("UTC", (2026, 6, 2, 7, 0), (2026, 6, 2, 7, 0)),
        ("UTC", (2026, 6, 2, 6, 59), (2026, 6, 1, 7, 0)),
        ("Europe/Berlin", (2026, 6, 2, 6, 0), (2026, 6, 2, 5, 0)),
        ("Europe/Berlin", (2026, 1, 2, 6, 0), (2026, 1, 2, 6, 0)),
        ("Pacific/Auckland", (2026, 6, 1, 20, 0), (2026, 6, 1, 19, 0)),
    ],
)
def test_the_time_is_that_of_its_zone_in_summer_and_in_winter(zone, now, due):
    table = DigestTable(at="07:00", zone=zone)

    assert last_due(table, ns_of(datetime(*now, tzinfo=UTC))) == ns_of(datetime(*due, tzinfo=UTC))


@pytest.mark.parametrize(
    "wrong", [{"at": "7:00"}, {"at": "24:00"}, {"zone": "Middle/Earth"}, {"zone": "../etc"}, {"hours": 0}]
)
def test_what_is_no_time_and_no_zone_is_said(wrong):
    with pytest.raises(ValueError, match=r"time|hours"):
        DigestTable(**wrong)
