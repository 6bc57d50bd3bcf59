"""What a run has paid for: kept by what was asked, so that no run pays twice; and counted, so that none pays too much."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from typing import Any, Literal

import msgspec

from rowen.provider.prices import Prices
from rowen.retrieve.rerank import Rerank
from rowen.store.base import Record, Records
from rowen.store.shelf import Shelf
from rowen.values import (
    Answer,
    Ask,
    AskModel,
    Clock,
    Deployment,
    Embed,
    Embeddings,
    Events,
    Mistaken,
    Money,
    Request,
    Used,
    Value,
)
from rowen.values.answer import Fold


class Paid(Value, frozen=True, kw_only=True):
    """What came back for something that was asked."""

    id: str
    body: bytes


class Keep:
    """What models said, by what they were asked.

    Args:
        records: where it stays; left out, with this object alone.

    """

    def __init__(self, records: Records | None = None) -> None:
        self._known: dict[str, Paid] = {}
        self._shelf: Shelf[Paid] | None = None
        if records is not None:
            self._shelf = Shelf(records, "tune.paid", Paid, lambda paid: Record(kind="tune.paid", id=paid.id))

    async def once(self, asked: object, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return what is made of a question to a model; made where it is not known."""
        id = hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).hexdigest()
        known = await self._shelf.get(id) if self._shelf is not None else self._known.get(id)
        if known is None:
            known = Paid(id=id, body=await make())
            if self._shelf is not None:
                await self._shelf.put(known)
            else:
                self._known[id] = known
        return known.body

    def asking(self, ask: AskModel, number: int = 0) -> AskModel:
        """Return what asks a model each thing once; under another number once more."""

        async def asked(request: Request) -> Answer:
            async def make() -> bytes:
                return msgspec.json.encode(await ask(request))

            return msgspec.json.decode(
                await self.once(["answer", request, *([number] if number else [])], make), type=Answer
            )

        return asked

    def reranking(self, rerank: Rerank, name: str) -> Rerank:
        """Return what orders the same texts for the same question once."""

        async def reranked(question: str, texts: Sequence[str]) -> list[float]:
            async def make() -> bytes:
                return msgspec.json.encode(await rerank(question, texts))

            return msgspec.json.decode(await self.once(["order", name, question, texts], make), type=list[float])

        return reranked

    def embedding(self, embed: Embed) -> Embed:
        """Return what makes the vector of each question once; those of documents stay with the indexes."""
        return _Kept(self, embed)


class _Kept:
    def __init__(self, keep: Keep, embed: Embed) -> None:
        self._keep = keep
        self._embed = embed
        self.fingerprint = embed.fingerprint

    async def __call__(self, texts: Sequence[str], *, role: Literal["query", "document"] = "document") -> Embeddings:
        if role == "document":
            return await self._embed(texts, role=role)

        async def make() -> bytes:
            made = await self._embed(texts, role=role)
            return msgspec.json.encode([made.data, made.dimensions, made.tokens])

        kept = await self._keep.once(["vectors", self.fingerprint, texts], make)
        data, dimensions, tokens = msgspec.json.decode(kept, type=tuple[bytes, int, int])
        return Embeddings(data, dimensions, tokens)


class Purse:
    """What was spent on models, and what may be."""

    def __init__(self, limit: Decimal | None = None) -> None:
        self.limit = limit
        self.spent = Decimal(0)

    def over(self, share: float = 1.0) -> bool:
        """Whether a share of what may be spent is spent."""
        return self.limit is not None and self.spent >= self.limit * Decimal(str(share)) and self.spent > 0

    def pay(self, cost: Money | None) -> None:
        """Note a cost."""
        if cost is not None:
            self.spent += cost.amount

    def metered(self, ask: Ask, deployments: Sequence[Deployment], pricing: Prices, clock: Clock) -> Ask:
        """Return what asks and notes what it cost. Without a price nothing is asked where money is limited."""
        known = {each.name: each for each in deployments}

        async def asked(request: Request, deployment: str) -> Events:
            one = known[deployment]
            if self.limit is not None and pricing.price(one.provider, one.upstream, clock.now_ns()) is None:
                message = f'what "{one.model}" costs is not known, so money cannot be limited: say its price in the app'
                raise Mistaken("config_invalid", message, place=f"[models.{one.model}] price")
            used: Used | None = None
            async with aclosing(ask(request, deployment)) as events:
                async for batch in events:
                    used = next((event for event in reversed(batch) if isinstance(event, Used)), used)
                    yield batch
            if used is not None:
                self.pay(pricing(one.provider, one.upstream, used.usage, clock.now_ns()))

        return asked


def whole(ask: Ask, deployments: Sequence[Deployment], default: str) -> AskModel:
    """Return what asks the first deployment of a model for a whole answer; the app's own where the request names none."""
    first: dict[str, Any] = {}
    for each in deployments:
        first.setdefault(each.model, each.name)

    async def asked(request: Request) -> Answer:
        model = request.model or default
        if model not in first:
            raise Mistaken("config_invalid", f'there is no model "{model}" in this app', place="models")
        fold = Fold()
        async with aclosing(ask(request.but(model=model), first[model])) as events:
            async for batch in events:
                fold.take(batch)
        return fold.answer()

    return asked
