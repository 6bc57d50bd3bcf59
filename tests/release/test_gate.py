"""What must be shown of a version before it is let out: each refusal says which gate, why, and what would mend it."""

from decimal import Decimal

import pytest

from rowen.evaluate.dataset import Dataset, Datasets
from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.run.base import shelf
from rowen.evaluate.run.must import must_of
from rowen.release import Reason, Releases
from rowen.release.evidence import Kept
from rowen.release.gate import Budget, Candidate, Gate
from rowen.release.remark import Remarks
from rowen.release.ruling import Finding, Ruling
from rowen.release.table import ReleaseTable
from rowen.release.terms import Terms, terms
from rowen.score.cases import Cases
from rowen.store.memory.store import MemoryStore
from rowen.testing.clock import FakeClock
from rowen.values import Case, Index, Outcome, Run, Target

from .conftest import ANN, hash_of

A, B = hash_of("a"), hash_of("b")
PLAN = MetricsTable(primary="right", guard=("polite", "cost"), margins={"polite": 0.05})


class World:
    """A store with versions A (live) and B (new), and a gate over it."""

    def __init__(self, store: MemoryStore, releases: Releases, clock: FakeClock) -> None:
        self.store, self.releases, self.clock = store, releases, clock
        cases = Cases(store.records, scores=store.scores, traces=store.traces, clock=clock)
        self.datasets = Datasets(store.records, cases=cases, clock=clock)
        self.cases = cases
        self.remarks = Remarks(store.records, clock)
        self.spent: dict[str, Budget] = {}
        self.gate = Gate(Kept(store.records, store.runs, self.datasets), self, indexes=self.indexes)
        self.now: tuple[Index, ...] = ()
        self.made = 0

    async def indexes(self, definition: str) -> tuple[Index, ...]:
        assert definition == B
        return self.now

    async def budget(self, app: str, objective: str) -> Budget | None:
        assert app == "shop"
        return self.spent.get(objective)

    async def run(
        self, definition: str, right, *, suite="smoke", polite=None, version="v1", groups=None, **fields
    ) -> Run:
        """Keep a run in which each case was right or not, and polite or not."""
        self.made += 1
        self.clock.move(1)
        run = Run(
            **{
                "id": f"r{self.made}",
                "app": "shop",
                "suite": suite,
                "target": Target(kind="definition", app="shop", definition=definition),
                "dataset": "smoke",
                "version": version,
                "metrics": ("right", "polite"),
                "cases": len(right),
                "state": "done",
                "created_ns": self.clock.ns,
                **fields,
            }
        )
        outcomes = [
            Outcome(case=f"c{i:03}", state="failed")
            if value is None
            else Outcome(
                case=f"c{i:03}",
                numbers={"right": float(value), "polite": float(polite[i] if polite else 1)},
                cost=Decimal("0.01"),
                group=groups[i] if groups else "",
            )
            for i, value in enumerate(right)
        ]
        await shelf(self.store.records).put(run)
        await self.store.runs.put(run.id, outcomes, tenant=run.tenant)
        return run

    async def ruling(
        self, *, environment="production", table=None, plan=PLAN, must=None, objectives=(), name="b"
    ) -> Ruling:
        table = table or ReleaseTable(strategy="canary", gate=("evaluate.smoke",))
        asked = Terms(
            table=table,
            plan=plan,
            must={"smoke": tuple(must_of(metric, text) for metric, text in (must or {}).items())},
            gates=table.gate,
            approvals=table.approvals,
            objectives=objectives,
        )
        version = await self.releases.version("shop", hash_of(name))
        live = await self.releases.live("shop", environment)
        remarks = tuple(await self.remarks.of("shop", version.definition))
        return await self.gate.ruling(
            Candidate(version=version, environment=environment, terms=asked, live=live, remarks=remarks)
        )

    async def only_refusal(self, **how) -> Finding:
        found = (await self.ruling(**how)).refused
        assert len(found) == 1, [str(each) for each in found]
        assert found[0].fix
        return found[0]


