"""The envelope: address, key and headers."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowen.api.base import DoorSettings
from rowen.api.envelope import Opener
from rowen.values import Mistaken


def opened(*headers, client="10.0.0.9", trusted=()):
    scope = {
        "method": "POST",
        "path": "/v1",
        "headers": [(n.encode(), v.encode("latin-1")) for n, v in headers],
        "client": (client, 1),
    }
    return Opener(DoorSettings(trusted_proxies=trusted))(scope)


@pytest.mark.parametrize(
    ("client", "trusted", "forwarded", "address", "relayed"),
    [
        ("9.9.9.9", (), "1.2.3.4", "9.9.9.9", True),
        ("9.9.9.9", ("10.0.0.0/8",), "1.2.3.4", "9.9.9.9", True),
        ("10.0.0.9", ("10.0.0.0/8",), "1.2.3.4", "1.2.3.4", False),
        ("10.0.0.9", ("10.0.0.0/8",), "6.6.6.6, 1.2.3.4, 10.0.0.3", "1.2.3.4", False),
        ("::ffff:10.0.0.9", ("10.0.0.0/8",), "1.2.3.4", "1.2.3.4", False),
        ("10.0.0.9", ("10.0.0.0/8",), "10.0.0.1", "10.0.0.1", False),
        ("fd00::1", ("fd00::/8",), "2001:db8::5", "2001:db8::5", False),
    ],
)
def test_only_a_trusted_proxy_is_believed(client, trusted, forwarded, address, relayed):
    envelope = opened(("x-forwarded-for", forwarded), client=client, trusted=trusted)

    assert (envelope.address, envelope.relayed) == (address, relayed)


def test_a_range_that_is_none_is_told_at_the_start():
    with pytest.raises(Mistaken) as caught:
        opened(trusted=("10.0.0.0/99",))

    assert caught.value.code == "config_invalid"


def test_repeated_forwarded_headers_are_one_list():
    envelope = opened(("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "1.2.3.4"), trusted=("10.0.0.0/8",))

    assert envelope.address == "1.2.3.4"


def test_a_bearer_token_wins_over_an_api_key_whatever_their_order():
    headers = [("x-api-key", "rk-b"), ("authorization", "bearer rk-a")]

    assert opened(*headers).digest == opened(*reversed(headers)).digest == hashlib.sha256(b"rk-a").hexdigest()


@pytest.mark.parametrize("value", ["Basic abc", "Bearer", "Bearer ", "rk-plain", ""])
def test_an_authorization_that_is_no_bearer_token_is_no_key(value):
    assert opened(("authorization", value)).digest == ""


def test_the_key_itself_is_not_kept():
    assert "rk-secret" not in repr(opened(("authorization", "Bearer rk-secret"), ("x-api-key", "rk-secret")))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ],
)
def test_a_traceparent_that_is_none_is_left_aside(value):
    assert opened(("traceparent", value)).traceparent == ""


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["traceparent", "x-rowen-tags", "user-agent", "x-forwarded-for", "anthropic-beta"]),
            st.text(st.characters(max_codepoint=255)),
        )
    )
)
def test_no_header_value_breaks_the_opening(headers):
    envelope = opened(*headers, trusted=("10.0.0.0/8",))

    assert envelope.method == "POST"
