"""Who is really calling, when trusted proxies stand before the server. For pages; the model doors have the same rule."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

Networks = tuple[IPv4Network | IPv6Network, ...]


def networks_of(ranges: Sequence[str]) -> Networks:
    """Return CIDR ranges, parsed once."""
    return tuple(ip_network(text, strict=False) for text in ranges)


def client_address(scope: Mapping[str, Any], proxies: Networks) -> str:
    """Return the address of the client: the last one in `x-forwarded-for` that is not a trusted proxy."""
    peer = (scope.get("client") or ("",))[0]
    if not proxies or not _inside(peer, proxies):
        return str(peer)
    hops = [hop.strip() for hop in _header(scope, b"x-forwarded-for").split(",") if hop.strip()]
    for hop in reversed(hops):
        if not _inside(hop, proxies):
            return hop
    return hops[0] if hops else str(peer)


def came_secure(scope: Mapping[str, Any], proxies: Networks) -> bool:
    """Whether the page came by TLS, here or at a trusted proxy."""
    if scope.get("scheme") == "https":
        return True
    peer = (scope.get("client") or ("",))[0]
    return bool(proxies) and _inside(peer, proxies) and _header(scope, b"x-forwarded-proto").strip() == "https"


def _inside(address: str, networks: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
