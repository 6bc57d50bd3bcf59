"""The `[release]` table of an app: how its versions go out, and what they must show before."""

from typing import Annotated

from msgspec import Meta

from rowen.values import Settings, Strategy, Unit

Percent = Annotated[float, Meta(gt=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]


class ReleaseTable(Settings, frozen=True, kw_only=True):
    """How a version of the app is let out. With this table a changed file waits for `rowen release`."""

    strategy: Strategy = "immediate"
    """`immediate`: to everybody at once. `canary`: by steps. `shadow`: copies alone, whose answers nobody sees.
    `experiment`, `bandit`: beside what is live, by shares."""
    steps: tuple[Percent, ...] = (5, 25, 100)
    """Percent of the users that a canary's version gets, step by step."""
    share: Percent = 50
    """Percent that the version gets of an experiment, a bandit at its beginning, or of the calls that a shadow copies."""
    unit: Unit = "user"
    """What stays with its version: a user, a session, or only the one call."""
    floor: Share = 0.05
    """The least share that a bandit leaves to any version."""
    budget: Annotated[float, Meta(ge=0)] | None = None
    """US dollars that a shadow may cost."""
    gate: tuple[str, ...] = ()
    """What must hold before: `evaluate.NAME` for a suite that was run and passed, `watch.NAME` for an objective with error
    budget left."""
    approvals: Annotated[int, Meta(ge=0, le=20)] = 0
    """How many people besides the author must have approved."""
    failed: Share = 0.02
    """The share of a suite's cases that may end without an answer to judge."""
    path: tuple[str, ...] = ()
    """Environments in order, such as `["staging", "production"]`: a version must have been live in the one before."""

    def __post_init__(self) -> None:
        """Hold the table against its rules.

        Raises:
            ValueError: with a sentence that says which.

        """
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
