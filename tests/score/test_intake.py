"""Every score comes in by one door: held to its config, set beside its trace, kept once."""

import pytest

from rowen.score.configs import Configs
from rowen.score.intake import Intake, beside
from rowen.store.base import ScoreFilter
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Mistaken, Observed, Refused, Score, Span, SpanRow, Trace, TraceRow

ROW = TraceRow(
    id="t1",
    started_ns=5_000,
    duration_ns=1,
    app="handbook",
    definition="d1",
    tenant="acme",
    user="ann",
    session="s1",
    environment="production",
    release="r1",
)


class Desk:
    """An intake over memory, and the traces that are known."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.kept = MemoryScores()
        self.rows: dict[tuple[str, str], TraceRow] = {("t1", "acme"): ROW}
        self.intake = Intake(self.kept, Configs(MemoryRecords(), self.clock), self._known, self.clock)

    async def _known(self, id: str, tenant: str) -> TraceRow | None:
        return self.rows.get((id, tenant))

    async def all(self) -> list[Score]:
        return await self.kept.find(ScoreFilter())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def thumb(value: object = True, **fields) -> Score:
    return Score(
        **{"id": "", "tenant": "acme", "trace": "t1", "name": "thumbs", "source": "user", **fields}, value=value
    )


async def test_a_score_is_set_beside_the_trace_that_it_is_about(desk: Desk):
    (kept,) = await desk.intake.take([thumb(app="something else")])

    assert (kept.app, kept.environment, kept.release, kept.definition) == ("handbook", "production", "r1", "d1")
    assert (kept.judged_ns, kept.created_ns) == (5_000, desk.clock.now_ns())
    assert (kept.session, kept.by, kept.number) == ("s1", "ann", 1.0)
    assert await desk.all() == [kept]


async def test_a_second_thumb_takes_the_place_of_the_first_and_another_users_does_not(desk: Desk):
    await desk.intake.take([thumb(True, by="ann")])
    await desk.intake.take([thumb(True, by="bob")])

    await desk.intake.take([thumb(False, by="ann")])

    assert sorted((score.by, score.value) for score in await desk.all()) == [("ann", False), ("bob", True)]


async def test_the_second_thumb_replaces_the_first_though_the_trace_came_in_between(desk: Desk):
    desk.rows.clear()
    await desk.intake.take([thumb(True)])
    desk.rows["t1", "acme"] = ROW

    await desk.intake.take([thumb(False)])

    (kept,) = await desk.all()
    assert (kept.value, kept.by, kept.app) == (False, "ann", "handbook")


async def test_what_a_user_does_counts_once_however_it_became_known(desk: Desk):
    await desk.intake.take([thumb(name="interaction.copy", by="ann")])
    await desk.intake.take([thumb(name="interaction.copy")])

    assert len(await desk.all()) == 1


async def test_judges_scores_without_an_id_are_each_their_own(desk: Desk):
    await desk.intake.take([thumb(source="rule", by="length") for _ in range(3)])

    assert len(await desk.all()) == 3


async def test_a_score_on_another_tenants_trace_is_only_the_senders_own_record(desk: Desk):
    (kept,) = await desk.intake.take([thumb(tenant="umbrella")])

    assert (kept.app, kept.definition, kept.by, kept.session) == ("", "", "", "")
    assert kept.judged_ns == kept.created_ns
    await desk.intake.filled([Trace(row=ROW)])
    assert await desk.kept.find(ScoreFilter(tenant="acme")) == []
    assert await desk.kept.find(ScoreFilter(tenant="umbrella")) == [kept]


async def test_a_score_that_came_before_its_trace_is_set_beside_it_later(desk: Desk):
    desk.rows.clear()
    (early,) = await desk.intake.take([thumb()])
    assert early.app == ""

    await desk.intake.filled([Trace(row=ROW), Trace(row=ROW.but(id="t2"))])

    (kept,) = await desk.all()
    assert kept == early.but(
        app="handbook", environment="production", release="r1", definition="d1", session="s1", by="ann", judged_ns=5_000
    )


async def test_scores_are_set_beside_traces_of_spans_as_these_come(desk: Desk):
    desk.rows.clear()
    await desk.intake.take([thumb(), thumb(tenant="umbrella")])
    desk.rows["t1", "acme"] = ROW
    row = SpanRow(trace="t1", id="s", tenant="acme", started_ns=1, duration_ns=1)
    span = Span(trace="t1", id="s", name="chain", started_ns=1, ended_ns=2)

    await desk.intake.observed([Observed(row=row, span=span)])

    assert {score.tenant: score.app for score in await desk.all()} == {"acme": "handbook", "umbrella": ""}


async def test_of_a_list_with_one_wrong_score_none_is_kept_and_the_wrong_one_is_named(desk: Desk):
    with pytest.raises(Mistaken) as caught:
        await desk.intake.take([thumb(), thumb(name="stars", value=9)])

    assert caught.value.place == "[1].value"
    assert await desk.all() == []


async def test_a_sender_of_some_apps_judges_no_other(desk: Desk):
    with pytest.raises(Refused, match="may not judge the app 'handbook'"):
        await desk.intake.take([thumb()], apps=frozenset({"shop"}))

    assert await desk.intake.take([thumb()], apps=frozenset({"handbook"}))


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"trace": ""}, "trace"),
        ({"target": "span"}, "span"),
        ({"target": "session"}, "session"),
        ({"target": "case"}, "case"),
        ({"name": "no name"}, "name"),
        ({"reason": "x" * 10_001}, "reason"),
        ({"by": "a\nb"}, "by"),
        ({"trace": "t\0"}, "trace"),
        ({"confidence": 1.5}, "confidence"),
        ({"name": "comment", "value": "x" * 50_001}, "value"),
        ({"metadata": {"x": "y" * 20_000}}, "metadata"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_its_place(desk: Desk, fields, place):
    with pytest.raises(Mistaken) as caught:
        await desk.intake.take([thumb(fields.pop("value", True), **fields)])

    assert caught.value.place == place
    assert await desk.all() == []


async def test_a_score_is_taken_back(desk: Desk):
    (kept,) = await desk.intake.take([thumb()])

    assert not await desk.intake.remove(kept.id, "umbrella")
    assert await desk.intake.remove(kept.id, "acme")
    assert await desk.all() == []


def test_a_score_bears_the_arms_of_its_trace_and_whether_nobody_saw_the_answer():
    row = TraceRow(id="t", started_ns=1, duration_ns=1, app="shop", definition="d", door="internal")
    score = Score(id="s", trace="t", name="helpful", value=1.0, source="rule", metadata={"own": 1})

    plain, seen, copied = (
        beside(score, row.but(tags=tags)).metadata
        for tags in (("x",), ("rollout:r", "arm:r/candidate"), ("shadow", "rollout:r", "arm:r/candidate"))
    )

    assert plain == {"own": 1}
    assert seen == {"own": 1, "arms": ["r/candidate"]}
    assert copied == {"own": 1, "arms": ["r/candidate"], "shadow": True}
