import asyncio
import json
from collections import Counter
from decimal import Decimal

import pytest

from rowen.jobs import Queue, Worker
from rowen.score.base import Told
from rowen.score.configs import Configs
from rowen.score.intake import Intake
from rowen.score.judging import Judging
from rowen.score.rule import FilterTable, Rule
from rowen.score.rules import LIVE, Rules
from rowen.score.traffic import Traffic
from rowen.store.base import ScoreFilter
from rowen.store.catalog import open_store
from rowen.testing.clock import FakeClock
from rowen.values import (
    Answer,
    Choice,
    Mistaken,
    Observed,
    Refused,
    Request,
    Span,
    SpanRow,
    Trace,
    TraceRow,
    Unavailable,
    says,
)

S = 1_000_000_000
START = 1_790_000_000 * S


class Scripted:
    """The models of all apps: each judgement costs, and says what `verdict` says of the prompt."""

    def __init__(self):
        self.asked = []
        self.cost = Decimal("0.001")
        self.verdict = lambda prompt: "good"

    def ask(self, rule, tenant, within=""):
        async def ask(request):
            self.asked.append((rule.name, tenant, request.messages[1].text))
            said = self.verdict(request.messages[1].text)
            if isinstance(said, Exception):
                raise said
            text = json.dumps({"reason": "so", "label": said, "confidence": 1})
            return Told(Answer(choices=(Choice(message=says("assistant", text)),)), f"e{len(self.asked)}", self.cost)

        return ask

    def embed(self, rule, tenant, within=""):
        return None


class House:
    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.models, self.written = Scripted(), []
        self.queue = Queue(store.records, clock)
        self.again()

    def again(self):
        """What a new process would be."""

        async def known(id, tenant):
            found = await self.store.traces.get(id, tenant)
            return found.row if found else None

        intake = Intake(self.store.scores, Configs(self.store.records, self.clock), known, self.clock)
        self.rules = Rules(self.store.records, self.queue, self.clock, lambda: self.written)
        self.judging = Judging(
            self.rules, Traffic(self.store.traces), intake=intake, scores=self.store.scores,
            counters=self.store.counters, models=self.models, queue=self.queue, clock=self.clock,
        )  # fmt: skip
        self.worker = Worker(self.queue, self.judging.handlers, self.clock)

    async def call(self, number, *, tenant="acme", answer="Hold the button.", at=None, **row):
        asked = Request(model="fast", messages=(says("user", f"question {number}"),))
        said = Answer(choices=(Choice(message=says("assistant", answer)),))
        started = self.clock.ns if at is None else at
        row = TraceRow(
            id=f"{number:032x}", started_ns=started, duration_ns=S, app="shop", definition="d", tenant=tenant,
            release="r1", **row,
        )  # fmt: skip
        await self.store.traces.write([Trace(row=row, request=asked, answer=said)])
        return row.id

    async def tick(self, seconds=15):
        self.clock.move(seconds)
        return await self.worker.once()

    async def scores(self, **filter):
        return await self.store.scores.find(ScoreFilter(limit=1000, **filter))


@pytest.fixture(params=["memory", "sqlite"])
async def house(request, tmp_path):
    clock = FakeClock(START)
    store = await open_store("memory:" if request.param == "memory" else f"sqlite:{tmp_path}/data", clock=clock)
    yield House(store, clock)
    await store.close()


def rule(**fields):
    judge = {"prompt": "Good? {{question}} {{answer}}", "labels": {"good": 1, "bad": 0}}
    return Rule(**{"name": "helpful", "tenant": "acme", "app": "shop", "kind": "judge", "options": judge, **fields})


async def test_what_comes_is_judged_once_and_bears_what_judged_it(house):
    await house.rules.put(rule())
    id = await house.call(1, session="s")
    await house.tick()
    for _ in range(5):
        await house.tick()

    (score,) = await house.scores()
    assert (score.trace, score.name, score.value, score.number, score.reason) == (id, "helpful", "good", 1.0, "so")
    assert (score.source, score.by, score.evidence, score.cost) == ("model", "helpful", "e1", Decimal("0.001"))
    assert (score.release, score.session, score.tenant, score.version) == (
        "r1",
        "s",
        "acme",
        house.judging.check(rule()),
    )
    assert len(house.models.asked) == 1
    ledger = await house.rules.ledgers.get(rule().key, "acme")
    assert (ledger.judged, ledger.failed, ledger.cost) == (1, 0, "0.001")


async def test_what_came_before_the_rule_is_for_a_backfill(house):
    await house.call(1)
    house.clock.move(3600)
    await house.rules.put(rule())
    await house.tick()

    assert await house.scores() == []


