"""What a gate says: sentence by sentence, each with what would mend it."""

from typing import Any, Literal

from rowen.values import Value

Kind = Literal[
    "evaluation",
    "threshold",
    "comparison",
    "data set",
    "index",
    "budget",
    "freeze",
    "remark",
    "approval",
    "path",
    "note",
    "gate",
]


class Finding(Value, frozen=True, kw_only=True):
    """One thing that a gate looked at."""

    gate: str
    """What asks for it: `evaluate.smoke`, `watch.answers`, `approvals`, `remarks`, `path`, `note`, `freeze`."""
    kind: Kind
    passed: bool
    why: str
    """A sentence with the figures that it rests on."""
    fix: str = ""
    """The command that would mend it, or what to do; empty where nothing needs to be mended."""

    def __str__(self) -> str:
        """Return it as a line for people."""
        return f"{self.gate}: {self.why}" + (f" — {self.fix}" if self.fix else "")


class Ruling(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Whether a version may be let out."""

    app: str
    environment: str
    definition: str
    baseline: str = ""
    """What it was held against; empty where nothing is live."""
    open: bool
    """Whether everything passed."""
    findings: tuple[Finding, ...] = ()
    runs: tuple[str, ...] = ()
    """The runs that it rests on."""

    @property
    def refused(self) -> tuple[Finding, ...]:
        """What did not pass."""
        return tuple(each for each in self.findings if not each.passed)

    def evidence(self) -> dict[str, Any]:
        """Return it as it goes into the log."""
        told = [{"gate": each.gate, "passed": each.passed, "why": each.why} for each in self.findings]
        return {"gate": told, "runs": list(self.runs), "baseline": self.baseline}
