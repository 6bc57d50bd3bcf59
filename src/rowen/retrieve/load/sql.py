"""Source: rows of a database, each a document. New and changed ones are found by a column that grows, gone ones by their keys."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from rowen.retrieve.load.base import Listed, Original, Ports
from rowen.retrieve.parse.grid import table_of_record
from rowen.store.foreign import Foreign
from rowen.values import Fact, Mistaken, Secret, Settings, Table

_FROM = re.compile(r"(?i)\bfrom\s+(?:\w+\.)*[\"`]?(\w+)")


class Options(Settings, frozen=True, kw_only=True):
    """Which rows, and how a row becomes a document."""

    url: Secret
    """The database, as an SQLAlchemy URL by reference: `{ env = "SHOP_URL" }`."""
    key: tuple[str, ...]
    """The columns that tell rows apart."""
    text: tuple[str, ...] = ()
    """The columns that make the text, in this order; default: all but the key and those named elsewhere."""
    title: str = ""
    """The column that is the title."""
    metadata: tuple[str, ...] = ()
    """Columns that searches can filter by."""
    access: str = ""
    """The column that says who may read the row: a group, or several parted by commas."""
    cursor: str = ""
    """A column that grows with every change, such as `updated_at`; without it all rows are read each time."""
    modified: str = ""
    """The column that says when the row was changed last; default: the cursor, where it is a time."""
    table: str = ""
    """What the rows together are called by those who ask about numbers in them; default: what the query selects from."""


class Rows:
    """The rows that a query gives.

    Args:
        at: the query, one `SELECT`.
        options: how its rows become documents.
        rows: what asks the database.

    """

    def __init__(self, at: str, options: Options, rows: Foreign) -> None:
        self._at = at
        self._options = options
        self._rows = rows
        self._fresh: dict[str, Mapping[str, Any]] = {}
        self.reached = ""

    async def listed(self, since: str) -> AsyncIterator[Listed]:
        self.reached = since
        self._fresh = await asyncio.to_thread(self._changed, since)
        uris = await asyncio.to_thread(self._all) if since and self._options.cursor else list(self._fresh)
        for uri in uris:
            row = self._fresh.get(uri)
            yield Listed(uri=uri, still=True) if row is None else Listed(uri=uri, raw=_raw(row))

    async def fetch(self, listed: Listed, known: str) -> Original | None:
        row = self._fresh.get(listed.uri)
        if row is None or listed.raw == known:
            return None
        options = self._options
        apart = {*options.key, options.title, *options.metadata, options.access, options.cursor, options.modified}
        columns = options.text or tuple(name for name in row if name not in apart)
        said = [(name, _said(row[name])) for name in columns if row.get(name) is not None]
        text = said[0][1] if len(said) == 1 else "\n".join(f"{name}: {value}" for name, value in said)
        groups = row.get(options.access) if options.access else None
        return Original(
            uri=listed.uri,
            data=text.encode("utf-8", "replace"),
            raw=listed.raw,
            title=_said(row[options.title]) if options.title and row.get(options.title) is not None else "",
            modified_ns=_moment(row.get(options.modified or options.cursor)),
            metadata={name: fact for name in options.metadata if (fact := _fact(row.get(name))) is not None},
            access=tuple(each.strip() for each in str(groups).split(",") if each.strip()) if groups else None,
            kind="text",
            tables=(self._table(row),),
        )

    def _table(self, row: Mapping[str, Any]) -> Table:
        """Return the row as one of its table, with all its columns but the one that says who may read it."""
        told = {name: value for name, value in row.items() if name != self._options.access}
        title = self._options.table or (found[1] if (found := _FROM.search(self._at)) else "rows")
        return table_of_record(told, title)

    def _changed(self, since: str) -> dict[str, Mapping[str, Any]]:
        """Return the rows at or beyond the cursor: at, since several may be changed in one tick of its clock."""
        found: dict[str, Mapping[str, Any]] = {}
        for row in self._rows.rows(since):
            self._check(row.columns)
            found[_uri(str(row.columns[name]) for name in self._options.key)] = row.columns
            if self._options.cursor and row.columns[self._options.cursor] is not None:
                self.reached = str(row.columns[self._options.cursor])
        return found

    def _all(self) -> list[str]:
        return [_uri(key) for key in self._rows.keys()]  # noqa: SIM118 - of a query, not of a dictionary

    def _check(self, row: Mapping[str, Any]) -> None:
        options = self._options
        for name in (
            *options.key,
            *options.text,
            *options.metadata,
            options.title,
            options.access,
            options.cursor,
            options.modified,
        ):
            if name and name not in row:
                message = f'the query gives no column "{name}"; it gives {", ".join(row)}'
                raise Mistaken("config_invalid", message, place="source.options")


def make(at: str, options: Options, _: Ports) -> Rows:
    """Return the rows of a query.

    Raises:
        Mistaken: `config_invalid`, `extra_missing`.

    """
    if not at.lstrip("( \n\t").lower().startswith(("select", "with", "table", "values")):
        raise Mistaken("config_invalid", "a source of rows is at a query, one SELECT", place="source.at")
    if not options.key:
        raise Mistaken("config_invalid", "rows are told apart by a key", place="source.options.key")
    return Rows(at, options, Foreign(options.url.reveal(), at, options.key, options.cursor))


def _uri(key: Iterator[str] | tuple[str, ...]) -> str:
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in key)


def _raw(row: Mapping[str, Any]) -> str:
    plain = msgspec.json.encode({name: _said(value) for name, value in row.items()}, order="deterministic")
    return hashlib.sha256(plain).hexdigest()


def _said(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _fact(value: Any) -> Fact | None:
    if value is None:
        return None
    return value if isinstance(value, str | int | float | bool) else _said(value)


def _moment(value: Any) -> int:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return 0
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day has no zone
    return int(value.timestamp()) * 1_000_000_000 if isinstance(value, datetime) else 0