async def test_a_trace_that_arrives_late_is_judged_all_the_same(house):
    await house.rules.put(rule())
    began = house.clock.ns + S
    await house.tick(60)
    await house.call(1, at=began)
    await house.tick()

    assert len(await house.scores()) == 1


async def test_another_tenants_traffic_is_not_judged(house):
    await house.rules.put(rule())
    await house.call(1, tenant="globex")
    await house.tick()

    assert (await house.scores(), house.models.asked) == ([], [])


async def test_a_rule_of_the_apps_file_judges_every_tenant_each_under_its_own_name(house):
    house.written.append(rule(tenant="", created_ns=house.clock.ns))
    await house.rules.queue_written()
    await house.call(1, tenant="acme")
    await house.call(2, tenant="globex")
    await house.tick()

    assert {score.tenant for score in await house.scores()} == {"acme", "globex"}
    assert {tenant for _, tenant, _ in house.models.asked} == {"acme", "globex"}
    assert len(await house.scores(tenant="globex")) == 1


async def test_judges_are_not_judged(house):
    await house.rules.put(rule())
    await house.call(1, feature="judge:helpful")
    await house.tick()

    assert house.models.asked == []


async def test_a_filter_and_a_sample_choose_the_same_traces_in_every_process(house):
    half = rule(sample=0.5, filter=FilterTable(feature="chat"))
    await house.rules.put(half)
    ids = [await house.call(number, feature="chat" if number % 2 else "other") for number in range(100)]
    await house.tick()

    chosen = {score.trace for score in await house.scores()}
    assert chosen == {id for number, id in enumerate(ids) if number % 2 and half.samples(id)}
    assert 10 < len(chosen) < 40


async def test_a_rule_of_a_feature_judges_its_copies_beside_it_and_no_other_features(house):
    await house.rules.put(rule(filter=FilterTable(feature="chat")))
    copy = {"door": "internal", "tags": ("shadow",)}
    original, copied = await house.call(1, feature="chat"), await house.call(2, feature="shadow:chat", **copy)
    await house.call(3, feature="other")
    await house.call(4, feature="shadow:other", **copy)
    await house.tick()

    assert {score.trace for score in await house.scores()} == {original, copied}


async def test_a_judge_that_fails_is_an_error_and_never_a_score(house):
    house.models.verdict = lambda prompt: "nonsense" if "question 1" in prompt else "good"
    await house.rules.put(rule())
    one, _ = await house.call(1), await house.call(2)
    for _ in range(4):
        await house.tick()

    assert [score.value for score in await house.scores()] == ["good"]
    (fault,) = await house.rules.faults.find(group=rule().key)
    assert (fault.trace, fault.code, fault.cost, fault.tenant) == (one, "upstream_garbage", "0.002", "acme")
    assert len(house.models.asked) == 3  # twice for the one that failed, and never again


async def test_a_provider_that_is_down_is_an_error_of_each_judgement(house):
    house.models.verdict = lambda prompt: Unavailable("upstream_connect", "nobody there")
    await house.rules.put(rule())
    await house.call(1)
    await house.tick()

    (fault,) = await house.rules.faults.find(group=rule().key)
    assert (fault.code, fault.cost) == ("upstream_connect", "0")


async def test_errors_on_end_are_counted_from_the_first_until_it_judges_again(house):
    house.models.verdict = lambda prompt: Unavailable("upstream_connect", "nobody there")
    await house.rules.put(rule())
    told = []
    for number in range(4):
        if number == 3:
            house.models.verdict = lambda prompt: "good"
        await house.call(number)
        await house.tick()
        told.append(await house.rules.ledgers.get(rule().key, "acme"))

    assert [ledger.failing for ledger in told] == [1, 2, 3, 0]
    assert len({ledger.failing_ns for ledger in told[:3]}) == 1


async def test_a_limit_is_waited_for_and_nothing_is_judged_twice(house):
    left = [2]

    def limited(prompt):
        left[0] -= 1
        return "good" if left[0] >= 0 else Refused("limit_requests", "used up", retry_after=60)

    house.models.verdict = limited
    await house.rules.put(rule())
    for number in range(6):
        await house.call(number)
    await house.tick()
    waiting = await house.queue.get(rule().key)
    left[0] = 100
    await house.tick(61)

    assert waiting.note == "used up"
    assert len(await house.scores()) == 6
    judged = Counter(prompt for _, _, prompt in house.models.asked)
    assert sum(judged.values()) <= 6 + 4
    assert await house.rules.faults.find(group=rule().key) == []


async def test_the_budget_of_a_day_is_a_cap_and_what_it_cut_is_counted(house):
    await house.rules.put(rule(budget="0.005"))
    for number in range(12):
        await house.call(number)
    await house.tick()

    assert len(await house.scores()) == 5
    ledger = await house.rules.ledgers.get(rule().key, "acme")
    assert (ledger.judged, ledger.capped, ledger.cost) == (5, 7, "0.005")
    assert START < ledger.capped_ns <= house.clock.ns


