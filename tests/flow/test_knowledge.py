import pytest

from rowen.flow.knowledge import Stale, embed_of
from rowen.values import Deployment, Found, Mistaken, Passage, Profile


def passage(source: str) -> Passage:
    return Passage(document="d", version="1", source=source, uri="u", title="t", start=0, end=1, text="x")


def test_passages_of_sources_that_were_not_read_for_too_long_are_marked():
    stale = Stale()
    stale.sources = frozenset({("app", "docs", "old/*.md")})
    found = Found(passages=(passage("old/*.md"), passage("new/*.md")))

    assert [each.stale for each in stale.marked("app", "docs", found).passages] == [True, False]
    assert [each.stale for each in stale.marked("other", "docs", found).passages] == [False, False]


def test_a_chat_model_makes_no_vectors():
    deployment = Deployment(name="m", model="m", provider="openai", upstream="m", profile=Profile())

    with pytest.raises(Mistaken, match="makes no vectors"):
        embed_of("m", {"m": (deployment, None)}, None, None)


def test_a_name_that_no_model_of_the_app_has_is_a_bundled_one():
    assert embed_of("minilm", {}, None, {"minilm": "bundled"}.__getitem__) == "bundled"
