import asyncio
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.store.catalog import open_store
from rowen.store.memory.measures import MemoryMeasures
from rowen.testing.clock import FakeClock
from rowen.values import Unavailable
from rowen.watch import Objectives, WatchTable
from rowen.watch.alert import Alert, suspect_of
from rowen.watch.budget import standing
from rowen.watch.contact import ContactTable
from rowen.watch.engine import Engine, Watched
from rowen.watch.fill import Filler
from rowen.watch.incident import Incident
from rowen.watch.notice import Notice, Silence
from rowen.watch.tell import Teller

from .conftest import DAY, HOUR, JUNE, MINUTE, score, trace

AVAILABLE = WatchTable(sli="availability", target=0.999, goal="reliability", about="Calls end well.")


class Inbox:
    """A contact that keeps what it is told, and can be out of order."""

    def __init__(self) -> None:
        self.got: list[Notice] = []
        self.down = False

    async def __call__(self, contact, notice) -> None:
        if self.down:
            raise Unavailable("upstream_connect", "nobody there")
        self.got.append(notice)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [(notice.contact, notice.what) for notice in self.got]


def contact(**fields) -> ContactTable:
    return ContactTable(**{"kind": "webhook", "address": "http://127.0.0.1:9/", **fields})


def engine_of(store, clock, inbox=None, owner="one", probe=None, contacts=None, **watch) -> Engine:
    apps = [
        Watched(
            objectives=Objectives(app="shop", watch=watch or {"up": AVAILABLE}),
            contacts={"team": contact()} if contacts is None else contacts,
        )
    ]
    return Engine(store, lambda: apps, clock, owner=owner, teller=Teller(store, inbox or Inbox()), probe=probe)


async def calls(store, clock, number: int, *, failed: int = 0, start: int = 0, **fields) -> None:
    """Write calls of this very minute; the first of them fail."""
    await store.traces.write(
        [
            trace(
                start + clock.ns % 10**15 + each,
                clock.ns,
                **({"status": "failed", "code": "upstream_timeout"} if each < failed else {}),
                **fields,
            )
            for each in range(number)
        ]
    )


async def sums(store, objective="slo/up", **more) -> tuple[int, int]:
    cells = await store.measures.find("shop", objective, **more)
    return sum(each.good for each in cells), sum(each.total for each in cells)


async def test_what_rowen_asks_for_its_own_ends_is_no_event_unless_an_objective_names_it(store, clock):
    judging = WatchTable(sli="availability", target=0.9, feature="judge:helpful")
    engine = engine_of(store, clock, up=AVAILABLE, judges=judging)
    await engine.tick()
    await calls(store, clock, 2)
    for start, tag, feature in ((10, "judge", "judge:helpful"), (20, "retrieve", "retrieve"), (30, "eval", "evaluate")):
        await calls(store, clock, 3, failed=3, start=start, door="internal", tags=(tag,), feature=feature)
    await calls(store, clock, 1, start=40, door="openai.chat", tags=("judge", "retrieve"))  # a caller's own tags

    clock.move(60)
    await engine.tick()

    assert (await sums(store), await sums(store, "slo/judges")) == ((3, 3), (0, 3))


async def test_a_minute_is_counted_when_it_is_over(store, clock):
    engine = engine_of(store, clock)
    await engine.tick()
    await calls(store, clock, 10, failed=1)

    await engine.tick()
    before = await sums(store)
    clock.move(60)
    await engine.tick()

    assert (before, await sums(store)) == ((0, 0), (9, 10))


async def test_what_comes_late_is_counted_and_nothing_twice(store, clock):
    engine = engine_of(store, clock)
    await engine.tick()
    began = clock.ns
    clock.move(180)
    await engine.tick()
    await store.traces.write([trace(1, began)])

    for _ in range(3):
        clock.move(60)
        await engine.tick()

    assert await sums(store) == (1, 1)
    assert engine.counted["shop", "slo/up"] == (1, 0)


class Noted(MemoryMeasures):
    """Measures that note how many hours were counted at once."""

    def __init__(self) -> None:
        super().__init__()
        self.hours: list[int] = []

    async def replace(self, app, objectives, *, since_ns, until_ns, cells) -> None:
        self.hours.append(round((until_ns - since_ns) / HOUR))
        await super().replace(app, objectives, since_ns=since_ns, until_ns=until_ns, cells=cells)


