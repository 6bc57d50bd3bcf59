"""Feedback tokens: what lets a browser without any key say what its user thinks of one answer."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from rowen.values import Clock, Refused, Value

_NS = 1_000_000_000
_PREFIX = "ft1"
_LONGEST = 2_000


class Permit(Value, frozen=True, kw_only=True):
    """What a token lets its bearer do: judge one trace of one tenant, until it lapses."""

    tenant: str
    trace: str
    expires_ns: int
    user: str = ""
    apps: tuple[str, ...] = ()
    """The apps that the key that asked for it may judge; empty for all."""


class Tokens:
    """Makes and reads tokens: a permit in the clear with an HMAC-SHA256 (RFC 2104) over it. Nothing is stored.

    Args:
        signing: the deployment's signing key; the one used here is derived from it for this purpose alone.
        clock: tells when one lapses.

    """

    def __init__(self, signing: bytes, clock: Clock) -> None:
        self._key = hmac.digest(signing, b"feedback token", "sha256")
        self._clock = clock

    def mint(self, permit: Permit) -> str:
        """Return the token of a permit: letters, digits and `. - _`."""
        body = urlsafe_b64encode(msgspec.json.encode(permit)).rstrip(b"=").decode()
        return f"{_PREFIX}.{body}.{self._mac(body)}"

    def expires_in(self, seconds: int) -> int:
        """Return when a token that is made now and lasts so long lapses."""
        return self._clock.now_ns() + seconds * _NS

    def opened(self, token: str) -> Permit:
        """Return the permit that a token is for.

        Raises:
            Refused: `feedback_token` when it is not from here, was changed, or has lapsed.

        """
        prefix, _, rest = token[:_LONGEST].partition(".")
        body, _, mac = rest.partition(".")
        if prefix != _PREFIX or not hmac.compare_digest(self._mac(body).encode(), mac.encode("utf-8", "replace")):
            raise Refused("feedback_token", "the feedback token is not from here", place="token")
        permit = msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=Permit)
        if self._clock.now_ns() >= permit.expires_ns:
            raise Refused("feedback_token", "the feedback token has lapsed", place="token")
        return permit

    def _mac(self, body: str) -> str:
        mac = hmac.digest(self._key, body.encode("utf-8", "replace"), "sha256")
        return urlsafe_b64encode(mac).rstrip(b"=").decode()
