from datetime import UTC, datetime
from decimal import Decimal

import pytest

from rowen.values import CODES, Money, Problem, Profile, Request, Secret, Tool, at, new_id, ns_of, says, usd


def test_ids_are_version_7_and_in_the_order_of_time():
    first, second = new_id(1_700_000_000_000_000_000), new_id(1_700_000_000_001_000_000)

    assert first < second
    assert len(first) == 32
    assert first[12] == "7"
    assert first[16] in "89ab"


def test_a_moment_survives_nanoseconds():
    moment = datetime(2026, 11, 23, 1, 2, 3, 456789, tzinfo=UTC)

    assert at(ns_of(moment)) == moment


def test_money_of_two_currencies_does_not_add():
    assert usd("0.1") + usd("0.2") == usd("0.3")
    with pytest.raises(ValueError, match="EUR"):
        usd(1) + Money(amount=Decimal(1), currency="EUR")


def test_a_secret_does_not_show_itself():
    secret = Secret("sk-123")

    assert "123" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "sk-123"


def test_every_code_says_what_it_means_and_what_to_do():
    for code, entry in CODES.items():
        assert 400 <= entry.status < 600, code
        assert entry.means.endswith("."), code
        assert entry.fix.endswith("."), code


def test_a_problem_names_its_place():
    assert str(Problem("field_invalid", "expected a number", place="n")) == "expected a number (n)"


def test_a_profile_names_what_it_lacks():
    request = Request(model="m", messages=(says("user", "hi"),), tools=(Tool(name="f"),), n=2)

    assert Profile(tools=False, many=False).lacks(request) == ("tools", "n")
    assert Profile().lacks(request) == ()
