"""An evaluation rule: which traffic is judged, by what, how much of it, and at what cost."""

import hashlib
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from rowen.config import Duration, TextFile
from rowen.score import path
from rowen.score.configs import check_name
from rowen.values import Mistaken, Settings, Value

RuleTarget = Literal["trace", "span", "session"]


class FilterTable(Settings, frozen=True, kw_only=True):
    """Which traffic. What is empty does not filter."""

    status: Literal["ok", "refused", "failed", "cancelled", "any"] = "ok"
    """How a call ended; spans are not filtered by it."""
    model: str = ""
    """The model asked for."""
    name: str = ""
    """The name of the root span, or of the span."""
    type: str = ""
    """What a span does: `llm`, `retriever`, `tool`, …; for `target = "span"`."""
    user: str = ""
    """The user."""
    session: str = ""
    """The session."""
    feature: str = ""
    """The feature."""
    tag: str = ""
    """A tag."""
    environment: str = ""
    """The environment."""
    release: str = ""
    """The release."""
    text: str = ""
    """Words in question or answer."""


class ScoreTable(Settings, frozen=True, kw_only=True):
    """Judge traffic as it comes."""

    kind: str
    """A scorer: `judge`, `grounded`, `refusal`, `json`, …"""
    name: str = ""
    """The name of the scores; default: the kind."""
    target: RuleTarget = "trace"
    """What one score is about. A session is judged when nothing was added to it for `quiet`."""
    filter: FilterTable = FilterTable()
    """Which traffic."""
    sample: float = 1.0
    """Which share of it, 0 to 1; always the same traces for a name."""
    variables: dict[str, str] = {}
    """What the scorer gets, by paths into the trace: `contexts = "$.spans[*].output"`."""
    options: dict[str, Any] = {}
    """The scorer's own settings; see the how-to on judges."""
    prompt: TextFile | None = None
    """The file with a judge's prompt."""
    model: str = ""
    """The model of the app that judges or embeds; default for a judge: the app's own."""
    budget: str = ""
    """US dollars a day that it may cost, as a text; without it there is no cap."""
    quiet: Duration = 600
    """How long a session must have been quiet."""
    enabled: bool = True
    """Whether it judges what comes."""


class Rule(Value, frozen=True, kw_only=True):
    """A rule as it is kept and run."""

    name: str
    tenant: str = ""
    """Whose traffic; empty for a rule of an app's own file, which judges all of the app's."""
    app: str
    kind: str
    target: RuleTarget = "trace"
    filter: FilterTable = FilterTable()
    sample: float = 1.0
    variables: dict[str, str] = {}
    options: dict[str, Any] = {}
    model: str = ""
    budget: str = ""
    quiet: float = 600.0
    enabled: bool = True
    created_ns: int = 0

    @property
    def key(self) -> str:
        """What tells it apart from every other rule of a deployment."""
        parts = f"{self.tenant}\n{self.app}\n{self.name}"
        return f"rule-{hashlib.sha256(parts.encode()).hexdigest()[:24]}"

    @property
    def cap(self) -> Decimal | None:
        """US dollars a day."""
        return Decimal(self.budget) if self.budget else None

    def samples(self, what: str) -> bool:
        """Whether it judges a trace, span or session by its id: the same answer each time, for any process."""
        if self.sample >= 1:
            return True
        drawn = hashlib.sha256(f"{self.name}\n{what}".encode()).digest()[:8]
        return int.from_bytes(drawn, "big") < self.sample * 2**64


def rule_of(app: str, table: ScoreTable) -> Rule:
    """Return the rule that an app's file writes."""
    options = dict(table.options)
    if table.prompt is not None:
        options["prompt"] = table.prompt.text
    return checked(
        Rule(
            name=table.name or table.kind,
            app=app,
            kind=table.kind,
            target=table.target,
            filter=table.filter,
            sample=table.sample,
            variables=table.variables,
            options=options,
            model=table.model,
            budget=table.budget,
            quiet=table.quiet,
            enabled=table.enabled,
        )
    )


def checked(rule: Rule) -> Rule:
    """Return a rule that can be run, as far as it shows without its scorer.

    Raises:
        Mistaken: `config_invalid` or `field_invalid`.

    """
    check_name(rule.name)
    if not 0 < rule.sample <= 1:
        raise Mistaken("config_invalid", '"sample" is a share above 0, at most 1', place="sample")
    if rule.budget:
        try:
            right = Decimal(rule.budget).is_finite() and Decimal(rule.budget) > 0
        except InvalidOperation:
            right = False
        if not right:
            raise Mistaken("config_invalid", f"{rule.budget!r} is no amount of US dollars", place="budget")
    for text in rule.variables.values():
        path.parsed(text)
    return rule
