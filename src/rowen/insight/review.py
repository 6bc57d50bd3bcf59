"""The weekly review: when calls come, and where money could be saved. Every hint says what it rests on.

- *Repeated calls*: the same question to the same model of the same app, answered anew each time.
- *Unused context*: paragraphs of the prompt of which no telling word appears in the answer. A word tells when it is in few
  of the prompt's paragraphs. It is a measure of words, not of use: what a model only took to heart counts as unused.
- *Oversized models*: a feature whose answers are a few tokens, asked of a model that costs several times what the cheapest
  of the same app does. Whether the cheaper one is as good is for an evaluation to say.
- *Growing cache*: long prompts that begin alike and are read anew each time by a provider that would keep them.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from statistics import median
from typing import Literal

from rowen.insight.calendar import DAY_NS, HOUR_NS
from rowen.store.base import Bucket
from rowen.values import Request, Trace, TraceRow, Value

HintKind = Literal["repeated calls", "unused context", "oversized model", "uncached prefix"]

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_NOTHING = Decimal(0)
_WORD = re.compile(r"\w{4,}")
_LONG_PROMPT = 1_000
_SHORT_ANSWER = 16
_MUCH_DEARER = Decimal(4)
_FEWEST = 20
_UNUSED = 0.6
_PREFIX = 2_000
"""Characters that two prompts must begin with alike; providers keep prefixes from about this length on."""

FIXES: dict[HintKind, str] = {
    "repeated calls": "Give the model a `cache`, or make the caller keep the answer.",
    "unused context": "Retrieve fewer or shorter passages, or rank them again; shorten the history.",
    "oversized model": "Evaluate the cheaper model on this feature, and route it there if it is no worse.",
    "uncached prefix": "Put what is the same in every call first, and what changes last, so that the provider's cache holds it.",
}


class Hint(Value, frozen=True, kw_only=True):
    """Something that costs more than it needs to."""

    kind: HintKind
    app: str
    about: str
    """What it is: a model, a feature, or how a question begins."""
    calls: int
    spent: Decimal
    saving: Decimal
    """US dollars that the same period would have cost less, at most."""
    evidence: str
    examples: tuple[str, ...] = ()
    fix: str = ""


class Review(Value, frozen=True, kw_only=True):
    """What a week was like."""

    calls: int
    spent: Decimal
    unpriced: int
    peaks: tuple[str, ...] = ()
    """The busiest hours of the week, such as `Tuesday 14:00 UTC: 120 calls an hour`."""
    peak_to_mean: float | None = None
    hints: tuple[Hint, ...] = ()
    """By what could be saved, the most first."""
    note: str = ""


def review(rows: Sequence[TraceRow], hours: Sequence[Bucket], sample: Sequence[Trace] = ()) -> Review:
    """Return the review of a period.

    Args:
        rows: its calls.
        hours: its sums by the hour.
        sample: some of its traces, whole, spread evenly; for what only prompts and answers can tell.

    """
    hints = [*_repeated(rows), *_oversized(rows), *_unused(rows, sample), *_uncached(rows, sample)]
    shown = [one.but(fix=FIXES[one.kind]) for one in sorted(hints, key=lambda one: (-one.saving, one.about))]
    peaks, ratio = _peaks(hours)
    with_content = sum(trace.request is not None for trace in sample)
    return Review(
        calls=len(rows),
        spent=_spent(rows),
        unpriced=sum(row.cost is None for row in rows),
        peaks=peaks,
        peak_to_mean=ratio,
        hints=tuple(shown),
        note="" if with_content else "No prompts are kept, so nothing can be said of unused context and prefixes.",
    )


def _peaks(hours: Sequence[Bucket]) -> tuple[tuple[str, ...], float | None]:
    calls: dict[int, int] = {}
    for one in hours:
        begins = one.start_ns // HOUR_NS
        calls[begins] = calls.get(begins, 0) + one.calls
    if not calls:
        return (), None
    first, last = min(calls), max(calls)
    mean = sum(calls.values()) / (last - first + 1)
    by_hour: dict[int, list[int]] = {}
    for hour in range(first, last + 1):
        # The first of January 1970 was a Thursday.
        by_hour.setdefault((hour + 3 * 24) % 168, []).append(calls.get(hour, 0))
    means = {hour: sum(counts) / len(counts) for hour, counts in by_hour.items()}
    busiest = sorted(means, key=lambda hour: (-means[hour], hour))[:3]
    told = tuple(f"{_DAYS[hour // 24]} {hour % 24:02}:00 UTC: {means[hour]:.0f} calls an hour" for hour in busiest)
    return told, max(calls.values()) / mean if mean else None


def _repeated(rows: Sequence[TraceRow]) -> Iterable[Hint]:
    same: dict[tuple[str, str, str, str, int], list[TraceRow]] = {}
    for row in rows:
        if row.asked and row.status == "ok" and row.source != "cache":
            same.setdefault((row.tenant, row.app, row.model, row.asked, row.input_tokens), []).append(row)
    by_app: dict[tuple[str, str], list[list[TraceRow]]] = {}
    for (_, app, model, _, _), group in same.items():
        if len(group) > 1:
            by_app.setdefault((app, model), []).append(group)
    for (app, model), groups in by_app.items():
        again = sum(len(group) - 1 for group in groups)
        if again < _FEWEST:
            continue
        most = max(groups, key=len)
        yield Hint(
            kind="repeated calls",
            app=app,
            about=model,
            calls=again,
            spent=sum((_spent(group) for group in groups), _NOTHING),
            saving=sum((_spent(sorted(group, key=lambda row: row.id)[1:]) for group in groups), _NOTHING),
            evidence=f"{again} calls asked what was asked before; {len(most)} times: {most[0].asked[:80]!r}",
            examples=tuple(row.id for row in most[:3]),
        )


def _oversized(rows: Sequence[TraceRow]) -> Iterable[Hint]:
    by_model: dict[tuple[str, str], list[TraceRow]] = {}
    for row in rows:
        if row.status == "ok" and row.cost and row.source != "cache" and row.input_tokens + row.output_tokens:
            by_model.setdefault((row.app, row.model), []).append(row)
    prices = {
        place: _spent(group) / sum(row.input_tokens + row.output_tokens for row in group)
        for place, group in by_model.items()
    }
    for (app, model), group in by_model.items():
        cheapest = min((place for place in prices if place[0] == app), key=lambda place: (prices[place], place))
        if prices[app, model] < _MUCH_DEARER * prices[cheapest]:
            continue
        by_feature: dict[str, list[TraceRow]] = {}
        for row in group:
            by_feature.setdefault(row.feature, []).append(row)
        for feature, theirs in by_feature.items():
            if len(theirs) < _FEWEST or median(row.output_tokens for row in theirs) > _SHORT_ANSWER:
                continue
            spent = _spent(theirs)
            tokens = sum(row.input_tokens + row.output_tokens for row in theirs)
            yield Hint(
                kind="oversized model",
                app=app,
                about=f"{model} for {feature or 'calls without a feature'}",
                calls=len(theirs),
                spent=spent,
                saving=spent - prices[cheapest] * tokens,
                evidence=f"answers of {median(row.output_tokens for row in theirs):.0f} tokens, at "
                f"{prices[app, model] / prices[cheapest]:.0f} times the price of {cheapest[1]} for each token",
                examples=tuple(row.id for row in theirs[:3]),
            )


def _unused(rows: Sequence[TraceRow], sample: Sequence[Trace]) -> Iterable[Hint]:
    by_app: dict[str, list[tuple[Trace, float]]] = {}
    for trace in sample:
        if trace.request is None or trace.answer is None or trace.row.input_tokens < _LONG_PROMPT:
            continue
        share = unused_share(_context(trace.request), trace.answer.text)
        if share is not None:
            by_app.setdefault(trace.row.app, []).append((trace, share))
    for app, found in by_app.items():
        share = median(each for _, each in found)
        if len(found) < _FEWEST or share < _UNUSED:
            continue
        long = [row for row in rows if row.app == app and row.input_tokens >= _LONG_PROMPT]
        spent = _spent(long)
        inputs = sum(row.input_tokens for row in long)
        # Output tokens cost about four times what input tokens do at most vendors.
        weight = Decimal(inputs) / max(1, inputs + 4 * sum(row.output_tokens for row in long))
        worst = sorted(found, key=lambda pair: -pair[1])[:3]
        yield Hint(
            kind="unused context",
            app=app,
            about=f"prompts above {_LONG_PROMPT} tokens",
            calls=len(long),
            spent=spent,
            saving=spent * weight * Decimal(f"{share:.3f}"),
            evidence=f"in {len(found)} sampled calls {share:.0%} of the context shares no telling word with the answer",
            examples=tuple(trace.row.id for trace, _ in worst),
        )


def unused_share(paragraphs: Sequence[str], answer: str) -> float | None:
    """Return the share of the context, by length, of which no telling word is in the answer.

    None when there are too few paragraphs, or the answer has too few words, to say anything.
    """
    words = [set(_words(paragraph)) for paragraph in paragraphs]
    said = set(_words(answer))
    if len(paragraphs) < 4 or len(said) < 3:
        return None
    held: dict[str, int] = {}
    for each in words:
        for word in each:
            held[word] = held.get(word, 0) + 1
    most = max(1, len(paragraphs) // 4)
    unused = sum(
        len(paragraph)
        for paragraph, each in zip(paragraphs, words, strict=True)
        if not any(held[word] <= most for word in each & said)
    )
    return unused / sum(len(paragraph) for paragraph in paragraphs)


def _uncached(rows: Sequence[TraceRow], sample: Sequence[Trace]) -> Iterable[Hint]:
    by_start: dict[tuple[str, str], list[Trace]] = {}
    for trace in sample:
        if trace.request is None or trace.row.source == "cache":
            continue
        text = "\n".join(message.text for message in trace.request.messages)
        if len(text) >= _PREFIX:
            by_start.setdefault((trace.row.app, text[:_PREFIX]), []).append(trace)
    for (app, start), found in by_start.items():
        read = sum(_from_cache(trace) for trace in found)
        sent = sum(trace.row.input_tokens for trace in found)
        if len(found) < _FEWEST or not sent or read > 0.1 * sent:
            continue
        theirs = [row for row in rows if row.app == app and row.input_tokens >= _PREFIX // 4]
        spent = _spent(theirs)
        share = Decimal(_PREFIX // 4 * len(found)) / sent
        yield Hint(
            kind="uncached prefix",
            app=app,
            about=start[:60],
            calls=len(theirs),
            spent=spent,
            saving=spent * min(Decimal(1), share) / 2,  # vendors ask between a tenth and a half for tokens they kept
            evidence=f"{len(found)} sampled prompts begin with the same {_PREFIX} characters, and {read / sent:.0%} of their "
            "tokens came from the provider's cache",
            examples=tuple(trace.row.id for trace in found[:3]),
        )


def _from_cache(trace: Trace) -> int:
    return sum(int(span.attributes.get("gen_ai.usage.cache_read.input_tokens", 0)) for span in trace.spans)


def _context(request: Request) -> list[str]:
    """Return the paragraphs of a prompt that are not the last question."""
    asked = max((at for at, message in enumerate(request.messages) if message.role == "user"), default=-1)
    found = []
    for number, message in enumerate(request.messages):
        paragraphs = [part.strip() for part in message.text.split("\n\n") if part.strip()]
        # A question that carries its context has the question at the end.
        found += paragraphs[:-1] if number == asked else paragraphs
    return found


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _spent(rows: Iterable[TraceRow]) -> Decimal:
    return sum((row.cost for row in rows if row.cost is not None), _NOTHING)


def week_before(now_ns: int) -> tuple[int, int]:
    """Return the seven whole days before today."""
    end = now_ns // DAY_NS * DAY_NS
    return end - 7 * DAY_NS, end
