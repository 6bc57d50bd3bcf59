"""Where and how a server runs. Not part of any app: `server.toml`, `ROWEN_…` variables or flags."""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from rowen.config import Duration, layered
from rowen.values import Secret, Settings

Some = Annotated[int, Meta(ge=1)]
Whole = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class ServerSettings(Settings, frozen=True, kw_only=True):
    """One deployment. Precedence: flag, variable, file, default; `rowen check --explain` prints which it was."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8484
    """Port to listen on; 0 takes a free one."""
    workers: Some = 1
    """Processes that answer."""
    store: str = "sqlite:.rowen"
    """Where records live: `sqlite:FOLDER`, `postgres://USER@HOST/DATABASE` or `memory:`."""
    traces: str = ""
    """Where traces and spans live instead: `clickhouse://USER@HOST/DATABASE`; empty keeps them with all else."""
    tls_cert: str = ""
    """Certificate chain (PEM). With `tls_key`, the server speaks HTTPS."""
    tls_key: str = ""
    """Private key (PEM)."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose `x-forwarded-for` and `x-forwarded-proto` are believed."""
    body_limit: Some = 20_000_000
    """Bytes of a request body at most."""
    body_timeout: Duration = 30
    """How long a request's head and body may take to arrive."""
    depth: Some = 64
    """Levels of nesting in a JSON body at most."""
    region: str = ""
    """Where this server stands, in the words of the apps' deployments: those of the same region are asked first."""
    in_flight: Some = 1024
    """Calls answered at once by one process; further ones queue by priority."""
    queue: Whole = 512
    """Calls that may wait for a place; beyond that low priority is shed first."""
    queue_wait: Duration = 2
    """How long a call may wait for a place."""
    grace: Duration = 30
    """How long a stopping server lets calls under way finish."""
    drain: Duration = 0
    """How long a server that was told to stop (SIGTERM) still answers everything while `/readyz` says no, so that a load
    balancer turns away first. Longer than the balancer needs to notice."""
    trace_every: Duration = 0.25
    """Traces are written at least this often; what is younger may be lost when the process is killed."""
    trace_buffer: Some = 20_000
    """Finished calls held for writing at most."""
    trace_days: Whole = 30
    """Days after which traces are deleted; 0 keeps them for ever."""
    turn_days: Whole = 30
    """Days after which answers kept for `previous_response_id` are deleted; 0 keeps them for ever."""
    batch_days: Whole = 30
    """Days after which the files of batches, their results and the batches are deleted; 0 keeps them for ever."""
    batch_bytes: Some = 100_000_000
    """Bytes of a file of requests at most."""
    batch_room: Some = 1_000_000_000
    """Bytes that all files of requests of one tenant have together at most."""
    batch_at_once: Some = 4
    """Requests of one batch that are under way at once."""
    score_days: Whole = 400
    """Days after which scores are deleted, counted from what they judge; 0 keeps them for ever."""
    measure_days: Whole = 800
    """Days after which the minutes that objectives counted are deleted; 0 keeps them for ever."""
    archive: str = ""
    """A folder that closed days of traces and scores are kept in, as Parquet; empty keeps none. With it, nothing is
    deleted for its age that is not in the archive. Needs `rowen[archive]`."""
    archive_after: Whole = 1
    """Days after its end that a day goes into the archive."""
    spans_content: Literal["full", "masked", "none"] = "full"
    """What is kept of spans that programs send: all, all with `spans_mask` applied, or figures only. The spans of an app
    served here follow its own `[trace]` table."""
    spans_mask: tuple[str, ...] = ()
    """Regular expressions (RE2) whose matches are replaced by `[masked]` before a span is stored."""
    spans_text: Some = 1_000_000
    """Characters of one attribute of a span at most; longer ones are cut, and the span says so."""
    spans_room: Some = 32_000_000
    """Bytes of spans in work at once; further senders are told to come again."""
    user_key: Secret | None = None
    """With it, end users are kept under keyed hashes, in spans and calls; the same user always under the same one."""
    sample: Share = 1.0
    """The share of ordinary traces of spans that stays. Those that failed, were slow or were scored low always stay."""
    sample_slow: Duration = 10
    """From how long on a trace counts as slow."""
    sample_low: float = 0.5
    """Scores below this are low."""
    sample_wait: Duration = 600
    """How long after its start it is decided whether a trace stays; until then everything is there."""
    explain: str = ""
    """The model that explains errors when it is asked to, as `app/model`; empty asks none."""
    otlp: str = ""
    """A collector's address for traces (`http://host:4318/v1/traces`); empty sends none."""
    otlp_headers: dict[str, Secret] = {}
    """Headers for the collector, by reference."""
    watch: bool = False
    """Reload apps when their files change."""
    log: Literal["debug", "info", "warning", "error"] = "info"
    """How much to say on standard error."""


def settings_of(file: Path, flags: Mapping[str, Any]) -> tuple[ServerSettings, dict[str, str]]:
    """Return the settings of a deployment and where each came from.

    Raises:
        Mistaken: `config_*`.

    """
    return layered(ServerSettings, file, os.environ, flags)


def folder_of(settings: ServerSettings) -> Path | None:
    """Return the folder of the deployment's own files; None when nothing outlives the process."""
    scheme, _, rest = settings.store.partition(":")
    return None if scheme == "memory" else Path(rest.partition("?")[0] if scheme == "sqlite" else ".rowen")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
