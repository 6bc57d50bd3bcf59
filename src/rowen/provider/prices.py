"""What a model costs at a provider: a dated snapshot of vendors' prices, and the app's own prices above it.

An unknown price is None, never zero. Models that run in this process are declared to cost nothing; an engine that
somebody hosts (vLLM, Ollama, …) has no price until the app gives one.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib.resources import files
from typing import Any

import msgspec

from rowen.values import Money, Usage, Value
from rowen.values.price import Price, in_force

FREE = ("echo", "local")
"""Kinds of provider that run in this process."""

VENDORS = {"gemini": "google", "bedrock": "aws"}
"""Kinds of provider that the snapshot knows under the vendor's name."""

_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=[-:]|$)")


class _Model(Value, frozen=True, kw_only=True):
    id: str
    match: dict[str, Any]
    prices: tuple[Price, ...]
    batch: tuple[Price, ...] = ()


class _Vendor(Value, frozen=True, kw_only=True):
    models: tuple[_Model, ...]
    fallback: tuple[str, ...] = ()
    """Vendors whose models this one sells too."""


class _File(Value, frozen=True, kw_only=True):
    snapshot: str
    source: str
    version: str
    vendors: dict[str, msgspec.Raw]


class Snapshot:
    """Vendors' prices as they were known on one day. A vendor's lines are read when it is first asked about."""

    def __init__(self, text: bytes) -> None:
        self._file = msgspec.json.decode(text, type=_File)
        self._vendors: dict[str, _Vendor] = {}

    @classmethod
    def load(cls) -> "Snapshot":
        """Return the snapshot that Rowen ships."""
        return cls(files("rowen.provider").joinpath("prices.json").read_bytes())

    @property
    def day(self) -> str:
        """The day it was taken, as `2026-11-23`."""
        return self._file.snapshot

    @property
    def source(self) -> str:
        """Where it comes from, with the version."""
        return f"{self._file.source} {self._file.version}"

    def prices(self, provider: str, model: str, *, batch: bool = False) -> tuple[Price, ...] | None:
        """Return the prices of a model in the order in which they came to hold, None when they are not known.

        Args:
            provider: a kind of the provider catalogue, or a vendor of the snapshot.
            model: the provider's own name for the model.
            batch: the prices of the vendor's batch interface instead.

        """
        found = self._model(VENDORS.get(provider, provider), model)
        if found is None:
            return None
        return (found.batch or None) if batch else found.prices

    def _model(self, vendor: str, model: str) -> _Model | None:
        name = model.lower()
        dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", name)
        for ref in dict.fromkeys((name, dashed)):
            for seller in (vendor, *self._vendor(vendor).fallback):
                for line in self._vendor(seller).models:
                    if _fits(line.match, ref):
                        return line
        return None

    def _vendor(self, name: str) -> _Vendor:
        if name not in self._file.vendors:
            return _Vendor(models=())
        if name not in self._vendors:
            self._vendors[name] = msgspec.json.decode(self._file.vendors[name], type=_Vendor)
        return self._vendors[name]


class Prices:
    """The `Pricing` port: what a usage costs. The app's own prices come before the snapshot's."""

    def __init__(self, snapshot: Snapshot, own: Mapping[tuple[str, str], Sequence[Price]] | None = None) -> None:
        """Make the table of one app.

        Args:
            snapshot: what vendors ask.
            own: the app's prices by provider kind and the provider's own model name. Each holds from its `since_ns`
                on; before the first of them the snapshot's price holds.

        """
        self._snapshot = snapshot
        self._own = {
            pair: tuple(sorted(prices, key=lambda price: price.since_ns)) for pair, prices in (own or {}).items()
        }
        self._known: dict[tuple[str, str], tuple[Price, ...] | None] = {}

    def __call__(self, provider: str, model: str, usage: Usage, at_ns: int) -> Money | None:
        """Return what a usage costs at a moment, None when the price is not known."""
        price = self.price(provider, model, at_ns)
        return None if price is None else price.cost(usage)

    def price(self, provider: str, model: str, at_ns: int) -> Price | None:
        """Return the price that is in force at a moment, None when it is not known."""
        pair = (provider, model)
        try:
            known = self._known[pair]
        except KeyError:
            known = self._known[pair] = self._looked_up(pair)
        if not known:
            return None
        if len(known) == 1 and not known[0].since_ns and known[0].daily is None:
            return known[0]
        return in_force(known, at_ns)

    def _looked_up(self, pair: tuple[str, str]) -> tuple[Price, ...] | None:
        """Gather a pair's prices once, as one list in which the last that is in force counts."""
        if pair[0] in FREE:
            asked: tuple[Price, ...] = (Price(input=Decimal(0), output=Decimal(0)),)
        else:
            asked = self._snapshot.prices(*pair) or ()
            if asked:
                # The vendor's first price holds when none of the others does, however early the moment.
                asked = (asked[0].but(since_ns=0, daily=None), *asked[1:])
        return (*asked, *self._own.get(pair, ())) or None


def _fits(rule: Mapping[str, Any], name: str) -> bool:
    """Whether a model's lower-case name fits a match rule of the snapshot."""
    ((kind, value),) = rule.items()
    match kind:
        case "equals":
            return bool(name == value)
        case "starts_with":
            return name.startswith(value)
        case "ends_with":
            return name.endswith(value)
        case "contains":
            return value in name
        case "regex":
            return re.search(value, name) is not None
        case "or":
            return any(_fits(part, name) for part in value)
        case "and":
            return all(_fits(part, name) for part in value)
        case _:
            raise ValueError(f"a match rule that is not known: {kind}")
