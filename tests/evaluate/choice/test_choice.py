"""The choice of a model: who is dominated, who leads at what, what must be known, and what is kept of it."""

import asyncio
import json
from datetime import date
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from rowen.cli.main import rowen
from rowen.evaluate.choice import Candidate, CatalogueTable, Choice, choice, choice_text
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import Loaded, shelf
from rowen.store.base import Figures
from rowen.store.catalog import open_store
from rowen.store.memory.store import MemoryStore
from rowen.values import Mistaken, Outcome, Run, SystemClock, Target
from rowen.values.interval import mean

PLAN = MetricsTable(primary="right")
TODAY = date(2026, 11, 26)
KNOWN = CatalogueTable(
    tasks=("summaries",), licence="Apache-2.0", training="public text", biases="not known", support="the vendor's desk",
    approved=True,
)  # fmt: skip


def outcomes(share: float, cost: str, ms: float, *, good_at: str = "", seed: int = 0) -> list[Outcome]:
    rng = np.random.default_rng(seed)
    found = []
    for n in range(200):
        task = ("summaries", "translation")[n % 2]
        right = rng.random() < (0.97 if task == good_at else share)
        found.append(
            Outcome(
                case=f"c{n:03}",
                numbers={"right": float(right)},
                cost=Decimal(cost) * (1 + n % 3),
                duration_ms=ms * float(rng.lognormal(0, 0.3)),
                slices={"task": task},
            )
        )
    return found


RUNS = {
    "large": outcomes(0.9, "0.010", 900, seed=1),
    "small": outcomes(0.7, "0.001", 200, good_at="summaries", seed=2),
    "slow": outcomes(0.65, "0.012", 2000, seed=3),
}


def loaded(id: str) -> Loaded:
    of = {name: tuple(getattr(each, name) for each in RUNS[id]) for name in Outcome.__struct_fields__}
    figures = Figures(
        cases=of["case"], trials=of["trial"], states=of["state"], numbers=of["numbers"], labels=of["labels"],
        groups=of["group"], slices=of["slices"], costs=of["cost"], durations=of["duration_ms"], firsts=of["first_ms"],
        input_tokens=of["input_tokens"], output_tokens=of["output_tokens"], traces=of["trace"], cached=of["cached"],
    )  # fmt: skip
    run = Run(id=id, app="shop", target=Target(kind="endpoint", name=f"{id}-model"), metrics=("right",), state="done")
    return Loaded(run, figures)


def report(**more):
    return choice([loaded(id) for id in RUNS], PLAN, id="one", today=TODAY, **more)


def test_a_candidate_that_is_worse_dearer_and_slower_is_dominated():
    found = report()

    slow = next(each for each in found.candidates if each.run == "slow")
    assert slow.dominated == ("large", "small")
    assert slow.surely
    assert found.front == ("large", "small")


def test_each_figure_has_an_interval_that_holds_what_it_was_made_of():
    large = report().candidates[0]

    assert large.quality.low < 0.9 < large.quality.high
    assert large.cost.value == pytest.approx(0.01 * (1 + 199 / 200), rel=0.02)
    truth = 900 * float(np.exp(0.3 * 1.645))
    assert large.p95.low < truth < large.p95.high
    assert large.p95.method == "bca"


def test_who_leads_differs_by_task():
    tasks = {each.value: each for each in report().tasks}

    assert tasks["summaries"].ranking[0][0] == "small"
    assert tasks["translation"].ranking[0][0] == "large"
    assert tasks["translation"].q < 0.05


@pytest.mark.parametrize("missing", ["licence", "training", "biases", "support"])
def test_an_approved_model_must_be_known(missing):
    with pytest.raises(ValueError, match=f"an approved model needs {missing}"):
        CatalogueTable(**{**msgspec.structs.asdict(KNOWN), missing: " "})


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2027, 6, 1), ""),
        (date(2026, 12, 26), "it is switched off on 2026-12-26, in 30 days"),
        (date(2026, 11, 26), "it was to be switched off on 2026-11-26"),
    ],
)
def test_a_model_that_will_be_switched_off_is_warned_of(day, said):
    assert KNOWN.but(deprecated=day).warning(TODAY) == said


def test_what_is_known_and_what_is_to_be_minded_stands_in_the_report():
    catalogue = {"large-model": KNOWN.but(deprecated=date(2026, 12, 26)), "tiny": KNOWN.but(approved=False)}

    said = choice_text(report(catalogue=catalogue, models={"small": "tiny"}))

    assert "- licence: Apache-2.0" in said
    assert "- mind: It is switched off on 2026-12-26, in 30 days." in said
    assert "- mind: It is not approved." in said
    assert "- mind: It stands in no catalogue." in said
    assert "Nothing is chosen yet" in said
    assert "dominated by large, small" in said


def test_candidates_must_share_a_metric_and_be_two():
    with pytest.raises(Mistaken, match="no metric 'wrong' in common"):
        report(metric="wrong")
    with pytest.raises(Mistaken, match="two candidates"):
        choice([loaded("large")], PLAN, id="one", today=TODAY)


def test_a_report_is_filed_completed_and_shown(tmp_path):
    address = f"sqlite:{tmp_path}/data"
    app = tmp_path / "app.toml"
    app.write_text(
        '[models.main]\nprovider = "echo"\n[metrics]\nprimary = "right"\n[catalogue.large-model]\nlicence = "MIT"\n'
    )

    async def fill() -> None:
        store = await open_store(address, clock=SystemClock())
        for id, tried in RUNS.items():
            await shelf(store.records).put(loaded(id).run)
            await store.runs.put(id, tried, tenant="default")
        await store.close()

    asyncio.run(fill())

    def run(*words: str) -> str:
        words = (*words, "--store", address)
        ended = CliRunner().invoke(rowen, words, catch_exceptions=False, standalone_mode=False)
        return ended.output

    made = json.loads(run("compare", "large", "small", "slow", "--report", "--json", "--app", str(app)))
    run("choices", "decide", made["id"], "--chosen", "small", "--because", "It is good enough.", "--by", "ann")
    (listed,) = json.loads(run("choices", "list", "--json"))
    shown = run("choices", "show", made["id"])

    assert made["chosen"] == ""
    assert (listed["chosen"], listed["by"], listed["candidates"]) == ("small", "ann", 3)
    assert "**Chosen: small-model (small)** by ann" in shown
    assert "It is good enough." in shown
    assert "- licence: MIT" in shown
    with pytest.raises(Mistaken, match="no candidate"):
        run("choices", "decide", made["id"], "--chosen", "gone", "--because", "x")
    with pytest.raises(Mistaken, match="no choice"):
        run("choices", "show", "gone")


async def test_a_report_on_answers_that_cost_nothing_is_read_back_with_its_endless_interval():
    shelf = Choice.shelf(MemoryStore().records)
    free = mean([0.0])
    side = Candidate(run="r", name="free", quality=free, cost=free, p95=free, failed=free)
    report = Choice(id="c", metric="right", higher_is_better=True, pairs=1, candidates=(side,))
    await shelf.put(report)

    assert await shelf.get("c") == report
    assert await shelf.find() == [report]
