"""The kinds of store, by the scheme of their address. A driver is imported only when its address is used."""

from collections.abc import Awaitable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, Protocol, TypeVar, cast
from urllib.parse import parse_qsl

from rowen.store.base import Home, Store
from rowen.store.joined import Joined
from rowen.values import Clock, Mistaken

GROUP = "rowen.store"  # the entry point group of other people's stores
TRACES_GROUP = "rowen.store.traces"  # the same for stores of traces alone

CATALOG: dict[str, str] = {
    "memory": "rowen.store.memory.store:open_at",
    "postgres": "rowen.store.postgres.store:open_at",
    "postgresql": "rowen.store.postgres.store:open_at",
    "sqlite": "rowen.store.sqlite.store:open_at",
}

TRACES_CATALOG: dict[str, str] = {
    "clickhouse": "rowen.store.clickhouse.home:open_at",
}
"""Stores of traces alone."""

EXTRAS = {"psycopg": "pg"}
"""What to install for a driver's package that is missing."""


T_co = TypeVar("T_co", covariant=True)


class OpenAt(Protocol[T_co]):
    """Opens the store at a place, with the options that the address named."""

    def __call__(self, place: str, options: dict[str, str], *, clock: Clock) -> Awaitable[T_co]: ...


async def open_store(url: str, *, clock: Clock, traces: str = "") -> Store:
    """Open every family of one deployment.

    Args:
        url: `memory:`, `sqlite:FOLDER` or `postgres://USER@HOST/DATABASE`, with options as `?name=value&…`.
        clock: what stamps the few times that no record brings along.
        traces: `clickhouse://USER@HOST/DATABASE` to keep traces there; empty keeps them with all else.

    Raises:
        Mistaken: `config_invalid` for an address that no installed store understands, `extra_missing` for one whose
            driver is not installed.
        Unavailable: `store_unavailable` when the place cannot be read and written.
        Broken: `store_corrupt` naming the damaged file, which is left as it was.

    """
    store = await _opened(url, _STORES, clock)
    if not traces:
        return store
    try:
        return Joined(store, await _opened(traces, _HOMES, clock))
    except BaseException:
        await store.close()
        raise


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T_co]):
    """What an address may be of."""

    word: str
    example: str
    catalog: dict[str, str]
    group: str


_STORES: _Kind[Store] = _Kind("store", "`sqlite:FOLDER` or `memory:`", CATALOG, GROUP)
_HOMES: _Kind[Home] = _Kind("store of traces", "`clickhouse://USER@HOST/DATABASE`", TRACES_CATALOG, TRACES_GROUP)


async def _opened(url: str, kind: _Kind[T_co], clock: Clock) -> T_co:
    scheme, colon, rest = url.partition(":")
    place, _, query = rest.partition("?")
    if not colon:
        raise Mistaken("config_invalid", f"the address of a {kind.word} looks like {kind.example}, not {url!r}")
    return await _opener(scheme, kind)(place, dict(parse_qsl(query, keep_blank_values=True)), clock=clock)


def _opener(scheme: str, kind: _Kind[T_co]) -> OpenAt[T_co]:
    known = kind.catalog
    theirs = {entry.name: entry.value for entry in entry_points(group=kind.group)} if scheme not in known else {}
    target = known.get(scheme) or theirs.get(scheme)
    if target is None:
        near = get_close_matches(scheme, [*known, *theirs], 1)
        hint = f" — did you mean `{near[0]}:`?" if near else ""
        raise Mistaken("config_invalid", f"there is no {kind.word} of the kind {scheme!r}{hint}")
    module, _, name = target.partition(":")
    try:
        return cast("OpenAt[T_co]", getattr(import_module(module), name))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        raise Mistaken("extra_missing", f"a store at `{scheme}:` needs `pip install rowen[{extra}]`") from error
