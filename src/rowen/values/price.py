"""What tokens cost: rates, tiers by prompt length, and when they hold. Exact decimals throughout."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from rowen.values.base import Value
from rowen.values.clock import ns_of
from rowen.values.money import Money
from rowen.values.usage import Usage

_DAY = 86_400
_NOTHING = Decimal(0)
_MILLIONTH = Decimal("0.000001")


class Rates(Value, frozen=True, kw_only=True):
    """US dollars per million tokens. A part without a rate of its own costs what the whole costs."""

    input: Decimal
    output: Decimal | None = None
    """None when the vendor names none (embeddings): an answer with output tokens then has no known price."""
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    reasoning: Decimal | None = None
    call: Decimal = Decimal(0)
    """US dollars for the call itself."""

    def amount(self, usage: Usage) -> Decimal | None:
        """Return the US dollars of a usage, each token counted once."""
        read, write, heard = usage.cache_read_tokens, usage.cache_write_tokens, usage.input_audio_tokens
        rate = self.input
        # Nobody reports how many of the cached tokens were audio: they are taken as apart, and never below nothing.
        plain = usage.input_tokens - read - write - heard
        total = rate * plain if plain > 0 else _NOTHING
        if read:
            total += read * (rate if self.cache_read is None else self.cache_read)
        if write:
            total += write * (rate if self.cache_write is None else self.cache_write)
        if heard:
            total += heard * (rate if self.input_audio is None else self.input_audio)
        if usage.output_tokens:
            if self.output is None:
                return None
            plain = usage.output_tokens
            if self.output_audio is not None:
                total += usage.output_audio_tokens * self.output_audio
                plain -= usage.output_audio_tokens
            if self.reasoning is not None:
                total += usage.reasoning_tokens * self.reasoning
                plain -= usage.reasoning_tokens
            if plain > 0:
                total += self.output * plain
        return total * _MILLIONTH + self.call


class Tier(Value, frozen=True, kw_only=True):
    """The rates of a call, for all its tokens, when its prompt is longer than `above` tokens."""

    above: int
    rates: Rates


class Price(Rates, frozen=True, kw_only=True):
    """The price of one model at one provider, with the time in which it holds."""

    tiers: tuple[Tier, ...] = ()
    """By rising `above`; the last one passed counts."""
    since_ns: int = 0
    daily: tuple[int, int] | None = None
    """Seconds of the UTC day from and until which it holds; over midnight when the second is smaller."""

    def cost(self, usage: Usage) -> Money | None:
        """Return what a usage costs, None when that is not known."""
        rates: Rates = self
        for tier in self.tiers:
            if usage.input_tokens > tier.above:
                rates = tier.rates
        amount = rates.amount(usage)
        return None if amount is None else Money(amount=amount)

    def holds(self, at_ns: int) -> bool:
        """Whether it is in force at a moment."""
        if at_ns < self.since_ns:
            return False
        if self.daily is None:
            return True
        start, end = self.daily
        second = at_ns // 1_000_000_000 % _DAY
        return start <= second < end if start <= end else second >= start or second < end


def in_force(prices: Sequence[Price], at_ns: int) -> Price | None:
    """Return the last of the prices that is in force at a moment."""
    for price in reversed(prices):
        if price.holds(at_ns):
            return price
    return None


def priced(
    *,
    input: str,
    output: str | None = None,
    cache_read: str | None = None,
    cache_write: str | None = None,
    input_audio: str | None = None,
    output_audio: str | None = None,
    since: str = "",
) -> Price:
    """Return a price from how it is written: US dollars per million tokens as texts, `since` as `2026-01-31` (UTC).

    Raises:
        ValueError: a text is not an amount or not a day.

    """
    return Price(
        input=_amount("input", input),
        output=None if output is None else _amount("output", output),
        cache_read=None if cache_read is None else _amount("cache_read", cache_read),
        cache_write=None if cache_write is None else _amount("cache_write", cache_write),
        input_audio=None if input_audio is None else _amount("input_audio", input_audio),
        output_audio=None if output_audio is None else _amount("output_audio", output_audio),
        since_ns=ns_of(datetime.combine(date.fromisoformat(since), datetime.min.time(), UTC)) if since else 0,
    )


def _amount(name: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise ValueError(f'`{name}` must be US dollars per million tokens such as "0.40", not {text!r}')
    return amount
