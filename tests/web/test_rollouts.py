"""The page of a rollout: what its arms show, the interval over time, and what may be done."""

import pytest

from rowen.evaluate.statistics import Watched, Would
from rowen.release import Reason
from rowen.release.bandit import WhatIf
from rowen.release.course import Course, Point
from rowen.release.verdict import Looks, Verdict
from rowen.values import Arm, Definition, Rollout
from rowen.values.interval import Interval

ANN = Reason(by="ann", note="shorter <b>words</b>")


def interval(value: float, low: float, high: float, n: int = 420) -> Interval:
    return Interval(value=value, low=low, high=high, n=n, method="mixture")


class Field:
    """An app that nobody serves, with a rollout."""

    def __init__(self, site, app: str, strategy: str = "canary") -> None:
        self.site, self.app = site, app
        self.office, self.store = site.running.opened.office, site.running.opened.store
        self.desk = self.office.desk
        for hash in (f"old-{app}", f"new-{app}"):
            self.do(self.store.definitions.put(Definition(app=app, hash=hash, source={"app": {"name": app}})))
        self.do(self.desk.release(app, f"old-{app}", ANN.but(note="first")))
        arms = (
            Arm(name="baseline", definition=f"old-{app}", share=0.95),
            Arm(name="candidate", definition=f"new-{app}", share=0.05),
        )
        steps = (0.05, 0.25, 1.0) if strategy == "canary" else ()
        self.rollout = self.do(self.desk.begin(Rollout(id="", app=app, strategy=strategy, arms=arms, steps=steps), ANN))
        self.path = f"/releases/{app}/rollouts/{self.rollout.id}"

    def do(self, work):
        return self.site.running.do(work)

    def looked(self, **more) -> None:
        gap = interval(-0.2, -0.3, -0.1)
        points = tuple(
            Point(at_ns=1_790_000_000_000_000_000 + n * 10**10, step=n // 3, arm="candidate", n=200 + n, value=-0.2, low=-0.3, high=-0.1)
            for n in range(5)
        )  # fmt: skip
        course = Course(
            id=self.rollout.id,
            app=self.app,
            looked_ns=1_790_000_000_000_000_000,
            looks=Looks(arms={"candidate": {"helpful": Watched(difference=gap, p=0.01)}}, split=more.pop("split", 0.6)),
            verdict=Verdict(
                action="wait",
                why="it is <i>undecided</i>",
                figures={"metrics": {"candidate": ["helpful (primary) is undecided: -0.2"]}},
            ),
            primary="helpful",
            points=points,
            means={name: {"helpful": interval(0.7, 0.6, 0.8)} for name in ("baseline", "candidate")},
            units={"baseline": 399, "candidate": 21},
            calls={"baseline": 1200, "candidate": 60},
            **more,
        )
        self.do(self.desk.courses.put(course))

    def post(self, what: str, **form: str):
        reader = self.site.reader()
        token = reader.token(reader.get(self.path))
        return reader.post(f"{self.path}/{what}", csrf=token, **form)

    def state(self) -> str:
        return self.do(self.desk.rollout(self.rollout.id)).state


@pytest.fixture
def field(watched, request) -> Field:
    return Field(watched, f"field-{abs(hash(request.node.nodeid))}")


def test_arms_interval_over_time_split_and_acts_are_shown_and_what_people_wrote_is_text(field):
    field.looked()

    shown = field.site.reader().get(field.path)

    assert shown.status == 200
    assert "it is <i>undecided</i>" in shown.text
    assert "shorter <b>words</b>" in shown.text
    assert "helpful (primary) is undecided: -0.2" in shown.text
    assert "step 1 of 3" in shown.text
    assert "the split is as it should be (p = 0.6)" in shown.text
    assert "-0.2 [-0.3, -0.1] (n = 204, 95%, mixture)" in shown.text
    assert "<svg" in shown.html
    assert "since here: step 2" in shown.html


def test_before_anybody_looked_the_page_says_so(field):
    shown = field.site.reader().get(field.path)

    assert (shown.status, "not yet" in shown.text, "nobody has looked yet" in shown.text) == (200, True, True)


def test_a_broken_split_is_told_at_the_top(field):
    field.looked(split=1e-5)

    assert "Units were not split as they should have been (p = 1e-05)" in field.site.reader().get(field.path).text


def test_a_bandit_shows_what_else_would_have_been(watched, request):
    field = Field(watched, f"field-{abs(hash(request.node.nodeid))}", "bandit")
    would = Would(estimate=interval(0.42, 0.3, 0.5), effective=300.0, heaviest=10.0, unlike=1.0)
    field.looked(
        chances={"baseline": 0.2, "candidate": 0.8},
        what_if=(WhatIf(arm="candidate", inverse=would, normal=would, robust=would),),
    )

    shown = field.site.reader().get(field.path)

    assert "Had one arm answered everybody" in shown.text
    assert "300 calls" in shown.text
    assert "80%" in shown.text


@pytest.mark.parametrize(
    ("what", "state", "act"),
    [("step", "running", "step"), ("stop", "stopped", "stop"), ("rollback", "rolled back", "rollback")],
)
def test_what_is_decided_is_done_and_stands_in_the_log(field, what, state, act):
    answer = field.post(what, note="enough seen")

    assert answer.status == 303
    assert field.state() == state
    line = field.do(field.desk.log(field.app))[0]
    assert (line.act, line.note) == (act, "enough seen")


def test_a_rollout_that_has_ended_says_why_and_leaves_nothing_to_decide(field):
    field.post("stop", note="no need")

    shown = field.site.reader().get(field.path)

    assert "Why it ended" in shown.text
    assert "no need" in shown.text
    assert "Decide" not in shown.text


def test_how_many_versions_were_compared_before_they_answered_everybody_is_shown(field):
    field.do(field.desk.promote(field.rollout.id, ANN))

    shown = field.site.reader().get(f"/releases/{field.app}/rollouts")

    assert "Compared first 100% of 1 version " in shown.text
    assert "promoted 1" in shown.text


def test_all_rollouts_of_an_app_are_listed_and_nobody_without_the_scope_sees_them(field):
    shown = field.site.reader().get(f"/releases/{field.app}/rollouts")

    assert (shown.status, "canary" in shown.text, "candidate 5%" in shown.text) == (200, True, True)
    assert field.site.reader().get(f"/releases/{field.app}/rollouts/nothing").status == 404
    assert field.site.reader().get(f"/releases/other/rollouts/{field.rollout.id}").status == 404
