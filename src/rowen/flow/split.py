"""Says which Definition answers a call while several do: canary first, then the experiment, each by its own hash.

A unit's place is a hash of the rollout's salt and the unit, 0 up to 1, and never changes. The arms beside the baseline lie
from 0 on, so that a share which grows takes units in and lets none of those go that it has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Protocol

from rowen.flow.app import App
from rowen.flow.chain import Chain, Step
from rowen.values import Arm, Assigned, Call, Live, Request, Rollout, Unit

_RANGE = float(1 << 64)


class Seen(Protocol):
    """Is told of each assigned call when it has ended, before it is recorded; must not wait.

    `asked` is what the caller asked, before the app's own words were put to it, where a shadow wants a copy.
    """

    def __call__(self, call: Call, *, asked: Request | None = None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """A running rollout with the key of its hash, which is not made for each call."""

    rollout: Rollout
    salt: bytes

    def arm(self, call: Call) -> tuple[Arm, str]:
        """Return the arm that a call's unit falls to, and the unit's hash."""
        at, unit = place_of(self.salt, self.rollout.unit, call)
        return arm_at(self.rollout, at), unit

    def assigned(self, arm: Arm, probability: float, unit: str) -> Assigned:
        """Return the mark of a call that came to an arm."""
        return Assigned(rollout=self.rollout.id, arm=arm.name, probability=probability, unit=unit)


def split_of(live: Live, apps: Mapping[str, App], seen: Seen) -> App:
    """Return the app that callers ask: the live one, or one that splits its calls as the rollouts say.

    Args:
        live: what answers.
        apps: by Definition, all that `live` names.
        seen: is told how assigned calls ended.

    """
    base = apps[live.definition]
    running = [each for each in live.rollouts if each.state == "running"]
    if not running:
        return base
    return replace(base, split=Split(base, running, apps, seen))


class Split:
    """Chooses for each call. Costs nothing where no rollout runs, for then there is none."""

    def __init__(self, base: App, rollouts: Sequence[Rollout], apps: Mapping[str, App], seen: Seen) -> None:
        self._apps = {hash: _watched(app, seen) for hash, app in apps.items()}
        self._bare = base
        self._seen = seen
        self._base = self._apps[base.definition.hash]
        canaries, others = deciding(rollouts)
        self._canaries = [_Choice(rollout=each, salt=salt_of(each)) for each in canaries]
        self._others = [_Choice(rollout=each, salt=salt_of(each)) for each in others]
        self._shadows = [each for each in rollouts if each.strategy == "shadow"]

    def __call__(self, call: Call) -> tuple[App, Call]:
        """Return the app that answers a call, and the call with how it came to it."""
        app = self._base
        held: list[tuple[_Choice, float, str]] = []
        for choice in self._canaries:
            arm, unit = choice.arm(call)
            if arm is not choice.rollout.arms[0]:
                mine = choice.assigned(arm, arm.share, unit)
                return self._apps[arm.definition], call.but(definition=arm.definition, assigned=(mine,))
            held.append((choice, arm.share, unit))
        assigned: list[Assigned] = []
        chance = 1.0  # that who is left to the experiment is answered by what is live
        for choice in self._others:
            arm, unit = choice.arm(call)
            app = self._apps[arm.definition]
            chance = sum(each.share for each in choice.rollout.arms if each.definition == self._base.definition.hash)
            assigned.append(choice.assigned(arm, arm.share, unit))
        if app.definition is self._base.definition:
            # What an experiment has changed is no baseline of a canary. Who stays one is as if drawn from all, since the
            # two hashes know nothing of each other.
            assigned += [choice.assigned(choice.rollout.arms[0], share * chance, unit) for choice, share, unit in held]
            copied = [each for shadow in self._shadows if (each := _copied(shadow, call)) is not None]
            if copied:
                app = _watched(self._bare, partial(self._seen, asked=call.request))
                assigned += copied
        return app, call.but(definition=app.definition.hash, assigned=tuple(assigned))


def place_of(salt: bytes, unit: Unit, call: Call) -> tuple[float, str]:
    """Return where a call's unit stands in 0 up to 1, and its hash, empty where each call is on its own."""
    if unit == "call":
        return hashed(salt, call.id)[0], ""
    first, second = (call.end_user, call.session) if unit == "user" else (call.session, call.end_user)
    return hashed(salt, first or second or call.door.key_digest or call.id)


def hashed(salt: bytes, unit: str) -> tuple[float, str]:
    """Return where a unit stands in 0 up to 1, and its hash."""
    digest = blake2b(unit.encode(), digest_size=8, key=salt).digest()
    return int.from_bytes(digest, "big") / _RANGE, digest.hex()


def _copied(shadow: Rollout, call: Call) -> Assigned | None:
    """Return the mark of an original whose copy the candidate is to answer: of so many calls as its share says."""
    if call.request.kind != "chat":
        return None
    baseline, candidate = shadow.arms
    at, unit = hashed(salt_of(shadow), call.id)
    if at >= candidate.share:
        return None
    return Assigned(rollout=shadow.id, arm=baseline.name, probability=candidate.share, unit=unit)


def deciding(rollouts: Sequence[Rollout]) -> tuple[list[Rollout], list[Rollout]]:
    """Return the rollouts that decide about a call, in two lists: the canaries, then at most one experiment or bandit."""
    canaries = [each for each in rollouts if each.strategy == "canary"]
    return canaries, [each for each in rollouts if each.strategy in {"experiment", "bandit"}][:1]


def arm_at(rollout: Rollout, at: float) -> Arm:
    """Return the arm that a place in 0 up to 1 falls to: those beside the baseline lie from 0 on."""
    end = 0.0
    for arm in rollout.arms[1:]:
        end += arm.share
        if at < end:
            return arm
    return rollout.arms[0]


def salt_of(rollout: Rollout) -> bytes:
    """Return the key of a rollout's hash."""
    return blake2b((rollout.salt or rollout.id).encode(), digest_size=32).digest()


def _watched(app: App, seen: Seen) -> App:
    """Return an app whose ended calls are told of, before the last station records them."""

    async def step(call: Call) -> Call:
        if call.assigned:
            seen(call)
        return call

    station: tuple[str, Step] = ("release.seen", step)
    chain = app.chain
    after = (*chain.after[:-1], station, *chain.after[-1:])
    return replace(app, chain=Chain(before=chain.before, answer=chain.answer, after=after))
