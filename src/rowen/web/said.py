"""How pages say things: times, money, shares, means with their intervals. Each is a filter of the templates under a plain name."""

from collections.abc import Callable, Iterable
from datetime import UTC
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from rowen.score.survey import Estimate
from rowen.values import Profile, Score, SessionRow, UserRow, at
from rowen.values.interval import Interval


def said_ms(ns: float | None) -> str:
    """Nanoseconds as a reader says them: `400 µs`, `38 ms`, `1.24 s`."""
    if ns is None:
        return "–"
    if ns < 1e6:
        return f"{ns / 1e3:.0f} µs" if ns else "0 ms"
    ms = ns / 1e6
    if ms < 10:
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if ms < 1000 else f"{ms / 1000:.2f} s"


def said_money(amount: Decimal | None) -> str:
    """Dollars with as many digits as it takes to see the amount; an unknown one says so, a real one is never `$0.00`."""
    if amount is None:
        return "unknown"
    if not amount:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}"
    digits = max(2, 1 - amount.adjusted())
    return f"${amount:.{digits}f}"


def said_sum(costs: Iterable[Decimal], *, unknown: int) -> str:
    """A sum of costs of which some may be unknown: then what is known is the least it was."""
    total = sum(costs, Decimal(0))
    if unknown:
        return f"≥ {said_money(total)}" if total else "unknown"
    return said_money(total)


def _spent(row: SessionRow | UserRow) -> str:
    """What a session or a user cost."""
    return said_sum((row.cost,), unknown=row.unpriced)


def said_length(ns: int) -> str:
    """A stretch of time as people say it: `40 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    minutes, hours = ns // 60_000_000_000, ns // 3_600_000_000_000
    if minutes < 1:
        return f"{max(ns, 0) // 1_000_000_000} s"
    if hours < 1:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def said_share(share: float) -> str:
    """A share in percent, with as many digits as it takes to tell it from all and from nothing."""
    percent = share * 100
    near = min(abs(percent), abs(100 - percent))
    digits = 1 if near >= 1 or near == 0 else 2 if near >= 0.1 else 3
    return f"{percent:.{digits}f}".rstrip("0").rstrip(".") + " %"


def said_bound(stated: str) -> str:
    """A target as it is printed, not as it is typed."""
    return stated.replace(">=", "≥").replace("<=", "≤")


def said_count(number: float) -> str:
    """A whole number with commas."""
    return f"{number:,.0f}"


def _mean(mean: Interval | None) -> str:
    """A mean as a reader says it; what is not known is a dash."""
    return "–" if mean is None or mean.value is None else _three(mean.value)


def _interval(mean: Interval) -> str:
    """The bounds of a mean, and what it rests on."""
    if not mean.n or not mean.bounded:
        return f"n {mean.n}"
    return f"{_three(mean.low)} to {_three(mean.high)} · n {mean.n:,}"


def _three(number: float) -> str:
    """A number in three digits, whole from a thousand on."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def said_value(score: Score) -> str:
    """A value as a reader says it."""
    if isinstance(score.value, bool):
        return "yes" if score.value else "no"
    return score.value if isinstance(score.value, str) else f"{score.value:.3g}"


def _estimate(found: Estimate) -> str:
    """The bounds of an estimate, and what it rests on."""
    return (
        f"{found.low:.2f} to {found.high:.2f} · n {found.n}"
        if found.low is not None and found.high is not None
        else f"n {found.n}"
    )


def _when(score: Score) -> str:
    """When what is judged happened."""
    return _moment(score.judged_ns or score.created_ns)


def _moment(ns: int) -> str:
    return at(ns).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _day(ns: int) -> str:
    return at(ns).astimezone(UTC).strftime("%Y-%m-%d")


def _machine(ns: int) -> str:
    """A moment for a `datetime` attribute."""
    return at(ns).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(sentence: str) -> Markup:
    """A sentence whose `code` is shown as code."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:
        return escape(sentence)
    return Markup().join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _abilities(profile: Profile) -> str:
    """What a model can do, in a few words."""
    if not profile.chat:
        return "embeddings"
    words = {"tools": "tools", "schema": "JSON schemas", "images": "images", "audio": "audio", "reasoning": "reasoning"}
    named = [word for field_, word in words.items() if getattr(profile, field_)]
    return ", ".join(["text", *named, *(["embeddings"] if profile.embeddings else [])])


FILTERS: dict[str, Callable[..., Any]] = {
    "ms": said_ms,
    "money": said_money,
    "dollars": lambda text: "unknown" if text == "unknown" else said_money(Decimal(str(text))),
    "count": said_count,
    "share": said_share,
    "bound": said_bound,
    "moment": _moment,
    "day": _day,
    "machine": _machine,
    "mean": _mean,
    "bounds": _interval,
    "when": _when,
    "estimate": _estimate,
    "spent": _spent,
    "value": said_value,
    "abilities": _abilities,
    "words": _words,
    "lasting": said_length,
    "capitalize_first": lambda text: text[:1].upper() + text[1:],
}
"""The filters of the templates, by name."""
