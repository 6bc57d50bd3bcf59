"""Fixed prompts that are asked of models on a schedule, and what was answered: a model that changes in silence is heard.

L. Chen, M. Zaharia & J. Zou, "How is ChatGPT's behavior changing over time?" (2023), https://arxiv.org/abs/2307.09009, found
that hosted models do.
"""

from decimal import Decimal

from rowen.config import Duration
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import Settings, Value

PROMPTS: tuple[str, ...] = (
    "What is 17 times 23? Answer with the number alone.",
    "Name the three largest planets of the solar system, largest first, with commas between them and nothing else.",
    'Reply with this JSON and nothing else: {"status": "ready", "items": [1, 2, 3]}',
    "Explain in two sentences why hay must be dry before it is stored.",
    "Translate into German: The meadow is mown twice a year.",
    "Write a Python function that returns the second largest number of a list. Give the code alone.",
    "A farmer has 5 fields and mows 2 of them each day. On which day is the last one mown? Explain briefly.",
    "Summarise in ten words: Grass grows again after the first mowing, and the second growth is finer and richer.",
)
"""What is asked where nothing else is written: arithmetic, order, form, prose, translation, code, reasoning, summary."""


_MOST = 5_000


class CanaryTable(Settings, frozen=True, kw_only=True):
    """Prompts that are asked of models of the app again and again, to notice when one changes."""

    prompts: tuple[str, ...] = ()
    """What is asked; default: eight prompts of ours."""
    expect: tuple[str, ...] = ()
    """For each prompt a text that its answer should contain; empty for any answer."""
    models: tuple[str, ...] = ()
    """Which models of the app, each at every place where it stands; default: all that answer questions."""
    every: Duration = 21600
    """How often: one cycle."""
    asks: int = 4
    """How often each prompt is asked in a cycle, since answers differ each time."""
    baseline: int = 4
    """How many cycles before it a cycle is held against, at most; one is enough to begin with."""
    error: float = 0.001
    """The chance that a cycle of a model that has not changed is taken for a change."""
    max_tokens: int = 120
    """Of one answer."""
    temperature: float | None = 0.0
    """Sent along; null sends none, for models that refuse it."""

    def __post_init__(self) -> None:
        """Hold what is written against what is possible.

        Raises:
            ValueError: with a sentence that names the key.

        """
        if self.expect and len(self.expect) != len(self.asked):
            raise ValueError(f"`expect` has {len(self.expect)} texts for {len(self.asked)} prompts")
        if self.asks < 2 or self.baseline < 1:
            raise ValueError("`asks` is 2 or more, `baseline` 1 or more: chance must be told from change")
        if not 0 < self.error < 0.5:
            raise ValueError("`error` is between 0 and 0.5")
        if self.every < 60:
            raise ValueError("`every` is a minute or more")

    @property
    def asked(self) -> tuple[str, ...]:
        """The prompts."""
        return self.prompts or PROMPTS


class Said(Value, frozen=True, kw_only=True):
    """One answer to a canary's prompt."""

    text: str = ""
    served: str = ""
    """Which model the provider says has answered."""
    fingerprint: str = ""
    """The provider's own mark of its configuration, where it gives one."""
    tokens: int = 0
    """Output tokens."""
    likely: float | None = None
    """The mean logarithm of the chances of its tokens, where they are told."""
    ms: float | None = None
    cost: Decimal | None = None
    error: str = ""
    """Why there is no answer."""


class Reading(Value, frozen=True, kw_only=True):
    """One cycle of a canary at one deployment."""

    id: str
    app: str
    canary: str
    deployment: str
    model: str
    prompts: str
    """A hash over what was asked and how: only readings of the same are compared."""
    answers: tuple[tuple[Said, ...], ...]
    """By prompt, as often as it was asked."""
    at_ns: int
    changed: bool = False
    """Whether it differs from those before: it begins a new baseline."""
    p: float | None = None
    """How likely so much difference would be of a model that has not changed; None where there is nothing to compare with."""
    why: str = ""
    """What changed, or why nothing can be said."""

    @property
    def failed(self) -> int:
        """How many answers are lacking."""
        return sum(bool(each.error) for answers in self.answers for each in answers)

    @property
    def cost(self) -> Decimal | None:
        """US dollars of the cycle; None where no price is known."""
        known = [each.cost for answers in self.answers for each in answers if each.cost is not None]
        return sum(known, Decimal(0)) if known else None

    @property
    def group(self) -> str:
        """Under which it stands with those it is compared with."""
        return group_of(self.app, self.canary, self.deployment)

    @staticmethod
    def shelf(records: Records) -> "Shelf[Reading]":
        """Return where readings stand."""
        return Shelf(
            records,
            "canary",
            Reading,
            lambda one: Record(
                kind="canary",
                id=one.id,
                app=one.app,
                group=one.group,
                state="changed" if one.changed else "",
                at_ns=one.at_ns,
            ),
        )


async def newest(shelf: Shelf[Reading], app: str = "") -> list[Reading]:
    """Return the newest reading of every canary at every deployment."""
    found: dict[str, Reading] = {}
    for each in await shelf.find(app=app, limit=_MOST):
        found.setdefault(each.group, each)
    return list(found.values())


def group_of(app: str, canary: str, deployment: str) -> str:
    """Return under which name the readings of a canary at a deployment stand."""
    return f"{app}/{canary}/{deployment}"
