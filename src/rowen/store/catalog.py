"""The kinds of store, by the scheme of their address. A driver is imported only when its address is used."""

from collections.abc import Awaitable
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Protocol, cast
from urllib.parse import parse_qsl

from rowen.store.base import Store
from rowen.values import Clock, Mistaken

GROUP = "rowen.store"  # the entry point group of other people's stores

CATALOG: dict[str, str] = {
    "memory": "rowen.store.memory.store:open_at",
    "postgres": "rowen.store.postgres.store:open_at",
    "postgresql": "rowen.store.postgres.store:open_at",
    "sqlite": "rowen.store.sqlite.store:open_at",
}

EXTRAS = {"psycopg": "pg"}
"""What to install for a driver's package that is missing."""


class OpenAt(Protocol):
    """Opens the store at a place, with the options that the address named."""

    def __call__(self, place: str, options: dict[str, str], *, clock: Clock) -> Awaitable[Store]: ...


async def open_store(url: str, *, clock: Clock) -> Store:
    """Open every family of one deployment.

    Args:
        url: `memory:`, `sqlite:FOLDER` or `postgres://USER@HOST/DATABASE`, with options as `?name=value&…`.
        clock: what stamps the few times that no record brings along.

    Raises:
        Mistaken: `config_invalid` for an address that no installed store understands, `extra_missing` for one whose
            driver is not installed.
        Unavailable: `store_unavailable` when the place cannot be read and written.
        Broken: `store_corrupt` naming the damaged file, which is left as it was.

    """
    scheme, colon, rest = url.partition(":")
    place, _, query = rest.partition("?")
    if not colon:
        raise Mistaken("config_invalid", f"a store's address looks like `sqlite:FOLDER` or `memory:`, not {url!r}")
    return await _opener(scheme)(place, dict(parse_qsl(query, keep_blank_values=True)), clock=clock)


def _opener(scheme: str) -> OpenAt:
    theirs = {entry.name: entry.value for entry in entry_points(group=GROUP)} if scheme not in CATALOG else {}
    target = CATALOG.get(scheme) or theirs.get(scheme)
    if target is None:
        near = get_close_matches(scheme, [*CATALOG, *theirs], 1)
        hint = f" — did you mean `{near[0]}:`?" if near else ""
        raise Mistaken("config_invalid", f"there is no store of the kind {scheme!r}{hint}")
    module, _, name = target.partition(":")
    try:
        return cast("OpenAt", getattr(import_module(module), name))
    except ModuleNotFoundError as error:
        extra = EXTRAS.get(error.name or "")
        if extra is None:
            raise
        raise Mistaken("extra_missing", f"a store at `{scheme}:` needs `pip install rowen[{extra}]`") from error
