"""Two Definitions side by side: what changed, where, in which words, and what of it costs money."""

from hypothesis import given
from hypothesis import strategies as st

from rowen.release.differ import bits, differ, flat, section_of
from rowen.release.mirror import mirror
from rowen.values import Definition

PROMPT = "You help.\nBe brief.\nNever guess.\nSay when you do not know.\nAnswer in English.\nBe kind.\nSign as Shop.\n"

OLD = Definition(
    app="shop",
    hash="a" * 64,
    source={
        "app": {"name": "shop", "environment": "production"},
        "models": {"fast": {"provider": "openai", "model": "gpt-4.1-mini", "key": {"env": "OPENAI_API_KEY"}}},
        "prompt": {"system": "prompts/system.md"},
        "retrieve": {"docs": {"top": 4, "source": ["docs/*.md"]}},
        "guard": [{"kind": "injection", "action": "block"}],
        "score": [{"kind": "grounded", "sample": 0.1}],
    },
    files={"prompts/system.md": PROMPT},
)


def changed(**source: object) -> Definition:
    return OLD.but(hash="b" * 64, source={**OLD.source, **source})


def test_what_is_equal_does_not_differ():
    found = differ(OLD, OLD)

    assert found.same
    assert found.costs == ()


def test_every_setting_is_named_by_its_place_and_shown_in_its_section():
    new = changed(
        models={"fast": {"provider": "openai", "model": "gpt-4.1", "key": {"env": "OTHER_KEY"}}},
        retrieve={"docs": {"top": 8, "source": ["docs/*.md", "faq/*.md"]}},
        guard=[{"kind": "injection", "action": "warn"}, {"kind": "pii"}],
    )

    found = differ(OLD, new)

    assert {each.place: (each.section, each.left, each.right, each.costs) for each in found.settings} == {
        "guard[0].action": ("guards", "block", "warn", False),
        "guard[1].kind": ("guards", None, "pii", False),
        "models.fast.key": ("models", {"env": "OPENAI_API_KEY"}, {"env": "OTHER_KEY"}, False),
        "models.fast.model": ("models", "gpt-4.1-mini", "gpt-4.1", True),
        "retrieve.docs.source": ("knowledge", ["docs/*.md"], ["docs/*.md", "faq/*.md"], False),
        "retrieve.docs.top": ("knowledge", 4, 8, True),
    }
    assert found.costs == ("models.fast.model: gpt-4.1-mini → gpt-4.1", "retrieve.docs.top: 4 → 8")
    assert [each.place for each in found.of("knowledge")[0]] == ["retrieve.docs.source", "retrieve.docs.top"]


def test_a_prompt_is_compared_word_by_word_and_what_is_far_from_any_change_is_left_out():
    text = PROMPT.replace("Sign as Shop.", "Sign as the whole Shop team.")
    new = OLD.but(hash="b" * 64, files={"prompts/system.md": text})

    found = differ(OLD, new)

    assert [text.name for text in found.texts] == ["prompts/system.md"]
    assert found.texts[0].section == "prompt"
    assert [(bit.kind, bit.text) for bit in found.texts[0].bits if bit.kind != "same"] == [
        ("skipped", "4 lines are the same"),
        ("right", "the whole "),
        ("right", " team"),
    ]
    assert found.costs == ("prompts/system.md: 3 words more in every call",)


def test_a_file_that_one_side_alone_has_says_so():
    new = OLD.but(hash="b" * 64, files={**OLD.files, "prompts/more.md": "more"})

    found = differ(OLD, new)

    assert [(text.name, text.only, text.section) for text in found.texts] == [("prompts/more.md", "right", "app")]
    assert [(text.name, text.only) for text in differ(new, OLD).texts] == [("prompts/more.md", "left")]


def test_a_text_too_long_to_compare_word_by_word_is_shown_whole():
    left, right = "word " * 5_000, "other " * 5_000

    assert [(bit.kind, bit.text) for bit in bits(left, right)] == [("left", left), ("right", right)]


_lines = st.lists(st.sampled_from(["one two\n", "three\n", "four five six\n", "\n"]), max_size=12).map("".join)


@given(left=_lines, right=_lines)
def test_the_bits_give_both_texts_back_but_for_lines_that_are_the_same(left: str, right: str):
    found = list(bits(left, right))

    shown = {
        "left": "".join(bit.text for bit in found if bit.kind in ("same", "left")),
        "right": "".join(bit.text for bit in found if bit.kind in ("same", "right")),
    }
    skipped = sum(int(bit.text.split()[0]) for bit in found if bit.kind == "skipped")
    assert len(left.splitlines()) - skipped == len(shown["left"].splitlines())
    assert len(right.splitlines()) - skipped == len(shown["right"].splitlines())
    if not skipped:
        assert (shown["left"], shown["right"]) == (left, right)


def test_settings_are_flat_by_place():
    assert dict(flat({"a": {"b": [1, 2]}, "c": [{"d": 1}], "e": {"env": "X"}, "f": {}})) == {
        "a.b": [1, 2],
        "c[0].d": 1,
        "e": {"env": "X"},
    }
    assert section_of("sla.gold.target") == "objectives"
    assert section_of("something.else") == "app"


def test_environments_differ_in_addresses_and_secrets_as_they_must_and_in_nothing_else():
    staging = changed(
        app={"name": "shop", "environment": "staging"},
        models={
            "fast": {
                "provider": "openai",
                "model": "gpt-4.1-mini",
                "key": {"env": "STAGING_KEY"},
                "base_url": "http://10.0.0.2/v1",
                "retries": 0,
            }
        },
        limits={"budget": "1 USD/day"},
    ).but(files={"prompts/system.md": PROMPT.replace("kind", "very kind")})

    found = mirror(staging, OLD)
    named = mirror(staging, OLD, intended=("limits.*", "prompts/*"))

    assert [each.place for each in found if not each.intended] == [
        "limits.budget",
        "models.fast.retries",
        "prompts/system.md",
    ]
    assert {each.place: each.why for each in found if each.intended} == {
        "app.environment": "`environment` says where or who",
        "models.fast.base_url": "`base_url` says where or who",
        "models.fast.key": "a reference to a secret",
    }
    assert [each.place for each in named if not each.intended] == ["models.fast.retries"]
    assert mirror(OLD, OLD) == []


def test_a_prompt_that_one_environment_alone_says_is_counted_in_words():
    staging = OLD.but(hash="b" * 64, files={"prompts/system.md": PROMPT.replace("Be kind.", "Be very, very kind.")})

    found = mirror(staging, OLD)

    assert [(each.place, each.left, each.right) for each in found] == [
        ("prompts/system.md", "2 words of its own", "0 words of its own")
    ]
