"""The release log of an app: lines held together by hashes and signed, so that none can be changed, removed or slipped in."""

import hmac
from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

import msgspec

from rowen.values import ReleaseLine, Value

_encode = msgspec.json.Encoder(order="deterministic").encode


class Fault(Value, frozen=True, kw_only=True):
    """Where a log does not hold."""

    number: int
    """Of the first line that does not fit, or is missing."""
    kind: Literal["number", "chain", "signature", "missing"]
    why: str


class Signer:
    """Signs lines with a key of its own, made from the server's signing key.

    Args:
        key: the server's signing key; empty where there is none, so that lines are chained and not signed.

    """

    def __init__(self, key: bytes) -> None:
        # Not the server's key itself: what signs sessions and what signs releases must never be the same message.
        self._key = hmac.digest(key, b"rowen release log", "sha256") if key else b""
        self.name = sha256(self._key).hexdigest()[:16] if key else ""

    def closed(self, line: ReleaseLine, before: str) -> ReleaseLine:
        """Return a line with its chain and signature, given the chain of the line before (empty for the first)."""
        chain = chain_of(line, before)
        if not self._key:
            return line.but(chain=chain, signature="", signer="")
        return line.but(chain=chain, signature=self._signature(chain), signer=self.name)

    def fault(self, line: ReleaseLine) -> str:
        """Return what is wrong with a line's signature, empty when nothing is or another key signed it."""
        if line.signer != self.name or not self._key:
            return ""
        if hmac.compare_digest(line.signature, self._signature(line.chain)):
            return ""
        return "the signature is not that of the key it names"

    def _signature(self, chain: str) -> str:
        return hmac.new(self._key, chain.encode(), "sha256").hexdigest()


def chain_of(line: ReleaseLine, before: str) -> str:
    """Return the SHA-256 over the chain of the line before and a line without its own chain and signature."""
    return sha256(before.encode() + b"\n" + _encode(line.but(chain="", signature="", signer=""))).hexdigest()


def first_fault(lines: Iterable[ReleaseLine], signer: Signer, least: int = 0) -> Fault | None:
    """Return where a whole log first does not hold, None when it does.

    Args:
        lines: all lines, the first one first.
        signer: the key that is here; what other keys signed is held by the chain alone.
        least: the number up to which there must be lines, as what is live says.

    """
    number, before = 0, ""
    for number, line in enumerate(lines, 1):
        if line.number != number:
            return Fault(number=number, kind="number", why=f"line {line.number} stands where {number} should")
        if line.chain != chain_of(line, before):
            return Fault(number=number, kind="chain", why="the line was changed, or the one before it was")
        if why := signer.fault(line):
            return Fault(number=number, kind="signature", why=why)
        before = line.chain
    if number < least:
        return Fault(number=number + 1, kind="missing", why=f"what is live was made so by line {least}")
    return None
