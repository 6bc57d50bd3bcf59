"""What is known of each deployment while the process runs: its breaker, its limits, how busy and how quick it is."""

from collections.abc import Iterable
from math import exp2

from rowen.route.base import Breaking, Health
from rowen.route.breaker import Breaker
from rowen.route.bucket import Bucket
from rowen.values import Clock, Deployment, Problem

_SMOOTH = 0.2  # weight of the newest latency
_FADE = 60.0  # seconds in which an old latency loses half its say, so that a slow deployment is tried again
_MINUTES = 5
_SHORT_REST = 1.0  # seconds to leave a deployment alone after a 429 that does not say how long


class Standing:
    """How one deployment stands. Times are seconds of the clock's stopwatch."""

    __slots__ = (
        "_clock",
        "_counts",
        "_first",
        "_first_at",
        "_minute",
        "_rests_until",
        "breaker",
        "deployment",
        "in_flight",
        "last_code",
        "last_failed_ns",
        "requests",
        "tokens",
    )

    def __init__(self, deployment: Deployment, breaking: Breaking, clock: Clock) -> None:
        self.deployment = deployment
        self.breaker = Breaker(breaking)
        self.requests = _bucket(deployment.requests_per_minute)
        self.tokens = _bucket(deployment.tokens_per_minute)
        self.in_flight = 0
        self.last_code = ""
        self.last_failed_ns = 0
        self._clock = clock
        self._rests_until = 0.0
        self._first: float | None = None
        self._first_at = 0.0
        self._minute = 0
        self._counts = [[0, 0, 0] for _ in range(_MINUTES)]

    def shut(self, tokens: int) -> str:
        """Return why a call of so many tokens may not go there now: `breaker`, `resting`, `limit`; empty when it may."""
        if self._rests_until == 0 and self.breaker.state == "closed" and self.requests is None and self.tokens is None:
            return ""  # as nearly always, and no clock need be asked
        now = self._clock.monotonic()
        if not self.breaker.allows(now):
            return "breaker"
        if now < self._rests_until:
            return "resting"
        if (self.requests and not self.requests.fits(1, now)) or (self.tokens and not self.tokens.fits(tokens, now)):
            return "limit"
        return ""

    def free_in(self, tokens: int) -> float:
        """Return the seconds until a call of so many tokens may go there."""
        now = self._clock.monotonic()
        waits = [self.breaker.opens_in(now), self._rests_until - now]
        if self.requests:
            waits.append(self.requests.fits_in(1, now))
        if self.tokens:
            waits.append(self.tokens.fits_in(tokens, now))
        return max(0.0, *waits)

    def enter(self, tokens: int) -> bool:
        """Claim a place for an attempt of so many tokens, unless the deployment is shut by now."""
        breaker = self.breaker
        if self.shut(tokens) or (breaker.state != "closed" and not breaker.enter(self._clock.monotonic())):
            return False
        self.in_flight += 1
        if self.requests:
            self.requests.take(1)
        if self.tokens:
            self.tokens.take(tokens)
        return True

    def leave(self, foreseen: int, used: int) -> None:
        """Free the place, and correct what was taken of the token limit by what was used."""
        self.in_flight -= 1
        if self.tokens and used != foreseen:
            self.tokens.take(used - foreseen)

    def went_well(self) -> None:
        """The attempt was answered."""
        self._count(0)
        self.breaker.good(self._clock.monotonic())

    def went_wrong(self, problem: Problem) -> None:
        """The attempt failed in a way that tells of the deployment."""
        self._failed(problem.code)
        self._count(1)
        self.breaker.bad(self._clock.monotonic())

    def limited(self, problem: Problem) -> None:
        """The provider's own limit refused: rest as long as it says."""
        self._failed(problem.code)
        self._count(2)
        self.breaker.nothing()
        wait = _SHORT_REST if problem.retry_after is None else problem.retry_after
        self._rests_until = max(self._rests_until, self._clock.monotonic() + wait)

    def began_after(self, seconds: float) -> None:
        """Take the time that an attempt needed to begin to answer."""
        seconds = max(0.0, seconds)  # a wall clock may be set back
        known = self._first
        self._first = seconds if known is None else known + _SMOOTH * (seconds - known)
        self._first_at = self._clock.monotonic()

    def slowness(self) -> float:
        """Return the expected seconds to the first event with the present load; 0 when not measured yet."""
        if self._first is None:
            return 0.0
        age = self._clock.monotonic() - self._first_at
        return self._first * (self.in_flight + 1) * exp2(-age / _FADE)

    def health(self) -> Health:
        """Return how it stands now."""
        now = self._clock.monotonic()
        self._slot()
        ok, failed, limited = (sum(counts[kind] for counts in self._counts) for kind in range(3))
        deployment = self.deployment
        return Health(
            deployment=deployment.name,
            model=deployment.model,
            provider=deployment.provider,
            upstream=deployment.upstream,
            state=self.breaker.state,
            in_flight=self.in_flight,
            first_ms=None if self._first is None else round(self._first * 1000, 1),
            ok=ok,
            failed=failed,
            limited=limited,
            last_code=self.last_code,
            last_failed_ns=self.last_failed_ns,
            retry_in=max(0.0, self.breaker.opens_in(now), self._rests_until - now),
            requests_per_minute=deployment.requests_per_minute,
            requests_left=max(0, int(self.requests.left(now))) if self.requests else None,
            tokens_per_minute=deployment.tokens_per_minute,
            tokens_left=max(0, int(self.tokens.left(now))) if self.tokens else None,
        )

    def _failed(self, code: str) -> None:
        self.last_code = code
        self.last_failed_ns = self._clock.now_ns()

    def _count(self, kind: int) -> None:
        self._slot()[kind] += 1

    def _slot(self) -> list[int]:
        minute = int(self._clock.monotonic() / 60)
        if minute == self._minute:
            return self._counts[minute % _MINUTES]
        for stale in range(max(self._minute + 1, minute - _MINUTES + 1), minute + 1):
            self._counts[stale % _MINUTES] = [0, 0, 0]
        self._minute = max(self._minute, minute)
        return self._counts[minute % _MINUTES]


class FleetState:
    """The standings of a Definition's deployments by name."""

    def __init__(self, clock: Clock, breaking: Breaking | None = None) -> None:
        self._clock = clock
        self._breaking = breaking or Breaking()
        self._standings: dict[str, Standing] = {}

    def of(self, deployment: Deployment) -> Standing:
        """Return the standing of a deployment; a new one when the deployment is new or changed."""
        known = self._standings.get(deployment.name)
        if known is None or known.deployment != deployment:
            known = self._standings[deployment.name] = Standing(deployment, self._breaking, self._clock)
        return known

    def heir(self, same: Iterable[Deployment]) -> "FleetState":
        """Return the state of another Definition of the app, which shares how the deployments stand that are the same."""
        made = FleetState(self._clock, self._breaking)
        for each in same:
            made._standings[each.name] = self.of(each)
        return made

    def health(self) -> list[Health]:
        """Return how every deployment stands now."""
        return [standing.health() for standing in self._standings.values()]


def _bucket(per_minute: int | None) -> Bucket | None:
    return Bucket(per_minute) if per_minute else None
