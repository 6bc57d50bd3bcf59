"""What is found, in any order and however often: each key is told once when it is opened, and once when it is over."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import Unavailable
from rowen.watch import Objectives
from rowen.watch.alert import Alert
from rowen.watch.contact import ContactTable, OncallTable
from rowen.watch.engine import Engine, Watched
from rowen.watch.finding import Finding, Round
from rowen.watch.incident import Incident
from rowen.watch.notice import Notice, Silence
from rowen.watch.rounds import Look
from rowen.watch.tell import Teller

from .conftest import DAY, HOUR, JUNE, MINUTE


class Ear:
    """A sender that keeps what it is given."""

    def __init__(self) -> None:
        self.got: list[tuple[ContactTable, Notice]] = []
        self.down = False

    async def __call__(self, contact, notice) -> None:
        if self.down:
            raise Unavailable("upstream_connect", "nobody there")
        self.got.append((contact, notice))

    @property
    def told(self) -> list[tuple[str, str, str, str]]:
        """By contact of an app: what was said of which key."""
        return [(one.app, one.contact, one.what, alert.key) for _, one in self.got for alert in one.alerts]


class Found:
    """A look that finds what a test says, and notes from when until when it was asked."""

    def __init__(self, *findings: Finding, holding: frozenset[str] | None = frozenset()) -> None:
        self.round = Round(found=findings, holding=holding)
        self.asked: list[tuple[int, int]] = []
        self.down = False

    async def __call__(self, since_ns: int, now_ns: int) -> Round:
        self.asked.append((since_ns, now_ns))
        if self.down:
            raise Unavailable("store_unavailable", "no store")
        return self.round

    def look(self, every_ns: int = MINUTE, name: str = "budgets") -> Look:
        return Look(name=name, kinds=("budget",), every_ns=every_ns, look=self)


def finding(key: str = "a", **fields) -> Finding:
    return Finding(**{"kind": "budget", "key": key, "title": f"{key} is spent", "at_ns": JUNE, **fields})


def contact(**fields) -> ContactTable:
    return ContactTable(**{"kind": "webhook", "address": "http://127.0.0.1:9/", **fields})


def app(name: str = "shop", **contacts) -> Watched:
    return Watched(objectives=Objectives(app=name), contacts=contacts or {"team": contact()})


def engine_of(store, clock, ear, *looks: Look, apps=None, owner: str = "one") -> Engine:
    watched = [app()] if apps is None else apps
    return Engine(store, lambda: watched, clock, owner=owner, teller=Teller(store, ear), looks=looks)


async def ticks(engine: Engine, clock: FakeClock, number: int = 3) -> None:
    for _ in range(number):
        await engine.tick()
        clock.move(60)


KEYS = "abc"
STEPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(KEYS), max_size=4),
        st.frozensets(st.sampled_from(KEYS)),
        st.sampled_from(["tick", "restart", "down", "up", "silence", "take twice"]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_each_key_is_told_at_most_once_in_each_state_whatever_is_found_when(steps):
    ear = asyncio.run(_live(steps))

    assert len(ear.told) == len(set(ear.told))
    assert {what for _, _, what, _ in ear.told} <= {"firing", "resolved"}
    for where, who, what, key in ear.told:
        if what == "resolved":
            begun = [one[2] for one in ear.told if (one[0], one[1], one[3]) == (where, who, key)]
            assert begun == ["firing", "resolved"]


async def _live(steps) -> Ear:
    clock, ear, found = FakeClock(JUNE), Ear(), Found()
    store = await open_store("memory:", clock=clock)
    apps = [app("shop"), app("desk", night=contact(address="http://127.0.0.1:10/"))]
    engine = engine_of(store, clock, ear, found.look(), apps=apps)
    for number, (keys, holding, event) in enumerate(steps):
        grave = {"b": "critical"}
        found.round = Round(
            found=tuple(
                finding(key, severity=grave.get(key, "warning"), app="shop" if key == "c" else "") for key in keys
            ),
            holding=holding,
        )
        if event in {"down", "up"}:
            ear.down = event == "down"
        if event == "restart":
            await engine.stop()
            engine = engine_of(store, clock, ear, found.look(), apps=apps, owner=str(number))
        if event == "silence":
            await Silence.shelf(store.records).put(
                Silence(id=str(number), tenant="", begins_ns=clock.ns, ends_ns=clock.ns + 2 * MINUTE, why="planned")
            )
        if event == "take twice":
            await asyncio.gather(engine.tick(), engine.tick())
        await ticks(engine, clock, 2)
    await store.close()
    return ear


async def test_what_is_critical_opens_an_incident_that_ends_with_it(store, clock):
    ear, found = Ear(), Found(finding(severity="critical"), finding("b"))
    oncall = OncallTable(rota=("ann",))
    apps = [Watched(objectives=Objectives(app="shop"), contacts={"team": contact()}, oncall=oncall)]
    engine = engine_of(store, clock, ear, found.look(), apps=apps)
    await ticks(engine, clock)
    (open_,) = await Incident.shelf(store.records).find()
    found.round = Round(holding=frozenset())
    await ticks(engine, clock)

    (ended,) = await Incident.shelf(store.records).find()
    assert (open_.title, open_.kind, open_.state, open_.commander) == ("a is spent", "budget", "open", "ann")
    assert ended.state == "resolved"
    assert [one.what for one in ended.timeline] == ["found: a is spent", "alert page is over", "resolved"]


async def test_what_is_only_worth_a_note_wakes_nobody(store, clock):
    ear = Ear()
    await ticks(engine_of(store, clock, ear, Found(finding(severity="info")).look()), clock)

    assert ear.got == []
    assert await Alert.shelf(store.records).find() == []


async def test_what_has_an_end_is_over_then_although_it_is_found_still(store, clock):
    ear = Ear()
    found = Found(finding(ends_ns=JUNE + 5 * MINUTE), holding=None)
    engine = engine_of(store, clock, ear, found.look())
    await ticks(engine, clock, 10)

    assert [what for _, _, what, _ in ear.told] == ["firing", "resolved"]


async def test_what_was_over_before_it_was_found_is_told_all_the_same(store, clock):
    ear = Ear()
    engine = engine_of(store, clock, ear, Found(finding(ends_ns=JUNE - HOUR), holding=None).look())
    await ticks(engine, clock)

    assert [what for _, _, what, _ in ear.told][:1] == ["firing"]


async def test_a_place_that_stands_in_two_apps_hears_of_a_tenant_once(store, clock):
    ear = Ear()
    apps = [app("one", team=contact()), app("two", chat=contact(), other=contact(address="http://127.0.0.1:10/"))]
    found = Found(finding(tenant="acme"))
    engine = engine_of(store, clock, ear, found.look(), apps=apps)
    await ticks(engine, clock)
    found.round = Round(holding=frozenset())
    await ticks(engine, clock)

    assert ear.told == [
        ("one", "team", "firing", "a"),
        ("two", "other", "firing", "a"),
        ("one", "team", "resolved", "a"),
        ("two", "other", "resolved", "a"),
    ]
    assert ear.got[0][1].subject == "[rowen] tenant acme: budget (ticket)"


async def test_what_concerns_an_app_is_told_to_its_contacts_alone(store, clock):
    ear = Ear()
    apps = [app("one"), app("two", chat=contact(address="http://127.0.0.1:10/"))]
    await ticks(engine_of(store, clock, ear, Found(finding(app="two")).look(), apps=apps), clock)

    assert ear.told == [("two", "chat", "firing", "a")]


@pytest.mark.parametrize(
    ("fields", "hears"),
    [
        ({}, True),
        ({"objectives": ("up",)}, False),
        ({"objectives": ("up",), "findings": ("budget",)}, True),
        ({"findings": ("errors",)}, False),
        ({"findings": ()}, False),
        ({"severities": ("page",)}, False),
    ],
)
async def test_a_contact_says_what_it_wants_to_hear_of(store, clock, fields, hears):
    ear = Ear()
    apps = [app(team=contact(**fields))]
    await ticks(engine_of(store, clock, ear, Found(finding()).look(), apps=apps), clock)

    assert bool(ear.got) == hears


async def test_two_tenants_never_share_a_notice_and_each_reads_only_its_own(store, clock):
    ear = Ear()
    found = Found(finding("a", tenant="acme"), finding("b", tenant="globex"), finding("c", tenant="acme"), finding("d"))
    await ticks(engine_of(store, clock, ear, found.look()), clock)

    seen = {
        tenant: sorted(
            alert.key for one in await Notice.shelf(store.records).find(tenant=tenant) for alert in one.alerts
        )
        for tenant in ("acme", "globex", "default")
    }
    assert seen == {"acme": ["a", "c"], "globex": ["b"], "default": []}
    assert sorted(len(notice.alerts) for _, notice in ear.got) == [1, 1, 2]


async def test_the_silence_of_one_tenant_hides_nothing_of_another_and_that_of_the_operator_all(store, clock):
    ear = Ear()
    silence = Silence(id="s", tenant="acme", begins_ns=JUNE, ends_ns=JUNE + DAY, why="planned")
    found = Found(finding("a", tenant="acme"), finding("b", tenant="globex"))
    await Silence.shelf(store.records).put(silence)
    await ticks(engine_of(store, clock, ear, found.look()), clock)
    first = ear.told
    await Silence.shelf(store.records).put(silence.but(id="t", tenant="default", everywhere=True))
    found.round = Round(found=(finding("c", tenant="globex"), *found.round.found))
    await ticks(engine_of(store, clock, ear, found.look()), clock)

    assert [key for _, _, _, key in first] == ["b"]
    assert [key for _, _, _, key in ear.told] == ["b"]


async def test_a_process_that_does_not_lead_looks_for_nothing(store, clock):
    mine, other = Found(finding()), Found(finding())
    await engine_of(store, clock, Ear(), mine.look(), owner="one").tick()
    await engine_of(store, clock, Ear(), other.look(), owner="two").tick()

    assert (len(mine.asked), other.asked) == (1, [])


async def test_a_look_is_made_once_in_its_stretch_and_after_a_stop_from_where_it_was(store, clock):
    found = Found()
    engine = engine_of(store, clock, Ear(), found.look(HOUR))
    await ticks(engine, clock, 90)
    await engine.stop()
    clock.move(5 * 3600)
    again = engine_of(store, clock, Ear(), found.look(HOUR), owner="two")
    await ticks(again, clock, 2)

    assert found.asked == [(JUNE, JUNE), (JUNE, JUNE + HOUR), (JUNE + HOUR, JUNE + 6 * HOUR + 30 * MINUTE)]


async def test_a_look_that_cannot_be_made_keeps_no_other_and_is_made_again(store, clock):
    ear, broken, sound = Ear(), Found(), Found(finding())
    broken.down = True
    engine = engine_of(store, clock, ear, broken.look(HOUR, "broken"), sound.look(HOUR, "sound"))
    await ticks(engine, clock, 2)
    told = list(ear.told)
    broken.down = False
    await ticks(engine, clock, 2)

    assert [what for _, _, what, _ in told] == ["firing"]
    assert len(broken.asked) == 3
    assert broken.asked[-1][0] == broken.asked[-1][1]  # nothing was looked at before: it begins now


async def test_what_one_look_finds_goes_on_whatever_another_finds(store, clock):
    spent, broken = Found(finding()), Found()
    others = Look(name="errors", kinds=("errors",), every_ns=MINUTE, look=broken)
    engine = engine_of(store, clock, Ear(), spent.look(), others)

    await ticks(engine, clock)
    firing = [one.state for one in await Alert.shelf(store.records).find()]
    spent.round = Round(holding=frozenset())
    await ticks(engine, clock)

    assert firing == ["firing"]
    assert [one.state for one in await Alert.shelf(store.records).find()] == ["resolved"]


async def test_a_finding_that_grows_says_its_newest_figures(store, clock):
    found = Found(finding())
    engine = engine_of(store, clock, Ear(), found.look())
    await ticks(engine, clock)
    found.round = Round(found=(finding(title="a is spent twice", facts={"spent": "2"}),), holding=frozenset())
    await ticks(engine, clock)

    (alert,) = await Alert.shelf(store.records).find()
    assert (alert.firing.said, alert.facts) == ("a is spent twice", {"spent": "2"})


async def test_a_contact_that_waits_for_an_acknowledgement_hears_of_what_nobody_took(store, clock):
    ear = Ear()
    apps = [app(team=contact(), boss=contact(address="http://127.0.0.1:10/", after=600))]
    await ticks(engine_of(store, clock, ear, Found(finding()).look(), apps=apps), clock, 300)

    assert [(who, what) for _, who, what, _ in ear.told] == [("team", "firing"), ("boss", "escalated")]