@pytest.fixture
async def world(store: MemoryStore, releases: Releases, clock: FakeClock) -> World:
    await releases.release("shop", A, ANN)
    await releases.propose("shop", B, Reason(by="ann", note="a shorter prompt"))
    return World(store, releases, clock)


MOST = [1] * 95 + [0] * 5


async def test_a_version_that_is_as_good_passes_with_every_reason_told(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)

    ruling = await world.ruling(must={"right": ">= 0.85"})

    assert ruling.open
    assert ruling.runs == ("r2", "r1")
    assert ruling.baseline == A
    whys = [each.why for each in ruling.findings]
    assert any("right is 0.95 [0.888, 0.978] (n = 100, 95%, wilson), and must be right >= 0.85" in why for why in whys)
    assert any("polite (guard, 0.05 may be lost) is not worse" in why for why in whys)


async def test_without_an_evaluation_nothing_is_promoted(world: World):
    found = await world.only_refusal()

    assert (found.gate, found.kind) == ("evaluate.smoke", "evaluation")
    assert found.fix == f"run `rowen eval smoke --version {B[:12]}`"


async def test_an_app_that_asks_for_no_evaluation_is_told_to(world: World):
    found = await world.only_refusal(table=ReleaseTable(strategy="canary"))

    assert "no evaluation is asked for" in found.why
    assert 'gate = ["evaluate.smoke"]' in found.fix


async def test_a_run_of_another_version_is_no_evidence(world: World):
    await world.run(A, MOST)

    found = await world.only_refusal()

    assert f"the last run is of {A[:12]}" in found.why


@pytest.mark.parametrize("state", ["running", "paused", "stopped", "waiting"])
async def test_a_run_that_did_not_end_is_no_evidence(world: World, state: str):
    await world.run(A, MOST)
    run = await world.run(B, MOST, state=state, why="its budget was spent")

    found = await world.only_refusal()

    assert f"run {run.id} of it is {state}: its budget was spent" in found.why


HANDBOOK = Index(name="handbook", build="b1", snapshot="d1" * 16)


@pytest.mark.parametrize(
    ("judged", "why", "fix"),
    [
        (Index(name="handbook"), "handbook was not indexed yet", "run `rowen index sync`, then run `rowen eval smoke"),
        (HANDBOOK.but(borrowed=True), "the index of handbook that another version makes", "run `rowen eval smoke"),
    ],
)
async def test_what_was_judged_without_an_index_of_its_own_is_no_evidence(world: World, judged: Index, why, fix):
    await world.run(A, MOST)
    await world.run(B, MOST, indexes=(judged,))

    found = await world.only_refusal()

    assert (found.kind, why in found.why) == ("index", True)
    assert found.fix.startswith(fix)


async def test_the_documents_on_which_a_version_was_judged_are_told_and_that_they_have_changed(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST, indexes=(HANDBOOK,))
    world.now = (HANDBOOK,)
    same = (await world.ruling()).findings
    world.now = (HANDBOOK.but(snapshot="e2" * 16),)

    changed = await world.ruling()

    assert "it was run on what handbook answers from now (index b1, documents d1d1d1d1d1d1)" in [e.why for e in same]
    assert "what handbook knows has changed since it was run (index b1, documents d1d1d1d1d1d1; now e2e2e2e2e2e2)" in [
        each.why for each in changed.findings
    ]
    assert changed.open


async def test_a_run_of_another_version_of_the_data_set_is_no_evidence(world: World):
    case = Case(id="one", tenant="default", app="shop", dataset="smoke", input="hello")
    await world.cases.put(case)
    now = await world.datasets.freeze("smoke", "default")
    await world.run(A, MOST, version=now.hash)
    await world.run(B, MOST, version="older")

    found = await world.only_refusal()

    assert (found.kind, now.hash[:12] in found.why, "older" in found.why) == ("data set", True, True)
    await world.run(B, MOST, version=now.hash)
    assert (await world.ruling()).open


