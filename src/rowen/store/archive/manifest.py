"""What a day's folder says of itself, and where its files lie."""

from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from rowen.store.base import DAY_NS
from rowen.values import Value

SHAPE = 1
"""Grows when a column changes its meaning or goes. A new column does not change it."""

MANIFEST = "manifest.json"

_NOBODY = "__HIVE_DEFAULT_PARTITION__"  # what folders of this layout are called where the value is empty


class Part(Value, frozen=True, kw_only=True):
    """One file of a day."""

    file: str
    rows: int
    bytes: int
    sha256: str


class Manifest(Value, frozen=True, kw_only=True):
    """One day of one tenant. The files that it names are the day; others beside them are left over."""

    shape: int = SHAPE
    rowen: str
    """The version that wrote it."""
    day: str
    """`2026-11-20`, UTC."""
    tenant: str
    generation: int = 1
    """Grows when the day was written again, after late spans or an erasure."""
    written_ns: int
    tables: dict[str, Part] = {}
    """By `traces`, `spans` and `scores`. A table without rows has no file."""
    marks: dict[str, str] = {}
    """What the store said of the day when it was read, for `traces` and `scores`."""
    read: dict[str, str] = {}
    """The hash of what was last read from the store, by table."""
    sealed: tuple[str, ...] = ()
    """Of `traces` and `scores` those that the store may have deleted: what it has of them now came later."""

    @property
    def start_ns(self) -> int:
        """When the day begins."""
        return round(datetime.fromisoformat(self.day).replace(tzinfo=UTC).timestamp()) * 1_000_000_000

    @property
    def place(self) -> str:
        """The folder, relative to that of the archive."""
        return place_of(self.day, self.tenant)


def day_of(ns: int) -> str:
    """Return the day that a moment falls on."""
    return datetime.fromtimestamp(ns // DAY_NS * 86_400, UTC).date().isoformat()


def place_of(day: str, tenant: str) -> str:
    """Return the folder of a day and tenant, in the layout that DuckDB, Spark and others read."""
    return f"day={day}/tenant={quote(tenant, safe='') or _NOBODY}"


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Manifest).decode
