"""The tables of an `app.toml`: the one list that ties table names to the settings of the stages."""

from typing import Any, Literal

from rowen.config import Duration, Table, TextFile
from rowen.limits import LimitsSettings
from rowen.prompt import PromptSettings
from rowen.retrieve import RetrieveSettings
from rowen.trace import TraceSettings
from rowen.values import Secret, Settings, UnknownPolicy


class AppTable(Settings, frozen=True, kw_only=True):
    """What the app is."""

    name: str = ""
    """What callers and pages call it; default: the name of its folder."""
    about: str = ""
    """One sentence for people."""
    owner: str = ""
    """Who answers for it: a mail address."""
    model: str = ""
    """The model that the app's own name stands for; default: the first one defined."""
    release: str = ""
    """The name of this version of the app, which its calls bear: `2026-11-25`, `1.5`."""
    environment: str = ""
    """Where it runs, which its calls bear: `production`, `staging`."""


class TimeoutTable(Settings, frozen=True, kw_only=True):
    """How long to wait for a provider."""

    connect: Duration = 5
    """For the connection."""
    first: Duration = 60
    """For the first event of the answer."""
    gap: Duration = 30
    """Between two events."""
    whole: Duration = 300
    """For an answer that was asked for in one piece, which is silent until it is whole."""
    total: Duration = 600
    """For the whole call, all attempts together."""


class SimilarTable(Settings, frozen=True, kw_only=True):
    """Cache by meaning: a question that means the same as an earlier one may have its answer."""

    embed: str = "minilm"
    """A model of `[models]`, or a bundled one, that makes the vectors."""
    threshold: float
    """Cosine from which two questions may mean the same; `rowen cache calibrate` finds it from the app's own pairs."""
    mode: Literal["shadow", "on"] = "shadow"
    """`shadow`: only note what would have been shared, and how far the model's own answer agrees. `on`: share it."""
    pairs: TextFile | None = None
    """JSON lines of `{"one": …, "other": …, "same": true}` to calibrate on."""


class CacheTable(Settings, frozen=True, kw_only=True):
    """Exact cache of whole answers."""

    ttl: Duration
    """How long an answer may be given again."""
    scope: Literal["tenant", "user", "key"] = "tenant"
    """Among whom answers are shared; never beyond a tenant."""
    tools: bool = False
    """Whether answers that call tools are cached too."""
    similar: SimilarTable | None = None
    """Share answers by meaning as well; off unless given."""


class PriceTable(Settings, frozen=True, kw_only=True):
    """US dollars per million tokens, as texts so that they stay exact."""

    input: str
    """Input tokens."""
    output: str | None = None
    """Output tokens, reasoning included; leave it out for embeddings."""
    cache_read: str | None = None
    """Input tokens read from the provider's cache; default: as `input`."""
    cache_write: str | None = None
    """Input tokens written to the provider's cache; default: as `input`."""
    input_audio: str | None = None
    """Audio input tokens; default: as `input`."""
    output_audio: str | None = None
    """Audio output tokens; default: as `output`."""
    since: str = ""
    """The first day it holds, as `2026-01-31` (UTC); default: always."""


class ParamsTable(Settings, frozen=True, kw_only=True):
    """What a chat request says where its caller says nothing. It is part of the app, and goes out and back with it."""

    temperature: float | None = None
    """How much chance there is in the answer; 0: as little as the model can."""
    top_p: float | None = None
    """The share of likelihood that the next token is drawn from."""
    max_tokens: int | None = None
    """Tokens of the answer at most."""
    seed: int | None = None
    """For providers that know one: the same seed, the same answer, nearly."""
    stop: tuple[str, ...] = ()
    """Texts at which the answer ends."""
    schema: TextFile | None = None
    """A file with the JSON Schema that answers obey."""
    effort: str = ""
    """How much the model thinks first: `low`, `medium`, `high`, as its provider calls it."""