async def test_both_are_held_against_each_other_on_the_same_version_alone(world: World):
    await world.run(A, MOST, version="older")
    await world.run(B, MOST)

    found = await world.only_refusal()

    assert found.kind == "comparison"
    assert f"what is live ({A[:12]}) was not run on version v1" in found.why
    assert found.fix == f"run `rowen eval smoke --version {A[:12]}`"


async def test_a_data_set_past_its_day_decides_nothing(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)
    today = world.datasets.today()
    await world.datasets.put(Dataset(name="smoke", review=today))

    due = await world.ruling()
    await world.datasets.put(Dataset(name="smoke", expires=today))
    found = await world.only_refusal()

    assert due.open
    assert any("due to be looked through" in each.why for each in due.findings)
    assert (found.kind, "past the day" in found.why) == ("data set", True)


async def test_a_threshold_is_met_by_the_interval_and_not_by_the_figure(world: World):
    await world.run(A, [1] * 19 + [0])
    await world.run(B, [1] * 19 + [0])

    found = await world.only_refusal(must={"right": ">= 0.9"}, plan=MetricsTable(primary="right"))

    assert "right is 0.95 [0.764, 0.991] (n = 20" in found.why
    assert "so few cases do not show it" in found.why
    assert found.fix == "add cases: about 139 like these would decide, there are 20"


async def test_a_threshold_that_is_missed_names_the_run_to_look_at(world: World):
    few = [1] * 80 + [0] * 20
    await world.run(A, few)
    run = await world.run(B, few)

    found = await world.only_refusal(must={"right": ">= 0.97"})

    assert (found.kind, run.id in found.fix) == ("threshold", True)


async def test_a_ceiling_is_met_by_the_upper_end(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)

    passes = await world.ruling(must={"error_rate": "<= 0.05"})
    found = await world.only_refusal(must={"error_rate": "<= 0.01"})

    assert passes.open
    assert "error_rate is 0 [0, 0.037]" in found.why


async def test_a_metric_that_nobody_scored_meets_no_threshold(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)

    found = await world.only_refusal(must={"kind": ">= 0.5"})

    assert "no case has a kind" in found.why


async def test_cases_that_failed_are_told_and_some_may(world: World):
    await world.run(A, MOST)
    await world.run(B, [*MOST[2:], None, None])
    await world.run(A, MOST, suite="large")

    few = await world.ruling(plan=MetricsTable(primary="right"))
    await world.run(B, [*MOST[3:], None, None, None])
    found = await world.only_refusal(plan=MetricsTable(primary="right"))

    assert few.open
    assert "97 of 100 tries answered" in found.why
    assert "2% may" in found.fix


async def test_a_run_with_fewer_outcomes_than_cases_is_to_be_resumed(world: World):
    await world.run(A, MOST)
    run = await world.run(B, MOST, cases=120)

    refused = (await world.ruling()).refused

    assert refused[0].fix == f"run `rowen eval --resume {run.id}`"


async def test_what_is_worse_in_the_primary_metric_is_refused(world: World):
    await world.run(A, MOST)
    await world.run(B, [1] * 70 + [0] * 30)

    found = await world.only_refusal()

    assert "right (primary) is worse: -0.25" in found.why
    assert "rowen compare" in found.fix


async def test_a_version_that_is_better_passes_also_for_everybody_at_once(world: World):
    await world.run(A, [1] * 70 + [0] * 30)
    await world.run(B, MOST)

    ruling = await world.ruling(plan=MetricsTable(primary="right"), table=ReleaseTable(gate=("evaluate.smoke",)))

    assert ruling.open, [str(each) for each in ruling.refused]
    assert any("right (primary) is better: 0.25" in each.why for each in ruling.findings)


async def test_a_goal_that_is_missed_holds_nothing_up(world: World):
    plan = MetricsTable(primary="right", goal=("polite",))
    await world.run(A, [1] * 70 + [0] * 30, polite=[1] * 100)
    await world.run(B, MOST, polite=[1] * 60 + [0] * 40)

    ruling = await world.ruling(plan=plan)

    assert ruling.open
    assert any("polite (goal) is worse" in each.why for each in ruling.findings)


