"""Who is really calling, behind proxies: the same for pages and for the model doors."""

import pytest

from rowen.api.base import DoorSettings
from rowen.api.envelope import Opener, networks
from rowen.serve.address import came_secure, client_address

PROXIES = ("10.0.0.0/8", "fd00::/8")
CASES = [
    ("203.0.113.9", (), "203.0.113.9"),
    ("203.0.113.9", ("198.51.100.7",), "203.0.113.9"),  # nobody vouches for what a stranger says
    ("10.0.0.1", (), "10.0.0.1"),
    ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
    ("::ffff:10.0.0.1", ("198.51.100.7",), "198.51.100.7"),  # the same proxy, on a socket of both versions
    ("fd00::1", ("198.51.100.7",), "198.51.100.7"),
    (
        "10.0.0.1",
        ("6.6.6.6, 198.51.100.7, 10.0.0.2",),
        "198.51.100.7",
    ),  # what the client itself sent counts for nothing
    ("10.0.0.1", ("6.6.6.6", "198.51.100.7"), "198.51.100.7"),  # each proxy may add a line of its own
    ("10.0.0.1", ("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
    ("10.0.0.1", ("no address",), "no address"),
]


def scope(peer: str, *forwarded: str, proto: str = "", scheme: str = "http") -> dict:
    headers = [(b"x-forwarded-for", each.encode()) for each in forwarded]
    headers += [(b"x-forwarded-proto", proto.encode())] if proto else []
    return {"client": (peer, 1), "scheme": scheme, "headers": headers, "method": "GET", "path": "/"}


@pytest.mark.parametrize(("peer", "forwarded", "client"), CASES)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_vouches_for(peer, forwarded, client):
    asked = scope(peer, *forwarded)

    assert client_address(asked, networks(PROXIES)) == client
    assert Opener(DoorSettings(trusted_proxies=PROXIES))(asked).address == client


def test_without_trusted_proxies_the_peer_is_the_client():
    assert client_address(scope("10.0.0.1", "198.51.100.7"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "proto", "scheme", "secure"),
    [
        ("10.0.0.1", "https", "http", True),
        ("::ffff:10.0.0.1", "https", "http", True),
        ("10.0.0.1", "http", "http", False),
        ("203.0.113.9", "https", "http", False),
        ("203.0.113.9", "", "https", True),
    ],
)
def test_a_page_came_by_tls_where_it_did_or_a_trusted_proxy_says_so(peer, proto, scheme, secure):
    assert came_secure(scope(peer, proto=proto, scheme=scheme), networks(PROXIES)) is secure
