"""Who is really calling for pages, when trusted proxies stand before the server: by the rule of the model doors."""

from collections.abc import Mapping
from typing import Any

from rowen.api.envelope import Networks, within


def client_address(scope: Mapping[str, Any], proxies: Networks) -> str:
    """Return the address of the client: the last one in `x-forwarded-for` that is not a trusted proxy."""
    peer = (scope.get("client") or ("",))[0]
    if not within(peer, proxies):
        return str(peer)
    hops = [hop.strip() for hop in _header(scope, b"x-forwarded-for").split(",") if hop.strip()]
    for hop in reversed(hops):
        if not within(hop, proxies):
            return hop
    return hops[0] if hops else str(peer)


def came_secure(scope: Mapping[str, Any], proxies: Networks) -> bool:
    """Whether the page came by TLS, here or at a trusted proxy."""
    if scope.get("scheme") == "https":
        return True
    peer = (scope.get("client") or ("",))[0]
    return within(peer, proxies) and _header(scope, b"x-forwarded-proto").strip() == "https"


def _header(scope: Mapping[str, Any], name: bytes) -> str:
    """Return a header; one that came several times as one list, as HTTP has it."""
    return ",".join(value.decode("latin-1") for key, value in scope["headers"] if key == name)