async def test_of_what_is_better_lower_more_is_worse(world: World):
    plan = MetricsTable(primary="right", lower=("right",))
    await world.run(A, [1] * 10 + [0] * 90)
    await world.run(B, [1] * 11 + [0] * 89)
    fell = await world.only_refusal(plan=plan, table=ReleaseTable(gate=("evaluate.smoke",)))
    await world.run(B, [1] * 9 + [0] * 91)
    rose = await world.ruling(plan=plan, table=ReleaseTable(gate=("evaluate.smoke",)))
    await world.run(B, [1] * 50 + [0] * 50)

    worse = await world.only_refusal(plan=plan)

    assert "right (primary) is undecided: 0.01" in fell.why
    assert rose.open
    assert "for the cases in which `right` is higher" in worse.fix


async def test_a_guard_with_a_margin_must_be_shown_not_to_be_worse(world: World):
    await world.run(A, MOST[:30], polite=[1] * 30)
    await world.run(B, MOST[:30], polite=[1] * 29 + [0])

    found = await world.only_refusal(plan=MetricsTable(primary="right", guard=("polite",), margins={"polite": 0.05}))

    assert "polite (guard, 0.05 may be lost) is undecided" in found.why
    assert "add cases" in found.fix


async def test_a_guard_without_a_margin_holds_up_what_shows_to_be_worse_alone(world: World):
    plan = MetricsTable(primary="right", guard=("polite",))
    await world.run(A, MOST, polite=[1] * 100)
    await world.run(B, MOST, polite=[1] * 98 + [0] * 2)
    undecided = await world.ruling(plan=plan)
    await world.run(B, MOST, polite=[1] * 80 + [0] * 20)

    found = await world.only_refusal(plan=plan)

    assert undecided.open
    assert any("no margin is written for it" in each.why for each in undecided.findings)
    assert "polite (guard) is worse" in found.why


async def test_an_undecided_primary_is_for_the_traffic_to_decide_and_not_for_everybody_at_once(world: World):
    plan = MetricsTable(primary="right")
    await world.run(A, [1] * 90 + [0] * 10)
    await world.run(B, [1] * 89 + [0] * 11)

    canary = await world.ruling(plan=plan)
    found = await world.only_refusal(plan=plan, table=ReleaseTable(gate=("evaluate.smoke",)))

    assert canary.open
    assert any("the traffic will decide" in each.why for each in canary.findings)
    assert "right (primary) is undecided" in found.why
    assert 'strategy = "canary"' in found.fix


async def test_cases_that_belong_together_count_as_fewer(world: World):
    plan = MetricsTable(primary="right")
    groups = [f"user {i // 25}" for i in range(100)]
    await world.run(A, [1] * 100, groups=groups)
    await world.run(B, [1] * 75 + [0] * 25, groups=groups)

    together = await world.ruling(plan=plan)

    assert together.open, [str(each) for each in together.refused]
    assert any("n = 4" in each.why for each in together.findings)


async def test_without_a_metric_plan_nothing_can_be_held_against_what_is_live(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)

    found = await world.only_refusal(plan=MetricsTable())

    assert "no metric plan" in found.why


async def test_the_first_version_is_held_against_nothing(world: World):
    await world.run(B, MOST)

    ruling = await world.ruling(environment="staging")

    assert ruling.open
    assert ruling.baseline == ""


async def test_an_error_budget_that_is_spent_closes_the_gate(world: World):
    table = ReleaseTable(strategy="canary", gate=("evaluate.smoke", "watch.answers"))
    await world.run(A, MOST)
    await world.run(B, MOST)
    world.spent["answers"] = Budget(name="answers", spent=False, why="60% of the budget is left")

    passes = await world.ruling(table=table)
    world.spent["answers"] = Budget(name="answers", spent=True, why="the error budget is used up")
    found = await world.only_refusal(table=table)

    assert passes.open
    assert (found.gate, found.kind, found.why) == ("watch.answers", "budget", "the error budget is used up")


async def test_a_gate_that_names_no_objective_is_closed(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)

    found = await world.only_refusal(table=ReleaseTable(strategy="canary", gate=("evaluate.smoke", "watch.nothing")))

    assert (found.gate, "no such objective" in found.why) == ("watch.nothing", True)


