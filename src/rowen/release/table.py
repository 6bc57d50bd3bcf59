"""The `[release]` table of an app: how its versions go out, and what they must show before."""

from collections.abc import Mapping
from typing import Any

from rowen.config import Duration
from rowen.values import Settings, Strategy, Unit


def unmet(tables: Mapping[str, Any]) -> list[str]:
    """Return the gates of an app that name no table of it, each with a sentence."""
    table: ReleaseTable = tables["release"]
    return [
        f'the gate "{gate}" has no table [{gate}]'
        for gate in table.gate
        if gate.partition(".")[2] not in tables.get(gate.partition(".")[0], {})
    ]


class ReleaseTable(Settings, frozen=True, kw_only=True):
    """How a version of the app is let out. With this table a changed file waits for `rowen release`."""

    strategy: Strategy = "immediate"
    """To everybody at once, by steps, by copies that nobody sees, or beside what is live by shares."""
    steps: tuple[float, ...] = (5, 25, 100)
    """Percent of the users that a canary's version gets, step by step."""
    share: float = 50
    """Percent that the version gets of an experiment, a bandit at its beginning, or of the calls that a shadow copies."""
    unit: Unit = "user"
    """What stays with its version: a user, a session, or only the one call."""
    floor: float = 0.05
    """The least share that a bandit leaves to any version."""
    budget: float | None = None
    """US dollars that a shadow may cost."""
    auto: bool = True
    """Whether a rollout takes its steps, is promoted and goes back by itself; else the rule only says what it would do."""
    least: int = 100
    """Users, sessions or calls that each version must have had in a step before it goes on."""
    pause: Duration = 0
    """How long a step lasts at least."""
    gate: tuple[str, ...] = ()
    """What must hold: `evaluate.NAME`, a suite that was run and passed; `watch.NAME`, an objective with budget left."""
    approvals: int = 0
    """How many people besides the author must have approved."""
    failed: float = 0.02
    """The share of a suite's cases that may end without an answer to judge."""
    path: tuple[str, ...] = ()
    """Environments in order, such as `["staging", "production"]`: a version must have been live in the one before."""

    differs: tuple[str, ...] = ()
    """Settings and files that may differ between environments, such as `limits.*`; addresses and secrets may anyway."""

    def __post_init__(self) -> None:
        """Hold the table against its rules.

        Raises:
            ValueError: with a sentence that says which.

        """
        if not all(0 < each <= 100 for each in (*self.steps, self.share)):
            raise ValueError("`steps` and `share` are percents, above 0 and up to 100")
        if not (0 <= self.floor <= 1 and 0 <= self.failed <= 1):
            raise ValueError("`floor` and `failed` are shares, from 0 to 1")
        if self.approvals < 0 or (self.budget is not None and not self.budget >= 0):
            raise ValueError("`approvals` and `budget` are 0 or more")
        if self.least < 1:
            raise ValueError("`least` is 1 or more")
        if list(self.steps) != sorted(set(self.steps)):
            raise ValueError("each step of a canary is larger than the one before")
        for name in self.gate:
            kind, _, rest = name.partition(".")
            if kind not in ("evaluate", "watch") or not rest:
                raise ValueError(f'a gate is "evaluate.NAME" or "watch.NAME", not "{name}"')
        if len(set(self.path)) < len(self.path):
            raise ValueError("an environment stands in `path` once")
        if self.strategy == "bandit" and self.floor > 0.5:
            raise ValueError("two versions cannot both have more than half: `floor` is at most 0.5")
