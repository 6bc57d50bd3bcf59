"""How the pages of what is watched, known, said and evaluated look in a real browser."""

import json
from typing import Any

import pytest
from tests.web import pages
from tests.web.conftest import link_of
from tests.web.test_rollouts import Field
from tests.web.window import LONG, browsing

from rowen.evaluate.canary import Reading, Said
from rowen.evaluate.choice import Candidate, Choice
from rowen.evaluate.robust import variants
from rowen.evaluate.run.cut import Cut
from rowen.evaluate.run.desk import Plan
from rowen.evaluate.run.result import Results
from rowen.evaluate.run.work import counted
from rowen.serve.evaluating import desk_of
from rowen.values import Case, Outcome, Reader, SystemClock, Target
from rowen.values.interval import mean, wilson
from rowen.watch.alert import Alert, Firing
from rowen.watch.incident import Action, Incident, Suspect
from rowen.watch.notice import Silence

pytestmark = [*browsing, pytest.mark.long]


@pytest.fixture
def troubled(watched: Any) -> Any:
    """Objectives that were counted, with an alert, a silence and an incident that are hard to lay out."""
    now, records = watched.trace().row.started_ns, watched.running.opened.store.records
    alert = Alert(
        id="alert", app="shop", objective="answers", severity="page", fired_ns=now, firing=Firing(said=LONG), incident="incident"
    )  # fmt: skip
    silence = Silence(id="silence", begins_ns=now, ends_ns=now + 3_600_000_000_000, why=LONG)
    incident = Incident(
        id="incident", app="shop", title=LONG, began_ns=now, commander=LONG, owner=LONG, objective="answers",
        runbook=LONG, alerts=("alert",), suspect=Suspect(release=LONG, why=LONG), actions=(Action(what=LONG, owner=LONG),),
    ).noted(now, LONG, LONG)  # fmt: skip
    for kind, value in ((Alert, alert), (Silence, silence), (Incident, incident)):
        watched.running.do(kind.shelf(records).put(value))
    return watched


def test_nothing_is_wrong_with_how_the_pages_of_what_is_watched_look(looked, troubled):
    field = Field(troubled, "looked-at")
    field.looked()

    found = looked(troubled, [each.format(field=field.app, rollout=field.rollout.id) for each in pages.WATCHED])

    assert found == {}, json.dumps(found, indent=1)


def test_nothing_is_wrong_with_how_the_pages_of_knowledge_look(looked, known):
    leave = link_of(known, "docs/leave.md").rpartition("/")[2]

    found = looked(known, [each.format(leave=leave) for each in pages.KNOWN])

    assert found == {}, json.dumps(found, indent=1)


def test_nothing_is_wrong_with_how_the_pages_of_tables_look(looked, stocked):
    desk, everything = stocked.running.opened.indexing.desk(), Reader(tenant="default", everything=True)
    table = stocked.running.do(desk.tables(desk.collection("shop", "stock"), everything))[0]

    found = looked(stocked, [each.format(table=table.id) for each in pages.STOCKED])

    assert found == {}, json.dumps(found, indent=1)


def test_models_answer_side_by_side_and_nothing_is_wrong_with_how_the_pages_of_prompts_look(looking, ills, prompting):
    prompts = prompting.running.opened.prompts
    if len(prompting.running.do(prompts.versions("shop/system", "default"))) == 1:
        prompting.running.do(prompts.add("shop/system", "You speak for {{shop}}. Be ever so {{tone}}.", note="Warmer."))

    with looking(prompting) as visitor:
        for path in pages.PROMPTED:
            visitor.see(path)
        visitor.page.get_by_label("Question").fill("When do you open?")
        for name in ("small", "down"):
            visitor.page.get_by_text(name, exact=True).click()
        visitor.page.get_by_role("button", name="Run").click()
        visitor.page.get_by_role("button", name="Run", disabled=False).wait_for()
        cards = visitor.page.locator("article.sheet").all_inner_texts()
        visitor.look("/playground, answered")
        found = ills(visitor)

    assert found == {}, json.dumps(found, indent=1)
    assert any("When do you open?" in card and "main" in card for card in cards)
    assert any("Small <b>words</b>." in card for card in cards)
    assert any("upstream_connect" in card for card in cards)


