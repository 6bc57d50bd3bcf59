"""A token lets its bearer judge one answer, until it lapses, and cannot be made or changed elsewhere."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.score.tokens import Permit, Tokens
from rowen.testing.clock import FakeClock
from rowen.values import Refused

PERMIT = Permit(tenant="acme", trace="t1", user="ann", apps=("shop",), expires_ns=10**30)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_token_gives_its_permit_back(clock):
    tokens = Tokens(b"k" * 32, clock)

    assert tokens.opened(tokens.mint(PERMIT)) == PERMIT


def test_a_token_lapses_at_its_time_and_not_before(clock):
    tokens = Tokens(b"k" * 32, clock)
    token = tokens.mint(PERMIT.but(expires_ns=tokens.expires_in(60)))
    clock.move(59.9)
    assert tokens.opened(token).trace == "t1"
    clock.move(0.1)

    with pytest.raises(Refused, match="lapsed") as caught:
        tokens.opened(token)

    assert (caught.value.code, caught.value.status) == ("feedback_token", 401)


def test_a_token_of_another_deployment_is_refused(clock):
    token = Tokens(b"other" * 8, clock).mint(PERMIT)

    with pytest.raises(Refused, match="not from here"):
        Tokens(b"k" * 32, clock).opened(token)


def test_a_permit_that_was_changed_is_refused(clock):
    tokens = Tokens(b"k" * 32, clock)
    prefix, body, mac = tokens.mint(PERMIT).split(".")
    changed = urlsafe_b64decode(body + "=" * (-len(body) % 4)).replace(b"t1", b"t2")

    with pytest.raises(Refused):
        tokens.opened(f"{prefix}.{urlsafe_b64encode(changed).rstrip(b'=').decode()}.{mac}")


@given(st.text() | st.binary().map(lambda raw: "ft1." + raw.decode("latin-1") + ".x"))
def test_garbage_is_refused_and_breaks_nothing(garbage):
    with pytest.raises(Refused):
        Tokens(b"k" * 32, FakeClock()).opened(garbage)
