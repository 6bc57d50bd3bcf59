"""Deleted means deleted: nothing that was made of a person's traces outlives them."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from rowen.evaluate.dataset import datasets_in
from rowen.evaluate.run.base import shelf
from rowen.insight.book import Book
from rowen.score.cases import Cases
from rowen.score.queue import Item
from rowen.score.rules import Fault
from rowen.serve.erasing import Gone, erase
from rowen.store.base import Cached, Record, ScoreFilter, SpanFilter, TraceFilter, Turn
from rowen.store.catalog import open_store
from rowen.store.shelf import Shelf
from rowen.testing.clock import FakeClock
from rowen.testing.contracts.made import START, a_trace, an_answer
from rowen.testing.contracts.spans import a_span
from rowen.values import Case, Outcome, Run, Score, Target

from .deployment import deployed

SECRET = "zanzibar"  # in everything that is Ann's, and in nothing else
DAY = 86_400_000_000_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + DAY)


def score(id: str, **fields) -> Score:
    return Score(
        **{
            "id": id,
            "tenant": "acme",
            "trace": "",
            "name": "thumbs",
            "value": True,
            "source": "model",
            "judged_ns": START,
            **fields,
        }
    )


async def filled(store, clock: FakeClock) -> None:
    """Ann's call and trace, and one of Bob's, with all that is made of such."""
    ann, bob = a_trace(1, user="ann", session="s1", asked=SECRET, cost=Decimal(3)), a_trace(2, user="bob")
    await store.traces.write([ann, bob])
    await store.traces.observe([a_span(1, "t1", user="ann", input=f"my {SECRET}", attributes={"place": SECRET})])
    await store.scores.put(
        [
            score("on a call", trace=ann.row.id, reason=SECRET),
            score("on a span", target="span", trace="t1", span=f"{1:016x}", reason=SECRET),
            score("of the session", target="session", session="s1"),
            score("given by her", trace="gone", source="user", by="ann", reason=SECRET),
            score("of another", trace=bob.row.id, source="user", by="bob"),
        ]
    )
    items = Shelf(store.records, "queue_item", Item, lambda one: Record(kind="", id=one.id, tenant=one.tenant))
    for trace in (ann.row.id, bob.row.id):
        await items.put(Item(id=f"item {trace}", tenant="acme", queue="q", trace=trace))
        await Cases(store.records, scores=store.scores, traces=store.traces, clock=clock).of_trace(
            trace, Case(id="", tenant="acme", dataset="golden")
        )
        turn = Turn(
            id=f"resp_{trace}", tenant="acme", app="a", created_ns=1, messages=(), answer=an_answer("x"), body="{}"
        )
        await store.turns.put(turn)
    await store.cache.put("a:key", Cached(answer=an_answer(SECRET), trace=ann.row.id, stored_ns=1, expires_ns=2**62))
    await Book(store.records, store.traces, clock).count(START, START + DAY)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_of_a_person_nothing_is_left_and_of_others_everything(kind: str, clock: FakeClock, tmp_path: Path):
    store = await open_store("memory:" if kind == "memory" else f"sqlite:{tmp_path}/data", clock=clock)
    await filled(store, clock)
    bob = a_trace(2).row.id

    gone = await erase(store, clock, "acme", user="ann", session="s1")

    assert gone == Gone(traces=2, scores=4, items=1, cases=1, turns=1)
    assert [row.id for row in await store.traces.find(TraceFilter())] == [bob]
    assert await store.traces.find_spans(SpanFilter(text=SECRET)) == []
    assert [each.id for each in await store.scores.find(ScoreFilter())] == ["of another"]
    assert [each.trace for each in await Cases(
        store.records, scores=store.scores, traces=store.traces, clock=clock
    ).all("acme")] == [bob]  # fmt: skip
    assert await store.turns.get(f"resp_{bob}", "acme") is not None
    assert await store.cache.get("a:key", 1) is None
    costs = await store.traces.day_costs(tenant="acme", since_ns=START, until_ns=START + DAY, by="user")
    assert [(each.group, each.calls) for each in costs] == [("bob", 1)]
    assert [row.user for row in await store.traces.users(tenant="acme")] == ["bob"]
    await store.close()


async def test_the_book_keeps_what_was_spent_and_forgets_by_whom(clock: FakeClock):
    store = await open_store("memory:", clock=clock)
    await filled(store, clock)

    await erase(store, clock, "acme", user="ann")

    (day,) = await Book(store.records, store.traces, clock).days("acme", START, START + DAY)
    assert sum(line.cost for line in day.lines if line.user == "") >= 3
    assert {line.user for line in day.lines} == {"", "bob"}


async def test_the_files_hold_nothing_that_was_erased(clock: FakeClock, tmp_path: Path):
    store = await open_store(f"sqlite:{tmp_path}/data", clock=clock)
    await filled(store, clock)

    await erase(store, clock, "acme", user="ann", session="s1")

    await store.close()
    for file in (tmp_path / "data").glob("*.db"):
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("VACUUM")
        connection.close()
        assert SECRET.encode() not in file.read_bytes(), file.name


async def test_erasing_nothing_and_again_removes_nothing(clock: FakeClock):
    store = await open_store("memory:", clock=clock)
    await filled(store, clock)

    assert await erase(store, clock, "umbrella", user="ann") == Gone()
    assert (await erase(store, clock, "acme", traces=("t1",))).traces == 1
    assert await erase(store, clock, "acme", traces=("t1",)) == Gone()


async def test_what_judges_and_copies_were_told_goes_too_and_nothing_else_that_a_score_names(clock: FakeClock):
    store = await open_store("memory:", clock=clock)
    ann, bob, copy, judge, failed = (a_trace(n, asked=SECRET) for n in range(1, 6))
    await store.traces.write(
        [
            ann.but(row=ann.row.but(user="ann")),
            bob,
            copy.but(row=copy.row.but(within=ann.row.id)),
            judge.but(row=judge.row.but(door="internal", tags=("judge",))),
            failed.but(row=failed.row.but(door="internal", tags=("judge",))),
        ]
    )
    await store.scores.put(
        [
            score("judged", trace=ann.row.id, evidence=judge.row.id),
            score("says anything", trace=copy.row.id, evidence=bob.row.id),
        ]
    )
    faults = Shelf(store.records, "rule.fault", Fault, lambda one: Record(kind="", id=one.id, tenant=one.tenant))
    for id, trace in (("f1", ann.row.id), ("f2", bob.row.id)):
        fault = Fault(id=id, rule="r", tenant="acme", trace=trace, at_ns=START, code="x", message=SECRET)
        await faults.put(fault.but(evidence=failed.row.id if id == "f1" else ""))

    gone = await erase(store, clock, "acme", user="ann")

    assert (gone.traces, set(gone.calls)) == (4, {copy.row.id, judge.row.id, failed.row.id})
    assert [row.id for row in await store.traces.find(TraceFilter())] == [bob.row.id]
    assert [each.id for each in await faults.find()] == ["f2"]


async def test_versions_of_data_sets_lose_a_persons_cases_and_runs_keep_figures_alone(clock: FakeClock):
    store = await open_store("memory:", clock=clock)
    sets = datasets_in(store, clock)
    cases = [
        Case(id=f"c{n}", tenant="acme", dataset="golden", input=f"{who} {n}", user=who)
        for n, who in enumerate(("ann", "ann", "bob"))
    ]
    await sets.add(cases)
    version = await sets.freeze("golden", "acme")
    await sets.remove("c0", "acme")  # gone from the set, and in its version all the same
    tried = a_trace(9, asked=SECRET)
    await store.traces.write([tried.but(row=tried.row.but(door="internal", tags=("eval",)))])
    run = Run(id="r", tenant="acme", dataset="golden", target=Target(kind="definition", app="a"), version=version.hash)
    await shelf(store.records).put(run)
    outcomes = [
        Outcome(case=f"c{n}", key=f"k{n}", asked=f"a{n}", answer=SECRET, reasons={"right": SECRET}, numbers={"right": 1.0},
                group=who, trace=tried.row.id if n == 0 else "")
        for n, who in enumerate(("ann", "ann", "bob"))
    ]  # fmt: skip
    await store.runs.put("r", outcomes, tenant="acme")

    gone = await erase(store, clock, "acme", user="ann")

    assert (gone.cases, gone.versions, gone.outcomes, gone.calls) == (1, 1, 2, (tried.row.id,))
    assert [each.id for each in await sets.cases("golden", "acme", version.hash)] == ["c2"]
    assert (await sets.version("golden", "acme", version.hash)).erased == 2
    first, second, other = await store.runs.page("r", tenant="acme")
    assert (first.answer, first.reasons, first.key, first.asked, first.trace) == ("", {}, "", "", "")
    assert first.numbers == {"right": 1.0}
    assert first.group == second.group != "ann"
    assert other == outcomes[2]
    assert await erase(store, clock, "acme", user="ann") == Gone()


async def test_a_server_that_runs_forgets_what_it_holds_in_memory(clock: FakeClock, tmp_path: Path):
    app = '[app]\nname = "shop"\n[models.main]\nprovider = "echo"\ncache = { ttl = "1d" }\n'
    (tmp_path / "app.toml").write_text(app)
    async with deployed(tmp_path, clock) as place:
        opened = place.server.opened
        body = {"model": "main", "messages": [{"role": "user", "content": SECRET}], "user": "ann"}

        async def asked() -> str:
            return (await place.client.post("/v1/chat/completions", json=body)).headers["x-rowen-cache"]

        first = [await asked(), await asked()]
        await opened.traces_written()
        await opened.served.refresh()

        await erase(opened.store, clock, "default", user="ann")
        await opened.served.refresh()

        assert first == ["miss", "hit"]
        assert await asked() == "miss"