@pytest.fixture
def tried(site):
    """A run that is done, one under way, and the data set that both are over."""
    store = site.running.opened.store
    desk = desk_of(store, SystemClock())
    cases = [
        Case(
            id=f"hay:{n}",
            dataset="hay",
            input=f"Question {n}? {LONG if n == 3 else ''}",
            expected="hay",
            user=f"u{n % 4}",
        )
        for n in range(24)
    ]

    async def write() -> list[str]:
        await desk.datasets.add(cases)
        brought = await desk.kept(cases, name="hay", tenant="default")
        ids = []
        for state in ("done", "running"):
            plan = Plan(must={"right": ">= 0.5"}, cut=Cut(by="user", names=("length",)))
            target = Target(kind="callable", name="a.rather.long.module.name:function", definition="f" * 32)
            run = (await desk.begin(target, brought, plan, suite="smoke")).but(
                metrics=("right",), state=state, answered=22, failed=2, ended_ns=1 if state == "done" else 0
            )
            await desk.shelf.put(run)
            outcomes = [
                Outcome(
                    case=each.id, state="failed" if n > 21 else "answered", answer=LONG if n == 3 else f"answer {n}",
                    numbers={} if n > 21 else {"right": float(n % 3 > 0), "length": n / 7}, labels={"tone": "dry"},
                    reasons={"error": f"upstream_error: {LONG}"} if n > 21 else {"right": "since it is"},
                    slices={"length": "long" if n == 3 else "short"}, trace=f"{n:032x}", duration_ms=n * 7.5,
                )
                for n, each in enumerate(cases)
            ]  # fmt: skip
            await store.runs.put(run.id, outcomes, tenant="default")
            await Results(store.records).put(await counted(desk, run))
            ids.append(run.id)
        asked = variants(cases[:12], ("repeat", "typo"))
        asked = [each.but(id=f"hay-robust:{n}", dataset="hay-robust") for n, each in enumerate(asked)]
        await desk.datasets.add(asked)
        brought = await desk.kept(asked, name="hay-robust", tenant="default")
        run = await desk.begin(Target(kind="callable", name=LONG), brought, Plan(), suite=LONG)
        said = [Outcome(case=each.id, answer=LONG if n % 3 else "hay", trace="t") for n, each in enumerate(asked)]
        await store.runs.put(run.id, said, tenant="default")
        return [*ids, run.id]

    ids = site.running.do(write())
    records = store.records
    side = Candidate(run=ids[0], name=LONG, quality=wilson(9, 10), cost=mean([0.1]), p95=mean([9.0]), failed=wilson(1, 10), warnings=(LONG,), dominated=(ids[1],))  # fmt: skip
    report = Choice(id="report", metric="right", higher_is_better=True, pairs=9, candidates=(side, side.but(run=ids[1])), rationale=LONG)  # fmt: skip
    cycle = Reading(id="cycle", app="shop", canary=LONG, deployment=LONG, model=LONG, prompts="p", answers=((Said(text=LONG),),), at_ns=1, changed=True, why=LONG)  # fmt: skip
    site.running.do(Choice.shelf(records).put(report))
    site.running.do(Reading.shelf(records).put(cycle))
    yield site, ids
    site.running.do(Choice.shelf(records).delete("report"))
    site.running.do(Reading.shelf(records).delete("cycle"))
    site.running.do(desk.datasets.delete("hay", "default"))
    site.running.do(desk.datasets.delete("hay-robust", "default"))
    for id in ids:
        site.running.do(desk.delete(id, "default"))


def test_nothing_is_wrong_with_how_the_pages_of_evaluation_look(looked, tried):
    site, (done, going, shaky) = tried
    addresses = [each.format(done=done, going=going, shaky=shaky) for each in pages.EVALUATED]
    # What is worked out beside its page is looked at once it is.
    reader = site.reader()
    for each in addresses:
        reader.settled(each)

    found = looked(site, addresses)

    assert found == {}, json.dumps(found, indent=1)


def test_a_run_that_goes_on_is_looked_at_again_until_it_has_ended(visiting, tried):
    site, (_, going, _) = tried
    shelf = desk_of(site.running.opened.store, SystemClock()).shelf

    with visiting() as visitor:
        visitor.go(f"/runs/{going}")
        site.running.do(shelf.amend(going, lambda run: run.but(state="stopped", why="stopped by ann"), "default"))

        visitor.page.get_by_text("stopped by ann").wait_for()
