"""What somebody found that is no objective, as a small value that alerts, digests and pages are made of.

The stages above find: a budget that is reached, an odd hour of costs, a new error. Here it becomes known to people.
"""

import hashlib
from typing import Literal

from rowen.values import Value

FindingKind = Literal[
    "budget", "forecast", "anomaly", "errors", "latency", "regression", "judging", "model", "evaluation", "source"
]
Gravity = Literal["info", "warning", "critical"]


class Finding(Value, frozen=True, kw_only=True):
    """Something that somebody may want to know. The same thing found again has the same `key`."""

    kind: FindingKind
    key: str
    """What it is about and when, so that one who was told is not told again."""
    tenant: str = ""
    """Empty when it is about all tenants together."""
    app: str = ""
    severity: Gravity = "warning"
    title: str
    """One sentence with the figures in it."""
    at_ns: int
    ends_ns: int | None = None
    """When it is over whatever happens, such as with the month of a budget; None while it stands as long as it is found."""
    facts: dict[str, str] = {}
    examples: tuple[str, ...] = ()
    """Trace ids."""

    @property
    def alert(self) -> str:
        """The id of its alert: the same for the same thing, so that it is opened once."""
        return hashlib.sha256(f"finding\x00{self.key}".encode()).hexdigest()[:32]


class Round(Value, frozen=True, kw_only=True):
    """What one look found, and what else still stands of what was found before."""

    found: tuple[Finding, ...] = ()
    holding: frozenset[str] | None = None
    """Keys that still stand although they are not told anew; None when only their `ends_ns` ends them."""
