"""The metric plan: exactly one metric decides, few support it, and what it says of a change follows from that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.config import read
from rowen.evaluate.plan import MetricsTable, decide
from rowen.serve.tables import TABLES
from rowen.values import Mistaken
from rowen.values.interval import Interval

PLAN = MetricsTable(
    primary="resolved", goal=("brevity",), guard=("grounded", "cost"), margins={"resolved": 0.02, "grounded": 0.01}
)
BETTER, SAME, WORSE, OPEN = (0.01, 0.05), (-0.005, 0.005), (-0.5, -0.3), (-0.3, 0.3)
CHEAPER, DEARER = (-0.3, -0.1), (0.1, 0.3)


def gap(low, high, level=0.95):
    return Interval(value=(low + high) / 2, low=low, high=high, n=100, level=level, method="t")


def told(resolved, brevity=SAME, grounded=SAME, cost=CHEAPER):
    found = {"resolved": resolved, "brevity": brevity, "grounded": grounded, "cost": cost}
    return decide(PLAN, {name: gap(*each) for name, each in found.items() if each})


@pytest.mark.parametrize(
    ("change", "verdict", "why"),
    [
        (told(BETTER), "ship", "resolved (primary, 0.02 may be lost) is better"),
        (told(SAME, brevity=BETTER), "ship", "brevity (goal) is better"),
        (told(SAME), "hold", "nothing speaks for the change"),
        (told(OPEN), "hold", "resolved (primary, 0.02 may be lost) is undecided"),
        (told(BETTER, grounded=OPEN), "hold", "grounded (guard, 0.01 may be lost) is undecided"),
        (told(BETTER, grounded=None), "hold", "not measured"),
        (told(BETTER, grounded=WORSE), "stop", "grounded (guard, 0.01 may be lost) is worse"),
        (told(BETTER, cost=DEARER), "stop", "cost (guard) is worse"),
        (told(WORSE, brevity=BETTER), "stop", "resolved (primary, 0.02 may be lost) is worse"),
        (told(BETTER, brevity=WORSE), "ship", "resolved"),
    ],
)
def test_what_a_plan_says_of_a_change(change, verdict, why):
    assert change.verdict == verdict
    assert why in change.why


def test_several_goals_share_the_error():
    plan = MetricsTable(primary="resolved", goal=("a", "b"))

    assert (plan.level("resolved"), plan.level("a")) == (0.95, 0.975)
    with pytest.raises(ValueError, match=r"it needs 0\.975"):
        decide(plan, {"a": gap(*BETTER)})
    with pytest.raises(ValueError, match="nothing decides"):
        decide(MetricsTable(), {})


def test_roles_begin_with_the_primary_metric():
    assert list(PLAN.roles.items()) == [
        ("resolved", "primary"),
        ("brevity", "goal"),
        ("grounded", "guard"),
        ("cost", "guard"),
    ]
    assert MetricsTable().roles == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('guard = ["cost"]', "exactly one `primary`"),
        ('primary = ["resolved", "liked"]', "expected a text, got a list"),
        ('primary = "a"\ngoal = ["b", "c", "d"]\nguard = ["e", "f", "g", "h"]', "7 metrics support"),
        ('primary = "a"\ngoal = ["a"]', "a has more than one role"),
        ('primary = "a"\ngoal = ["b"]\nguard = ["b"]', "b has more than one role"),
        ('primary = "a"\nmargins = { b = 0.1 }', "b is no metric of the plan"),
        ('primary = "a"\nmargins = { a = -0.1 }', "below 0"),
        ('primary = "a"\nguards = ["b"]', 'did you mean "guard"'),
    ],
)
def test_a_plan_that_breaks_its_rules_is_refused_with_its_line(tmp_path, text, said):
    file = tmp_path / "app.toml"
    file.write_text(f'[models.main]\nprovider = "echo"\n\n[metrics]\n{text}\n')

    with pytest.raises(Mistaken, match=said.replace("`", ".")) as caught:
        read(file, TABLES)
    assert caught.value.place.startswith("app.toml:")


def test_a_plan_is_part_of_the_definition(tmp_path):
    file = tmp_path / "app.toml"
    file.write_text('[models.main]\nprovider = "echo"\n')
    without = read(file, TABLES)
    file.write_text('[models.main]\nprovider = "echo"\n[metrics]\nprimary = "resolved"\nguard = ["cost"]\n')
    with_plan = read(file, TABLES)

    assert without.tables["metrics"] == MetricsTable()
    assert with_plan.tables["metrics"].roles == {"resolved": "primary", "cost": "guard"}
    assert without.definition.hash != with_plan.definition.hash


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8), st.integers(0, 8))
def test_up_to_six_metrics_support_one(names, cut):
    goal, guard = tuple(names[:cut]), tuple(names[cut:])

    if len(names) <= 6:
        assert len(MetricsTable(primary="p", goal=goal, guard=guard).roles) == len(names) + 1
    else:
        with pytest.raises(ValueError, match="at most 6"):
            MetricsTable(primary="p", goal=goal, guard=guard)
