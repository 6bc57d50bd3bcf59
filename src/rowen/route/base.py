"""What routing is told: for each model its deployments, and how to choose among them and go on after failures."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rowen.values import Call, CountTokens, Deployment, Value

Strategy = Literal["weight", "least_busy", "latency", "order"]
Midstream = Literal["fail", "restart", "continue"]
CacheScope = Literal["tenant", "user", "key"]

Random = Callable[[], float]
"""A number from 0 up to, not including, 1."""

Sleep = Callable[[float], Awaitable[object]]
"""Wait so many seconds."""


class ModelRoute(Value, frozen=True, kw_only=True):
    """How one model is answered. Durations are seconds."""

    name: str
    """The name that callers use."""
    deployments: tuple[Deployment, ...]
    strategy: Strategy = "weight"
    """`weight`: by chance, in proportion to the weights. `least_busy`: fewest calls under way for its weight.
    `latency`: the quickest to begin lately. `order`: as written."""
    fallback: tuple[str, ...] = ()
    """Models to ask after this one, in order. Their own fallbacks are not followed."""
    retries: int = 2
    """Attempts beyond the first. Every deployment is tried once in any case."""
    hedge_after: float = 0.0
    """Ask the next deployment too when nothing has come for so long; 0 is never."""
    midstream: Midstream = "fail"
    """What to do when an answer breaks after its first text. `fail`: end with the error. `restart`: begin again where
    nothing has been sent yet, which for answers that are not streamed is always. `continue`: ask the next deployment
    to go on from the text so far."""
    cache_ttl: float = 0.0
    """How long a whole answer may be given again to exactly the same request; 0 is never."""
    cache_scope: CacheScope = "tenant"
    """Among whom. Never beyond a tenant."""
    cache_tools: bool = False
    """Whether answers that call tools are cached too."""
    preset: dict[str, Any] = {}
    """What a chat request says where its caller says nothing, by the names of `Request`."""


Routes = Mapping[str, ModelRoute]
"""The models of one app by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The models of one app, and the names by which callers may ask for them."""

    app: str
    routes: Routes
    default: str
    """The model that the app's own name, or no name, stands for."""

    def named(self, name: str) -> ModelRoute | None:
        """Return the model that a caller means by `name`, `app/name`, the app's own name or nothing."""
        if (route := self.routes.get(name)) is not None:
            return route
        if name in {"", self.app}:
            return self.routes.get(self.default)
        app, _, rest = name.partition("/")
        return self.routes.get(rest) if app == self.app else None


def foreseen(call: Call, count: CountTokens) -> int:
    """Return the tokens that an attempt may use, for the providers' known limits: what was set aside, or a count."""
    if call.hold is not None and call.hold.tokens:
        return call.hold.tokens
    return count(call.request) + (call.request.max_tokens or 0)


class Breaking(Value, frozen=True, kw_only=True):
    """When a deployment counts as out of order."""

    window: float = 30.0
    """Seconds over which failures are counted."""
    least: int = 5
    """Attempts in the window below which nothing is concluded."""
    rate: float = 0.5
    """The share of failures from which it is left alone."""
    rest: float = 5.0
    """Seconds until a single call may probe it; doubled with every probe that fails."""
    longest_rest: float = 60.0


class Health(Value, frozen=True, kw_only=True):
    """One deployment as it stands now, for pages and the API."""

    deployment: str
    model: str
    provider: str
    upstream: str
    state: Literal["closed", "open", "half_open"]
    """Of its circuit breaker: closed is well, open is left alone, half_open is being probed."""
    in_flight: int
    first_ms: float | None = None
    """Milliseconds to the first event, smoothed over the last attempts; None when not measured yet."""
    ok: int = 0
    failed: int = 0
    limited: int = 0
    """Attempts of the last five minutes by how they ended; `limited` is the provider's 429."""
    last_code: str = ""
    last_failed_ns: int = 0
    retry_in: float = 0.0
    """Seconds until it is asked again, when it is being left alone."""
    requests_per_minute: int | None = None
    requests_left: int | None = None
    tokens_per_minute: int | None = None
    tokens_left: int | None = None
    """Of the provider key's known limits, as far as this process has used them."""
