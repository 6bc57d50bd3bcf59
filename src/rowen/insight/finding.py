"""What this stage found, as a small value that alerts, digests and pages are made of."""

from typing import Literal

from rowen.values import Value

FindingKind = Literal["budget", "forecast", "anomaly", "errors", "latency", "regression"]
Severity = Literal["info", "warning", "critical"]


class Finding(Value, frozen=True, kw_only=True):
    """Something that somebody may want to know. The same thing found again has the same `key`."""

    kind: FindingKind
    key: str
    """What it is about and when, so that one who was told is not told again."""
    tenant: str = ""
    """Empty when it is about all tenants together."""
    app: str = ""
    severity: Severity = "warning"
    title: str
    """One sentence with the figures in it."""
    at_ns: int
    facts: dict[str, str] = {}
    examples: tuple[str, ...] = ()
    """Trace ids."""
