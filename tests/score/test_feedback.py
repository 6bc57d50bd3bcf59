"""What users say and do becomes scores: one message, one call."""

import pytest

from rowen.score.configs import Configs
from rowen.score.feedback import Desk, Said
from rowen.score.intake import Intake
from rowen.store.base import ScoreFilter
from rowen.store.memory.scores import MemoryScores
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Mistaken, Refused, ScoreConfig


class Office:
    """A desk over memory; what was answered is at hand."""

    def __init__(self) -> None:
        clock = FakeClock()
        self.kept = MemoryScores()
        self.configs = Configs(MemoryRecords(), clock)
        self.answers = {("t1", "acme"): "The hay is dry in June."}
        self.desk = Desk(Intake(self.kept, self.configs, self._known, clock), self.configs, self._answer_of)

    async def _known(self, id: str, tenant: str) -> None:
        return None

    async def _answer_of(self, id: str, tenant: str) -> str | None:
        return self.answers.get((id, tenant))

    async def said(self) -> dict[str, object]:
        return {score.name: score.value for score in await self.kept.find(ScoreFilter())}


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.mark.parametrize(("value", "kept"), [(True, True), ("up", True), ("down", False), (0, False)])
async def test_a_thumb_is_one_field(office, value, kept):
    await office.desk.take(Said(trace="t1", value=value), "acme")

    assert await office.said() == {"thumbs": kept}


async def test_one_message_may_hold_a_rating_a_comment_and_a_correction(office):
    said = Said(trace="t1", name="stars", value=4, reason="nearly", comment="Thank you.", correction="In July.")

    await office.desk.take(said, "acme")

    assert await office.said() == {"stars": 4.0, "comment": "Thank you.", "correction": "In July."}


async def test_a_thumb_is_changed_and_taken_back(office):
    await office.desk.take(Said(trace="t1", value=True, user="ann"), "acme")
    await office.desk.take(Said(trace="t1", value=False, user="ann"), "acme")
    changed = await office.said()

    removed = await office.desk.take_back(Said(trace="t1", user="ann"), "acme")
    again = await office.desk.take_back(Said(trace="t1", user="ann"), "acme")

    assert (changed, removed, again) == ({"thumbs": False}, 1, 0)
    assert await office.said() == {}


async def test_nobody_takes_back_what_another_tenant_said(office):
    await office.desk.take(Said(trace="t1", value=True), "acme")

    assert await office.desk.take_back(Said(trace="t1"), "umbrella") == 0
    assert await office.said() == {"thumbs": True}


async def test_an_edit_says_how_much_of_the_answer_was_kept(office):
    await office.desk.take(Said(trace="t1", event="edit", text="The hay is dry in July"), "acme")

    said = await office.said()
    # Six words, of which five stay: one is replaced.
    assert said["interaction.kept"] == pytest.approx(5 / 6)
    assert said["interaction.distance"] == pytest.approx(1 / 6)
    assert said["interaction.edit"] is True
    assert said["correction"] == "The hay is dry in July"


async def test_an_edit_of_what_is_not_known_is_still_an_edit(office):
    await office.desk.take(Said(trace="t1", event="edit", text="In July."), "umbrella")

    assert await office.said() == {"interaction.edit": True, "correction": "In July."}


async def test_a_whole_session_is_rated(office):
    (score,) = await office.desk.take(Said(session="s1", name="nps", value=9), "acme")

    assert (score.target, score.session, score.number) == ("session", "s1", 9.0)


@pytest.mark.parametrize("event", ["copy", "accept", "regenerate", "share", "abandon"])
async def test_what_a_user_did_is_noted_once(office, event):
    for _ in range(2):
        await office.desk.take(Said(trace="t1", event=event), "acme")

    assert await office.said() == {f"interaction.{event}": True}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        (Said(trace="t1"), "body"),
        (Said(trace="t1", name="stars"), "value"),
        (Said(trace="t1", reason="why"), "value"),
        (Said(value=True), "trace"),
        (Said(trace="t1", name="stars", value=6), "value"),
        (Said(trace="t1", value="sideways"), "value"),
        (Said(trace="t1", event="copy", text="x"), "text"),
        (Said(trace="t1", text="x"), "text"),
        (Said(trace="t1", name="a b", value=1), "name"),
    ],
)
async def test_what_says_nothing_or_nonsense_is_refused_with_its_place(office, said, place):
    with pytest.raises(Mistaken) as caught:
        await office.desk.take(said, "acme")

    assert caught.value.place == place
    assert await office.said() == {}


async def test_a_browser_gives_only_scores_that_somebody_described(office):
    await office.configs.put(ScoreConfig(name="tone", tenant="acme", least=0, most=1))

    assert await office.desk.take(Said(trace="t1", name="tone", value=1), "acme", known_only=True)
    with pytest.raises(Refused, match=r"gives no score 'made\.up'"):
        await office.desk.take(Said(trace="t1", name="made.up", value=1), "acme", known_only=True)
