"""Which Definition answers somebody, without a call: as the split would decide it for the same unit."""

from rowen.flow.split import arm_at, deciding, hashed, salt_of
from rowen.values import Live, Value


class Variant(Value, frozen=True, kw_only=True):
    """What answers a user or a session."""

    definition: str
    arm: str = ""
    """The arm of the rollout that decided; empty where nothing rolls out."""
    rollout: str = ""
    probability: float = 1.0


def needs_unit(live: Live) -> bool:
    """Whether what answers hangs on whom it answers."""
    return any(one.strategy != "shadow" and one.unit != "call" for one in live.rollouts if one.state == "running")


def variant(live: Live, unit: str) -> Variant:
    """Return what answers a unit: canaries first, then the first experiment or bandit, each by its own hash.

    Rollouts that draw for each call decide nothing beforehand: they are left out.

    Args:
        live: what is live.
        unit: the user or session as calls name it.

    """
    found = Variant(definition=live.definition)
    canaries, others = deciding([one for one in live.rollouts if one.state == "running" and one.unit != "call"])
    for rollout in (*canaries, *others):
        arm = arm_at(rollout, hashed(salt_of(rollout), unit)[0])
        found = Variant(definition=arm.definition, arm=arm.name, rollout=rollout.id, probability=arm.share)
        if arm is not rollout.arms[0]:
            break
    return found