class DeploymentTable(Settings, frozen=True, kw_only=True):
    """One place where the model can be asked. What is not said here is as in the model's own table."""

    provider: str = ""
    """A kind of the provider reference."""
    model: str = ""
    """The provider's own name for the model."""
    key: Secret | None = None
    """The provider's key, by reference."""
    base_url: str = ""
    """Where the provider's API stands."""
    headers: dict[str, str] = {}
    """Further headers for every request."""
    options: dict[str, Any] = {}
    """The provider's own settings; see its reference."""
    profile: dict[str, bool | int] = {}
    """What the model can do, where it differs from the provider's profile."""
    region: str = ""
    """Where it stands, in your own words: `eu`. A server of the same `region` asks it before those of others."""
    weight: float = 1.0
    """Its share under `strategy = "weight"`."""
    requests_per_minute: int | None = None
    """The provider key's own limit; the route stays below it."""
    tokens_per_minute: int | None = None
    """The provider key's own limit; the route stays below it."""
    price: PriceTable | tuple[PriceTable, ...] | None = None
    """Overrides the price snapshot."""
    retires: str = ""
    """The day from which the provider answers no longer, as `2027-01-31`, or `never`; overrides the snapshot of
    what vendors retire."""


class ModelTable(Settings, frozen=True, kw_only=True):
    """A model under the name that callers use, and how it is routed."""

    provider: str
    """A kind of the provider reference: `openai`, `anthropic`, `local`, …"""
    model: str = ""
    """The provider's own name for the model; default: the table's name."""
    key: Secret | None = None
    """The provider's key, by reference."""
    keys: tuple[Secret, ...] = ()
    """Several keys of one provider: each becomes a deployment."""
    base_url: str = ""
    """Where the provider's API stands; default: the provider's own."""
    headers: dict[str, str] = {}
    """Further headers for every request."""
    options: dict[str, Any] = {}
    """The provider's own settings; see its reference."""
    profile: dict[str, bool | int] = {}
    """What the model can do, where it differs from the provider's profile."""
    params: ParamsTable = ParamsTable()
    """What requests say where callers say nothing."""
    fallback: tuple[str, ...] = ()
    """Models to ask when this one fails."""
    strategy: Literal["weight", "least_busy", "latency", "order"] = "weight"
    """How to choose among deployments."""
    unknown: UnknownPolicy = "refuse"
    """What to do with fields that the provider does not know: `refuse`, `pass`, or `drop` and say so."""
    timeout: TimeoutTable = TimeoutTable()
    """How long to wait."""
    retries: int = 2
    """Further attempts at the same deployments after the first."""
    hedge_after: Duration = 0
    """Ask a second deployment when the first has not begun by then; 0 is off."""
    midstream: Literal["fail", "restart", "continue"] = "fail"
    """When a stream breaks: end with an error, or let another deployment go on from the text so far."""
    cache: CacheTable | None = None
    """Exact cache; off unless given."""
    traceparent: bool = False
    """Tell the provider of the call's trace, as W3C `traceparent`: for engines of your own that are traced."""
    region: str = ""
    """Where it stands, in your own words: `eu`. A server of the same `region` asks it before those of others."""
    weight: float = 1.0
    """Its share under `strategy = "weight"`."""
    requests_per_minute: int | None = None
    """The provider key's own limit; the route stays below it."""
    tokens_per_minute: int | None = None
    """The provider key's own limit; the route stays below it."""
    price: PriceTable | tuple[PriceTable, ...] | None = None
    """Overrides the price snapshot."""
    retires: str = ""
    """The day from which the provider answers no longer, as `2027-01-31`, or `never`; overrides the snapshot of
    what vendors retire."""
    moving: bool = False
    """Say true where the name may stand for another version tomorrow and that is meant: nobody is warned of it then."""
    deployments: tuple[DeploymentTable, ...] = ()
    """Several places for the one model."""


TABLES: dict[str, Table] = {
    "app": Table(kind=AppTable, default=AppTable()),
    "models": Table(kind=dict[str, ModelTable], default={}),
    "limits": Table(kind=LimitsSettings, default=LimitsSettings()),
    "prompt": Table(kind=PromptSettings, default=PromptSettings()),
    "retrieve": Table(kind=dict[str, RetrieveSettings], default={}),
    "trace": Table(kind=TraceSettings, default=TraceSettings()),
}
