"""One example of what an app is asked and what it should answer."""

from typing import Any

from rowen.values.base import Value


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