async def test_a_budget_that_cannot_be_kept_stops_the_rule_and_says_why(house):
    house.models.cost = None
    await house.rules.put(rule(budget="1"))
    await house.call(1)
    await house.tick()

    job = await house.queue.get(rule().key)
    assert (job.code, "cannot be kept" in job.message) == ("price_unknown", True)


async def test_a_backfill_judges_a_window_and_tells_how_far_it_is(house):
    for number in range(30):
        await house.call(number, at=START + number * S)
    house.clock.move(3600)

    id = await house.judging.queue_backfill(rule(), START + 5 * S, START + 25 * S, tenant="acme", by="me")
    await house.worker.once()

    job = await house.queue.get(id)
    assert (job.state, job.done, job.total, job.by) == ("done", 20, 20, "me")
    assert job.result == {"judged": 20, "cost": "0.020"}
    assert len(await house.scores()) == 20


async def test_a_backfill_again_costs_nothing_and_a_new_version_judges_anew(house):
    for number in range(3):
        await house.call(number)
    house.clock.move(60)
    changed = rule(options={**rule().options, "prompt": "Really good? {{answer}}"})
    results = []
    for each in (rule(), rule(), changed):
        id = await house.judging.queue_backfill(each, START, START + S, tenant="acme")
        await house.worker.once()
        results.append((await house.queue.get(id)).result)

    assert [result.get("judged", 0) for result in results] == [3, 0, 3]
    assert len(await house.scores()) == 6


async def test_a_backfill_that_hits_the_cap_goes_on_the_next_day(house):
    for number in range(8):
        await house.call(number)
    house.clock.move(60)
    id = await house.judging.queue_backfill(rule(budget="0.005"), START, START + S, tenant="acme")
    await house.worker.once()
    waiting = await house.queue.get(id)
    house.clock.ns = waiting.due_ns
    await house.worker.once()

    assert (waiting.state, waiting.due_ns % 86_400_000_000_000) == ("queued", 0)
    assert "used up" in waiting.note
    assert (await house.queue.get(id)).state == "done"
    assert len(await house.scores()) == 8
    assert len(house.models.asked) == 8


async def test_a_process_that_dies_in_the_middle_judges_and_pays_nothing_twice(house):
    for number in range(12):
        await house.call(number)
    house.clock.move(60)

    class Killed(BaseException):
        pass

    def dies(prompt):
        if len(house.models.asked) == 7:
            raise Killed
        return "good"

    house.models.verdict = dies
    id = await house.judging.queue_backfill(rule(), START, START + S, tenant="acme")
    with pytest.raises(Killed):
        await house.worker.once()
    house.models.verdict = lambda prompt: "good"
    house.again()
    await house.tick(31)

    asked = Counter(prompt.split("<<<question ")[1][13:25] for _, _, prompt in house.models.asked)
    assert (await house.queue.get(id)).state == "done"
    assert len(await house.scores()) == len(asked) == 12
    assert sum(asked.values()) <= 12 + 4  # those under way at the kill, at most


async def test_a_preflight_judges_three_and_tells_what_all_would_cost(house):
    for number in range(40):
        await house.call(number)
    house.clock.move(60)

    found = await house.judging.preflight(rule(), START, START + S)

    assert (found.matching, found.sampled, len(found.examples)) == (40, 40, 3)
    assert found.cost == pytest.approx(0.04)
    assert (found.cost_each.value, found.cost_each.n) == (pytest.approx(0.001), 3)
    assert [example.verdicts[0].value for example in found.examples] == ["good"] * 3
    assert await house.scores() == []


async def test_a_preflight_shows_what_would_fail(house):
    house.models.verdict = lambda prompt: "nonsense"
    await house.call(1)
    house.clock.move(60)

    found = await house.judging.preflight(rule(), START, START + S)

    assert (found.examples[0].code, found.examples[0].verdicts) == ("upstream_garbage", ())


async def test_a_rule_in_code_judges_with_parts_and_costs_nothing(house):
    await house.rules.put(rule(name="len", kind="length", options={"most": 2}))
    await house.call(1)
    for _ in range(3):
        await house.tick()

    found = {score.name: score.value for score in await house.scores()}
    assert found == {"len": 3.0, "len.within": False}
    assert {score.source for score in await house.scores()} == {"rule"}


async def test_variables_are_mapped_by_paths_and_shape_the_subject(house):
    contexts = rule(name="ground", kind="grounded", options={}, variables={"contexts": "$.row.tags[*]"})
    await house.rules.put(contexts)
    await house.call(1, tags=("Hold the button firmly.",))
    await house.call(2)
    await house.tick()

    (score,) = await house.scores()
    assert score.number == 1.0
    assert (await house.rules.ledgers.get(contexts.key, "acme")).passed_over == 1