async def test_weeks_in_which_little_came_are_counted_in_a_few_pieces_and_busy_hours_one_by_one(store, clock):
    store.measures, now = Noted(), clock.ns
    await store.traces.write([trace(1, now - 6 * DAY), trace(2, now - 2 * MINUTE)])
    await store.traces.write([trace(3 + each, now - 5 * DAY + each) for each in range(5_000)])

    await engine_of(store, clock, up=AVAILABLE.but(window="7d")).tick()

    (busy,) = (index for index, length in enumerate(store.measures.hours) if index and length == 1)
    assert store.measures.hours[:5] == [1, 2, 4, 8, 8]
    assert store.measures.hours[busy - 1] == 8
    assert store.measures.hours[busy : busy + 4] == [1, 2, 4, 8]
    assert sum(store.measures.hours) == 7 * 24
    assert await sums(store) == (5_002, 5_002)


async def test_a_score_of_yesterday_reaches_the_minute_of_its_trace(store, clock):
    thumbs = WatchTable(sli="thumbs", target=0.9)
    engine = engine_of(store, clock, thumbs=thumbs)
    await engine.tick()
    asked = clock.ns
    clock.move(86_400)
    await engine.tick()
    await store.scores.put([score(1, asked, "thumbs", value=False)])
    clock.move(3_660)

    await engine.tick()

    (cell,) = await store.measures.find("shop", "slo/thumbs")
    assert (cell.start_ns, cell.good, cell.total) == (asked // MINUTE * MINUTE, 0, 1)


async def test_after_a_restart_prometheus_is_told_nothing_twice(store, clock):
    first = engine_of(store, clock)
    await first.tick()
    await calls(store, clock, 10, failed=2)
    clock.move(60)
    await first.tick()

    second = engine_of(store, clock)
    fresh = dict(second.counted)
    await calls(store, clock, 5, failed=1, start=100)
    clock.move(60)
    await second.tick()

    assert (fresh, first.counted["shop", "slo/up"]) == ({}, (10, 2))
    assert second.counted["shop", "slo/up"] == (5, 1)


async def test_an_objective_without_events_is_told_as_nothing(store, clock):
    engine = engine_of(store, clock)

    await engine.tick()

    assert engine.counted == {("shop", "slo/up"): (0, 0)}


async def test_after_a_stop_all_is_caught_up(store, clock):
    engine = engine_of(store, clock)
    await engine.tick()
    for _ in range(7):
        clock.move(3_600)
        await calls(store, clock, 5, failed=1)
    clock.move(60)

    await engine_of(store, clock, owner="one").tick()

    assert await sums(store) == (28, 35)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_minute_of_many_calls_is_counted_to_the_last(clock, tmp_path, kind):
    store = await open_store("memory:" if kind == "memory" else f"sqlite:{tmp_path}/data", clock=clock)
    engine = engine_of(store, clock, up=AVAILABLE, thumbs=WatchTable(sli="thumbs", target=0.9))
    await engine.tick()
    await store.traces.write([trace(n, clock.ns + n % 3, tenant=f"t{n % 2}") for n in range(2_345)])
    await store.scores.put([score(n, clock.ns, "thumbs", value=bool(n % 5)) for n in range(1_205)])
    clock.move(60)

    await engine.tick()

    assert await sums(store) == (2_345, 2_345)
    assert await sums(store, "slo/thumbs") == (964, 1_205)
    await store.close()


async def test_a_regenerated_answer_is_no_good_one_in_its_own_tenant_only(store, clock):
    await store.traces.write([trace(n, clock.ns, tenant=tenant) for n in range(4) for tenant in ("acme", "globex")])
    await store.scores.put([score(1, clock.ns, "regenerate", value=True, tenant="acme")])
    clock.move(60)

    await engine_of(store, clock, kept=WatchTable(sli="regeneration_free", target=0.9)).tick()

    assert await sums(store, "slo/kept", tenant="acme") == (3, 4)
    assert await sums(store, "slo/kept", tenant="globex") == (4, 4)


async def test_a_new_objective_is_counted_back_over_its_window(store, clock):
    await engine_of(store, clock).tick()
    await calls(store, clock, 4)
    clock.move(20 * 86_400)
    engine = engine_of(store, clock, up=AVAILABLE, answered=WatchTable(sli="answered", target=0.9))

    await engine.tick()

    assert await sums(store, "slo/answered") == (4, 4)


async def test_one_process_leads_and_another_takes_over_when_it_stops(store, clock):
    first, second = engine_of(store, clock, owner="one"), engine_of(store, clock, owner="two")

    led = [await first.tick(), await second.tick()]
    await first.stop()
    after = await second.tick()

    assert (led, after) == ([True, False], True)


async def test_a_leader_that_was_killed_is_followed(store, clock):
    await engine_of(store, clock, owner="one").tick()
    clock.move(151)

    assert await engine_of(store, clock, owner="two").tick()


async def test_ticks_at_once_open_one_alert(store, clock):
    inbox = Inbox()
    engine = engine_of(store, clock, inbox, contacts={"team": contact(severities=("page",))})
    await engine.tick()
    await calls(store, clock, 20, failed=20)
    clock.move(60)

    await asyncio.gather(*(engine.tick() for _ in range(5)))

    assert inbox.said == [("team", "firing")]
    assert len(await Incident.shelf(store.records).find()) == 1


class SlowTraces:
    """Traces that take so long to read that another process takes the lead."""

    def __init__(self, store, clock) -> None:
        self._store, self._clock = store, clock

    async def find(self, filter):
        self._clock.move(200)
        now = self._clock.ns
        await self._store.counters.hold("watch:leader", "two", 1, 1, now + 10**15, now)
        return await self._store.traces.find(filter)


async def test_who_lost_the_lead_while_counting_stops(store, clock):
    await engine_of(store, clock, owner="one").tick()
    clock.move(3 * 86_400)
    families = {name: getattr(store, name) for name in ("scores", "records", "counters", "measures")}
    slow = SimpleNamespace(traces=SlowTraces(store, clock), **families)

    assert not await engine_of(slow, clock, owner="one").tick()


async def test_each_tenant_has_its_own_cells(store, clock):
    await calls(store, clock, 3, tenant="acme")
    await calls(store, clock, 5, failed=5, start=100, tenant="globex")
    clock.move(60)

    await engine_of(store, clock).tick()

    assert await sums(store, tenant="acme") == (3, 3)
    assert await sums(store, tenant="globex") == (0, 5)
    assert await sums(store) == (3, 8)


async def test_minutes_without_a_process_were_down(store, clock):
    up = True

    async def probe(app, table) -> bool:
        return up

    table = WatchTable(sli="uptime", target=0.999, window="month")
    engine = engine_of(store, clock, probe=probe, up=table)
    await engine.tick()
    for _ in range(10):
        clock.move(60)
        await engine.tick()
    clock.move(600)  # nobody was there
    await engine.tick()
    up = False
    clock.move(60)
    await engine.tick()

    found = standing(table, await store.measures.find("shop", "slo/up"), table.over.span(clock.ns))

    assert (found.good, found.total) == (11, 21)  # the probe before the month does not count


events = st.lists(
    st.tuples(
        st.integers(0, 179),  # minute
        st.sampled_from(["ok", "failed", "cancelled", "refused"]),
        st.sampled_from(["a", "b"]),  # tenant
    ),
    max_size=40,
)


@settings(max_examples=25, deadline=None)
@given(events, st.permutations(range(6)), st.integers(1, 30))
async def test_however_it_is_cut_and_repeated_the_counts_are_the_same(drawn, order, step):
    clock = FakeClock(JUNE)
    store = await open_store("memory:", clock=clock)
    for number, (minute, status, tenant) in enumerate(drawn):
        await store.traces.write([trace(number, JUNE + minute * MINUTE + number, status=status, tenant=tenant)])
    objectives = Objectives(app="shop", watch={"up": AVAILABLE, "gone": WatchTable(sli="abandonment", target="< 5%")})
    filler = Filler(store)

    for part in (*order, *order[:3]):
        since = JUNE + part * 30 * MINUTE
        for first in range(0, 30, step):
            last = min(30, first + step)
            await filler.fill(objectives, since + first * MINUTE, since + last * MINUTE)

    for name, bad in (("up", "failed"), ("gone", "cancelled")):
        good, total = await sums(store, f"slo/{name}")
        assert (total, total - good) == (len(drawn), sum(1 for _, status, _ in drawn if status == bad))


async def burn(store, clock, engine, minutes: int, *, failed: int, number: int = 20, **fields) -> None:
    for _ in range(minutes):
        await calls(store, clock, number, failed=failed, **fields)
        clock.move(60)
        await engine.tick()


async def test_a_burning_budget_pages_once_opens_an_incident_and_says_when_it_is_over(store, clock):
    inbox = Inbox()
    engine = engine_of(store, clock, inbox)
    await burn(store, clock, engine, 60, failed=0)

    await burn(store, clock, engine, 10, failed=10)
    during = list(inbox.said)
    await burn(store, clock, engine, 125, failed=0, number=2)

    (incident,) = await Incident.shelf(store.records).find()
    assert during.count(("team", "firing")) == 2  # the page and the ticket: they are not of one group
    assert [alert.severity for notice in inbox.got[:2] for alert in notice.alerts].count("page") == 1
    assert ("team", "resolved") in inbox.said
    assert (incident.state, incident.error_class, incident.objective) == ("resolved", "provider", "up")
    assert incident.timeline[0].what.startswith("alert page")


async def test_the_release_that_came_just_before_is_suspected_and_why(store, clock):
    engine = engine_of(store, clock)
    await burn(store, clock, engine, 60, failed=0, definition="old")

    await burn(store, clock, engine, 3, failed=0, definition="new")
    await burn(store, clock, engine, 10, failed=10, definition="new")

    (incident,) = await Incident.shelf(store.records).find()
    assert incident.suspect.definition == "new"
    assert incident.suspect.first_ns == JUNE + 60 * MINUTE
    assert "3 min before the first bad event" in incident.suspect.why
    assert "0.00% were bad in the day before it" in incident.suspect.why


async def test_a_release_that_has_answered_for_long_is_no_suspect(store, clock):
    engine = engine_of(store, clock)
    await burn(store, clock, engine, 2, failed=0, definition="old")
    await burn(store, clock, engine, 2, failed=0, definition="new")

    assert await suspect_of(store, "shop", "up", clock.ns + 8 * DAY) is None
    assert (await suspect_of(store, "shop", "up", clock.ns + DAY)).definition == "new"


async def test_a_release_that_was_taken_back_is_not_suspected_again(store, clock):
    engine = engine_of(store, clock)
    await burn(store, clock, engine, 60, failed=0, definition="old")
    await burn(store, clock, engine, 3, failed=0, definition="bad")
    during = await suspect_of(store, "shop", "up", clock.ns)
    await burn(store, clock, engine, 40, failed=0, definition="old")

    afterwards = await suspect_of(store, "shop", "up", clock.ns)

    assert during.definition == "bad"
    assert afterwards is None


async def test_a_restart_in_the_middle_of_an_alert_tells_nobody_twice(store, clock):
    inbox = Inbox()
    await burn(store, clock, engine_of(store, clock, inbox), 40, failed=10)
    told = list(inbox.said)

    await burn(store, clock, engine_of(store, clock, inbox), 20, failed=10)

    assert told
    assert inbox.said == told


async def test_a_notice_that_could_not_be_sent_is_sent_after_a_restart_under_the_same_id(store, clock):
    inbox = Inbox()
    inbox.down = True
    await burn(store, clock, engine_of(store, clock, inbox), 30, failed=10)
    ids = {notice.id for notice in await Notice.shelf(store.records).find(state="due")}
    inbox.down = False
    clock.move(3_600)

    await engine_of(store, clock, inbox).tick()

    assert ids
    assert ids <= {notice.id for notice in inbox.got}
    assert len(inbox.got) == len({notice.id for notice in inbox.got})


async def test_a_contact_that_never_answers_is_given_up_and_that_is_kept(store, clock):
    inbox = Inbox()
    inbox.down = True
    engine = engine_of(store, clock, inbox, contacts={"team": contact(attempts=3, severities=("page",))})
    await burn(store, clock, engine, 20, failed=10)

    (notice,) = await Notice.shelf(store.records).find()

    assert (notice.state, notice.attempts, notice.error) == ("failed", 3, "nobody there")


async def test_a_silence_keeps_quiet_and_what_still_lasts_is_told_when_it_ends(store, clock):
    inbox = Inbox()
    engine = engine_of(store, clock, inbox)
    ends = clock.ns + 45 * MINUTE
    await Silence.shelf(store.records).put(
        Silence(id="s", objective="up", begins_ns=clock.ns, ends_ns=ends, why="load test")
    )

    await burn(store, clock, engine, 40, failed=10)
    quiet = list(inbox.said)
    await burn(store, clock, engine, 10, failed=10)

    assert (quiet, ("team", "firing") in inbox.said) == ([], True)


async def test_nobody_acknowledges_so_it_escalates_and_somebody_does_so_it_does_not(store, clock):
    inbox = Inbox()
    contacts = {
        "first": contact(severities=("page",)),
        "second": contact(severities=("page",), after=600),
        "third": contact(severities=("page",), after=1200),
    }
    engine = engine_of(store, clock, inbox, contacts=contacts)
    await burn(store, clock, engine, 15, failed=10)
    told = list(inbox.said)
    (alert,) = [each for each in await Alert.shelf(store.records).find() if each.severity == "page"]
    await Alert.shelf(store.records).put(alert.but(acknowledged_ns=clock.ns, acknowledged_by="ann"))

    await burn(store, clock, engine, 30, failed=10)

    assert told == [("first", "firing"), ("second", "escalated")]
    assert inbox.said == told


async def test_what_lasts_is_told_again_after_its_time(store, clock):
    inbox = Inbox()
    engine = engine_of(
        store, clock, inbox, contacts={"team": contact(severities=("page",), repeat=900, group=("app",))}
    )

    await burn(store, clock, engine, 40, failed=10)

    assert [what for _, what in inbox.said] == ["firing", "again", "again"]


async def test_alerts_of_one_group_go_out_as_one_notice(store, clock):
    inbox = Inbox()
    both = {"up": AVAILABLE, "fine": WatchTable(sli="answered", target=0.999)}
    engine = engine_of(store, clock, inbox, contacts={"team": contact(severities=("page",))}, **both)

    await burn(store, clock, engine, 10, failed=10)

    assert inbox.said == [("team", "firing")]
    assert {alert.objective for alert in inbox.got[0].alerts} == {"up", "fine"}


async def test_a_quality_objective_burns_over_judged_scores_only_when_the_interval_says_so(store, clock):
    grounded = WatchTable(sli="grounded", at_least=0.7, target=0.9)
    inbox = Inbox()
    engine = engine_of(store, clock, inbox, grounded=grounded, contacts={"team": contact(severities=("ticket",))})
    await engine.tick()

    await store.scores.put([score(each, clock.ns + each, "grounded", 0.2 if each < 1 else 0.9) for each in range(2)])
    clock.move(60)
    await engine.tick()
    few = list(inbox.said)
    await store.scores.put(
        [score(each, clock.ns + each, "grounded", 0.2 if each < 40 else 0.9) for each in range(100, 200)]
    )
    await store.scores.put([score(each, clock.ns + each, "grounded", 0.2) for each in range(300, 400)])
    clock.move(60)
    await engine.tick()

    assert few == []
    assert inbox.said == [("team", "firing")]


async def test_an_objective_over_csat_and_one_over_a_judge_both_burn_their_budget(store, clock):
    tables = {
        "csat": WatchTable(sli="csat", target=0.9, window="7d"),
        "judge": WatchTable(sli="score", score="helpful", at_least=0.5, target=0.9, window="7d"),
    }
    engine = engine_of(store, clock, **tables)
    await engine.tick()
    scores = [score(each, clock.ns + each, "csat", 5 if each % 4 else 2) for each in range(200)]
    scores += [score(each, clock.ns + each, "helpful", value=bool(each % 5), source="model") for each in range(200)]
    await store.scores.put(scores)
    clock.move(60)
    await engine.tick()

    remaining = {}
    for name, table in tables.items():
        cells = await store.measures.find("shop", f"slo/{name}")
        remaining[name] = standing(table, cells, table.over.span(clock.ns)).remaining

    assert remaining == {"csat": pytest.approx(-1.5), "judge": pytest.approx(-1.0)}


async def test_all_that_is_kept_reads_back_equal(store, clock):
    engine = engine_of(store, clock)
    await burn(store, clock, engine, 12, failed=10)

    for shelf, type_ in ((Alert.shelf, Alert), (Incident.shelf, Incident), (Notice.shelf, Notice)):
        for each in await shelf(store.records).find():
            assert msgspec.json.decode(msgspec.json.encode(each), type=type_) == each


async def test_an_interaction_with_failed_steps_and_a_good_end_is_good(store, clock):
    table = WatchTable(sli="interactions", target="< 1%")
    await store.traces.write(
        [
            trace(1, clock.ns, origin="spans", failed_spans=3, spans=5),
            trace(2, clock.ns, said="", output_tokens=0),
            trace(3, clock.ns, status="refused", code="guard_blocked"),
            trace(4, clock.ns, status="failed", code="upstream_cut"),
            trace(5, clock.ns, within="1", status="failed", code="upstream_cut"),
        ]
    )
    clock.move(60)
    await engine_of(store, clock, whole=table).tick()

    cells = await store.measures.find("shop", "slo/whole")
    assert {each.part: (each.good, each.total) for each in cells} == {
        "": (1, 1),
        "empty": (0, 1),
        "security": (0, 1),
        "provider": (0, 1),
    }


async def test_an_error_that_failover_recovered_is_no_error_and_is_told(store, clock):
    await store.traces.write([trace(1, clock.ns, attempts=3), trace(2, clock.ns), trace(3, clock.ns, status="refused")])
    clock.move(HOUR // 10**9)
    table = WatchTable(sli="errors", target="< 0.1%")
    await engine_of(store, clock, errors=table).tick()

    found = standing(table, await store.measures.find("shop", "slo/errors"), table.over.span(clock.ns))

    assert (found.state, found.recovered, found.total) == ("ok", 1, 3)
