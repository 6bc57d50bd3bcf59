"""What scores of a name may be, and what becomes of those that do not fit."""

import pytest

from rowen.score.configs import BUILT_IN, Configs, fitted
from rowen.store.memory.shelves import MemoryRecords
from rowen.testing.clock import FakeClock
from rowen.values import Mistaken, Score, ScoreConfig


def score(name: str, value: object, **fields) -> Score:
    return Score(id="s", name=name, value=value, source="user", trace="t", **fields)


@pytest.fixture
def configs() -> Configs:
    return Configs(MemoryRecords(), FakeClock())


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("thumbs", True, 1.0),
        ("thumbs", False, 0.0),
        ("thumbs", 1, 1.0),
        ("thumbs", 0.0, 0.0),
        ("stars", 5, 5.0),
        ("csat", 1.0, 1.0),
        ("nps", 0, 0.0),
        ("comment", "fine", None),
        ("interaction.copy", True, 1.0),
        ("interaction.kept", 0.25, 0.25),
    ],
)
def test_a_score_that_fits_gets_its_type_and_number(name, value, number):
    held = fitted(score(name, value), BUILT_IN[name])

    assert (held.type, held.number, held.config) == (BUILT_IN[name].type, number, name)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("thumbs", 2, "must be true or false, not 2"),
        ("thumbs", "up", "must be true or false"),
        ("stars", 0, "a whole number from 1 to 5, not 0"),
        ("stars", 4.5, "a whole number from 1 to 5, not 4.5"),
        ("stars", True, "a whole number from 1 to 5, not True"),
        ("nps", 11, "a whole number from 0 to 10"),
        ("csat", float("nan"), "a whole number from 1 to 5"),
        ("interaction.kept", 1.1, "a number from 0 to 1"),
        ("comment", 5, "must be a text"),
        ("comment", "  ", "must be a text"),
        ("correction", False, "must be a text"),
    ],
)
def test_nonsense_is_refused_with_what_is_allowed(name, value, allowed):
    with pytest.raises(Mistaken, match=allowed) as caught:
        fitted(score(name, value), BUILT_IN[name])

    assert (caught.value.code, caught.value.place) == ("field_invalid", "value")


def test_a_label_stands_for_the_number_that_its_config_gives_it():
    tone = ScoreConfig(name="tone", type="category", categories={"kind": 1.0, "plain": 0.5, "other": None})

    assert fitted(score("tone", "plain"), tone).number == 0.5
    assert fitted(score("tone", "other"), tone).number is None
    with pytest.raises(Mistaken, match="one of 'kind', 'plain', 'other', not 'rude'"):
        fitted(score("tone", "rude"), tone)


def test_without_a_config_the_value_says_what_it_is():
    taken = [fitted(score("x", value), None) for value in (0.5, 2, True, "label")]

    assert [one.type for one in taken] == ["number", "number", "boolean", "category"]
    assert [one.number for one in taken] == [0.5, 2.0, 1.0, None]
    assert fitted(score("x", "long", type="text"), None).type == "text"
    with pytest.raises(Mistaken, match="a finite number"):
        fitted(score("x", float("inf")), None)
    with pytest.raises(Mistaken, match="at most 200 characters"):
        fitted(score("x", "y" * 201), None)


async def test_a_tenants_config_holds_for_that_tenant_only(configs: Configs):
    await configs.put(ScoreConfig(name="tone", tenant="acme", least=0, most=1))

    assert (await configs.get("tone", "acme")).most == 1
    assert await configs.get("tone", "umbrella") is None
    assert [config.name for config in await configs.all("umbrella")] == list(BUILT_IN)
    assert "tone" in [config.name for config in await configs.all("acme")]
    assert not await configs.delete("tone", "umbrella")
    assert await configs.delete("tone", "acme")


async def test_what_a_built_in_name_means_cannot_be_changed(configs: Configs):
    with pytest.raises(Mistaken, match="the same for everybody") as caught:
        await configs.put(ScoreConfig(name="nps", tenant="acme", least=0, most=5))

    assert caught.value.code == "conflict"


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"name": "two words"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "least": 2, "most": 1}, "least"),
        ({"name": "x", "least": float("nan")}, "least"),
        ({"name": "x", "type": "boolean", "most": 1}, "least"),
        ({"name": "x", "type": "category"}, "categories"),
        ({"name": "x", "categories": {"a": 1.0}}, "categories"),
    ],
)
async def test_a_config_that_no_score_could_fit_is_refused(configs: Configs, config, place):
    with pytest.raises(Mistaken) as caught:
        await configs.put(ScoreConfig(**config))

    assert caught.value.place == place


async def test_a_name_that_was_archived_takes_no_more_scores(configs: Configs):
    await configs.put(ScoreConfig(name="tone", tenant="acme", archived=True))

    with pytest.raises(Mistaken, match="not given any more"):
        fitted(score("tone", 1), await configs.get("tone", "acme"))
