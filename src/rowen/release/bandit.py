"""Moves the shares of a bandit's arms by what is known of them, and says what other shares would have earned."""

from collections import defaultdict
from collections.abc import Sequence

from rowen.evaluate.plan import MetricsTable
from rowen.evaluate.statistics import Arm as Known
from rowen.evaluate.statistics import Logged, Would, allotment, best, doubly_robust, ips, snips
from rowen.release.tally import Tally
from rowen.values import Rollout, Value

_MOVED = 0.02
"""A share that would move by less stays: each move is a line of the log, and moves users."""


class WhatIf(Value, frozen=True, kw_only=True):
    """What the primary metric would have been had one arm answered everybody, from the probabilities that were stored."""

    arm: str
    inverse: Would
    """Inverse propensity: no bias, much noise."""
    normal: Would
    """Self-normalised: a little bias, less noise."""
    robust: Would
    """Doubly robust, the model being the mean of each arm over everybody else."""


def chances(rollout: Rollout, plan: MetricsTable, tally: Tally) -> dict[str, float]:
    """Return for each arm how likely it is the best one."""
    return best(_known(rollout, plan, tally), higher_is_better=plan.higher_is_better(plan.primary))


def shares(rollout: Rollout, plan: MetricsTable, tally: Tally) -> dict[str, float] | None:
    """Return the shares that the arms shall have next; None where they may stay as they are."""
    wanted = allotment(
        _known(rollout, plan, tally),
        strategy=rollout.policy,
        floor=rollout.floor,
        higher_is_better=plan.higher_is_better(plan.primary),
    )
    now = {arm.name: arm.share for arm in rollout.arms}
    return wanted if max(abs(wanted[name] - now[name]) for name in now) >= _MOVED else None


def what_if(rollout: Rollout, plan: MetricsTable, tally: Tally) -> list[WhatIf]:
    """Return what the primary metric would have been under each arm alone; none before there are calls that have it."""
    if not tally.values(plan.primary):
        return []
    found = []
    for arm in rollout.arms:
        choices = tally.logged(plan.primary, {arm.name: 1.0})
        robust = _guessed(choices)
        found.append(WhatIf(arm=arm.name, inverse=ips(choices), normal=snips(choices), robust=doubly_robust(robust)))
    return found


def _known(rollout: Rollout, plan: MetricsTable, tally: Tally) -> list[Known]:
    found = []
    for arm in rollout.arms:
        kept = tally.sums(arm.name, plan.primary)
        found.append(
            Known(name=arm.name, kept=kept, yes_or_no=kept.squares == kept.total and 0 <= kept.total <= kept.n)
        )
    if all(each.yes_or_no for each in found):
        return found
    return [each.but(yes_or_no=False) for each in found]


def _guessed(choices: Sequence[Logged]) -> list[Logged]:
    """Return choices with what the others let one guess: of the arm wanted, the mean over all units but the call's own."""
    total, count = 0.0, 0
    of: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for each in choices:
        if each.wanted:
            total, count = total + each.reward, count + 1
            of[each.cluster][0] += each.reward
            of[each.cluster][1] += 1
    found = []
    for each in choices:
        own, mine = of.get(each.cluster, (0.0, 0.0))
        guess = (total - own) / (count - mine) if count > mine else 0.0
        found.append(each.but(guess=guess if each.wanted else 0.0, guess_wanted=guess))
    return found
