"""Let it out: what of an app is answered by which Definition, who decided it, and how a call came to its arm."""

from typing import Any, Literal

from rowen.values.base import Value

Act = Literal[
    "propose", "release", "begin", "step", "promote", "rollback", "stop", "approve", "refuse", "label", "freeze", "thaw"
]
"""What a line of the log says was done.

`propose`: a Definition was put forward, and became a version. `release`: a Definition answers everybody at once. `begin`, `step`: a rollout starts, or takes a larger share. `promote`:
its candidate answers everybody. `rollback`: what answered before does again. `stop`: a rollout ends and changes
nothing. `refuse`: a gate said no. `freeze`, `thaw`: nothing may be let out, for an error budget or a person's sake.
"""

Strategy = Literal["immediate", "canary", "shadow", "experiment", "bandit"]
Unit = Literal["user", "session", "call"]
"""What stays with its arm: a user, a conversation, or nothing but the one call."""

RolloutState = Literal["running", "promoted", "rolled back", "stopped"]


class ReleaseLine(Value, frozen=True, kw_only=True):
    """One line of an app's release log. It is never changed; `chain` holds it to the line before."""

    app: str
    number: int
    """From 1, without gaps, by app."""
    act: Act
    environment: str = "production"
    definition: str = ""
    """The Definition that it is about."""
    before: str = ""
    """The Definition that answered before."""
    rollout: str = ""
    note: str = ""
    by: str = ""
    """A key's or a person's id; `rowen` where a rule decided."""
    at_ns: int = 0
    evidence: dict[str, Any] = {}
    """What it rested on: the ids of runs, the gate's sentences, the figures of a verdict. JSON types only."""
    chain: str = ""
    """SHA-256 over the chain of the line before and this line without it; 64 hex digits."""
    signature: str = ""
    """HMAC-SHA256 of `chain` by the server's signing key, 64 hex digits; empty where there is none."""
    signer: str = ""
    """Which key signed, 16 hex digits: machines that share a database may each have their own."""


class Arm(Value, frozen=True, kw_only=True):
    """One Definition among which a rollout chooses."""

    name: str
    """`baseline`, `candidate`, or what an experiment calls it."""
    definition: str
    share: float
    """Of the units that the rollout has, 0 to 1; the arms' shares add up to 1. Of a shadow: of the calls copied."""


class Rollout(Value, frozen=True, kw_only=True):
    """Several Definitions answering one app at the same time, each its share."""

    id: str
    app: str
    environment: str = "production"
    strategy: Strategy
    arms: tuple[Arm, ...]
    """The baseline first."""
    unit: Unit = "user"
    salt: str = ""
    """Goes into the hash that assigns: another salt, another, independent assignment."""
    state: RolloutState = "running"
    steps: tuple[float, ...] = ()
    """Shares that a canary's candidate takes one after another, 0 to 1."""
    step: int = 0
    """The place in `steps`."""
    step_ns: int = 0
    """When the step began."""
    floor: float = 0.0
    """The least share that a bandit leaves to an arm, so that inference stays possible."""
    policy: Literal["thompson", "top-two"] = "thompson"
    """Of a bandit: `thompson` earns most while it learns, `top-two` finds the best arm soonest."""
    budget: float | None = None
    """US dollars that a shadow may cost."""
    auto: bool = True
    """Whether a rule takes steps, promotes and rolls back; without it the rule only says what it would do."""
    least: int = 100
    """Units that each arm must have had in a step before it goes on."""
    pause: float = 0.0
    """Seconds that a step lasts at least."""
    note: str = ""
    by: str = ""
    began_ns: int = 0
    ended_ns: int = 0
    why: str = ""
    """Why it ended, in a sentence."""


class Live(Value, frozen=True, kw_only=True):
    """What answers an app in one environment now. One record, changed as a whole, so that everything swaps together."""

    app: str
    environment: str = "production"
    definition: str
    """What answers where no rollout says otherwise."""
    before: str = ""
    """What answered before: where a rollback goes."""
    rollouts: tuple[Rollout, ...] = ()
    """Those that run. A unit that a canary takes is in no experiment, so that each keeps its own comparison."""
    pinned: bool = False
    """Rolled back by hand or by a rule: a changed file does not take over until somebody releases it."""
    frozen: str = ""
    """Why nothing may be let out now; empty when it may."""
    number: int = 0
    """The line of the log that made it so."""
    changed_ns: int = 0


class Assigned(Value, frozen=True, kw_only=True):
    """How a call came to the Definition that answers it."""

    rollout: str
    arm: str
    probability: float
    """That this arm was chosen, as it stood then; for estimates of what another policy would have done."""
    unit: str = ""
    """A hash of the user or session that stays with the arm, 16 hex digits; empty where each call is on its own."""
    shadow: bool = False
    """A copy whose answer nobody sees."""
