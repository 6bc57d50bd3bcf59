"""What vendors retire, and names that may stand for another model tomorrow."""

import json
import re
from datetime import date
from importlib.resources import files

import pytest

from rowen.provider.catalog import CATALOG
from rowen.provider.lifetime import Lifetime, Lifetimes, remark, stated
from rowen.values import Deployment

SHIPPED = json.loads(files("rowen.provider").joinpath("lifetimes.json").read_text())
BEFORE, AFTER = date(2026, 11, 26), date(2027, 2, 1)


def place(provider: str, model: str, **word: object) -> Deployment:
    life = stated(Lifetimes.load().of(provider, model), **word)
    return Deployment(
        name="m", model="m", provider=provider, upstream=model,
        ends=life.ends, successor=life.successor, moving=life.moving,
    )  # fmt: skip


def test_every_line_of_the_snapshot_can_be_read_and_has_its_source():
    for kind, vendor in SHIPPED["vendors"].items():
        assert kind in CATALOG
        assert vendor["source"].startswith("https://")
        assert re.fullmatch(r"20\d\d-\d\d", vendor["seen"])
        names = [name for end in vendor["ends"] for name in end["models"]]
        assert len(names) == len(set(names))
        assert all(date.fromisoformat(end["on"]) for end in vendor["ends"])
        assert [end["on"] for end in vendor["ends"]] == sorted(end["on"] for end in vendor["ends"])


@pytest.mark.parametrize(
    ("provider", "model"),
    [(kind, name) for kind, each in SHIPPED["vendors"].items() for end in each["ends"] for name in end["models"]],
)
def test_what_is_named_instead_was_not_retired_before_it(provider, model):
    life = Lifetimes.load().of(provider, model)

    then = Lifetimes.load().of(provider, life.successor)

    assert life.successor != model
    assert then.ends == "" or then.ends > life.ends


@pytest.mark.parametrize(
    ("provider", "model", "moving"),
    [
        ("openai", "gpt-4.1-mini", True),
        ("openai", "gpt-4.1-mini-2025-04-14", False),
        ("openai", "gpt-4-0613", False),
        ("openai", "gpt-4-1106-preview", False),
        ("openai", "text-embedding-3-small", False),
        ("anthropic", "claude-sonnet-4-5", True),
        ("anthropic", "claude-sonnet-4-5-20250929", False),
        ("anthropic", "claude-3-7-sonnet-latest", True),
        ("anthropic", "claude-opus-4-8", False),
        ("anthropic", "claude-sonnet-5", False),
        ("anthropic", "claude-opus-5-5", False),
        ("gemini", "gemini-flash-latest", True),
        ("gemini", "gemini-3.5-flash", False),
        ("mistral", "mistral-small-latest", True),
        ("mistral", "mistral-small-2506", False),
        ("ollama", "llama3.2", True),
        ("ollama", "llama3.2:latest", True),
        ("ollama", "llama3.2:3b", False),
        ("vllm", "whatever", False),
    ],
)
def test_a_name_moves_where_its_vendor_may_let_it_stand_for_another_version(provider, model, moving):
    assert Lifetimes.load().of(provider, model).moving is moving


def test_a_model_that_ends_is_told_with_its_day_and_what_to_use_and_differently_when_it_is_over():
    model = place("openai", "gpt-4.1-2025-04-14")

    assert remark(model, BEFORE) == "openai's gpt-4.1-2025-04-14 retires on 2027-01-14; use gpt-6-luna"
    assert remark(model, AFTER) == "openai's gpt-4.1-2025-04-14 was to end on 2027-01-14; use gpt-6-luna"


def test_a_successor_that_was_retired_itself_gives_its_own():
    assert Lifetimes.load().of("openai", "chatgpt-4o-latest").successor == "gpt-5.5"


def test_another_address_is_not_the_vendors_and_nothing_is_said_of_it():
    assert Lifetimes.load().of("openai", "gpt-4", "https://models.example.org/v1") == Lifetime()


def test_the_apps_own_word_stands_above_the_snapshot():
    assert remark(place("openai", "gpt-4", retires="never", moving=True), BEFORE) == ""
    assert "retires on 2027-03-01" in remark(place("openai", "gpt-4", retires="2027-03-01"), BEFORE)
    assert (
        remark(place("vllm", "ours", retires="2027-01-31"), BEFORE)
        == "vllm's ours retires on 2027-01-31; choose another"
    )
    with pytest.raises(ValueError, match="no day"):
        stated(Lifetime(), retires="soon")
