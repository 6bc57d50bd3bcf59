"""What a rollout may be."""

from math import isclose

from rowen.values import Arm, Live, Mistaken, Rollout


def still_running(live: Live, id: str) -> Rollout:
    """Return a rollout that runs.

    Raises:
        Mistaken: `conflict` when it has ended.

    """
    found = next((one for one in live.rollouts if one.id == id), None)
    if found is None:
        raise Mistaken("conflict", f"the rollout {id!r} has ended", place="rollout")
    return found


def arm_of(rollout: Rollout, name: str) -> Arm:
    """Return an arm by name; the last one, which is the candidate, when none is named.

    Raises:
        Mistaken: `not_found`.

    """
    if not name:
        return rollout.arms[-1]
    found = next((arm for arm in rollout.arms if arm.name == name), None)
    if found is None:
        raise Mistaken("not_found", f"there is no arm {name!r}", place="arm")
    return found


def possible(rollout: Rollout) -> None:
    """Raise `field_invalid` for arms and shares that cannot be."""
    names = [arm.name for arm in rollout.arms]
    if len(names) < 2 or len(set(names)) < len(names):
        raise Mistaken("field_invalid", "a rollout has two arms or more, each with its own name", place="arms")
    if rollout.strategy in {"canary", "shadow"} and len(names) > 2:
        raise Mistaken("field_invalid", f"a {rollout.strategy} has one arm beside what is live", place="arms")
    if any(not 0 <= arm.share <= 1 for arm in rollout.arms):
        raise Mistaken("field_invalid", "a share is from 0 to 1", place="arms")
    if rollout.strategy != "shadow" and not isclose(sum(arm.share for arm in rollout.arms), 1, abs_tol=1e-9):
        raise Mistaken("field_invalid", "the arms' shares add up to 1", place="arms")
    if rollout.floor and any(arm.share < rollout.floor - 1e-9 for arm in rollout.arms):
        raise Mistaken("field_invalid", f"no arm's share may be below the floor of {rollout.floor:g}", place="arms")
    if any(not 0 < share <= 1 for share in rollout.steps) or list(rollout.steps) != sorted(rollout.steps):
        raise Mistaken("field_invalid", "steps are shares above 0 up to 1, each above the one before", place="steps")