async def test_an_objective_that_comes_with_the_version_holds_nothing_up(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)

    table = ReleaseTable(strategy="canary", gate=("evaluate.smoke", "watch.new"))
    ruling = await world.ruling(table=table, objectives=("new",))

    assert ruling.open
    assert any("nothing was measured of it yet" in each.why for each in ruling.findings)


async def test_a_remark_that_blocks_holds_the_version_up_until_it_is_resolved(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)
    await world.remarks.add("shop", B, "nice", by="cas")
    remark = await world.remarks.add("shop", B, "It promises refunds.", by="ben", blocks=True)

    found = await world.only_refusal()
    await world.remarks.resolve(remark.id, "shop", by="ann", answer="fixed in the prompt")

    assert found.why == 'ben blocks it: "It promises refunds."'
    assert found.fix == f"answer it, then `rowen versions resolve 2 {remark.id}`"
    assert (await world.ruling()).open


async def test_approvals_are_by_others_than_the_author(world: World):
    table = ReleaseTable(strategy="canary", gate=("evaluate.smoke",), approvals=2)
    await world.run(A, MOST)
    await world.run(B, MOST)
    for who in ("ann", "ben", "ben"):
        await world.releases.approve("shop", B, Reason(by=who))

    found = await world.only_refusal(table=table)
    await world.releases.approve("shop", B, Reason(by="cas"))

    assert found.why == "1 of 2 approvals by others than ann, and the author's own does not count"
    assert (await world.ruling(table=table)).open


async def test_a_frozen_app_lets_nothing_through(world: World):
    await world.run(A, MOST)
    await world.run(B, MOST)
    await world.releases.freeze("shop", Reason(by="rowen", note="the budget of answers is spent"))

    found = await world.only_refusal()

    assert (found.kind, "the budget of answers is spent" in found.why) == ("freeze", True)


async def test_what_goes_to_production_was_live_in_staging(world: World):
    table = ReleaseTable(strategy="canary", gate=("evaluate.smoke",), path=("staging", "production"))
    await world.run(A, MOST)
    await world.run(B, MOST)

    found = await world.only_refusal(table=table)
    staging = await world.ruling(table=table, environment="staging")
    await world.releases.release("shop", B, ANN, environment="staging")

    assert found.fix == "run `rowen release --environment staging` first"
    assert staging.open
    assert (await world.ruling(table=table)).open


def test_a_version_that_asks_less_of_itself_is_held_to_what_the_live_one_asks():
    class Suite:
        def __init__(self, must: dict[str, str]) -> None:
            self.must = must

    strict = {
        "release": ReleaseTable(gate=("evaluate.smoke", "watch.answers"), approvals=2),
        "metrics": PLAN,
        "evaluate": {"smoke": Suite({"right": ">= 0.9"})},
    }
    lax = {
        "release": ReleaseTable(strategy="canary"),
        "metrics": MetricsTable(primary="right"),
        "evaluate": {"smoke": Suite({"right": ">= 0.5", "polite": ">= 0.5"})},
    }

    found = terms(lax, strict)

    assert found.gates == ("evaluate.smoke", "watch.answers")
    assert found.approvals == 2
    assert found.plan == PLAN
    assert [str(must) for must in found.must["smoke"]] == ["right >= 0.5", "polite >= 0.5", "right >= 0.9"]
    assert terms(lax).gates == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"gate": ("smoke",)},
        {"gate": ("evaluate.",)},
        {"steps": (25, 5)},
        {"steps": (5, 101)},
        {"share": 0},
        {"failed": 2},
        {"approvals": -1},
        {"budget": -1},
        {"steps": (5, 5)},
        {"path": ("staging", "staging")},
        {"strategy": "bandit", "floor": 0.6},
    ],
)
def test_a_table_that_cannot_be_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValueError, match=r"gate|step|path|floor|approvals"):
        ReleaseTable(**wrong)  # type: ignore[arg-type]
