"""How long a model stands at a provider: a dated snapshot of what vendors announced, and the app's own word above it.

Two things change a model under an app that did nothing: its end, and a name that the vendor lets stand for another
version. Vendors tell of both on their pages; what a reseller or an engine of one's own does is not known here.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec

from rowen.values import Deployment, Value

NEVER = "never"
"""What an app says of a model that the snapshot is wrong about."""


class Lifetime(Value, frozen=True, kw_only=True):
    """What is known of one name of one provider."""

    ends: str = ""
    """The day from which it answers no longer, as `2027-01-14`; empty where no end was announced."""
    successor: str = ""
    """What the provider names in its place."""
    moving: bool = False
    """Whether the provider may let the name stand for another version."""


class _End(Value, frozen=True, kw_only=True):
    on: str
    models: tuple[str, ...]
    use: str = ""


class _Vendor(Value, frozen=True, kw_only=True):
    source: str
    """The vendor's own page."""
    seen: str
    """When it said so."""
    pinned: str
    """A pattern of the names that stand for one version alone."""
    ends: tuple[_End, ...]


class _File(Value, frozen=True, kw_only=True):
    snapshot: str
    vendors: dict[str, _Vendor]


class Lifetimes:
    """What vendors had announced on one day, by kind of provider."""

    def __init__(self, text: bytes) -> None:
        self._file = msgspec.json.decode(text, type=_File)
        self._ends = {
            (kind, name): end
            for kind, vendor in self._file.vendors.items()
            for end in vendor.ends
            for name in end.models
        }

    @staticmethod
    @cache
    def load() -> "Lifetimes":
        """Return the snapshot that Rowen ships."""
        return Lifetimes(files("rowen.provider").joinpath("lifetimes.json").read_bytes())

    @property
    def day(self) -> str:
        """The day it was taken, as `2026-11-26`."""
        return self._file.snapshot

    def sources(self) -> Iterator[tuple[str, str, str]]:
        """Yield each kind of provider with its vendor's page and when that said so."""
        for kind, vendor in self._file.vendors.items():
            yield kind, vendor.source, vendor.seen

    def of(self, provider: str, model: str, base_url: str = "") -> Lifetime:
        """Return what is known of a name; nothing for one that is asked at another address than the vendor's."""
        vendor = self._file.vendors.get(provider)
        if vendor is None or base_url:
            return Lifetime()
        end = self._ends.get((provider, model))
        moving = re.search(vendor.pinned, model) is None
        if end is None:
            return Lifetime(moving=moving)
        return Lifetime(ends=end.on, successor=self._last(provider, end.use), moving=moving)

    def _last(self, provider: str, name: str) -> str:
        """Return what stands in the end: the successor that was named then may have been retired since."""
        end = self._ends.get((provider, name))
        return name if end is None or not end.use else self._last(provider, end.use)


def stated(known: Lifetime, *, retires: str = "", moving: bool = False) -> Lifetime:
    """Return what is known with the app's own word above it.

    Args:
        known: what the snapshot says.
        retires: a day, `never`, or nothing to say.
        moving: whether a moving name is meant.

    Raises:
        ValueError: `retires` is neither a day nor `never`.

    """
    if moving:
        known = known.but(moving=False)
    if not retires:
        return known
    if retires == NEVER:
        return known.but(ends="", successor="")
    try:
        day = date.fromisoformat(retires).isoformat()
    except ValueError:
        raise ValueError(f"{retires!r} is no day such as 2027-01-31, nor {NEVER!r}") from None
    return known.but(ends=day)


def remark(deployment: Deployment, today: date) -> str:
    """Return what somebody should do about a model that ends, has ended, or may change under its name; else nothing."""
    life, name = deployment, f"{deployment.provider}'s {deployment.upstream}"
    if life.ends:
        use = f"use {life.successor}" if life.successor else "choose another"
        over = date.fromisoformat(life.ends) <= today
        return f"{name} was to end on {life.ends}; {use}" if over else f"{name} retires on {life.ends}; {use}"
    if life.moving:
        return (
            f"{name} names no version, so what answers may change; "
            "name a dated one where there is one, or say `moving = true`"
        )
    return ""
