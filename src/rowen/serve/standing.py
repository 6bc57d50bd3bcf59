"""How one app stands in this process: its file, what is live, and everything assembled that may have to answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rowen.config import Loaded
from rowen.flow import App
from rowen.flow.assemble import Assembled
from rowen.release import PRODUCTION
from rowen.score.rule import Rule
from rowen.values import Live, ReleaseLine

Fate = Literal["live", "release", "candidate", "kept"]
"""What becomes of a Definition that a file says: it is `live` already, is to be let out (`release`), waits for `rowen
release` (`candidate`), or is only `kept`, since something else was chosen over it."""


@dataclass(slots=True)
class Standing:
    """One app in this process."""

    path: Path
    file: Loaded
    """The file as it was last read."""
    live: Live
    warm: dict[str, Assembled]
    """By Definition: what answers, what answered before, what rolls out, and what the file says."""
    front: App
    """What callers ask."""
    quiet: dict[str, Assembled] = field(default_factory=dict)
    """By Definition, candidates of shadows."""
    rules: list[Rule] = field(default_factory=list)

    @property
    def main(self) -> Assembled:
        """What answers where no rollout says otherwise."""
        return self.warm[self.live.definition]

    def arms(self) -> Iterator[Assembled]:
        """Yield what else answers somebody now."""
        seen = {self.live.definition}
        for rollout in self.live.rollouts:
            for arm in rollout.arms:
                if arm.definition not in seen:
                    seen.add(arm.definition)
                    yield self.quiet[arm.definition] if rollout.strategy == "shadow" else self.warm[arm.definition]


def environment_of(loaded: Loaded) -> str:
    """Return in which environment an app is live here."""
    environment: str = loaded.tables["app"].environment
    return environment or PRODUCTION


def waits(loaded: Loaded) -> bool:
    """Whether an app says how it is let out, so that a changed file waits for that. Of any other the file is what answers."""
    return "release" in loaded.definition.source


def fate(live: Live | None, loaded: Loaded, *, dev: bool, undone: bool = False) -> Fate:
    """Return what becomes of what a file says.

    Args:
        live: what is live; None where nothing is.
        loaded: the file as it was read.
        dev: whether the file is to answer at once, whatever was decided.
        undone: whether it was rolled back when it was tried.

    """
    hash = loaded.definition.hash
    if live is None or not live.definition:
        return "release"
    if live.definition == hash:
        return "live"
    if dev:
        return "release"
    if waits(loaded):
        return "candidate"
    # Somebody has chosen what answers: a rollback, or a rollout that runs. A file does not undo that by being there.
    return "kept" if live.pinned or live.rollouts or undone else "release"


def needed(live: Live) -> set[str]:
    """Return the Definitions that must stand to answer: what is live, and what rolls out."""
    running = [each for each in live.rollouts if each.state == "running" and each.strategy != "shadow"]
    return {live.definition, *(arm.definition for each in running for arm in each.arms)}


def copied(live: Live) -> set[str]:
    """Return the Definitions that answer copies alone."""
    shadows = [each for each in live.rollouts if each.state == "running" and each.strategy == "shadow"]
    return {each.arms[1].definition for each in shadows}


def undone(lines: Sequence[ReleaseLine], hash: str) -> bool:
    """Return whether the last word about a Definition, newest line first, is that it was rolled back."""
    for line in lines:
        if line.act == "rollback" and hash in {line.evidence.get("candidate"), line.evidence.get("from")}:
            return True
        if line.definition == hash and line.act in {"release", "promote"}:
            return False
    return False
