"""What a policy keeps from the disk does not come through."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowen.trace import TraceSettings
from rowen.trace.intake.policy import Policy, user_hash
from rowen.values import Happening, Link, Mistaken, Score, Secret

CARD = r"\b\d{16}\b"
NUMBER = "4111111111111111"
MASKED = TraceSettings(content="masked", mask=(CARD,))

json_values = st.recursive(
    st.sampled_from([NUMBER, f"my card is {NUMBER}.", "plain"]) | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "id", NUMBER]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def policy(default: TraceSettings = MASKED, user=lambda name: name, **apps: TraceSettings) -> Policy:
    return Policy(apps.get, default, user)


@given(value=json_values)
@settings(max_examples=100, deadline=None)
def test_what_a_mask_matches_is_nowhere_in_what_is_kept(made, value):
    text = msgspec.json.encode(value).decode()
    seen = made.seen(
        {
            "input.value": text,
            "output.value": text,
            "own": value,
            "user.id": f"u {NUMBER}",
            "session.id": NUMBER,
            "tag.tags": [NUMBER],
        },
        name=f"work {NUMBER}",
        message=NUMBER,
        events=(Happening(name="exception", at_ns=1, attributes={"exception.message": NUMBER, "deep": value}),),
        links=(Link(trace="a", span="b", attributes={"x": value}),),
    )

    kept = policy()(seen)

    assert NUMBER not in msgspec.json.encode(kept).decode()
    assert "[masked]" in kept.row.name


def test_an_app_has_its_own_policy(made):
    seen = made.seen({"input.value": NUMBER}, app="shop")
    other = made.seen({"input.value": NUMBER}, app="else")
    plain = policy(TraceSettings(), shop=MASKED)

    assert plain(seen).row.input == "[masked]"
    assert plain(other).row.input == NUMBER


def test_without_content_figures_stay_and_nothing_that_was_said(made):
    seen = made.seen(
        {
            "gen_ai.request.model": "m",
            "gen_ai.usage.input_tokens": 5,
            "input.value": "secret",
            "own.text": "secret",
            "own.number": 3,
            "llm.tools.0.tool.json_schema": "secret",
            "gen_ai.system_instructions": "secret",
        },
        message="secret",
        events=(
            Happening(name="exception", at_ns=1, attributes={"exception.type": "E", "exception.message": "secret"}),
        ),
    )

    kept = policy(TraceSettings(content="none"))(seen)

    assert "secret" not in msgspec.json.encode(kept).decode()
    assert (kept.row.model, kept.row.input_tokens, kept.row.code) == ("m", 5, "E")
    assert kept.span.attributes == {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 5, "own.number": 3}


def test_a_preview_is_as_long_as_the_app_wants(made):
    assert len(policy(TraceSettings(preview=5))(made.seen({"input.value": "x" * 50})).row.input) == 5


def test_users_are_kept_under_a_keyed_hash(made):
    hashed = user_hash(Secret("a key"))
    seen = made.seen({"enduser.id": "ann@example.org", "user.id": "ann@example.org"})

    kept = policy(TraceSettings(), user=hashed)(seen)

    assert "ann@" not in msgspec.json.encode(kept).decode()
    assert kept.row.user == kept.span.attributes["user.id"] == hashed("ann@example.org")
    assert kept.row.user.startswith("user-")
    assert hashed(kept.row.user) == kept.row.user
    assert user_hash(Secret("another key"))("ann@example.org") != kept.row.user
    assert user_hash(None)("ann@example.org") == "ann@example.org"


def test_judgements_follow_the_policy_too():
    score = Score(id="1", trace="t", name="n", value=NUMBER, reason=f"said {NUMBER}", source="rule", type="text")

    masked = policy().judged(score, "shop")
    figures = policy(TraceSettings(content="none")).judged(score.but(value=0.5), "shop")

    assert (masked.value, masked.reason) == ("[masked]", "said [masked]")
    assert (figures.value, figures.reason) == (0.5, "")


def test_a_pattern_that_is_none_is_said_at_the_start():
    with pytest.raises(Mistaken, match="RE2"):
        policy(TraceSettings(content="masked", mask=("(",)))
