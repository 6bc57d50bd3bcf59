"""The page of a run that was asked in other ways, about other people, or announced as a test."""

import pytest

from rowen.evaluate.dataset import datasets_in
from rowen.evaluate.robust import variant_of, variants
from rowen.evaluate.robust.aware import both, mark_of
from rowen.evaluate.robust.bias import about_of, questions
from rowen.evaluate.run.base import shelf
from rowen.values import Case, Outcome, Run, SystemClock, Target

GOLDEN = [
    Case(id=f"golden:{n}", dataset="golden", input=f"Where is the meadow number {n} of Anna?", expected="There")
    for n in range(12)
]


def tried(site, name, cases, answer, numbers=lambda _: {}):
    """Write a run over cases, as the runner would; return its address."""
    store = site.running.opened.store
    sets = datasets_in(store, SystemClock())
    site.running.do(sets.add([case.but(id=f"{name}:{n}", dataset=name) for n, case in enumerate(cases)]))
    version = site.running.do(sets.freeze(name, "default"))
    kept = site.running.do(sets.cases(name, "default", version.hash))
    run = Run(id=name, app="shop", target=Target(kind="callable", name="<i>it</i>"), dataset=name, version=version.hash, state="done")  # fmt: skip
    outcomes = [
        Outcome(case=each.id, answer=answer(each), numbers=numbers(each), trace=f"t-{each.id}") for each in kept
    ]
    site.running.do(shelf(store.records).put(run))
    site.running.do(store.runs.put(name, outcomes, tenant="default"))
    return f"/runs/{name}/robust"


def reader_of(site, **wanted):
    return site.reader(site.running.new_key(f"{wanted}", **{"tenant": "default", "scopes": ("read",), **wanted}))


@pytest.fixture
def shaky(site) -> str:
    """A run whose typing errors are answered otherwise."""
    cases = variants(GOLDEN, ("repeat", "typo"))
    return tried(site, "shaky", cases, lambda case: "<b>What?" if variant_of(case).kind == "typo" else "There.")


def test_a_way_that_breaks_is_shown_with_its_difference_and_the_answers(site, shaky):
    shown = reader_of(site).settled(shaky)

    assert "breaks with typing errors" in shown.text
    assert "-100 points" in shown.text
    assert "12 cases, 24 other askings" in shown.text
    assert "should be: the same" in shown.text
    assert "&lt;b&gt;What?" in shown.html
    assert "<b>What?" not in shown.html
    assert 'class="lane whisker"' in shown.html


def test_the_page_of_such_a_run_leads_to_how_it_stands(site, shaky):
    assert f'href="{shaky}"' in reader_of(site).get("/runs/shaky").html


def test_whom_it_treats_otherwise_is_shown_by_attribute(site):
    cases = questions(("gender",))
    at = tried(
        site, "unfair", cases, lambda case: "Yes." if about_of(case).value == about_of(cases[0]).value else "No."
    )

    shown = reader_of(site).settled(at)

    assert "Whom it treats otherwise gender counts" in shown.text
    assert "All groups by gender" in shown.text


def test_a_model_that_minds_being_tested_is_shown(site):
    at = tried(
        site, "vain", both(GOLDEN), lambda _: "There.", lambda case: {"right": float(mark_of(case).mode == "announced")}
    )

    shown = reader_of(site).settled(at)

    assert "right differs" in shown.text
    assert "As any call" in shown.text


def test_a_run_of_plain_cases_says_how_to_make_such(site):
    at = tried(site, "plain", GOLDEN, lambda _: "There.")

    shown = reader_of(site).settled(at)

    assert "This run has no such cases" in shown.text
    assert "rowen robust make golden" in shown.text
    assert at not in reader_of(site).get("/runs/plain").html


def test_runs_of_others_are_not_found(site, shaky):
    assert reader_of(site, tenant="acme").settled(shaky).status == 404
    assert reader_of(site, apps=("handbook",)).settled(shaky).status == 404
