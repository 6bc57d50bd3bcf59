import base64
import struct
from types import SimpleNamespace

import pytest

from rowen.flow.knowledge import Bridges, Stale, embed_of
from rowen.retrieve.bridge import Bridge
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


def test_an_index_of_another_model_is_asked_over_the_bridge_that_was_learnt_for_it():
    bridge = Bridge(
        app="app",
        collection="docs",
        old="old",
        new="new",
        dimensions=(1, 1),
        matrix=base64.b64encode(struct.pack("<e", 1.0)).decode(),
        pairs=100,
        mapped=0.2,
        own=0.3,
        lexical=0.25,
    )
    bridges = Bridges()
    bridges.known = {("app", "docs", "new", "old"): bridge}
    new = SimpleNamespace(fingerprint="new")

    assert bridges.to("app", "docs", new, "old").fingerprint == "old"
    assert bridges.to("app", "docs", new, "older") is None
    assert bridges.to("app", "other", new, "old") is None
