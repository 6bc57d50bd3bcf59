"""One example of what an app is asked and what it should answer."""

from typing import Any, Literal

from rowen.values.base import Value

CaseSource = Literal["", "trace", "review", "file", "generator"]
"""Where a case comes from: a trace as it was, a trace that a person corrected, a file, or something that made it up."""


class Case(Value, frozen=True, kw_only=True):
    """An input with what was answered and what should have been, to try a definition on, or to learn from."""

    id: str
    tenant: str = "default"
    app: str = ""
    dataset: str = "reviewed"
    input: Any = None
    """What was asked: messages as `[{"role": …, "content": …}]`, or whatever a program sent."""
    output: Any = None
    """What was answered."""
    expected: Any = None
    """What should have been answered; None where nobody said."""
    metadata: dict[str, Any] = {}
    trace: str = ""
    """Where it comes from."""
    span: str = ""
    by: str = ""
    """Who made it a case."""
    created_ns: int = 0
    source: CaseSource = ""
    user: str = ""
    """Whose it was: cases of one user are alike, and stay on one side of a split."""
    session: str = ""
    document: str = ""
    """What it is about: questions on one document stay on one side of a split."""

    @property
    def synthetic(self) -> bool:
        """Whether nobody ever asked it."""
        return self.source == "generator"