def observed(trace, id, kind, *, at, parent="", input=None, output=None, session=""):
    row = SpanRow(
        trace=trace, id=id, parent=parent, name=kind, type=kind, started_ns=at, duration_ns=S, tenant="acme", app="shop",
        session=session,
    )  # fmt: skip
    span = Span(trace=trace, id=id, parent=parent, name=kind, started_ns=at, ended_ns=at + S)
    return Observed(row=row, span=span, input=input, output=output)


async def test_spans_of_a_kind_are_judged_by_what_went_in_and_out(house):
    await house.rules.put(rule(target="span", filter=FilterTable(type="tool")))
    at = house.clock.ns
    await house.store.traces.observe(
        [
            observed("a" * 32, "1" * 16, "agent", at=at, input="plan", output="done"),
            observed("a" * 32, "2" * 16, "tool", at=at + 1, parent="1" * 16, input="2+2", output="4"),
        ]
    )
    for _ in range(3):
        await house.tick()

    (score,) = await house.scores()
    assert (score.target, score.trace, score.span) == ("span", "a" * 32, "2" * 16)
    (asked,) = house.models.asked
    assert "2+2" in asked[2]


async def test_a_trace_of_spans_is_judged_by_its_root(house):
    await house.rules.put(rule(filter=FilterTable(status="any")))
    await house.store.traces.observe(
        [observed("a" * 32, "1" * 16, "agent", at=house.clock.ns, input="plan it", output="planned")]
    )
    await house.tick()

    ((_, _, prompt),) = house.models.asked
    assert "plan it" in prompt
    assert "planned" in prompt


async def test_a_session_is_judged_when_it_fell_quiet_and_again_when_it_went_on(house):
    await house.rules.put(rule(target="session", quiet=60.0, options={**rule().options, "prompt": "{{answer}}"}))
    await house.call(1, session="s")
    await house.call(2, session="s", at=house.clock.ns + S)
    await house.tick()
    early = len(house.models.asked)
    for _ in range(8):
        await house.tick()
    quiet = len(house.models.asked)
    await house.call(3, session="s")
    for _ in range(9):
        await house.tick()

    assert (early, quiet, len(house.models.asked)) == (0, 1, 2)
    assert house.models.asked[0][2].index("question 1") < house.models.asked[0][2].index("question 2")
    assert {score.session for score in await house.scores()} == {"s"}


async def test_a_rule_that_is_switched_off_stops_and_on_again_goes_on_from_now(house):
    await house.rules.put(rule())
    await house.tick()
    await house.rules.put(rule(enabled=False))
    await house.tick()
    await house.call(1)
    await house.tick()
    stopped = (await house.queue.get(rule().key)).state
    house.clock.move(600)
    await house.rules.put(rule())
    await house.call(2)
    await house.tick()

    assert stopped == "cancelled"
    assert [score.trace for score in await house.scores()] == [f"{2:032x}"]


async def test_a_rule_that_is_removed_stops(house):
    await house.rules.put(rule())
    await house.rules.delete(rule())
    await house.call(1)
    await house.tick()

    assert (await house.queue.get(rule().key)).state == "cancelled"
    assert await house.scores() == []


async def test_a_verdict_that_does_not_fit_its_config_is_an_error(house):
    await house.rules.put(rule(name="stars", kind="length", options={}))
    await house.call(1, answer="one two three four five six seven")
    await house.tick()

    (fault,) = await house.rules.faults.find(group=rule(name="stars").key)
    assert fault.code == "field_invalid"
    assert await house.scores() == []


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"sample": 0}, "sample"),
        ({"sample": 1.5}, "sample"),
        ({"budget": "lots"}, "budget"),
        ({"budget": "-1"}, "budget"),
        ({"budget": "NaN"}, "budget"),
        ({"variables": {"contexts": "spans"}}, "variables"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(house, fields, place):
    with pytest.raises(Mistaken) as caught:
        await house.rules.put(rule(**fields))

    assert caught.value.place == place


async def test_the_name_of_a_rule_in_the_apps_file_is_taken(house):
    house.written.append(rule(tenant=""))

    with pytest.raises(Mistaken, match="own file") as caught:
        await house.rules.put(rule())

    assert caught.value.code == "conflict"


async def test_two_workers_judge_the_same_rule_once(house):
    await house.rules.put(rule())
    for number in range(20):
        await house.call(number)
    house.clock.move(15)
    first = house.worker
    house.again()
    await asyncio.gather(first.once(), house.worker.once())

    assert len(house.models.asked) == 20
    assert (await house.queue.get(rule().key)).kind == LIVE
